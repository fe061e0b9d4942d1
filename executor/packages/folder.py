"""Reads a function's folder: what belongs to the package, and its bytes."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from executor.packages.draft import Draft
from executor.packages.errors import PackageError
from executor.packages.listing import Entry, FileEntry, LinkEntry, checked_name

# What tools leave beside code and no function reads. Compiled files are made anew by the right interpreter.
IGNORED = frozenset(
    {
        "__pycache__",
        ".git",
        ".hg",
        ".svn",
        ".venv",
        ".lockgate",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".idea",
        ".vscode",
        ".DS_Store",
    }
)
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """One file or link of the source. `link` is its target, or None."""

    name: str
    path: Path
    executable: bool
    link: str | None


def walk(code: Path, draft: Draft, skip: Path) -> Iterator[Found]:
    """Find every file and link that belongs to the package, in no order.

    :param skip: the store itself, which may lie inside of the code.
    :raises PackageError: something there cannot be part of a package.
    """
    pending = [code]
    while pending:
        folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name in IGNORED or Path(entry.path) == skip:
                    continue
                draft.count_entry()
                if not entry.is_dir(follow_symlinks=False):
                    yield _found(entry, code)
                # Any virtual environment has this file, whatever its folder is called.
                elif not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                    pending.append(Path(entry.path))


def _found(entry: "os.DirEntry[str]", code: Path) -> Found:
    path = Path(entry.path)
    name = checked_name(path.relative_to(code).as_posix(), path)
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return Found(name, path, False, os.readlink(path))
    if not stat.S_ISREG(mode):
        raise PackageError("unsafe-entry", f"{name!r} is neither a file nor a folder", path)
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise PackageError("unsafe-entry", f"{name!r} is setuid or setgid", path)
    return Found(name, path, bool(mode & 0o111), None)


def fill(draft: Draft, found: list[Found]) -> None:
    """Copy into the draft."""
    for each in found:
        if each.link is None:
            draft.add_file(each.name, _chunks(each.path), executable=each.executable)
        else:
            draft.add_link(each.name, each.link)


def hash_listing(found: list[Found]) -> dict[str, Entry]:
    """Hash without copying. Times and sizes are not trusted: two saves within a tick look alike."""
    return {each.name: _hash(each) for each in found}


def _hash(each: Found) -> Entry:
    if each.link is not None:
        return LinkEntry(each.link)
    hasher, size = hashlib.sha256(), 0
    for chunk in _chunks(each.path):
        hasher.update(chunk)
        size += len(chunk)
    return FileEntry(hasher.hexdigest(), size, each.executable)


def _chunks(path: Path) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PackageError("unsafe-entry", f"'{path}' is no longer a file", path)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
