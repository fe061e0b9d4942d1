"""One reading of a file: its bytes, and the validators that fit exactly these bytes.

Blocking; large files belong in a thread. Nothing in a path may be a symlink: a function whose volume it lies in
could set one, and the server would read with its own rights.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple, Self

from gateway.response import Fields

# 10 MiB: the gateway's limit for any response. What is larger belongs on a file server.
MAX_FILE_BYTES = 10 * 1024 * 1024


class FileIdentity(NamedTuple):
    """A file as it was when it was looked at. Equal ones have equal bytes, but for writes within one tick of the
    file system's clock.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int  # unlike `modified_ns` nobody can set it: copying tools set that one back

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at *path* and open nothing.

        :raises OSError: it is not there; :raises ValueError: a link, no plain file, or larger than `MAX_FILE_BYTES`.
        """
        if path.resolve() != path:
            raise ValueError(f"{path} has become a symlink")
        return cls.from_status(path, os.lstat(path))

    @classmethod
    def from_status(cls, path: Path, status: os.stat_result) -> Self:
        """:raises ValueError: no plain file, or larger than `MAX_FILE_BYTES`."""
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a plain file")
        if status.st_size > MAX_FILE_BYTES:
            raise ValueError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class FileContent:
    """:param body: one object for all answers that are made of it.
    :param identity: None: the file changed while it was read.
    """

    body: bytes
    etag: str
    modified_s: int
    validators: Fields
    identity: FileIdentity | None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the whole of *path*.

        :raises OSError: unreadable; :raises ValueError: a link, no plain file, or larger than `MAX_FILE_BYTES`.
        """
        if path.resolve() != path:
            raise ValueError(f"{path} has become a symlink")
        # Without O_NONBLOCK a pipe would hold the thread until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            before = FileIdentity.from_status(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                body = file.read(MAX_FILE_BYTES + 1)
            after = FileIdentity.from_status(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        if len(body) > MAX_FILE_BYTES:
            raise ValueError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        modified_s = after.modified_ns // 1_000_000_000
        validators = [
            (b"etag", etag.encode("ascii")),
            (b"last-modified", formatdate(modified_s, usegmt=True).encode("ascii")),
        ]
        is_whole = before == after and len(body) == after.size
        return cls(body, etag, modified_s, validators, after if is_whole else None)
