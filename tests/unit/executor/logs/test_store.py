import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.logs import segments
from executor.logs import store as store_module
from executor.logs.reader import read
from executor.logs.records import Call, Line
from executor.logs.store import FunctionLogs

ID = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa"


def line(text: str, *, function: str = "notes", at: float = 1.0, kind: str = "function") -> Line:
    return Line(at, function, "stream", kind, ID, text)


def call(version: str | None = "$LATEST", **changes: object) -> Call:
    return Call(1.0, 2.5, "notes", 'a"b', ID, version, 0.003, 128, 36, None, "success", None)._replace(
        **changes  # type: ignore[arg-type]
    )


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[FunctionLogs]:
    logs = FunctionLogs(tmp_path, 8)
    yield logs
    logs.close()


def written(root: Path, function: str | None = "notes") -> list[tuple[str, str]]:
    return [(record.type, record.text) for record in read(root, function)]


def test_a_call_is_three_typed_records(logs: FunctionLogs, tmp_path: Path) -> None:
    logs.call(call())
    assert logs.flush()

    assert written(tmp_path) == [
        ("platform.start", f"START RequestId: {ID} Version: $LATEST"),
        ("platform.end", f"END RequestId: {ID}"),
        (
            "platform.report",
            f"REPORT RequestId: {ID}\tDuration: 3.00 ms\tBilled Duration: 3 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 36 MB\t",
        ),
    ]
    first, *_, last = read(tmp_path)
    assert (first.time, last.time) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.500Z")
    assert (first.env, first.request_id, first.function) == ('a"b', ID, "notes")


def test_start_is_not_said_twice(logs: FunctionLogs, tmp_path: Path) -> None:
    logs.call(call(version=None))
    logs.flush()

    assert [kind for kind, _ in written(tmp_path)] == ["platform.end", "platform.report"]


@pytest.mark.parametrize(
    "text",
    [
        f"REPORT RequestId: {ID}\tDuration: 0.01 ms\t",
        '"}\n{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","env":"e","record":"REPORT"}',
        "\x1b[2J\r\n\x00\x85\u2028",
        "half a pair: \ud800",
    ],
)
def test_function_text_stays_one_function_record(logs: FunctionLogs, tmp_path: Path, text: str) -> None:
    """L5: whatever it prints, START, END and REPORT included."""
    logs.line(line(text))
    logs.flush()

    assert written(tmp_path) == [("function", text.replace("\ud800", "?"))]


def test_order_and_count_hold_with_many_threads(logs: FunctionLogs, tmp_path: Path) -> None:
    def write(name: str) -> None:
        for number in range(500):
            logs.line(line(f"{name} {number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs.flush()

    texts = [text for _, text in written(tmp_path)]
    for name in "abcd":
        assert [text for text in texts if text[0] == name] == [f"{name} {number}" for number in range(500)]


def test_close_writes_what_is_left_and_later_records_are_dropped(tmp_path: Path) -> None:
    logs = FunctionLogs(tmp_path, 8)
    logs.line(line("last"))
    logs.close()
    logs.line(line("too late"))
    logs.close()

    assert written(tmp_path) == [("function", "last")]
    assert logs.dropped_records == 1


def test_bad_function_name_is_told_to_the_caller(logs: FunctionLogs, tmp_path: Path) -> None:
    for name in ("../x", "a/b", "", ".", "a" * 65, "a\n"):
        with pytest.raises(ValueError, match="no function name"):
            logs.line(line("x", function=name))


def stalled(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The disk does not answer until the event is set."""
    release, append = threading.Event(), segments.Segments.append

    def wait(self: segments.Segments, function: str, text: bytes) -> None:
        assert release.wait(10)
        append(self, function, text)

    monkeypatch.setattr(segments.Segments, "append", wait)
    return release


def test_slow_disk_bounds_memory_and_platform_lines_outlive_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L5: what waits for the disk is bounded."""
    release = stalled(monkeypatch)
    logs = FunctionLogs(tmp_path, 8, max_pending_bytes=100_000)
    for _ in range(100):
        logs.line(line("x" * 10_000 + "y"))
    logs.call(call())
    release.set()
    logs.flush()
    logs.line(line("after"))
    logs.close()

    kinds = [kind for kind, _ in written(tmp_path)]
    kept = kinds.count("function") - 1
    assert 1 <= kept <= 7
    assert "platform.report" in kinds
    assert logs.dropped_records == 100 - kept
    reports = [text for kind, text in written(tmp_path) if kind == "platform.logsDropped"]
    assert sum(int(text.split()[2]) for text in reports) == 100 - kept
    assert all(text.endswith("Reason: queue full") for text in reports)


def test_full_disk_is_survived_and_told(
    logs: FunctionLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write takes half of a line and then there is no room; later there is room again."""
    logs.line(line("before"))
    logs.flush()
    real = os.write
    states = iter(["half"])

    def full(descriptor: int, text: bytes) -> int:
        if next(states, "full") == "half":
            return real(descriptor, text[: len(text) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segments.os, "write", full)
    logs.line(line("lost"))
    logs.flush()
    logs.line(line("lost, too"))
    logs.flush()
    monkeypatch.undo()
    logs.line(line("after"))
    logs.flush()

    assert [text for _, text in written(tmp_path) if not text.startswith("LOGS")] == ["before", "after"]
    dropped = [text for kind, text in written(tmp_path) if kind == "platform.logsDropped"]
    assert len(dropped) == 1
    assert dropped[0].startswith("LOGS_DROPPED Records: 2\t")
    assert dropped[0].endswith("Reason: No space left on device")
    assert logs.dropped_records == 2


def test_writer_lets_other_threads_in_between_slices(
    logs: FunctionLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, append = [], segments.Segments.append

    def note(self: segments.Segments, function: str, text: bytes) -> None:
        sizes.append(text.count(b"\n"))
        append(self, function, text)

    monkeypatch.setattr(segments.Segments, "append", note)
    for number in range(200):
        logs.line(line(str(number)))
    logs.flush()

    assert sum(sizes) == 200
    assert max(sizes) <= store_module.SLICE
