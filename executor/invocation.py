"""One invocation while it lives: the call, who waits for its answer, and when what happened to it.

The core knows it by id only; payloads never enter the core.
"""

import asyncio

from executor.core.instructions import Outcome
from executor.errors import Fault, render, truncated
from executor.logs.tail import TailBuffer
from executor.metrics import StartKind
from executor.revision import Revision
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes

EXECUTED_VERSION = "$LATEST"
TAIL_WAIT_S = 0.05  # a runtime that does not ask for the next event at once delays nobody longer than this


class Invocation:
    """Made when a call arrives, dropped when its caller is answered and it was metered.

    :ivar delivered: when its event was written, on the monotonic clock; 0.0 while it waits.
    :ivar is_cold: it waited for the environment that it runs in; `start_s` and `init_s` are parts of that, and
        `start_kind` says how it was made.
    """

    __slots__ = (
        "answer", "arrived", "body", "call", "client_context", "completed", "delivered", "future", "id", "init_s",
        "is_cold", "revision", "start_kind", "start_s", "tail", "timer",
    )  # fmt: skip

    def __init__(
        self,
        *,
        id: str,
        call: InvokeCall,
        revision: Revision,
        arrived: float,
        future: asyncio.Future[InvokeAnswer],
    ) -> None:
        self.id = id
        self.call = call
        self.revision = revision
        self.arrived = arrived
        self.future = future
        self.client_context: str | None = None
        self.body = b""
        self.answer: InvokeAnswer | None = None
        self.delivered = 0.0
        self.completed = 0.0
        self.is_cold = False
        self.start_kind: StartKind = "direct"
        self.start_s = 0.0
        self.init_s = 0.0
        self.tail: TailBuffer | None = None
        self.timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        state = "answered" if self.future.done() else "delivered" if self.delivered else "waiting"
        return f"<Invocation {self.id} of {self.revision.config.name} {state}>"

    def return_to_queue(self) -> None:
        """Its event could not be written: it waits as if nothing had been tried."""
        self.delivered = self.start_s = self.init_s = 0.0
        self.is_cold = False
        if self.tail is not None:
            self.tail = TailBuffer()

    def settle(self, answer: InvokeAnswer) -> None:
        """Answer the caller, if it is still there."""
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Raise *error* at the caller, if it is still there."""
        if not self.future.done():
            self.future.set_exception(error)

    def hold(self, answer: InvokeAnswer, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the answer until END and REPORT are in its log tail, for `TAIL_WAIT_S` at most."""
        self.answer = answer
        self.timer = loop.call_later(TAIL_WAIT_S, self.release)

    def release(self) -> None:
        """Answer with the log tail as it is now. Does nothing when no answer is held."""
        answer, self.answer = self.answer, None
        if answer is None or self.tail is None:
            return
        if self.timer is not None:
            self.timer.cancel()
        answer.headers["x-amz-log-result"] = self.tail.base64()
        self.settle(answer)

    def times(self) -> InvokeTimes:
        delivered = self.delivered or self.completed
        queued = max(0.0, delivered - self.arrived - self.start_s - self.init_s)
        handled = self.completed - delivered
        if not self.is_cold:
            return InvokeTimes(queue_us=int(queued * 1e6), handler_us=int(handled * 1e6))
        return InvokeTimes(
            queue_us=int(queued * 1e6),
            start_us=int(self.start_s * 1e6),
            init_us=int(self.init_s * 1e6),
            handler_us=int(handled * 1e6),
        )

    def success(self, times: InvokeTimes) -> InvokeAnswer:
        return InvokeAnswer(
            status=200,
            headers={"x-amzn-requestid": self.id, "x-amz-executed-version": EXECUTED_VERSION},
            payload=self.body,
            times=times,
        )

    def failure(self, fault: Fault, times: InvokeTimes) -> InvokeAnswer:
        return InvokeAnswer(
            status=200,
            headers={
                "x-amzn-requestid": self.id,
                "x-amz-executed-version": EXECUTED_VERSION,
                "x-amz-function-error": "Unhandled",
            },
            payload=fault.payload,
            times=times,
        )

    def fault_of(self, outcome: Outcome, detail: object) -> Fault:
        """What a failed outcome is in Lambda's words."""
        if outcome is Outcome.TRUNCATED and detail is None:
            return truncated(self.id)
        return render(detail, request_id=self.id, timeout_s=self.revision.config.timeout_s)
