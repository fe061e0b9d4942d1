"""Writes batches of whole lines to a stderr that several processes share, so that no line is torn by another's.

A pipe takes 4 KiB at once and no more without others in between (pipe(7), PIPE_BUF). The lock is of the process
(fcntl), so one that is killed gives it back.
"""

import fcntl
import os
import select
from collections.abc import Callable


def shared_sink(stream: int, lock: int) -> Callable[[bytes], None]:
    """What takes batches for `kit.json_log.JsonLog`. :param lock: a descriptor of a file that all have open."""

    def write(data: bytes) -> None:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        try:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(stream, view) :]
                except BlockingIOError:  # someone who shares this pipe or terminal made it non-blocking
                    poller = select.poll()
                    poller.register(stream, select.POLLOUT)
                    poller.poll(1000)
        finally:
            fcntl.lockf(lock, fcntl.LOCK_UN)

    return write
