"""The keys that lie outside the database: who steals the database alone can read no seed, no secret, no signing key.

A text file, one key a line, as ``lockgate-key-1 ID BASE64``; the first one seals, all of them open. It is never made
anew for a database that was sealed with another.
"""

import base64
import binascii
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
ID_BYTES = 4
MAX_BYTES = 64 * 1024
_LINE = re.compile(r"lockgate-key-1 ([0-9a-f]{8}) ([A-Za-z0-9+/]{43}=)")


class KeyFileError(Exception):
    """The key file cannot be used; its text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """:param keys: id (4 bytes) → key (32 bytes), the one that seals first. :param is_new: not written yet."""

    path: Path
    keys: Mapping[bytes, bytes] = field(repr=False)
    is_new: bool = False

    @classmethod
    def open_or_make(cls, path: Path) -> "KeyFile":
        """Where there is none, a new key that `keep` writes: only a store without sealed rows may begin with it.

        :raises KeyFileError: it is damaged, or others can read it.
        """
        try:
            return cls(path=path, keys=_read(path))
        except FileNotFoundError:
            key_id, key = secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES)
            return cls(path=path, keys={key_id: key}, is_new=True)
        except OSError as error:
            raise KeyFileError(f"{path}: {error.strerror}") from error

    @property
    def current(self) -> bytes:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def keep(self) -> "KeyFile":
        """Write a new one, whole or not at all. :returns: what is in the file: somebody else may have been quicker."""
        if not self.is_new:
            return self
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = (f"lockgate-key-1 {i.hex()} {base64.b64encode(k).decode()}\n" for i, k in self.keys.items())
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=".key-") as draft:  # mode 0600
                draft.write("".join(lines).encode())
                draft.flush()
                os.fsync(draft.fileno())
                os.link(draft.name, self.path)
            _sync_folder(self.path.parent)
        except FileExistsError:
            pass  # it is read below
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from error
        return KeyFile.open_or_make(self.path)


def _read(path: Path) -> Mapping[bytes, bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a file")
        if status.st_mode & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            raise KeyFileError(f"{path} can be read by others (mode {mode}): run `chmod 600 {path}`")
        return _parse(path, file.read(MAX_BYTES))


def _parse(path: Path, content: bytes) -> Mapping[bytes, bytes]:
    keys: dict[bytes, bytes] = {}
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        found = _LINE.fullmatch(line)
        if not found:
            raise KeyFileError(f"{path}:{number} is damaged: bring the file back from a backup")
        try:
            key = base64.b64decode(found[2], validate=True)
        except binascii.Error as error:
            raise KeyFileError(f"{path}:{number} is damaged: bring the file back from a backup") from error
        keys.setdefault(bytes.fromhex(found[1]), key)
    if not keys:
        raise KeyFileError(f"{path} is empty: bring the file back from a backup")
    return keys


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
