"""What a container of ours prints: stdout and stderr in one FIFO beside its socket, so that their order is kept.

The kernel carries it from the function to this process; the engine copies nothing. So whatever was printed before
an answer was sent is here when the answer is, and `flush` need not wait. State: one descriptor.
"""

import array
import asyncio
import fcntl
import os
import termios
from collections.abc import Callable
from pathlib import Path

_CHUNK = 1 << 16
_PIPE_BYTES = 1 << 18  # a burst of a function must not have to wait for our loop
_TURN_S = 0.002  # then the loop serves others; it comes back while there is more


class OutputFifo:
    """:param printed: called with each chunk, on the loop's thread."""

    def __init__(
        self, path: Path, *, gid: int, loop: asyncio.AbstractEventLoop, printed: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._printed = printed
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        if os.geteuid() == 0:
            os.chown(path, 0, gid)
            path.chmod(0o620)  # the function writes and cannot read what others of its group wrote
        else:
            path.chmod(0o622)
        # Open for writing, too: else its end would be seen whenever no process has it open for a moment.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            _try_grow(self._fd)
        self._waiting = array.array("i", [0])  # bytes in the FIFO; made once, because each call asks
        self._open = True
        loop.add_reader(self._fd, self._read)

    def flush(self) -> None:
        """Hand over what is in the FIFO now, and not what a chatty function adds meanwhile."""
        if not self._open:
            return
        fcntl.ioctl(self._fd, termios.FIONREAD, self._waiting)
        left = self._waiting[0]
        while left > 0 and self._open:
            left -= self._read_once(min(left, _CHUNK)) or left

    def close(self) -> None:
        """Drain and close. Nobody writes any more, so what is there is all there will be."""
        self.flush()
        if self._open:
            self._open = False
            self._loop.remove_reader(self._fd)
            os.close(self._fd)

    def _read(self) -> None:
        until = self._loop.time() + _TURN_S
        while self._open and self._read_once(_CHUNK) == _CHUNK and self._loop.time() < until:
            pass

    def _read_once(self, size: int) -> int:
        try:
            chunk = os.read(self._fd, size)
        except BlockingIOError:
            return 0
        if chunk:
            self._printed(chunk)
        return len(chunk)


def _try_grow(fd: int) -> None:
    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:  # over what this user may have in pipes: the usual 64 KiB do
        return
