from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.logs import rate
from executor.logs.environment_log import EnvironmentLog
from executor.logs.reader import read
from executor.logs.store import FunctionLogs
from executor.logs.tail import TailBuffer

ONE, TWO = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[FunctionLogs]:
    logs = FunctionLogs(tmp_path, 64)
    yield logs
    logs.close()


class Times:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def log(logs: FunctionLogs, times: Times) -> EnvironmentLog:
    return EnvironmentLog(
        logs, function="notes", stream="2026/01/01/[$LATEST]0", runtime="python3.13", clock=times, mono=times
    )


def end(log: EnvironmentLog, request_id: str, **changes: object) -> None:
    values: dict[str, object] = {"duration_s": 0.003, "memory_mb": 128, "peak_mb": 36} | changes
    log.end(request_id, **values)  # type: ignore[arg-type]


def written(logs: FunctionLogs, root: Path) -> list[tuple[str, str | None, str]]:
    assert logs.flush()
    return [(r.type.removeprefix("platform."), r.request_id, r.text.split("\t")[0]) for r in read(root)]


def test_a_cold_start_and_two_calls(log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path) -> None:
    """L5: each record says whether the platform or the function wrote it."""
    log.init_start()
    log.printed(b"importing\n")
    log.start(ONE, "$LATEST")
    log.printed(b"hel")
    log.printed(b"lo\nunfinished")
    end(log, ONE, init_s=0.1)
    log.printed(b"between\n")
    log.start(TWO, "$LATEST")
    end(log, TWO)
    log.close()

    assert written(logs, tmp_path) == [
        ("initStart", None, "INIT_START Runtime Version: python:3.13"),
        ("function", None, "importing"),
        ("start", ONE, f"START RequestId: {ONE} Version: $LATEST"),
        ("function", ONE, "hello"),
        ("function", ONE, "unfinished"),
        ("end", ONE, f"END RequestId: {ONE}"),
        ("report", ONE, f"REPORT RequestId: {ONE}"),
        ("function", None, "between"),
        ("start", TWO, f"START RequestId: {TWO} Version: $LATEST"),
        ("end", TWO, f"END RequestId: {TWO}"),
        ("report", TWO, f"REPORT RequestId: {TWO}"),
    ]


def test_long_call_can_be_followed_before_its_end(
    log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path
) -> None:
    log.start(ONE, "$LATEST")
    log.printed(b"step 1\n")

    assert [kind for kind, *_ in written(logs, tmp_path)] == ["start", "function"]


def test_call_that_was_not_delivered_leaves_no_trace(
    log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path
) -> None:
    log.start(ONE, "$LATEST")
    log.undelivered()
    log.printed(b"dying\n")

    assert written(logs, tmp_path) == [("function", None, "dying")]


def test_failed_init_is_reported_after_its_output(
    log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path
) -> None:
    log.init_start()
    log.printed(b"Traceback")
    log.init_report(init_s=0.0121, phase="init", status="error", error_type="Runtime.ImportModuleError")

    assert written(logs, tmp_path)[1:] == [
        ("function", None, "Traceback"),
        ("initReport", None, "INIT_REPORT Init Duration: 12.10 ms"),
    ]


def test_error_type_of_a_runtime_cannot_forge_fields(
    log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path
) -> None:
    """L5: a runtime posts any text as its error's type."""
    log.start(ONE, "$LATEST")
    end(log, ONE, status="error", error_type="Function.X\tMax Memory Used: 1 MB\nEND RequestId: 2")
    logs.flush()

    report = list(read(tmp_path))[-1]
    assert report.text.endswith("\tStatus: error\tError Type: Function.Unknown\t")


def test_tail_has_the_lines_of_one_call(log: EnvironmentLog) -> None:
    tail = TailBuffer()
    log.printed(b"before\n")
    log.start(ONE, "$LATEST", tail)
    log.printed(b"hello\nrest")
    end(log, ONE)
    log.printed(b"after\n")

    assert b64decode(tail.base64()).decode() == (
        f"START RequestId: {ONE} Version: $LATEST\nhello\nrest\nEND RequestId: {ONE}\n"
        f"REPORT RequestId: {ONE}\tDuration: 3.00 ms\tBilled Duration: 3 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
    )


def test_flood_is_dropped_counted_and_told(
    log: EnvironmentLog, logs: FunctionLogs, times: Times, tmp_path: Path
) -> None:
    """L5: the rate of one environment."""
    log.start(ONE, "$LATEST")
    flood = 2 * rate.BURST_BYTES // 1024
    for _ in range(flood):
        log.printed(b"x" * 1023 + b"\n")
    times.now += 1
    log.printed(b"calm again\n")
    end(log, ONE)

    records = written(logs, tmp_path)
    kinds = [kind for kind, *_ in records]
    kept = kinds.count("function") - 1
    assert kept == rate.BURST_BYTES // 1024
    assert records[-4][2] == f"LOGS_DROPPED Records: {flood - kept}"
    assert kinds[-4:] == ["logsDropped", "function", "end", "report"]
    assert logs.dropped_records == flood - kept


def test_flood_to_the_end_is_told_before_the_end(
    log: EnvironmentLog, logs: FunctionLogs, tmp_path: Path
) -> None:
    log.start(ONE, "$LATEST")
    log._cap.take(rate.BURST_BYTES - 3, 100.0)
    log.printed(b"\n" * 5)  # empty lines count, too
    assert logs.flush()
    end(log, ONE)

    assert [kind for kind, *_ in written(logs, tmp_path)][-3:] == ["logsDropped", "end", "report"]


def test_other_names_are_refused(logs: FunctionLogs) -> None:
    """C8: it becomes a folder's name."""
    with pytest.raises(ValueError, match="no function name"):
        EnvironmentLog(logs, function="../x", stream="s", runtime="python3.13")


def test_a_flood_of_empty_lines_is_dropped_in_bulk(
    log: EnvironmentLog, logs: FunctionLogs, times: Times, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line costs more than its bytes: what one environment may take of the loop is bounded in lines, too."""
    looked_at = 0
    take = rate.RateCap.take

    def counting(cap: rate.RateCap, size: int, now: float) -> bool:
        nonlocal looked_at
        looked_at += 1
        return take(cap, size, now)

    monkeypatch.setattr(rate.RateCap, "take", counting)
    log.start(ONE, "$LATEST")

    for _ in range(32):
        log.printed(b"\n" * 65536)
    end(log, ONE)

    assert looked_at < 3 * rate.BURST_LINES
    records = written(logs, tmp_path)
    assert records[0][0] == "start"
    kept = sum(kind == "function" for kind, _, _ in records)
    lost = sum(int(text.split()[2]) for kind, _, text in records if kind == "logsDropped")
    assert (kept, kept + lost) == (rate.BURST_LINES, 32 * 65536)


def test_the_tail_has_the_last_line_of_a_flood(log: EnvironmentLog) -> None:
    tail = TailBuffer()
    log.start(ONE, "$LATEST", tail)

    for _ in range(4):
        log.printed(b"\n" * 65536)
    log.printed(b"the end")
    end(log, ONE)

    assert b"the end\nEND RequestId" in tail.text()
