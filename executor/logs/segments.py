"""The files of the function logs: ``FUNCTION/N.jsonl``, appended to, rotated, and bounded in their sum.

A segment is only appended to while it is known to end at a line's end; after a crash or a failed write the
next one begins, so a cut line stays the last of its file. For one thread. State: sizes by last write.
"""

import os
import re
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

SEGMENT_BYTES = 8 * 1024 * 1024  # small enough that dropping the oldest loses little of a full space
SMALLEST_SEGMENT_BYTES = 16 * 1024
SEGMENTS_AT_LEAST = 16
MAX_OPEN_FILES = 64  # of the process's descriptors; the other functions' files are opened again when needed
_SEGMENT = re.compile(r"(\d+)\.jsonl")
_FUNCTION = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Segments:
    """:param max_bytes: of all files together; the oldest go first."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._segment_bytes = max(SMALLEST_SEGMENT_BYTES, min(SEGMENT_BYTES, max_bytes // SEGMENTS_AT_LEAST))
        self._sizes: OrderedDict[Path, int] = OrderedDict()
        self._current: dict[str, Path] = {}
        self._open: OrderedDict[Path, int] = OrderedDict()
        self._numbers: dict[str, int] = {}
        self.total_bytes = 0
        self._scan()

    def append(self, function: str, text: bytes) -> None:
        """Write whole lines. :raises OSError: not all was written; the lines are lost."""
        path = self._segment_for(function, len(text))
        written = 0
        try:
            descriptor = self._descriptor(path)
            while written < len(text):
                written += os.write(descriptor, text[written:])
        except OSError:
            if written:
                del self._current[function]  # it ends in the middle of a line now
            raise
        finally:
            self._sizes[path] = self._sizes.get(path, 0) + written
            self._sizes.move_to_end(path)
            self.total_bytes += written
            self._prune(path)

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    def _segment_for(self, function: str, size: int) -> Path:
        path = self._current.get(function)
        if path is None or self._sizes.get(path, 0) + size > self._segment_bytes:
            check_function_name(function)
            self._numbers[function] = self._numbers.get(function, 0) + 1
            path = self._root / function / f"{self._numbers[function]}.jsonl"
            self._current[function] = path
        return path

    def _descriptor(self, path: Path) -> int:
        descriptor = self._open.get(path)
        if descriptor is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._open[path] = descriptor
            self._sizes.setdefault(path, 0)
            if len(self._open) > MAX_OPEN_FILES:
                os.close(self._open.popitem(last=False)[1])
        self._open.move_to_end(path)
        return descriptor

    def _prune(self, keep: Path) -> None:
        while self.total_bytes > self._max_bytes:
            oldest = next(iter(self._sizes))
            if oldest == keep:
                return
            self.total_bytes -= self._sizes.pop(oldest)
            if oldest in self._open:
                os.close(self._open.pop(oldest))
            if self._current.get(oldest.parent.name) == oldest:
                del self._current[oldest.parent.name]
            with suppress(OSError):  # somebody else removed it, or will have to
                oldest.unlink()

    def _scan(self) -> None:
        found = []
        for path in self._root.glob("*/*.jsonl"):
            match = _SEGMENT.fullmatch(path.name)
            if match is not None:
                function = path.parent.name
                self._numbers[function] = max(self._numbers.get(function, 0), int(match[1]))
                status = path.stat()
                found.append((status.st_mtime_ns, path, status.st_size))
        self._sizes.update({path: size for _, path, size in sorted(found)})
        self.total_bytes = sum(self._sizes.values())
        for function, number in self._numbers.items():
            path = self._root / function / f"{number}.jsonl"
            if _ends_whole(path):
                self._current[function] = path


def check_function_name(function: str) -> None:
    """The name becomes a folder's. :raises ValueError: it is no function name."""
    if not _FUNCTION.fullmatch(function):
        raise ValueError(f"{function!r} is no function name")


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) in (b"\n", b"")
