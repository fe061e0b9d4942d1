"""Functions of a test's own that the pool's triggers ask, through the invoker's seam, on a loop of their own."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from auth.triggers.functions import FunctionTriggers, TriggerRun
from kit.invoke import InvokeAnswer, InvokeCall

Event = dict[str, Any]
Handler = Callable[[Event], object]
READY_S = 10.0


class Raised(Exception):
    """What a handler raises to fail as a function does: the message is the function's."""


class TriggerFunctions:
    """:param handlers: function → what it does; what it returns is its answer, bytes as they are. One that is missing
    is no function. Use it as a context manager.

    :ivar events: what functions were given, oldest first. :ivar runs: what was told of them.
    """

    def __init__(self, *, attempt_s: float = 5.0, **handlers: Handler) -> None:
        self.handlers = handlers
        self.events: list[Event] = []
        self.calls: list[InvokeCall] = []
        self.runs: list[TriggerRun] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="functions")
        self._threads = ThreadPoolExecutor(32)
        self.triggers = FunctionTriggers(
            lambda: self, self._loop, on_run=self.runs.append, attempt_s=attempt_s
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.triggers.close()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(READY_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(READY_S)
        self._loop.close()
        self._threads.shutdown()

    async def _end(self) -> None:
        """Waits for calls that were given up to notice it."""
        own = asyncio.current_task()
        await asyncio.gather(
            *(each for each in asyncio.all_tasks() if each is not own), return_exceptions=True
        )

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.calls.append(call)
        event = json.loads(call.payload)
        self.events.append(event)
        handler = self.handlers.get(call.function)
        if handler is None:
            return InvokeAnswer(
                status=404, headers={"x-amzn-errortype": "ResourceNotFoundException"}, payload=b"{}"
            )
        try:
            answer = await self._loop.run_in_executor(self._threads, handler, event)
        except Raised as error:
            said = json.dumps({"errorMessage": str(error), "errorType": "Raised"}).encode()
            headers = {"x-amz-function-error": "Unhandled"}
            return InvokeAnswer(status=200, headers=headers, payload=said)
        if isinstance(answer, InvokeAnswer):
            return answer
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return InvokeAnswer(status=200, headers={}, payload=payload)

    def sources(self) -> list[str]:
        return [event["triggerSource"] for event in self.events]

    def event(self, source: str) -> Event:
        """The only one of that source."""
        (event,) = (each for each in self.events if each["triggerSource"] == source)
        return event


def says(**response: object) -> Handler:
    """A function that fills in its response."""

    def handler(event: Event) -> Event:
        return {**event, "response": {**event["response"], **response}}

    return handler


def raises(message: str) -> Handler:
    def handler(_: Event) -> object:
        raise Raised(message)

    return handler


def same(event: Event) -> Event:
    """A function that only looks on."""
    return event
