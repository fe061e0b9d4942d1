"""Reads function logs, of a running server or of one that is gone; needs nothing but the files.

Following looks at the files every 200 ms. They are written by another process at up to twenty times a second,
so a notification for each write would wake a reader as often, would have to be done in one way per operating
system, and would show nothing sooner that a person can see. `Follower.read_new` is one look.
"""

import heapq
import threading
from collections.abc import Iterator
from pathlib import Path

from executor.logs.records import LogRecord, decode

POLL_S = 0.2
READ_BYTES = 1024 * 1024  # at once and a file, so that a long log does not have to fit in memory


def read(root: Path, function: str | None = None, since: str | None = None) -> Iterator[LogRecord]:
    """All records of one function as they were written, or of all functions merged by time.

    :param since: ISO 8601 in UTC (a beginning of it will do); older records are left out.
    """
    streams = [_read_function(root / name, since) for name in _functions(root, function)]
    return heapq.merge(*streams, key=lambda record: record.time)


def follow(
    root: Path,
    function: str | None = None,
    *,
    follower: "Follower | None" = None,
    stop: threading.Event | None = None,
    poll_s: float = POLL_S,
) -> Iterator[LogRecord]:
    """Records that are written from now on, without end, or until `stop` is set.

    :param follower: goes on from its place instead.
    """
    follower = follower or Follower(root, function)
    stop = stop or threading.Event()
    while not stop.is_set():
        new = follower.read_new()
        yield from new
        if not new:
            stop.wait(poll_s)


class Follower:
    """Remembers how far each function's log was read. It begins at the present end of every log."""

    def __init__(self, root: Path, function: str | None = None) -> None:
        self._root = root
        self._function = function
        self._places: dict[str, tuple[int, int]] = {}  # function → segment number, offset
        for name in _functions(root, function):
            numbers = _segments(root / name)
            if numbers:
                self._places[name] = (numbers[-1], _whole_bytes(_segment(root / name, numbers[-1])))

    def read_new(self) -> list[LogRecord]:
        """Return what was written since the last call, in order of time; at most 1 MiB a function."""
        records: list[LogRecord] = []
        for name in _functions(self._root, self._function):
            records += self._read_function(name)
        records.sort(key=lambda record: record.time)  # stable: equal times keep a function's own order
        return records

    def _read_function(self, name: str) -> list[LogRecord]:
        number, offset = self._places.get(name, (0, 0))
        for each in _segments(self._root / name):
            if each < number:
                continue
            start = offset if each == number else 0
            lines = _read_whole_lines(_segment(self._root / name, each), start)
            self._places[name] = (each, start + len(lines))
            if lines:
                return [record for line in lines.splitlines() if (record := decode(name, line)) is not None]
        return []


def _functions(root: Path, function: str | None) -> list[str]:
    if function is not None:
        return [function] if (root / function).is_dir() else []
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _segments(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdecimal())


def _segment(folder: Path, number: int) -> Path:
    return folder / f"{number}.jsonl"


def _read_function(folder: Path, since: str | None) -> Iterator[LogRecord]:
    for number in _segments(folder):
        offset = 0
        while lines := _read_whole_lines(_segment(folder, number), offset):
            offset += len(lines)
            for line in lines.splitlines():
                record = decode(folder.name, line)
                if record is not None and (since is None or record.time >= since):
                    yield record


def _read_whole_lines(path: Path, offset: int) -> bytes:
    """Bytes from `offset` to the last line end that is there; a line over `READ_BYTES` is read whole."""
    size = READ_BYTES
    try:
        with path.open("rb") as file:
            while True:
                file.seek(offset)
                block = file.read(size)
                end = block.rfind(b"\n") + 1
                if end or len(block) < size:
                    return block[:end]
                size *= 2
    except FileNotFoundError:  # the log's space was needed meanwhile
        return b""


def _whole_bytes(path: Path) -> int:
    offset = 0
    while lines := _read_whole_lines(path, offset):
        offset += len(lines)
    return offset
