"""Mail that a function delivers: to a provider's HTTP API, as a text message, into another queue.

The event is ``{"to": "ada@example.com", "subject": "…", "text": "…", "purpose": "sign_up", "pool_id": "us-east-1_…"}``
with `auth.mail.message.Purpose` as *purpose*. What the function returns is not looked at; an exception means "not now".
"""

import asyncio
import concurrent.futures
import json
import secrets
import time
from collections.abc import Callable
from typing import Final

from auth.mail.message import Message
from auth.mail.sender import NotNow, Refused
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall, Invoker

BUDGET_S: Final = 30.0  # a cold start and a slow provider
_BUSY: Final = 429  # Lambda's "no environment is free": the function itself was not reached
_SERVER_ERRORS: Final = range(500, 600)


class FunctionSender:
    """:param loop: where *invoker* lives; `send` is called on other threads.

    :param invoker: what to call *function* with, asked for at each mail: a reload may bring another.
    """

    def __init__(
        self,
        invoker: Callable[[], Invoker],
        function: str,
        loop: asyncio.AbstractEventLoop,
        *,
        budget_s: float = BUDGET_S,
    ) -> None:
        self._invoker = invoker
        self._function = function
        self._loop = loop
        self._budget_s = budget_s

    def send(self, message: Message) -> None:
        call = InvokeCall(
            function=self._function,
            payload=event_of(message),
            budget_ms=int(self._budget_s * 1000),
            trace=f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        )
        _judge(self._function, self._answer(call))

    def _answer(self, call: InvokeCall) -> InvokeAnswer:
        running = self._invoke(call)
        try:
            future = asyncio.run_coroutine_threadsafe(running, self._loop)
        except RuntimeError as error:  # the loop is closed
            running.close()
            raise NotNow("the server is stopping") from error
        try:
            # The invoker keeps the budget; this is for a loop that has stopped without being closed.
            return future.result(self._budget_s + 1)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            future.cancel()
            raise NotNow(f"function {self._function} gave no answer") from error
        except OSError as error:
            raise NotNow(f"function {self._function} cannot be reached: {type(error).__name__}") from error

    async def _invoke(self, call: InvokeCall) -> InvokeAnswer:
        try:
            return await self._invoker().invoke(call)
        except BudgetExceeded as error:
            raise TimeoutError from error


def event_of(message: Message) -> bytes:
    """The function's event, as JSON."""
    return json.dumps(
        {
            "to": message.to,
            "subject": message.subject,
            "text": message.text,
            "purpose": message.purpose,
            "pool_id": message.pool_id,
        },
        ensure_ascii=False,
    ).encode()


def _judge(function: str, answer: InvokeAnswer) -> None:
    """:raises NotNow, Refused: it is not delivered. Never with the answer's text, which may repeat the mail's."""
    if answer.status == _BUSY or answer.status in _SERVER_ERRORS:
        raise NotNow(f"function {function}: {answer.status}")
    if answer.status >= 300:
        raise Refused(
            f"function {function}: {answer.status} {answer.headers.get('x-amzn-errortype', '')}".rstrip()
        )
    if "x-amz-function-error" in answer.headers:
        raise NotNow(f"function {function} failed: {answer.headers['x-amz-function-error']}")
