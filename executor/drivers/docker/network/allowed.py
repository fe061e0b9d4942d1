"""Entries of ``network.allow``: an address of the private ranges, or one port of it, that a function may reach."""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

_SPECIAL = "is no address of a service"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Allowed:
    """:param port: for TCP and UDP; None is everything that the address answers."""

    address: IPv4Address
    port: int | None = None

    def __str__(self) -> str:
        return str(self.address) if self.port is None else f"{self.address}:{self.port}"


def parse_allowed(text: str) -> Allowed:
    """Read ``10.0.0.5:5432`` or ``10.0.0.5``.

    :raises ValueError: what is wrong, and what to write instead.
    """
    host, colon, port_text = text.partition(":")
    try:
        address = IPv4Address(host)
    except AddressValueError as error:
        raise ValueError(
            f'"{text[:80]}" does not begin with an IPv4 address; names are not looked up: write 10.0.0.5:5432'
        ) from error
    if address.is_link_local:  # C4: credentials of a cloud machine are there
        raise ValueError(f"{address} is link-local, where clouds hand out credentials: it is never open")
    if address.is_loopback:
        raise ValueError(f"{address} is the function's own loopback: write the machine's address")
    if address.is_multicast or address.is_unspecified or int(address) >> 28 == 15:
        raise ValueError(f"{address} {_SPECIAL}: write 10.0.0.5:5432")
    if not colon:
        return Allowed(address=address)
    if not port_text.isascii() or not port_text.isdigit() or not 1 <= int(port_text) <= 65_535:
        raise ValueError(f'"{port_text[:20]}" is no port: write {address}:5432')
    return Allowed(address=address, port=int(port_text))
