"""What this machine and this user allow: decided once in `open`, read at every start."""

import mmap
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from executor.drivers.process.zygotes import Mode
from executor.interpreters import Interpreter
from kit.names import Names

_GID_OFFSET = 100_000  # above all slots
_INSTANCES = 10_000
_LOCALE_FILES = (Path("/usr/lib/locale/en_US.utf8"), Path("/usr/lib/locale/en_US.UTF-8"))
_LOCALE_ARCHIVE = Path("/usr/lib/locale/locale-archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """:param mode: how namespaces are made, or *plain* for none.
    :param own_uid: the server is root, so every environment gets an unprivileged uid.
    :param gid: common to this instance's environments, for volumes.
    """

    mode: Mode
    own_uid: bool
    uid_base: int
    gid: int
    locale: str

    @property
    def is_private(self) -> bool:
        return self.mode != "plain"

    def uid(self, slot: int) -> int | None:
        return self.uid_base + slot if self.own_uid else None

    @property
    def volume_uid(self) -> int | None:
        """Of environments with volumes, all of them: SQLite makes its files 0644, so a common group is too little."""
        return self.uid_base - 1 if self.own_uid else None


def instance_gid(names: Names, uid_base: int) -> int:
    return uid_base + _GID_OFFSET + int(names.instance, 16) % _INSTANCES


def possible_modes() -> tuple[Mode, ...]:
    """Best first. Root does without a user namespace: in one of its own, functions would be root outside."""
    if sys.platform != "linux":
        return ("plain",)
    return ("root", "plain") if os.geteuid() == 0 else ("user", "plain")


def system_locale() -> str:
    """Lambda's, if programs here can load it; one that is missing makes every Perl and shell script warn."""
    if any(folder.exists() for folder in _LOCALE_FILES) or _is_archived(b"en_US.utf8\0"):
        return "en_US.UTF-8"
    return "C.UTF-8"


def _is_archived(name: bytes) -> bool:
    try:
        with (
            _LOCALE_ARCHIVE.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as archive,
        ):
            return archive.find(name) >= 0
    except (OSError, ValueError):  # no archive, or an empty one
        return False


def host_paths(interpreter: Interpreter) -> tuple[Path, ...]:
    """Folders an interpreter reads, each at its own path, without those that lie in another."""
    folders = {interpreter.prefix, interpreter.exec_prefix, interpreter.path.parent, interpreter.stdlib}
    return tuple(
        sorted(folder for folder in folders if not any(above in folders for above in folder.parents))
    )
