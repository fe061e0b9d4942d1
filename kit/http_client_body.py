"""Bytes that arrive for somebody who takes them in their own time: backpressure by not reading on.

A `BodyReader` holds at most `HIGH_WATER_BYTES` and one read of the transport (256 KiB).
"""

import asyncio
from collections import deque
from typing import Protocol

# Above the first nothing more is read, below the second again: a disk or a client that stalls costs this much.
HIGH_WATER_BYTES = 256 * 1024
LOW_WATER_BYTES = 64 * 1024


class Source(Protocol):
    """What the reader needs of a connection."""

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


class BodyReader:
    """One consumer. Ends by `finish` or `fail`, once; what came before is still handed out."""

    __slots__ = ("_chunks", "_ended", "_error", "_held", "_size", "_source", "_waiter")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._held = False
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._ended else "held" if self._held else "open"
        return f"<BodyReader {state} {self._size} bytes>"

    @property
    def is_held(self) -> bool:
        """The consumer is behind: silence of the peer is not the peer's fault."""
        return self._held

    # --- the connection's side -------------------------------------------------------------------

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > HIGH_WATER_BYTES and not self._held:
            self._held = True
            self._source.hold()
        self._wake()

    def finish(self) -> None:
        self._ended = True
        if self._held:  # the connection may carry the next answer while this one is still read
            self._held = False
            self._source.go_on()
        self._wake()

    def fail(self, error: Exception) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    # --- the consumer's side ---------------------------------------------------------------------

    async def read(self) -> bytes:
        """The next bytes, ``b""`` at the end. :raises HttpClientError: it broke off; then always the same."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        if self._held and self._size <= LOW_WATER_BYTES:
            self._held = False
            self._source.go_on()
        return chunk

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
