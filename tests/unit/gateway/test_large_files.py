"""Files that are kept while there is room, read once for all who ask, and never served as they were before."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.integrations import file_content
from gateway.integrations.file_content import MAX_FILE_BYTES, FileContent
from gateway.integrations.large_files import READ_AT_ONCE, LargeFiles

FAR = 2**62  # ns of the day: by this clock no file has changed just now


class Disk:
    """Reads files and notes which; each reading waits until `gate` is open."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def read(self, path: Path) -> FileContent:
        self.reads.append(path.name)
        self._loop.call_soon_threadsafe(self.began.set)
        assert self.gate.wait(10)
        return FileContent.read(path)


class CountingPool(ThreadPoolExecutor):
    """Counts what is handed to it."""

    def __init__(self) -> None:
        super().__init__(max_workers=16)
        self.submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        return super().submit(fn, *args, **kwargs)


@pytest.fixture
async def disk() -> AsyncIterator[Disk]:
    disk = Disk()
    yield disk
    disk.gate.set()  # a test that failed must not leave threads behind


def _files(disk: Disk, limit: int = 1000, now_ns: int = FAR) -> LargeFiles:
    return LargeFiles(limit, clock_ns=lambda: now_ns, read=disk.read)


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # of the insides, which have no events
        await asyncio.sleep(0)


async def _turns() -> None:
    """Let whoever can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_unchanged_file_is_read_once_and_all_answers_share_its_bytes(
    disk: Disk, tmp_path: Path
) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    first, second = await files.get(path), await files.get(path)
    assert disk.reads == ["a"]
    assert first.body is second.body
    assert first.validators is second.validators


def _longer(path: Path) -> None:
    path.write_bytes(b"newer")


def _in_place_with_the_old_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _another_with_the_old_time(path: Path) -> None:
    before = path.stat()
    other = _write(path.with_name("other"), b"new")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_longer, _in_place_with_the_old_time, _another_with_the_old_time])
async def test_changed_file_is_served_new(disk: Disk, tmp_path: Path, change: Callable[[Path], None]) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"old")
    old = await files.get(path)
    change(path)
    new = await files.get(path)
    assert (old.body, new.body) == (b"old", path.read_bytes())
    assert old.etag != new.etag


@pytest.mark.parametrize(
    ("age_s", "reads"), [pytest.param(1, 2, id="just-now"), pytest.param(3, 1, id="a-while-ago")]
)
async def test_file_that_changed_just_now_is_not_kept(
    disk: Disk, tmp_path: Path, age_s: int, reads: int
) -> None:
    """Two writes within one tick of the file system's clock: what was read after the first looked unchanged."""
    path = _write(tmp_path / "a", b"one")
    files = _files(disk, now_ns=path.stat().st_ctime_ns + age_s * 1_000_000_000)
    assert [(await files.get(path)).body for _ in range(2)] == [b"one"] * 2
    assert len(disk.reads) == reads


