"""Reads a function's .zip file into a draft, trusting nothing that it says of itself.

Refused whole: names that leave the package, links out of it, devices, setuid, doubled or overlapping entries,
encryption, ZIP64, unusual compression, and anything over the limits as counted on the unpacked bytes.
Source: requirement P1; CWE-22, CWE-409; David Fifield, "A better zip bomb" (overlapping entries).
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from executor.packages.draft import Draft
from executor.packages.errors import PackageError
from executor.packages.listing import LINK_TARGET_BYTES, Limits, checked_name

CHUNK_BYTES = 256 * 1024
# zipfile makes an object of some 500 bytes for each directory entry before we can count them.
MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
_END = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE 4.3.16
_LOCAL = struct.Struct("<4s5H3L2H")  # local file header, APPNOTE 4.3.7
_MAX_COMMENT = 65_535
_ZIP64_LOCATOR_BYTES = 20
_UNIX = 3
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Lambda takes
_SETUID = stat.S_ISUID | stat.S_ISGID

_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,  # UnicodeDecodeError among them
    OverflowError,
)


def fill(draft: Draft, archive: Path, limits: Limits) -> None:
    """Unpack into the draft. :raises PackageError:"""
    try:
        with archive.open("rb") as file:
            _check_end_record(file, archive)
            file.seek(0)
            with zipfile.ZipFile(file) as opened:
                entries = opened.infolist()
                for _ in entries:
                    draft.count_entry()
                _check_overlap(file, entries, opened.start_dir, archive)
                for info in entries:
                    _add(draft, opened, info, limits, archive)
    except _UNREADABLE as error:
        raise PackageError("bad-archive", f"not a readable zip file: {error}", archive) from error


def _check_end_record(file: IO[bytes], archive: Path) -> None:
    """Bound the directory before anything reads it."""
    size = file.seek(0, 2)
    tail_bytes = min(size, _END.size + _MAX_COMMENT + _ZIP64_LOCATOR_BYTES)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise PackageError("bad-archive", "not a zip file: it has no directory", archive)
    if b"PK\6\7" in tail[max(0, at - _ZIP64_LOCATOR_BYTES) : at]:
        raise PackageError("too-large", "a ZIP64 archive: more than 65,535 entries or 4 GiB", archive)
    directory_bytes = _END.unpack_from(tail, at)[5]
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise PackageError("too-large", "its directory is over 16 MiB", archive)


def _check_overlap(file: IO[bytes], entries: list[zipfile.ZipInfo], directory_at: int, archive: Path) -> None:
    """No two entries may share bytes, and none may reach into the directory."""
    end = 0
    for info in sorted(entries, key=lambda each: each.header_offset):
        if info.header_offset < end:
            raise PackageError("unsafe-entry", f"{info.filename!r} overlaps another entry", archive)
        file.seek(info.header_offset)
        header = _LOCAL.unpack(file.read(_LOCAL.size))
        if header[0] != b"PK\3\4":
            raise PackageError("bad-archive", f"{info.filename!r} has no header where it should be", archive)
        end = info.header_offset + _LOCAL.size + header[9] + header[10] + info.compress_size
    if end > directory_at:
        raise PackageError("unsafe-entry", "an entry overlaps the directory", archive)


def _add(draft: Draft, opened: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, archive: Path) -> None:
    # orig_filename: zipfile cuts `filename` at a NUL and rewrites separators.
    name = checked_name(info.orig_filename, archive)
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(mode)
    if info.flag_bits & _ENCRYPTED:
        raise PackageError("bad-archive", f"{name!r} is encrypted", archive)
    if info.compress_type not in _METHODS:
        raise PackageError("bad-archive", f"{name!r}: only stored and deflated entries are read", archive)
    if info.is_dir() or kind == stat.S_IFDIR:
        if info.file_size:
            raise PackageError("unsafe-entry", f"{name!r}: a folder with content", archive)
        return
    if mode & _SETUID:
        raise PackageError("unsafe-entry", f"{name!r} is setuid or setgid", archive)
    if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
        raise PackageError("unsafe-entry", f"{name!r} is neither a file nor a folder", archive)
    if not name:
        raise PackageError("unsafe-entry", "an entry without a name", archive)
    if "__pycache__" in name.split("/"):
        return  # compiled anew by the interpreter that will read it
    if kind == stat.S_IFLNK:
        draft.add_link(name, _link_target(opened, info, archive))
        return
    draft.add_file(name, _chunks(opened, info, limits, archive), executable=bool(mode & 0o111))


def _link_target(opened: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Path) -> str:
    with opened.open(info) as member:
        target = member.read(LINK_TARGET_BYTES + 1)
    if len(target) > LINK_TARGET_BYTES:
        raise PackageError("unsafe-entry", f"{info.filename!r}: a link with a target too long", archive)
    return target.decode()


def _chunks(opened: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, archive: Path) -> Iterator[bytes]:
    """The entry's bytes; CRC and length are checked by zipfile at its end."""
    allowed = max(limits.ratio_floor_bytes, info.compress_size * limits.max_ratio)
    size = 0
    with opened.open(info) as member:
        while chunk := member.read(CHUNK_BYTES):
            size += len(chunk)
            if size > allowed:
                message = f"{info.filename!r} unpacks to more than {limits.max_ratio} times its size"
                raise PackageError("too-large", message, archive)
            yield chunk
