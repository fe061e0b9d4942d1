"""A package being written: a temporary folder that becomes the package by one rename, or vanishes.

All bounds are counted here, on the bytes that are really written, whatever a header said of them.
"""

import ctypes
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from executor.packages.errors import PackageError
from executor.packages.listing import Entry, FileEntry, Limits, LinkEntry, check_tree

DRAFT_PREFIX = ".draft-"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Draft:
    """A context manager: what is not committed by its end is removed with everything in it."""

    def __init__(self, root: Path, source: Path, limits: Limits) -> None:
        self._root = root
        self._source = source
        self._limits = limits
        self._bytes = 0
        self._entries = 0
        self.entries: dict[str, Entry] = {}
        self.folder = root

    def __enter__(self) -> "Draft":
        self._root.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=self._root))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # after a commit there is nothing at this name

    def count_entry(self) -> None:
        """Count one file, link or folder of the source. :raises PackageError: there are too many."""
        self._entries += 1
        if self._entries > self._limits.max_entries:
            raise PackageError("too-large", f"more than {self._limits.max_entries:,} entries", self._source)

    def add_file(self, name: str, chunks: Iterable[bytes], *, executable: bool) -> None:
        """Write one file under a canonical name. :raises PackageError: the package grows over its limit."""
        self._refuse_second(name)
        target = self.folder / name
        self._make_parents(target)
        hasher, size = hashlib.sha256(), 0
        with open(os.open(target, _NEW_FILE, 0o600), "wb", buffering=0) as file:
            for chunk in chunks:
                size += len(chunk)
                self.count_bytes(len(chunk))
                hasher.update(chunk)
                file.write(chunk)
            os.fchmod(file.fileno(), 0o755 if executable else 0o644)
        self.entries[name] = FileEntry(hasher.hexdigest(), size, executable)

    def add_link(self, name: str, target: str) -> None:
        """Note a link; `finish` makes it when no file can be written through it any more."""
        self._refuse_second(name)
        self.entries[name] = LinkEntry(target)

    def add_tree(self, folder: Path, listing: Mapping[str, Entry]) -> None:
        """Copy what an earlier draft has checked, compiled files included; names already here win.

        To be called before `finish`, while no link is here that a copy could follow.
        """
        for name, entry in listing.items():
            self.count_entry()
            if name not in self.entries:
                self.entries[name] = entry
                self.count_bytes(entry.size if isinstance(entry, FileEntry) else 0)
        try:
            shutil.copytree(
                folder, self.folder, symlinks=True, dirs_exist_ok=True, copy_function=_copy_unless_there
            )
        except (FileExistsError, NotADirectoryError, shutil.Error) as error:
            message = f"a file of the code has the name of a dependency's folder: {error}"
            raise PackageError("unsafe-entry", message, self._source) from error

    def count_bytes(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._limits.max_bytes:
            limit = self._limits.max_bytes / 1024 / 1024
            raise PackageError("too-large", f"more than {limit:g} MiB unpacked", self._source)

    def finish(self) -> None:
        """Make the links and check the whole tree. :raises PackageError: something leads out of it."""
        links = {name: entry.target for name, entry in self.entries.items() if isinstance(entry, LinkEntry)}
        check_tree(self.entries, links, self._source)
        for name, target in links.items():
            self._make_parents(self.folder / name)
            if not os.path.lexists(self.folder / name):
                os.symlink(target, self.folder / name)
        top = os.path.realpath(self.folder)
        for name in links:
            # Through other links the target may still be elsewhere; only the kernel's answer counts.
            real = os.path.realpath(self.folder / name)
            if real != top and not real.startswith(f"{top}/"):
                raise PackageError("unsafe-entry", f"{name!r}: a link out of the package", self._source)

    def commit(self, target: Path) -> bool:
        """Make the draft durable and give it its name; False when somebody else has made the same first."""
        self._settle_modes()
        sync_tree(self.folder)
        try:
            self.folder.rename(target)
        except OSError:
            if target.is_dir():
                return False
            raise
        sync_folder(self._root)
        return True

    def _settle_modes(self) -> None:
        """Folders 0755 and compiled files 0644, whatever umask they were made under: others run this code."""
        for place, _, files in os.walk(self.folder):
            os.chmod(place, 0o755)  # noqa: S103  # code is no secret from the environments' users
            if os.path.basename(place) == "__pycache__":
                for name in files:
                    os.chmod(os.path.join(place, name), 0o644)

    def _refuse_second(self, name: str) -> None:
        if name in self.entries:
            raise PackageError("unsafe-entry", f"{name!r} is there twice", self._source)

    def _make_parents(self, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            name = target.relative_to(self.folder)
            raise PackageError("unsafe-entry", f"'{name}' lies in a file", self._source) from error


def _copy_unless_there(source: str, target: str) -> None:
    if not os.path.lexists(target):
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def sync_tree(folder: Path) -> None:
    """Write everything below `folder` to the disk.

    One `syncfs` where the system has it: an fsync for each of thousands of files takes seconds.
    """
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is not None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if syncfs(descriptor) == 0:
                return
        finally:
            os.close(descriptor)
    for place, _, files in os.walk(folder):
        for name in files:
            _sync_file(Path(place, name))
        sync_folder(Path(place))


def _sync_file(path: Path) -> None:
    if not path.is_symlink():
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
