"""Where a request really came from, when a front proxy of ours brought it.

A peer is believed only when it is one of `ProxyTrust`'s networks, and then only about the hop before it: the
list that it sends is walked from its end, over addresses that are ours, to the first that is not. What stands
left of that one was written by a stranger. ``X-Forwarded-Host`` is never read.
Source: RFC 7239 sections 4-6 and 8.1; API Gateway appends the peer to X-Forwarded-For.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kit.networks import LOCAL_PEER, Network, Networks, parse_address

MAX_HOPS = 32  # a chain of own proxies is two or three long; each costs an address to parse

_BRACKETED = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?\Z")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}\Z")
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110's token
_PAIR = rf'({_WORD})=(?:({_WORD})|"([^"\\]*)")'
_PAIRS = re.compile(rf"[ \t]*{_PAIR}[ \t]*(?:;|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """:param source_ip: the client, as throttles, events and the access log know it.
    :param scheme: ``http`` or ``https``; :param port: both as the client used them.
    :param forwarded_for: what events carry as X-Forwarded-For: what came, and the peer after it.
    """

    source_ip: str
    scheme: str
    port: int
    forwarded_for: str


class ProxyTrust:
    """:param networks: of the proxies that are ours. A unix socket's peer counts as 127.0.0.1."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = Networks(networks)

    def trusts(self, peer: str) -> bool:
        return peer in self._networks

    def origin(self, fields: Iterable[tuple[bytes, bytes]], *, peer: str, scheme: str, port: int) -> Origin:
        """Read what a trusted *peer* says.

        :param scheme: and *port*: of the connection itself; they hold where the proxy says nothing.
        """
        said = _Said.read(fields)
        hops: list[tuple[str | None, str | None]]
        if said.has_list or not said.forwarded:
            hops = [(parse_hop(entry), None) for entry in _last_of(said.forwarded_for)]
        else:
            hops = [parse_element(element) for element in _last_of(said.forwarded)]
        source = self._walk([address for address, _ in hops], peer)
        proto = said.proto or (hops[-1][1] if hops else None) or ""
        told_scheme = proto if proto in ("http", "https") else None
        came = said.forwarded_for or ("" if source == peer else source)
        return Origin(
            source_ip=source,
            scheme=told_scheme or scheme,
            port=said.port or _port_of(told_scheme, port),
            forwarded_for=f"{came}, {peer}" if came else peer,
        )

    def _walk(self, hops: list[str | None], peer: str) -> str:
        """Return the right-most address that is not ours; the last readable one where the list breaks off."""
        source = peer
        for address in reversed(hops):
            if address is None:
                break
            source = address
            if address not in self._networks:
                break
        return source


NO_TRUST = ProxyTrust()


@dataclass(slots=True)
class _Said:
    """What a proxy's fields say; lists joined over repeated fields, of the others the last value."""

    has_list: bool = False
    forwarded_for: str = ""
    forwarded: str = ""
    proto: str = ""
    port: int | None = None

    @classmethod
    def read(cls, fields: Iterable[tuple[bytes, bytes]]) -> "_Said":
        lists: list[str] = []
        elements: list[str] = []
        said = cls()
        for name, raw in fields:
            if name == b"x-forwarded-for":
                lists.append(raw.decode("latin-1"))
            elif name == b"forwarded":
                elements.append(raw.decode("latin-1"))
            elif name == b"x-forwarded-proto":
                said.proto = _last_value(raw).lower()
            elif name == b"x-forwarded-port":
                said.port = _number(_last_value(raw))
        said.has_list = bool(lists)
        said.forwarded_for = ", ".join(lists)
        said.forwarded = ", ".join(elements)
        return said


def parse_hop(entry: str) -> str | None:
    """Return the address of one entry, with or without port and brackets; None when it has none."""
    entry = entry.strip(" \t")
    match = _BRACKETED.match(entry)
    if match is not None:
        entry = match[1]
        if ":" not in entry:
            return None
    elif (match := _WITH_PORT.match(entry)) is not None:
        entry = match[1]
    address = parse_address(entry)
    return None if address is None else str(address)


def parse_element(element: str) -> tuple[str | None, str | None]:
    """Return ``(address, proto)`` of one element of ``Forwarded``.

    The address is None for ``unknown``, an obfuscated name, or an element that is malformed: a quoted comma
    makes two malformed ones, because addresses have none.
    """
    found: dict[str, str] = {}
    end = 0
    while end < len(element):
        match = _PAIRS.match(element, end)
        if match is None or match[1].lower() in found:
            return None, None
        found[match[1].lower()] = match[2] or match[3] or ""
        end = match.end()
    return parse_hop(found.get("for", "")), found.get("proto", "").lower() or None


def peer_of(client: tuple[str, int] | None) -> str:
    """The address of an ASGI scope's ``client``."""
    return LOCAL_PEER if client is None else client[0]


def _last_of(joined: str) -> list[str]:
    return joined.rsplit(",", MAX_HOPS)[-MAX_HOPS:] if joined else []


def _last_value(raw: bytes) -> str:
    return raw.rpartition(b",")[2].strip(b" \t").decode("latin-1")


def _number(text: str) -> int | None:
    is_port = text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535
    return int(text) if is_port else None


def _port_of(told_scheme: str | None, port: int) -> int:
    """Our own port says nothing about a client that spoke to the proxy's."""
    if told_scheme is None:
        return port
    return 443 if told_scheme == "https" else 80
