"""The platform's lines in a function's log, in Lambda's exact words. Pure text; no line end.

A REPORT line ends in a tab, as Lambda's does: tools split at tabs and expect it.
"""

import re
from math import ceil

# Source: aws-lambda-runtime-interface-emulator, fatalerror; Sandbox types are the platform's own.
_ERROR_TYPE = re.compile(r"(Runtime|Function|Sandbox|Extension)\.[A-Z][a-zA-Z]{1,127}")


def init_start(runtime: str) -> str:
    """:param runtime: a runtime name, such as ``python3.13``."""
    name = runtime.rstrip("0123456789.")
    version = runtime[len(name) :]
    return (
        f"INIT_START Runtime Version: {name}:{version}" if version else f"INIT_START Runtime Version: {name}"
    )


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}"


def billed_ms(duration_ms: float) -> int:
    """Whole milliseconds, rounded up from the duration as it is shown: 3.00 is 3, 3.01 is 4."""
    return ceil(round(duration_ms, 2))


def report(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    peak_mb: int,
    init_ms: float | None = None,
    status: str = "success",
    error_type: str | None = None,
) -> str:
    """:param init_ms: only on a cold start.

    :param status: ``success`` is not said; ``error`` and ``timeout`` are.
    """
    text = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {billed_ms(duration_ms)} ms\tMemory Size: {memory_mb} MB\t"
        f"Max Memory Used: {peak_mb} MB\t"
    )
    if init_ms is not None:
        text += f"Init Duration: {init_ms:.2f} ms\t"
    if status != "success":
        text += f"Status: {status}\t"
    if error_type is not None:
        text += f"Error Type: {error_type}\t"
    return text


def init_report(*, init_ms: float, phase: str, status: str, error_type: str | None = None) -> str:
    """:param phase: ``init``, or ``invoke`` when the init was run again at an invocation."""
    text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return text if error_type is None else f"{text}\tError Type: {error_type}"


def shown_error_type(error_type: str) -> str:
    """The error type as a platform line may show it: a runtime posts any text, with tabs and line ends."""
    if _ERROR_TYPE.fullmatch(error_type):
        return error_type
    return "Function.Unknown" if error_type.startswith("Function.") else "Runtime.Unknown"


def logs_dropped(records: int, size: int, reason: str) -> str:
    """In the log, where somebody looks for the lines; Lambda has it as a telemetry event only.

    :param size: bytes.
    """
    return f"LOGS_DROPPED Records: {records}\tBytes: {size}\tReason: {reason}"
