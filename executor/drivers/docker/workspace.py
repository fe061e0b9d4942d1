"""The folders that containers are given: one for each environment, below a mount whose later mounts reach them.

    WORKSPACE/runtimes/LANGUAGE/   our bootstraps, copied: an upgrade must not change what runs
    WORKSPACE/skeleton/opt/        empty folders that must exist before a process starts
    WORKSPACE/storage/             templates of /tmp
    WORKSPACE/e/NUMBER/            task (code appears here), tmp (mounted), channel (of containers without a socket)

Calls block on disk: worker threads only.
"""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from executor.drivers.docker import kernel
from executor.drivers.docker.places import OPT_SKELETON, TASK_SKELETON
from executor.drivers.docker.storage import Storage


class Delivery(Enum):
    """How code gets into a container that runs already."""

    PROPAGATED = "propagated mount"
    LINKED = "hard links"
    COPIED = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Of one environment, on the host."""

    root: Path

    @property
    def task(self) -> Path:
        return self.root / "task"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def channel(self) -> Path:
        return self.root / "channel"


class Workspace:
    """:ivar can_mount: this process may mount; found in `open`, by doing it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._environments = root / "e"
        self.storage = Storage(root / "storage")
        self.opt = root / "skeleton" / "opt"
        self.can_mount = False

    def open(self, files: Mapping[str, tuple[Path, ...]]) -> str:
        """Remove what an earlier start left and make everything anew.

        :returns: why nothing can be mounted; empty if it can.
        :raises OSError: the folders cannot be made.
        """
        self.clear()
        self._root.mkdir(mode=0o700, parents=True)
        for empty in OPT_SKELETON:
            (self.opt / empty).mkdir(mode=0o755, parents=True)
        for language, sources in files.items():
            folder = self.bootstraps(language)
            folder.mkdir(mode=0o755, parents=True)
            for source in sources:
                shutil.copyfile(source, folder / source.name)
                (folder / source.name).chmod(0o644)
        self._environments.mkdir(mode=0o755)
        try:
            kernel.bind_shared(self._environments)
        except (OSError, AttributeError) as problem:  # not root; no such calls on this system
            return str(problem)
        self.can_mount = True
        return ""

    def join(self) -> bool:
        """Have later mounts show wherever those of the folder that we lie in do: on the machine of an engine, when this
        process is in a container. They stay with us alone otherwise. Before any environment is made.

        :returns: whether that changed anything. :raises OSError: the folder cannot be made anew.
        """
        if not self.can_mount or not kernel.is_shared(self._root):
            return False
        kernel.unmount(self._environments)
        # Made anew: our mount on the old one was copied to the machine, and would hide there what comes below it.
        shutil.rmtree(self._environments)
        self._environments.mkdir(mode=0o755)
        return True

    def bootstraps(self, language: str) -> Path:
        return self._root / "runtimes" / language

    def folder(self, name: str) -> Folder:
        return Folder(root=self._environments / name)

    def make(self, name: str, *, storage_mb: int | None) -> Folder:
        """:param storage_mb: size of a disk at `tmp`; None: no disk.
        :raises OSError: the disk is full, or may not be mounted.
        """
        folder = self.folder(name)
        for place in (folder.root, folder.task, folder.temporary, folder.channel):
            place.mkdir(mode=0o755)
        for empty in TASK_SKELETON:
            (folder.task / empty).mkdir(mode=0o755)
        if storage_mb is not None:
            self.storage.mount(storage_mb, folder.temporary)
        return folder

    def put_code(self, package: Path, folder: Folder, delivery: Delivery) -> None:
        """Make the package appear in the container. :raises OSError:"""
        if delivery is Delivery.PROPAGATED:
            kernel.bind_read_only(package, folder.task)
            return
        copy = _link_or_copy if delivery is Delivery.LINKED else shutil.copy2
        shutil.copytree(package, folder.task, symlinks=True, copy_function=copy, dirs_exist_ok=True)

    def remove(self, folder: Folder) -> None:
        """Idempotent. :raises OSError: a mount stays."""
        if self.can_mount:
            kernel.unmount(folder.task)
            kernel.unmount(folder.temporary)
        with suppress(FileNotFoundError):
            shutil.rmtree(folder.root)

    def clear(self) -> None:
        """Unmount and remove everything. :raises OSError: a mount stays."""
        with suppress(FileNotFoundError):  # /proc of another system
            for point in kernel.mounts_below(self._root.resolve()):
                kernel.unmount(point)
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as problem:
        if problem.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        shutil.copy2(source, target)
