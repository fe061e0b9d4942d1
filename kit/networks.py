"""Addresses of peers as text: one way to write each, and whether it lies in a set of networks."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

LOCAL_PEER = "127.0.0.1"  # what the other end of a unix socket counts as: it is on this machine
_REMEMBERED = 1024  # proxies are few; the bound is for a client that changes its address


def plain_address(text: str) -> str:
    """Return *text* without a zone, an IPv4 address in IPv6 clothes (``::ffff:…``) as IPv4.

    Anything that is no address comes back as it is.
    """
    if ":" not in text:
        return text
    address = parse_address(text.partition("%")[0])
    return text if address is None else str(address)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address without brackets, port or zone; IPv4-mapped IPv6 becomes IPv4."""
    if len(text) > 45 or "%" in text:  # 45: the longest text form of an IPv6 address
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class Networks:
    """A fixed set of networks: ``"10.1.2.3" in networks``. False when it has none."""

    __slots__ = ("_known", "_networks")

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __repr__(self) -> str:
        return f"<Networks {' '.join(map(str, self._networks))}>"

    def __contains__(self, text: str) -> bool:
        if not self._networks:
            return False
        known = self._known.get(text)
        if known is None:
            address = parse_address(plain_address(text))
            known = address is not None and any(address in network for network in self._networks)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = known
        return known
