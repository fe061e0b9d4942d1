"""The function integration: event out, Lambda ``Invoke``, the function's output back in."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.connection import Connection
from gateway.errors import (
    IntegrationError,
    IntegrationTimeout,
    PayloadTooLarge,
    Saturated,
)
from gateway.events import v1, v2
from gateway.exchange import Exchange
from gateway.function_output import Output, decode_base64, iter_base64, read_v1, read_v2
from gateway.ledger import Ledger
from gateway.locator import Locator
from gateway.response import BODILESS, HttpResponse
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall

PayloadVersion = Literal["1.0", "2.0"]

# 6 MiB: Lambda's synchronous payload limit. It holds for the event, so a body can never be larger.
MAX_EVENT_BYTES = 6 * 1024 * 1024

# Answers above this are parsed two at a time and decoded in slices: a 5.6 MB answer at once holds the loop
# 121 ms.
LARGE_ANSWER_BYTES = 1024 * 1024
LARGE_ANSWERS_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTarget:
    """:param timeout_s: how long the client's request waits, queue and start included; 0.05–900."""

    function: str
    payload_version: PayloadVersion = "2.0"
    timeout_s: float = 30.0


class LargeAnswers:
    """The places for answers above `LARGE_ANSWER_BYTES`, shared by all routes of a deployment."""

    def __init__(self, places: int = LARGE_ANSWERS_AT_ONCE) -> None:
        self._places = asyncio.Semaphore(places)

    async def read(self, payload: bytes, parse: Callable[[bytes], Output]) -> HttpResponse:
        """Parse when a place is free, and let others run between slices of base64."""
        async with self._places:
            output = parse(payload)
            if not output.is_base64:
                return _finish(output, output.text.encode())
            slices = []
            for piece in iter_base64(output.text):
                slices.append(piece)
                await asyncio.sleep(0)
            return _finish(output, b"".join(slices))


class FunctionIntegration:
    """One route's function; everything that does not depend on the request is settled here."""

    body_limit: int | None = MAX_EVENT_BYTES

    def __init__(self, target: FunctionTarget, locator: Locator, large_answers: LargeAnswers) -> None:
        self.target = target
        self._locator = locator
        self._large_answers = large_answers
        self._budget_ms = round(target.timeout_s * 1000)
        is_v1 = target.payload_version == "1.0"
        self._build_event = v1.build_event if is_v1 else v2.build_event
        self._parse = read_v1 if is_v1 else read_v2

    def __repr__(self) -> str:
        return f"<FunctionIntegration {self.target.function} payload={self.target.payload_version}>"

    async def answer(self, exchange: Exchange, connection: Connection, ledger: Ledger) -> HttpResponse:
        """Run the function for one exchange.

        :raises PayloadTooLarge: the event is larger than Lambda takes.
        :raises IntegrationError: or one of its kind: the function could not run, failed, or answered badly.
        :raises ClientGone: nobody waits any more; the call was cancelled.
        """
        event = self._build_event(exchange)
        if len(event) > MAX_EVENT_BYTES:
            raise PayloadTooLarge(f"the event has {len(event)} bytes, the limit is {MAX_EVENT_BYTES}")
        call = InvokeCall(
            function=self.target.function,
            payload=event,
            budget_ms=self._budget_ms,
            trace=exchange.request.trace.call,
        )
        invoker = self._locator.locate(call.function, call.qualifier)
        started_ns = time.perf_counter_ns()
        try:
            with connection.while_connected():
                answer = await invoker.invoke(call)
        except BudgetExceeded as exc:
            raise IntegrationTimeout(f"{call.function} gave no answer in {self._budget_ms} ms") from exc
        finally:
            ledger.integration_latency_us = (time.perf_counter_ns() - started_ns) // 1000
        ledger.integration_status = answer.status
        ledger.integration_request_id = answer.headers.get("x-amzn-requestid")
        ledger.times = answer.times
        _check(answer, self.target.function)
        if len(answer.payload) > LARGE_ANSWER_BYTES:
            return await self._large_answers.read(answer.payload, self._parse)
        output = self._parse(answer.payload)
        return _finish(output, decode_base64(output.text) if output.is_base64 else output.text.encode())


def _check(answer: InvokeAnswer, function: str) -> None:
    if answer.status == 200:
        failure = answer.headers.get("x-amz-function-error")
        if failure is not None:
            raise IntegrationError(f"the function {function} failed: {failure}")
        return
    kind = answer.headers.get("x-amzn-errortype", "error")
    detail = f"invoking {function} answered {answer.status} {kind}"
    # 429 and 503 both say "not now": the client may try again, and is never told whose limit it was.
    raise Saturated(detail) if answer.status in (429, 503) else IntegrationError(detail)


def _finish(output: Output, body: bytes) -> HttpResponse:
    return HttpResponse(
        status=output.status,
        headers=output.headers,
        body=b"" if output.status in BODILESS else body,
    )
