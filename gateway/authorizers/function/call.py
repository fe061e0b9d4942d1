"""One call of an authorizer's function, and the refusal when it gave no answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from gateway.authorizers.function.answer import (
    Answer,
    AnswerError,
    read_policy_answer,
    read_simple,
    read_v1_answer,
)
from gateway.authorizers.function.route_arn import shown_arn
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.errors import AuthorizerFailure, AuthorizerSaturated, Denial, DenialReason
from gateway.events import authorizer as events
from gateway.exchange import Exchange
from gateway.locator import Locator
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall

# 10 s: API Gateway's limit for a Lambda authorizer, queue and start included.
BUDGET_MS = 10_000

# Only the type of a fault is read from its payload; longer ones are not worth the parsing.
_MAX_FAULT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. A value, and not an exception: several requests wait for one call, and each raises its own."""

    reason: DenialReason
    detail: str

    def error(self) -> Denial:
        if self.reason == "authorizer_saturated":
            return AuthorizerSaturated(self.detail)
        return AuthorizerFailure(self.reason, self.detail)


class AuthorizerFunction:
    """How one authorizer calls its function and reads it; settled by its configuration."""

    def __init__(self, spec: FunctionAuthorizerSpec) -> None:
        self.name = spec.function
        self._read: Callable[[bytes], Answer]
        if spec.payload_version == "1.0":
            self._build, self._read = events.build_v1, read_v1_answer
        else:
            self._build = events.build_v2
            self._read = read_simple if spec.simple_responses else read_policy_answer

    def event(self, exchange: Exchange, identity: Sequence[str] | None) -> bytes:
        """What the function is called with.

        :param identity: the values at the identity sources; None: none are configured.
        :raises BadRequest: the query has too many pairs.
        """
        return self._build(exchange, shown_arn(exchange), identity)

    async def ask(self, locator: Locator, event: bytes, trace: str) -> Answer | Failure:
        call = InvokeCall(function=self.name, payload=event, budget_ms=BUDGET_MS, trace=trace)
        try:
            answer = await locator.locate(call.function, call.qualifier).invoke(call)
        except BudgetExceeded:
            return Failure("authorizer_timeout", f"{self.name} gave no answer in {BUDGET_MS} ms")
        failure = self._failure_of(answer)
        if failure is not None:
            return failure
        try:
            return self._read(answer.payload)
        except AnswerError as exc:
            return Failure(
                "authorizer_failed", f"what {self.name} answered is not an authorizer's answer: {exc}"
            )

    def _failure_of(self, answer: InvokeAnswer) -> Failure | None:
        if answer.status != 200:
            kind = answer.headers.get("x-amzn-errortype", "error")
            reason: DenialReason = (
                "authorizer_saturated" if answer.status in (429, 503) else "authorizer_failed"
            )
            return Failure(reason, f"invoking {self.name} answered {answer.status} {kind}")
        if "x-amz-function-error" not in answer.headers:
            return None
        # Also the literal error "Unauthorized": HTTP APIs answer 500 to it, only REST APIs 401.
        kind = _fault_type(answer.payload)
        is_timeout = kind == "Sandbox.Timedout"  # the function's own timeout is below the budget
        return Failure(
            "authorizer_timeout" if is_timeout else "authorizer_failed",
            f"the function {self.name} failed: {kind}",
        )


def _fault_type(payload: bytes) -> str:
    """The ``errorType``. Never the message: it may repeat what the caller sent."""
    if len(payload) <= _MAX_FAULT_BYTES:
        try:
            found = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return "Unhandled"
        if isinstance(found, dict) and isinstance(kind := found.get("errorType"), str):
            return kind[:256]
    return "Unhandled"
