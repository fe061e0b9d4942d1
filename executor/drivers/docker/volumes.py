"""Folders of the host that all environments of a function share: opened to the one user that such environments have."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path


def open_volumes(folders: Iterable[str], gid: int) -> None:
    """Make them, and let the group in. Files in them that others made stay as they are.

    :raises OSError: also when a path leads through a link, which was resolved when the file was read: a function
        has put it there, and its target would be opened to functions.
    """
    for text in folders:
        folder = Path(text)
        if folder.resolve() != folder:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), text)
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _let_in(folder, gid)


def _let_in(folder: Path, gid: int) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(fd, -1, gid)
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) | stat.S_ISGID | stat.S_IRWXG)
    finally:
        os.close(fd)
