"""Refuses requests that a web page made a browser send to a listener meant for local clients.

Loopback is not authentication: with DNS rebinding any page reaches 127.0.0.1 under a name of its own, and
with a plain cross-site request under ours. The first shows in ``Host``, the second in ``Origin``.
"""

import ipaddress
from collections.abc import Iterable

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class HostGuard:
    """:param names: host names and addresses, without ports, under which clients reach the listener.

    :param any_address: accept every IP literal too: rebinding needs a name.
    """

    def __init__(self, names: Iterable[str] = (), *, any_address: bool = False) -> None:
        self._names = _LOOPBACK_NAMES | {name.lower().strip("[]") for name in names}
        self._any_address = any_address

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Why the request must be refused, or None. :param headers: names in lower case, as ASGI has them."""
        hosts: list[bytes] = []
        for name, value in headers:
            if name == b"origin":
                return "Requests of web pages are not accepted here (Origin header)."
            if name == b"host":
                hosts.append(value)
        if len(hosts) != 1 or not self._is_known(hosts[0]):
            return "This host name is not one of this listener's (Host header)."
        return None

    def _is_known(self, host: bytes) -> bool:
        name = _without_port(host.decode("latin-1").lower())
        return name in self._names or (self._any_address and _is_address(name))


def _without_port(host: str) -> str:
    """The name or address in a Host value; empty if it is malformed."""
    if host.startswith("["):
        address, bracket, rest = host[1:].partition("]")
        return address if bracket and (not rest or _is_port(rest)) else ""
    name, colon, port = host.partition(":")
    return name if not colon or _is_port(f":{port}") else ""


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
