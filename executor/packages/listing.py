"""What a package contains, as a value: names, classes and hashes, and the digest made from them.

Names are checked here and nowhere else, for folders and archives alike. No I/O.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from executor.packages.errors import PackageError

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LINK_TARGET_BYTES = 4096  # PATH_MAX: no longer target can be followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one package, code and dependencies together.

    :param max_bytes: 250 MiB, as Lambda's for an unpacked package.
    :param max_entries: files, links and folders. From 65,535 on a zip needs the ZIP64 form, refused here.
    :param max_ratio: unpacked to packed bytes of one entry; deflate itself ends near 1030.
    :param ratio_floor_bytes: small entries may have any ratio (a file of zeros is no attack at 1 MiB).
    """

    max_bytes: int = 250 * 1024 * 1024
    max_entries: int = 65_535
    max_ratio: int = 200
    ratio_floor_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileEntry:
    """:param sha256: of the content, hex. :param executable: mode 0755, else 0644."""

    sha256: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class LinkEntry:
    """A symbolic link that stays inside of the package. :param target: relative, as written."""

    target: str


Entry = FileEntry | LinkEntry
Listing = Mapping[str, Entry]


def checked_name(name: str, source: Path) -> str:
    """Return the canonical form of an entry's name: relative, ``/`` between parts, no ``.`` part.

    :raises PackageError: the name could mean a place outside of the package, or could not be shown.
    """
    if _CONTROL.search(name):
        raise PackageError("unsafe-entry", f"{name!r}: a control character in the name", source)
    if "\\" in name:
        raise PackageError("unsafe-entry", f"{name!r}: a backslash in the name", source)
    if name.startswith("/") or _DRIVE.match(name):
        raise PackageError("unsafe-entry", f"{name!r}: an absolute name", source)
    parts = [part for part in name.rstrip("/").split("/") if part != "."]
    if any(part in ("", "..") for part in parts):
        raise PackageError(
            "unsafe-entry", f"{name!r}: the name leaves the package or has an empty part", source
        )
    return "/".join(parts)


def check_tree(names: Iterable[str], links: Mapping[str, str], source: Path) -> None:
    """Refuse what is a file and a folder at once, and whatever lies beyond a link.

    :param names: canonical names of all files and links.
    :param links: canonical name → target of the links among them.
    """
    leaves = set(names)
    for name in leaves:
        parent = name
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in leaves:
                raise PackageError("unsafe-entry", f"{name!r} lies in {parent!r}, which is no folder", source)
    for name, target in links.items():
        _check_link(name, target, source)


def _check_link(name: str, target: str, source: Path) -> None:
    if not target or len(target) > LINK_TARGET_BYTES or _CONTROL.search(target) or "\\" in target:
        raise PackageError("unsafe-entry", f"{name!r}: a link without a usable target", source)
    if target.startswith("/"):
        raise PackageError("unsafe-entry", f"{name!r}: a link to the absolute path {target!r}", source)
    depth = name.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            raise PackageError("unsafe-entry", f"{name!r}: a link out of the package, to {target!r}", source)


def digest_of(listing: Listing, bytecode: str | None) -> str:
    """The identity of a package: 32 hex digits.

    :param bytecode: magic number of the compiled files that go along, None where there are none.
    """
    identity = hashlib.sha256(f"package 1\0{bytecode or ''}\0".encode())
    for name, entry in sorted(listing.items()):
        match entry:
            case FileEntry():
                line = f"{'x' if entry.executable else 'f'}\0{name}\0{entry.sha256}\0"
            case LinkEntry():
                line = f"l\0{name}\0{entry.target}\0"
        identity.update(line.encode("utf-8", "surrogateescape"))
    return identity.hexdigest()[:32]


def size_of(listing: Listing) -> int:
    """Bytes of all files."""
    return sum(entry.size for entry in listing.values() if isinstance(entry, FileEntry))
