import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from executor.logs.reader import READ_BYTES, Follower, follow, read
from executor.logs.segments import Segments


def record(text: str, second: int = 0) -> bytes:
    raw = {"time": f"2026-01-01T00:00:{second:02d}.000Z", "type": "function", "env": "e", "record": text}
    return orjson.dumps(raw, option=orjson.OPT_APPEND_NEWLINE)


@pytest.fixture
def segments(tmp_path: Path) -> Iterator[Segments]:
    segments = Segments(tmp_path, 1024 * 1024)
    yield segments
    segments.close()


def texts(records: object) -> list[str]:
    return [record.text for record in records]  # type: ignore[attr-defined]


def test_functions_are_merged_by_time(tmp_path: Path, segments: Segments) -> None:
    segments.append("a", record("1", 1) + record("3", 3))
    segments.append("b", record("2", 2) + record("4", 4))

    assert texts(read(tmp_path)) == ["1", "2", "3", "4"]
    assert texts(read(tmp_path, "b")) == ["2", "4"]
    assert texts(read(tmp_path, since="2026-01-01T00:00:03")) == ["3", "4"]


def test_nothing_to_read(tmp_path: Path) -> None:
    assert list(read(tmp_path / "missing")) == []
    assert list(read(tmp_path, "missing")) == []
    assert Follower(tmp_path / "missing").read_new() == []


def test_damaged_lines_are_left_out(tmp_path: Path, segments: Segments) -> None:
    bad = [b"{}\n", b"[]\n", b"1\n", b"\n", b'{"time": 1\n', b"\xff\n"]
    segments.append("a", record("1") + b"".join(bad) + record("2"))
    with (tmp_path / "a/1.jsonl").open("ab") as file:
        file.write(b'{"time":"2026-01-01T00:0')
    (tmp_path / "a/2.jsonl").write_bytes(record("3"))

    assert texts(read(tmp_path)) == ["1", "2", "3"]


def test_segments_are_read_in_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number in (2, 10, 9):
        (tmp_path / f"a/{number}.jsonl").write_bytes(record(str(number)))
    (tmp_path / "a/notes.jsonl").write_bytes(record("not ours"))

    assert texts(read(tmp_path)) == ["2", "9", "10"]


def test_line_longer_than_a_block_is_read_whole(tmp_path: Path, segments: Segments) -> None:
    long = "x" * (READ_BYTES + 10)
    segments.append("a", record("1") + record(long) + record("2"))

    assert texts(read(tmp_path)) == ["1", long, "2"]


def test_follower_begins_at_the_end(tmp_path: Path, segments: Segments) -> None:
    segments.append("a", record("old"))
    follower = Follower(tmp_path)
    assert follower.read_new() == []

    segments.append("a", record("2", 2))
    segments.append("b", record("1", 1))

    assert texts(follower.read_new()) == ["1", "2"]
    assert follower.read_new() == []


def test_follower_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    follower = Follower(tmp_path)
    whole = record("1")
    (tmp_path / "a/1.jsonl").write_bytes(whole[:20])
    assert follower.read_new() == []
    (tmp_path / "a/1.jsonl").write_bytes(whole)

    assert texts(follower.read_new()) == ["1"]


def test_follower_goes_on_over_rotation_and_removal(tmp_path: Path, segments: Segments) -> None:
    follower = Follower(tmp_path, "a")
    expected, seen = [], []
    for number in range(300):
        text = f"{number} {'x' * 1000}"
        expected.append(text)
        segments.append("a", record(text))
        if number % 7 == 0:
            seen += texts(follower.read_new())
    while new := follower.read_new():
        seen += texts(new)
    assert seen == expected

    (tmp_path / "a/1.jsonl").unlink()
    assert follower.read_new() == []


def test_follow_ends_when_it_is_told(tmp_path: Path, segments: Segments) -> None:
    stop = threading.Event()
    stream = follow(tmp_path, stop=stop, poll_s=0.01)
    got = threading.Event()
    seen: list[str] = []

    def consume() -> None:
        for each in stream:
            seen.append(each.text)
            got.set()

    thread = threading.Thread(target=consume)
    thread.start()
    for number in range(1000):  # following begins some time after the thread
        segments.append("a", record(str(number)))
        if got.wait(0.01):
            break
    stop.set()
    thread.join()

    assert seen
