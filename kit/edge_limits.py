"""The bounds of a public listener and the fixed words for what it refuses. Values only, no state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from kit.networks import Network

Peer = tuple[str, int] | None
"""Address and port of the other end; None on a unix socket."""

RefusalReason = Literal[
    "malformed",
    "target_too_long",
    "target_invalid",
    "fields_too_many",
    "field_too_large",
    "fields_too_large",
    "trailers_too_large",
    "version",
    "method",
    "host",
    "framing",
    "expectation",
    "body_too_large",
    "pipeline_too_deep",
    "too_many_connections",
    "too_many_of_peer",
    "not_tls",
    "tls_handshake",
    "tls_handshake_timeout",
    "first_byte_timeout",
    "header_timeout",
    "body_timeout",
    "body_too_slow",
    "write_stalled",
    "unsent_too_much",
    "header_with_underscore",
    "app_failed",
    "app_silent",
    "cut_off",
    "internal",
]
REFUSAL_REASONS: tuple[RefusalReason, ...] = get_args(RefusalReason)

OnRefused = Callable[[RefusalReason, int, Peer], None]
"""``(reason, status, peer)``; status 0: nothing was answered (a field dropped, a connection closed)."""


def ignore_refusal(reason: RefusalReason, status: int, peer: Peer) -> None:
    """Count nothing."""


_LEAST_OF_PEER = 16  # two browsers, on a machine that has few descriptors


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimits:
    """Every bound of one listener. Sizes in bytes, times in seconds, rates in bytes a second."""

    target_bytes: int = 8 * 1024  # 8 KiB: longer ones are attacks or mistakes; browsers stop near it
    fields: int = 100  # what common servers take; each costs a Python call
    field_bytes: int = 16 * 1024  # an 8 KiB token and its cookie twin fit
    head_bytes: int = 32 * 1024  # all fields, name + value + 4 each: two big cookies and a token
    trailer_bytes: int = 8 * 1024  # dropped anyway; the bound ends a flood
    body_bytes: int = 10 * 1024 * 1024  # API Gateway's payload limit
    connections: int = (
        10_000  # open at once: each is a descriptor, and some 10 KiB; a quarter more is cut off unanswered
    )
    # Of one IPv4 address or IPv6 /64; None: an eighth of `connections`. An office behind one address keeps
    # some hundreds; one attacker must not take all. Trusted proxies and unix sockets have no such cap.
    peer_connections: int | None = None
    requests: int = 10_000  # on one connection, then `Connection: close`: load moves, memory is given back
    pipelined: int = 64  # requests parsed ahead of the one in answer: benchmark tools send 16 to 64
    first_byte_s: float = 10.0  # a client that connects wants something
    handshake_s: float = 10.0  # TLS: two round trips, and a phone's slow signature check
    header_s: float = 10.0  # slowloris: a whole head takes milliseconds
    body_s: float = 30.0  # API Gateway's integration limit; no upload may outlast it
    body_grace_s: float = 5.0  # TCP slow start and a phone that changes cells
    body_rate: float = 500.0  # slower is a slow-body attack, not a modem
    idle_s: float = 65.0  # longer than the 60 s of common front proxies, so that they close first
    trusted_idle_s: float = 180.0  # front proxies of ours keep connections for 2 minutes
    stall_s: float = 30.0  # a reader that takes less than body_rate over this time is not reading
    # Of all answers that wait in memory for slow readers, but for 64 KiB of each connection: 400 clients that
    # asked for 5 MB each and read nothing took 2 GB. Then the slowest of them are cut off.
    unsent_bytes: int = 256 * 1024 * 1024
    linger_s: float = 2.0  # after a refusal: time for the client to read it before a reset kills it
    linger_bytes: int = 256 * 1024  # and what is read of what it goes on sending
    sweep_s: float = 1.0  # one timer per listener; deadlines are late by at most this
    trusted_proxies: tuple[Network, ...] = ()  # their connections have no `peer_connections`, no `requests`

    @property
    def peer_cap(self) -> int:
        if self.peer_connections is not None:
            return self.peer_connections
        return max(_LEAST_OF_PEER, self.connections // 8)
