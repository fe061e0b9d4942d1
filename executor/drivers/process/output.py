"""What one environment prints: stdout and stderr on one pipe, so that their order is kept.

The loop reads it as it comes. Nothing is kept here: a chunk is handed over at once, and the pipe's 64 KiB are all
that a function which prints faster than we read can fill.
"""

import array
import asyncio
import fcntl
import os
import termios
from collections.abc import Callable

_CHUNK = 1 << 16  # a pipe's size
_FIONREAD = termios.FIONREAD
_TURN_S = 0.002  # then the loop serves others; it comes back while there is more


class OutputPipe:
    """:param printed: called with each chunk, on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, printed: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._printed = printed
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._waiting = array.array("i", [0])  # bytes in the pipe; made once, because each call asks
        self._open = True
        self._write_open = True
        loop.add_reader(self._reading, self._read)

    def close_writing(self) -> None:
        """The environment has its copy (or never will)."""
        if self._write_open:
            self._write_open = False
            os.close(self.writing)

    def flush(self) -> None:
        """Hand over what is in the pipe now, and not what a chatty function adds meanwhile."""
        if not self._open:
            return
        fcntl.ioctl(self._reading, _FIONREAD, self._waiting)
        left = self._waiting[0]
        while left > 0 and self._open:
            left -= self._read_once(min(left, _CHUNK)) or left

    def close(self) -> None:
        """Drain and close. Nobody writes any more, so what is in the pipe is all there will be."""
        self.flush()
        self.close_writing()
        if self._open:
            self._open = False
            self._loop.remove_reader(self._reading)
            os.close(self._reading)

    def _read(self) -> None:
        until = self._loop.time() + _TURN_S
        while self._open and self._read_once(_CHUNK) == _CHUNK and self._loop.time() < until:
            pass

    def _read_once(self, size: int) -> int:
        try:
            chunk = os.read(self._reading, size)
        except BlockingIOError:
            return 0
        if chunk:
            self._printed(chunk)
        elif self._open:  # end of file: asking again would spin
            self._loop.remove_reader(self._reading)
        return len(chunk)
