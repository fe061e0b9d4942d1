import pytest

from executor.logs import lines

ID = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa"


def test_start_and_end() -> None:
    assert lines.start(ID, "$LATEST") == f"START RequestId: {ID} Version: $LATEST"
    assert lines.end(ID) == f"END RequestId: {ID}"


@pytest.mark.parametrize(
    ("runtime", "text"),
    [
        ("python3.13", "INIT_START Runtime Version: python:3.13"),
        ("provided", "INIT_START Runtime Version: provided"),
    ],
)
def test_init_start(runtime: str, text: str) -> None:
    assert lines.init_start(runtime) == text


def test_report_of_a_warm_call() -> None:
    assert lines.report(ID, duration_ms=3.006, memory_mb=128, peak_mb=36) == (
        f"REPORT RequestId: {ID}\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
    )


def test_report_of_a_cold_call_ends_in_its_init() -> None:
    text = lines.report(ID, duration_ms=3.01, memory_mb=128, peak_mb=36, init_ms=110.1)

    assert text.endswith("\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t")


def test_report_of_failures() -> None:
    error = lines.report(
        ID, duration_ms=1, memory_mb=128, peak_mb=36, status="error", error_type="Runtime.ExitError"
    )
    timeout = lines.report(ID, duration_ms=3000, memory_mb=128, peak_mb=36, status="timeout")

    assert error.endswith("\tStatus: error\tError Type: Runtime.ExitError\t")
    assert timeout.endswith("\tStatus: timeout\t")


@pytest.mark.parametrize(
    ("duration_ms", "billed"),
    [(0.0, 0), (0.004, 0), (0.01, 1), (3.0, 3), (3.0000001, 3), (3.01, 4), (3000.0, 3000)],
)
def test_billed_duration_is_the_shown_one_rounded_up(duration_ms: float, billed: int) -> None:
    assert lines.billed_ms(duration_ms) == billed


def test_init_report() -> None:
    assert lines.init_report(init_ms=10007.33, phase="init", status="timeout") == (
        "INIT_REPORT Init Duration: 10007.33 ms\tPhase: init\tStatus: timeout"
    )
    assert lines.init_report(init_ms=12.1, phase="init", status="error", error_type="Runtime.ExitError") == (
        "INIT_REPORT Init Duration: 12.10 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError"
    )


@pytest.mark.parametrize(
    ("posted", "shown"),
    [
        ("Runtime.ExitError", "Runtime.ExitError"),
        ("Function.MyError", "Function.MyError"),
        ("Sandbox.Timedout", "Sandbox.Timedout"),
        ("ValueError", "Runtime.Unknown"),
        ("Function.x\tStatus: success", "Function.Unknown"),
        ("Runtime.ExitError\nREPORT RequestId: 1", "Runtime.Unknown"),
    ],
)
def test_error_type_cannot_bring_fields_or_lines(posted: str, shown: str) -> None:
    assert lines.shown_error_type(posted) == shown
