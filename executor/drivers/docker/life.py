"""Whether a container's first process lives, told by the kernel: for the time in which there is no engine to say so.

State: a descriptor of that process.
"""

import asyncio
import os
from collections.abc import Callable


class Life:
    """:param ended: called once, on the loop's thread, when the process has ended.
    :raises OSError: it has ended already, or this kernel cannot tell (before Linux 5.3).
    """

    def __init__(self, pid: int, loop: asyncio.AbstractEventLoop, ended: Callable[[], None]) -> None:
        self._loop = loop
        self._ended = ended
        self._fd = os.pidfd_open(pid)
        loop.add_reader(self._fd, self._end)

    def _end(self) -> None:
        self.close()
        self._ended()

    def close(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
