"""The writer: batches, bounds, drops, failures."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from kit.json_log import JsonLog, utc_text


class Sink:
    """Takes batches; can be held to look like a stuck disk."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def __call__(self, data: bytes) -> None:
        self.entered.set()
        assert self.open.wait(10)
        self.batches.append(data)

    def records(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in b"".join(self.batches).splitlines()]


def test_records_come_out_whole_in_order_and_batched() -> None:
    sink = Sink()
    log = JsonLog(sink, delay_s=10)
    for n in range(1000):
        log.emit({"n": n})
    assert log.close()
    assert [record["n"] for record in sink.records()] == list(range(1000))
    assert len(sink.batches) == 1


def test_flush_comes_without_close() -> None:
    sink = Sink()
    log = JsonLog(sink, delay_s=0.001)
    log.emit({"n": 1})
    assert sink.entered.wait(5)
    sink.entered.clear()
    log.emit({"n": 2})
    assert sink.entered.wait(5)
    assert log.close()
    assert [record["n"] for record in sink.records()] == [1, 2]


@pytest.mark.parametrize(
    "bounds", [{"max_lines": 3}, {"max_bytes": 3 * len(b'{"n":0}\n')}], ids=["lines", "bytes"]
)
def test_stuck_sink_drops_and_counts_but_never_blocks(bounds: dict[str, int]) -> None:
    sink = Sink()
    sink.open.clear()
    log = JsonLog(sink, delay_s=0, **bounds)
    log.emit({"n": 0})
    assert sink.entered.wait(5)
    for n in range(1, 9):
        log.emit({"n": n})
    assert log.dropped == 5
    sink.open.set()
    assert log.close()
    shown = sink.records()
    assert [record["n"] for record in shown if "n" in record] == [0, 1, 2, 3]
    assert [record["records"] for record in shown if record.get("event") == "log_dropped"] == [5]


def test_close_leaves_a_stuck_sink_behind_in_time() -> None:
    sink = Sink()
    sink.open.clear()
    log = JsonLog(sink, delay_s=0)
    log.emit({"n": 0})
    assert sink.entered.wait(5)
    assert log.close(timeout_s=0.01) is False
    sink.open.set()
    assert log.close() is True


def test_record_after_close_is_counted_as_lost() -> None:
    log = JsonLog(Sink())
    assert log.close()
    log.emit({"n": 1})
    assert log.dropped == 1


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), ValueError("closed file")])
def test_failing_sink_loses_its_batch_and_the_log_goes_on(failure: Exception) -> None:
    sink = Sink()
    failed = threading.Event()

    def write(data: bytes) -> None:
        if not failed.is_set():
            failed.set()
            raise failure
        sink(data)

    log = JsonLog(write, delay_s=0)
    log.emit({"n": 1})
    assert failed.wait(5)
    log.emit({"n": 2})
    assert log.close()
    assert log.dropped == 1
    assert {"n": 2} in sink.records()


def test_event_has_time_level_and_kind() -> None:
    sink = Sink()
    log = JsonLog(sink)
    log.event("reloaded", routes=3)
    log.event("start_failed", level="error", function="notes")
    assert log.close()
    first, second = sink.records()
    assert (first["level"], first["event"], first["routes"]) == ("info", "reloaded", 3)
    assert (second["level"], second["function"]) == ("error", "notes")
    assert str(first["time"]).endswith("Z")
    assert len(str(first["time"])) == 24


def test_descriptor_gets_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        log = JsonLog(descriptor)
        log.emit({"n": 1})
        assert log.close()
    finally:
        os.close(descriptor)
    assert path.read_bytes() == b'{"n":1}\n'


def test_non_blocking_pipe_gets_every_byte_of_a_batch_larger_than_itself() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    received: list[bytes] = []

    def drain() -> None:
        while chunk := os.read(reader, 65536):
            received.append(chunk)

    log = JsonLog(writer, delay_s=10)
    for n in range(300):
        log.emit({"n": n, "fill": "x" * 4000})
    thread = threading.Thread(target=drain)
    thread.start()
    try:
        assert log.close()
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)
    assert [orjson.loads(line)["n"] for line in b"".join(received).splitlines()] == list(range(300))


def test_emitters_on_many_threads_lose_nothing() -> None:
    sink = Sink()
    log = JsonLog(sink, delay_s=0)

    def emit_all(thread: int) -> Callable[[], None]:
        return lambda: [log.emit({"t": thread, "n": n}) for n in range(500)] and None

    threads = [threading.Thread(target=emit_all(t)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.close()
    assert sorted((r["t"], r["n"]) for r in sink.records()) == [(t, n) for t in range(4) for n in range(500)]


@pytest.mark.parametrize(
    ("unix_s", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1772600767.0895, "2026-03-04T05:06:07.089Z"),
        (1.5, "1970-01-01T00:00:01.500Z"),
    ],
)
def test_time_is_utc_in_milliseconds(unix_s: float, text: str) -> None:
    assert utc_text(unix_s) == text


def test_raw_lines_stand_among_the_records_and_are_bounded() -> None:
    sink = Sink()
    log = JsonLog(sink, delay_s=10)
    log.emit({"n": 1})
    log.raw(b"for a person\n")
    log.raw(b"x" * 100_000 + b"\n")
    assert log.close()
    first, second, third = b"".join(sink.batches).splitlines(keepends=True)
    assert (first, second) == (b'{"n":1}\n', b"for a person\n")
    assert len(third) == 64 * 1024
    assert third.endswith(b"x\n")
