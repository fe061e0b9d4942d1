"""A container's output as the engine streams it. State: the socket, and where in a frame the stream stands."""

import asyncio
import socket
from collections.abc import Callable

from executor.drivers.docker.engine.frames import FrameReader

_READ_BYTES = 1 << 16
_TURN_READS = 16  # 1 MiB at a time; then the loop serves others


class Attached:
    """:ivar ended: done when the engine has closed the stream: there will be nothing more."""

    def __init__(self, connection: socket.socket, first: bytes) -> None:
        self._connection = connection
        self._frames = FrameReader()
        self._first = first
        self._loop = asyncio.get_running_loop()
        self._printed: Callable[[bytes], None] = lambda _: None
        self._listening = False
        self._open = True
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def listen(self, printed: Callable[[bytes], None]) -> None:
        """:param printed: called with each piece of output, on the loop's thread."""
        self._printed = printed
        self._listening = True
        self._take(self._first)
        self._first = b""
        self._loop.add_reader(self._connection, self._readable)

    def flush(self) -> None:
        """Hand over what has arrived; what the engine still holds comes later."""
        for _ in range(_TURN_READS):
            if not self._read():
                return

    def close(self) -> None:
        if self._open:
            self._open = False
            if self._listening:
                self._loop.remove_reader(self._connection)
            self._connection.close()
            if not self.ended.done():
                self.ended.set_result(None)

    def _readable(self) -> None:
        self.flush()

    def _read(self) -> bool:
        """Whether there may be more."""
        if not self._open:
            return False
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        self._take(data)
        return len(data) == _READ_BYTES

    def _take(self, data: bytes) -> None:
        for piece in self._frames.feed(data):
            self._printed(piece)
