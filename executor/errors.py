"""What went wrong with a function, and the payloads that Lambda's callers see for it.

A `FunctionFault` is the function's own report and is passed on verbatim; the others are found by the platform
and rendered in Lambda's words. Source: recordings of the platform errors of Lambda, 2025.
"""

import signal
from dataclasses import dataclass

import orjson

from executor.core.instructions import PlatformFault
from executor.driver import ExitReport, StartError


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFault:
    """An error that the runtime posted. :param body: the payload, as posted."""

    body: bytes
    error_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A platform error, ready to be shown.

    :param error_type: as in the payload's ``errorType`` and the REPORT line.
    """

    error_type: str
    payload: bytes


RESPONSE_TOO_LARGE = Fault(
    error_type="Function.ResponseSizeTooLarge",
    payload=b'{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",'
    b'"errorType":"Function.ResponseSizeTooLarge"}',
)

# How Go's syscall.Signal prints itself: Lambda's agent shows these words.
_SIGNAL_WORDS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGINT: "interrupt",
    signal.SIGHUP: "hangup",
    signal.SIGQUIT: "quit",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGUSR2: "user defined signal 2",
}


def render(error: object, *, request_id: str, timeout_s: float, init_timeout_s: float = 10.0) -> Fault:
    """Turn what an event or the fleet reported into what the caller sees."""
    if isinstance(error, FunctionFault):
        return Fault(error_type=error.error_type, payload=error.body)
    if isinstance(error, Fault):
        return error
    if isinstance(error, ExitReport):
        return _exit_fault(error, request_id)
    if isinstance(error, StartError):
        return _fault(error.error_type, request_id, str(error))
    if error is PlatformFault.TIMED_OUT:
        return _fault("Sandbox.Timedout", request_id, f"Task timed out after {timeout_s:.2f} seconds")
    if error is PlatformFault.INIT_TIMED_OUT:
        return _fault("Sandbox.Timedout", request_id, f"Init timed out after {init_timeout_s:.2f} seconds")
    if error is PlatformFault.START_TIMED_OUT:
        return _fault("Sandbox.Failure", request_id, "The environment did not start in time")
    if error is PlatformFault.VANISHED:
        return _fault("Sandbox.Failure", request_id, "The environment vanished")
    return _fault("Sandbox.Failure", request_id, "The invocation failed")


def truncated(request_id: str) -> Fault:
    """The runtime's connection broke in the middle of its answer."""
    return _fault("Runtime.TruncatedResponse", request_id, "The response ended before it was complete")


def _exit_fault(report: ExitReport, request_id: str) -> Fault:
    if report.out_of_memory:
        return _fault("Runtime.OutOfMemory", request_id, "Runtime exited with error: signal: killed")
    if report.signal is not None:
        word = _SIGNAL_WORDS.get(report.signal, f"signal {report.signal}")  # type: ignore[call-overload]  # int keys
        return _fault("Runtime.ExitError", request_id, f"Runtime exited with error: signal: {word}")
    if report.code:
        return _fault(
            "Runtime.ExitError", request_id, f"Runtime exited with error: exit status {report.code}"
        )
    return _fault("Runtime.ExitError", request_id, "Runtime exited without providing a reason")


def _fault(error_type: str, request_id: str, message: str) -> Fault:
    payload = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    return Fault(error_type=error_type, payload=orjson.dumps(payload))