async def test_file_that_changes_while_it_is_read_is_not_kept(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer was between its two halves: the halves that were read together must not be served for ever."""
    files, path = _files(disk), _write(tmp_path / "a", b"old and new")
    looked = []

    def fstat(descriptor: int) -> os.stat_result:
        looked.append(descriptor)
        if len(looked) == 2:
            path.write_bytes(b"new and new")
        return os.stat(descriptor)

    monkeypatch.setattr(file_content.os, "fstat", fstat)
    mixed = await files.get(path)
    monkeypatch.undo()
    assert (mixed.body, mixed.identity) == (b"old and new", None)
    assert (await files.get(path)).body == b"new and new"
    assert disk.reads == ["a", "a"]


async def test_file_that_grows_too_large_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a", bytes(MAX_FILE_BYTES + 1))
    real = path.stat()
    small = os.stat_result([*real[:6], 5, *real[7:]])
    monkeypatch.setattr(file_content.os, "fstat", lambda _: small)
    with pytest.raises(ValueError, match="larger than"):
        FileContent.read(path)


async def test_many_who_ask_at_once_wait_for_one_reading(disk: Disk, tmp_path: Path) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    disk.gate.clear()
    asking = [asyncio.create_task(files.get(path)) for _ in range(30)]
    await disk.began.wait()
    disk.gate.set()
    bodies = {id((await each).body) for each in asking}
    assert (disk.reads, len(bodies)) == (["a"], 1)


async def test_who_finds_a_changed_file_does_not_wait_for_the_old_reading(disk: Disk, tmp_path: Path) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    disk.gate.clear()
    first = asyncio.create_task(files.get(path))
    await disk.began.wait()
    disk.began.clear()
    path.write_bytes(b"other")
    second = asyncio.create_task(files.get(path))
    await disk.began.wait()
    disk.gate.set()
    assert (await second).body == b"other"
    assert (await first).body == b"other"  # what is on the disk when it is read
    assert disk.reads == ["a", "a"]


async def test_a_waiter_that_leaves_takes_nobodys_reading_away(disk: Disk, tmp_path: Path) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    disk.gate.clear()
    leaving = asyncio.create_task(files.get(path))
    await disk.began.wait()
    staying = asyncio.create_task(files.get(path))
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    disk.gate.set()
    assert (await staying).body == b"one"
    assert disk.reads == ["a"]


async def test_reading_that_nobody_waits_for_keeps_its_place_until_it_ends(
    disk: Disk, tmp_path: Path
) -> None:
    """Clients that asked and left at once: each had a thread, and the next one got another."""
    pool = CountingPool()
    asyncio.get_running_loop().set_default_executor(pool)
    paths = [_write(tmp_path / name, b"x") for name in "abcdef"]
    files = _files(disk)
    disk.gate.clear()
    for path in paths:
        asking = asyncio.create_task(files.get(path))
        await _until(lambda: f"reading={1 + paths.index(path)}" in repr(files))  # noqa: B023  # awaited here
        asking.cancel()
    await _turns()
    assert pool.submitted == len(paths) + READ_AT_ONCE  # each was looked at
    disk.gate.set()
    assert [(await files.get(path)).body for path in paths] == [b"x"] * 6
    assert sorted(disk.reads) == list("abcdef")


async def test_few_are_read_at_a_time(disk: Disk, tmp_path: Path) -> None:
    pool = CountingPool()
    asyncio.get_running_loop().set_default_executor(pool)
    files = _files(disk, limit=0)
    paths = [_write(tmp_path / name, b"x") for name in "abcdef"]
    disk.gate.clear()
    asking = [asyncio.create_task(files.get(path)) for path in paths]
    await _until(lambda: "reading=6" in repr(files))
    await _turns()
    assert pool.submitted == len(paths) + READ_AT_ONCE  # each was looked at
    disk.gate.set()
    assert [(await each).body for each in asking] == [b"x"] * 6


async def test_failed_reading_is_everybodys_and_is_tried_again(
    disk: Disk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    disk.gate.clear()
    asking = [asyncio.create_task(files.get(path)) for _ in range(3)]
    await disk.began.wait()
    asking[0].cancel()
    path.unlink()
    disk.gate.set()
    await asyncio.wait(asking)
    assert all(task.cancelled() or isinstance(task.exception(), FileNotFoundError) for task in asking)
    _write(path, b"again")
    assert (await files.get(path)).body == b"again"
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_least_recently_asked_for_goes_first(disk: Disk, tmp_path: Path) -> None:
    files = _files(disk, limit=25)
    a, b, c = (_write(tmp_path / name, b"0123456789") for name in "abc")
    for path in (a, b, a, c):
        await files.get(path)
    assert repr(files) == "<LargeFiles kept=2 bytes=20 reading=0>"
    disk.reads.clear()
    for path in (a, c, b):
        await files.get(path)
    assert disk.reads == ["b"]


async def test_changed_file_takes_the_room_of_what_it_was(disk: Disk, tmp_path: Path) -> None:
    files, path = _files(disk, limit=25), tmp_path / "a"
    for size in (10, 20, 5, 25, 26):
        assert len((await files.get(_write(path, bytes(size)))).body) == size
        kept = (1, size) if size <= 25 else (0, 0)
        assert repr(files) == "<LargeFiles kept={} bytes={} reading=0>".format(*kept)


async def test_file_without_room_is_read_each_time(disk: Disk, tmp_path: Path) -> None:
    files, path = _files(disk, limit=2), _write(tmp_path / "a", b"one")
    assert [(await files.get(path)).body for _ in range(2)] == [b"one"] * 2
    assert disk.reads == ["a", "a"]


async def test_kept_file_that_became_a_link_is_not_served(disk: Disk, tmp_path: Path) -> None:
    """The twin with the file itself in its place is served from memory."""
    files, path = _files(disk), _write(tmp_path / "a", b"one")
    await files.get(path)
    moved = path.rename(tmp_path / "moved")
    path.symlink_to(moved)
    with pytest.raises(ValueError, match="symlink"):
        await files.get(path)
    path.unlink()
    moved.rename(path)
    assert (await files.get(path)).body == b"one"
