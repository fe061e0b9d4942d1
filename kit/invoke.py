"""The seam between whoever calls a function and whoever runs it, in the shape of Lambda's ``Invoke``.

The gateway (and later auth's triggers) hold an `Invoker`; the executor is one, in process or behind a
socket. Deadlines cross it as *remaining* milliseconds, because two processes share no clock.
Source: Lambda API reference, "Invoke".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

InvocationKind = Literal["RequestResponse", "Event", "DryRun"]

NO_HEADERS: Mapping[str, str] = {}


@dataclass(slots=True, kw_only=True)
class InvokeCall:
    """One request to run a function. Treat it as frozen (it is not declared so: 0.5 µs a call).

    :param qualifier: ``$LATEST``, a version or an alias; None means unqualified.
    :param headers: wire headers in lower case: ``x-amz-client-context`` (base64 JSON),
        ``x-amz-log-type`` (``None`` or ``Tail``).
    :param budget_ms: how long the caller will wait, queue and start included.
    :param trace: an X-Amzn-Trace-Id value (``Root=1-…;Parent=…;Sampled=…``).
    """

    function: str
    payload: bytes
    budget_ms: int
    trace: str
    qualifier: str | None = None
    kind: InvocationKind = "RequestResponse"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


@dataclass(slots=True, kw_only=True)
class InvokeTimes:
    """Where the time of one invocation went, in microseconds. ``init_us`` is 0 on a warm call."""

    queue_us: int = 0
    start_us: int = 0
    init_us: int = 0
    handler_us: int = 0


@dataclass(slots=True, kw_only=True)
class InvokeAnswer:
    """What ``Invoke`` answered.

    :param status: 200, 202, 204, or the status of a Lambda API error.
    :param headers: lower-case wire headers: ``x-amzn-requestid`` always;
        ``x-amz-executed-version``; ``x-amz-function-error`` when the function failed (status stays 200);
        ``x-amzn-errortype`` when status is an error; ``x-amz-log-result``; ``retry-after``.
    """

    status: int
    headers: dict[str, str]
    payload: bytes
    times: InvokeTimes | None = None


class BudgetExceeded(TimeoutError):
    """The caller's budget passed. A function that was running goes on running."""


class Invoker(Protocol):
    """Runs functions. One contract suite holds for every implementation."""

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        """Run the call and return its answer; cancelling the await means that the caller is gone.

        :raises BudgetExceeded: ``budget_ms`` passed before there was an answer.
        """
        ...
