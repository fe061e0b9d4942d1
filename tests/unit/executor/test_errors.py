"""The payloads of platform errors, byte by byte, as Lambda's callers see them."""

import json
import signal

import pytest

from executor.core.instructions import PlatformFault
from executor.driver import ExitReport, StartError
from executor.errors import RESPONSE_TOO_LARGE, FunctionFault, render, truncated

ID = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa"

ENTRYPOINT = StartError("fork/exec /var/task/bootstrap: no such file or directory", permanent=True)
TABLE = [
    ("timeout", PlatformFault.TIMED_OUT, "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
    ("init-timeout", PlatformFault.INIT_TIMED_OUT, "Sandbox.Timedout", "Init timed out after 10.00 seconds"),
    ("start-timeout", PlatformFault.START_TIMED_OUT, "Sandbox.Failure", "The environment did not start in time"),
    ("vanished", PlatformFault.VANISHED, "Sandbox.Failure", "The environment vanished"),
    ("nobody-knows", None, "Sandbox.Failure", "The invocation failed"),
    ("exit-0", ExitReport(code=0), "Runtime.ExitError", "Runtime exited without providing a reason"),
    ("exit-unseen", ExitReport(), "Runtime.ExitError", "Runtime exited without providing a reason"),
    ("exit-127", ExitReport(code=127), "Runtime.ExitError", "Runtime exited with error: exit status 127"),
    ("oom", ExitReport(signal=9, out_of_memory=True), "Runtime.OutOfMemory",
     "Runtime exited with error: signal: killed"),
    ("segfault", ExitReport(signal=signal.SIGSEGV), "Runtime.ExitError",
     "Runtime exited with error: signal: segmentation fault"),
    ("killed", ExitReport(signal=9), "Runtime.ExitError", "Runtime exited with error: signal: killed"),
    ("aborted", ExitReport(signal=6), "Runtime.ExitError", "Runtime exited with error: signal: aborted"),
    ("odd-signal", ExitReport(signal=34), "Runtime.ExitError", "Runtime exited with error: signal: signal 34"),
    ("entry-point", ENTRYPOINT, "Runtime.InvalidEntrypoint",
     "fork/exec /var/task/bootstrap: no such file or directory"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "error_type", "message"), [pytest.param(*r[1:], id=r[0]) for r in TABLE])
def test_platform_error(error: object, error_type: str, message: str) -> None:
    fault = render(error, request_id=ID, timeout_s=3)
    expected = f'{{"errorType":"{error_type}","errorMessage":"RequestId: {ID} Error: {message}"}}'
    assert (fault.error_type, fault.payload) == (error_type, expected.encode())


@pytest.mark.parametrize(("timeout_s", "shown"), [(1, "1.00"), (0.5, "0.50"), (900.0, "900.00")])
def test_seconds_are_shown_with_two_decimals(timeout_s: float, shown: str) -> None:
    fault = render(PlatformFault.TIMED_OUT, request_id=ID, timeout_s=timeout_s)
    assert f"after {shown} seconds" in json.loads(fault.payload)["errorMessage"]


def test_what_the_runtime_posted_is_passed_on_verbatim() -> None:
    fault = render(FunctionFault(body=b"not even json", error_type="E"), request_id=ID, timeout_s=3)
    assert (fault.error_type, fault.payload) == ("E", b"not even json")


def test_answer_over_the_limit_is_the_functions_fault() -> None:
    assert render(RESPONSE_TOO_LARGE, request_id=ID, timeout_s=3).payload == (
        b'{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",'
        b'"errorType":"Function.ResponseSizeTooLarge"}'
    )


def test_truncated_answer() -> None:
    fault = truncated(ID)
    assert fault.error_type == "Runtime.TruncatedResponse"
    assert fault.payload == (
        b'{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: '
        + ID.encode()
        + b' Error: The response ended before it was complete"}'
    )
