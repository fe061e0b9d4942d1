"""One connection of a TLS listener between its accept and the end of its handshake.

It counts for the caps like any other. TLS begins with the client's first byte: a silent one costs neither a
TLS object nor a handshake, and who speaks plain HTTP is told so. Then the same transport gets an `EdgeProtocol`.
"""

import asyncio
import ssl
from collections.abc import Callable
from math import inf
from typing import cast

from kit.edge import EdgeProtocol
from kit.edge_answers import refusal
from kit.edge_limits import Peer, RefusalReason
from kit.edge_peers import PeerKey, peer_key
from kit.edge_state import EdgeState
from kit.networks import plain_address

_HANDSHAKE_RECORD = 0x16  # RFC 8446 section 5.1: the first byte of a ClientHello
_NOT_TLS = "This port speaks TLS: use https."


class TlsDoor(asyncio.Protocol):
    """:param context: what new handshakes use, asked for each. :param inside: makes the protocol behind it."""

    def __init__(
        self,
        state: EdgeState,
        loop: asyncio.AbstractEventLoop,
        context: Callable[[], ssl.SSLContext],
        inside: Callable[[], EdgeProtocol],
    ) -> None:
        self._state = state
        self._loop = loop
        self._context = context
        self._make_inside = inside
        self._inside: EdgeProtocol | None = None
        self._transport: asyncio.Transport
        self._client: Peer = None
        self._peer: PeerKey | None = None
        self._deadline = inf
        self._task: asyncio.Task[None] | None = None
        self._early = (
            bytearray()
        )  # ciphertext before the handshake, then what is decrypted before its owner is there
        self._is_lost = False

    # What the transports call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        state = self._state
        state.connections.add(self)  # type: ignore[arg-type]  # the sweep needs only `tick`
        self._deadline = self._loop.time() + state.limits.first_byte_s
        self._client = _client_of(transport)
        of_peer = 0
        if self._client is not None and not state.is_trusted(self._client):
            self._peer = peer_key(self._client[0])
            of_peer = state.peers.enter(self._peer)
        crowded = state.crowded(of_peer)
        if crowded is not None and crowded[1]:  # else it gets its 503 behind the handshake
            state.refused(crowded[0], 0, self._client)
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._early += data
        if self._task is not None:
            return
        self._transport.pause_reading()
        if self._early[0] != _HANDSHAKE_RECORD:
            self._refuse_plain()
            return
        self._deadline = inf
        self._task = self._loop.create_task(self._shake(), name="edge-handshake")
        self._state.tasks.add(self._task)

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._leave()
        if self._inside is not None:  # the news was on its way to us when it took over
            self._inside.connection_lost(exc)

    # What the listener calls

    def tick(self, now: float, elapsed: float) -> None:  # noqa: ARG002  # `Swept`
        if now >= self._deadline:
            self._state.refused("first_byte_timeout", 0, self._client)
            self._transport.abort()

    def shutdown(self) -> None:
        """Begin to drain: a client that says nothing gets a moment, a handshake goes on."""
        self._deadline = min(self._deadline, self._loop.time() + self._state.limits.sweep_s)

    def cut_off(self) -> None:
        self._transport.abort()

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    # The handshake

    async def _shake(self) -> None:
        state, limits = self._state, self._state.limits
        hello, self._early = bytes(self._early), bytearray()
        # Runs when start_tls has put its protocol in place, before that begins and before reading goes on.
        self._loop.call_soon(self._feed, hello)
        try:
            transport = await self._loop.start_tls(
                self._transport, self, self._context(), server_side=True,
                ssl_handshake_timeout=limits.handshake_s, ssl_shutdown_timeout=limits.linger_s,
            )  # fmt: skip
        except ConnectionAbortedError:  # so both loops say that the time is over
            self._give_up("tls_handshake_timeout")
        except OSError:  # ssl.SSLError is one; so is a reset
            self._give_up("tls_handshake")
        else:
            self._hand_over(transport)
        finally:
            self._leave()
            assert self._task is not None
            state.tasks.discard(self._task)

    def _give_up(self, reason: RefusalReason) -> None:
        self._state.refused(reason, 0, self._client)
        self._transport.abort()

    def _feed(self, hello: bytes) -> None:
        """Give the TLS side what was read before it was there."""
        tls = cast("asyncio.BufferedProtocol", self._transport.get_protocol())
        while hello and not self._transport.is_closing():
            buffer = memoryview(tls.get_buffer(len(hello)))
            count = min(len(buffer), len(hello))
            buffer[:count] = hello[:count]
            tls.buffer_updated(count)
            hello = hello[count:]

    def _hand_over(self, transport: asyncio.Transport | None) -> None:
        if transport is None or self._is_lost or self._transport.is_closing():
            return  # cut off meanwhile; uvloop calls that a success
        self._leave()
        self._inside = inside = self._make_inside()
        inside.carrier = self._transport
        transport.set_protocol(inside)
        inside.connection_made(transport)
        if self._early:
            inside.data_received(bytes(self._early))

    def _refuse_plain(self) -> None:
        self._deadline = self._loop.time() + self._state.limits.linger_s
        self._state.refused("not_tls", 400, self._client)
        self._transport.write(refusal(400, self._state.date, _NOT_TLS))
        self._transport.close()

    def _leave(self) -> None:
        self._state.connections.discard(self)
        self._state.changed.set()
        if self._peer is not None:
            self._state.peers.leave(self._peer)
            self._peer = None


def _client_of(transport: asyncio.Transport) -> Peer:
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or len(name) < 2:
        return None
    return plain_address(str(name[0])), int(name[1])
