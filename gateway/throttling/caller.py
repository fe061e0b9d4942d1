"""Whose bucket a request takes from, as a few bytes whatever the client has sent."""

import os
from collections.abc import Callable
from hashlib import blake2b
from socket import AF_INET6, inet_pton

from gateway.exchange import Exchange
from gateway.throttling.spec import ThrottleKey

# The one bucket of all requests that do not say whose they are. They are limited together, never let through.
NOBODY = b""

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, how an IPv4 peer looks to a listener on [::]
Reader = Callable[[Exchange], bytes]


def caller_reader(by: ThrottleKey) -> Reader:
    """What reads the caller from a request that has passed as much of the pipeline as `by` needs."""
    if by.kind == "source_ip":
        return lambda exchange: address_key(exchange.request.source_ip)
    name = by.name
    digest = Digest()
    if by.kind == "header":
        return lambda exchange: digest.of(exchange.request.fields.joined.get(name))
    claim = f"claims.{name}"

    def read_claim(exchange: Exchange) -> bytes:
        authorization = exchange.authorization
        value = None if authorization is None else authorization.values.get(claim)
        return digest.of(None if value is None else str(value))

    return read_claim


class Digest:
    """Makes 16 bytes of a text of any length. The key is drawn anew, so nobody can prepare two texts for one."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = blake2b(key=os.urandom(32), digest_size=16)

    def of(self, text: str | None) -> bytes:
        if not text:
            return NOBODY
        digest = self._begun.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()


def address_key(address: str) -> bytes:
    """An IPv4 address as it is; of an IPv6 address its /64, which one customer has whole (RFC 6177)."""
    if ":" not in address:
        return address.encode("utf-8", "surrogatepass")[:45]
    try:
        packed = inet_pton(AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):  # not from a socket: some ASGI server's name for its peer
        return NOBODY
    if packed.startswith(_MAPPED):
        return b".".join(b"%d" % byte for byte in packed[12:])
    return b":" + packed[:8]  # no IPv4 address has a colon
