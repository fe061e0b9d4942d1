"""A FIFO beside the output's, on which a container's program waits until all of its networks are there.

It keeps a program from looking for a database too early, and nothing from an attacker: an image has a shell of its
own. What is joined is guarded because the container is frozen meanwhile. State: one descriptor.
"""

import os
from pathlib import Path


class Gate:
    def __init__(self, path: Path, *, gid: int) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        if os.geteuid() == 0:
            os.chown(path, 0, gid)
            path.chmod(0o640)
        else:
            path.chmod(0o644)
        # Open for reading, too, and until the end: what is written waits here for a program that starts slowly.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def open(self) -> None:
        os.write(self._fd, b"\n")

    def close(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
