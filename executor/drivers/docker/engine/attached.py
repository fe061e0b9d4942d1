"""A container's output as the engine streams it. State: the stream, and where in a frame it stands."""

import asyncio
from collections.abc import Callable

from executor.drivers.docker.engine.frames import FrameReader
from kit.http_client import Duplex, HttpClientError


class Attached:
    """:ivar ended: done when the engine has closed the stream: there will be nothing more."""

    def __init__(self, stream: Duplex) -> None:
        self._stream = stream
        self.ended: asyncio.Task[None] | None = None

    def listen(self, printed: Callable[[bytes], None]) -> None:
        """:param printed: called with each piece of output, on the loop's thread."""
        self.ended = asyncio.get_running_loop().create_task(self._read(printed), name="output of a container")

    async def _read(self, printed: Callable[[bytes], None]) -> None:
        frames = FrameReader()
        try:
            while data := await self._stream.read():
                for piece in frames.feed(data):
                    printed(piece)
        except HttpClientError:  # the engine is gone: what it had is lost, and its containers with it
            return

    def flush(self) -> None:
        """What the engine still holds cannot be had now; it comes when it comes."""

    def close(self) -> None:
        """Idempotent. What has come is handed over still."""
        self._stream.close()
