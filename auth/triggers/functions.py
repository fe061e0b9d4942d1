"""Asks functions what the pools' triggers are asked: from a lane's thread, through the loop's invoker.

An attempt has five seconds; one that did not reach the function, or got no answer in time, is made again, twice. What
the function itself says is final. Only the names of things are logged: an event holds people's attributes, and
sometimes their password.
"""

import asyncio
import concurrent.futures
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from auth.errors import AuthError, InvalidLambdaResponse, UnexpectedLambda, UserLambdaValidation
from auth.flows.triggers import Asked, TriggerName
from auth.pool import Pool
from auth.triggers.answers import answer_of, said_of
from auth.triggers.event import TITLES, event_of
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall, Invoker

ATTEMPT_S: Final = 5.0  # Cognito's; a cold start counts
ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.1  # before another attempt; longer each time, and never the same for two
_BUSY: Final = 429  # Lambda's "no environment is free": the function itself was not reached

Outcome = Literal["ok", "refused", "invalid", "failed"]

log = logging.getLogger("lockgate.auth.triggers")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRun:
    """For whoever counts. :param outcome: ``refused``: it raised; ``invalid``: it answered nonsense; ``failed``: it
    could not be run, or was too slow."""

    trigger: TriggerName
    outcome: Outcome
    seconds: float


class FunctionTriggers:
    """:param invoker: what to call functions with, asked for at each call: a reload may bring another.

    :param loop: where the invoker lives; `ask` is called on other threads. :param on_run: told of each; never blocks.
    """

    def __init__(
        self,
        invoker: Callable[[], Invoker],
        loop: asyncio.AbstractEventLoop,
        *,
        on_run: Callable[[TriggerRun], None] = lambda _: None,
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        self._invoker = invoker
        self._loop = loop
        self._on_run = on_run
        self._attempt_s = attempt_s
        self._running: set[concurrent.futures.Future[InvokeAnswer]] = set()
        self._is_closed = False

    def close(self) -> None:
        """Whoever waits is told at once that it failed; so is whoever asks from now on."""
        self._is_closed = True
        for future in tuple(self._running):
            future.cancel()

    def has(self, pool: Pool, trigger: TriggerName, /) -> bool:
        return trigger in pool.triggers

    def ask(self, pool: Pool, asked: Asked, /) -> Mapping[str, Any] | None:
        """See `auth.flows.triggers.Triggers`. Waits up to ``ATTEMPTS`` attempts."""
        function = pool.triggers.get(asked.trigger)
        if function is None:
            return None
        began = time.monotonic()
        outcome: Outcome = "failed"
        try:
            answer = self._checked(asked, self._call(asked, function, event_of(pool, asked)))
            outcome = "ok"
            return answer
        except AuthError as error:
            outcome = _outcome(error)
            raise
        finally:
            self._tell(pool, asked, function, outcome, time.monotonic() - began)

    def _checked(self, asked: Asked, answer: InvokeAnswer) -> Mapping[str, Any]:
        title = TITLES[asked.trigger]
        if answer.status >= 300:
            kind = answer.headers.get("x-amzn-errortype", str(answer.status)).partition(":")[0]
            raise UnexpectedLambda(f"{title} invocation failed due to error {kind}.")
        if "x-amz-function-error" in answer.headers:
            raise UserLambdaValidation(f"{title} failed with error {said_of(answer.payload)}.")
        return answer_of(asked, answer.payload)

    def _call(self, asked: Asked, function: str, payload: bytes) -> InvokeAnswer:
        """The last attempt's answer. :raises UnexpectedLambda: none came."""
        name, qualifier = name_of(function)
        call = InvokeCall(
            function=name,
            qualifier=qualifier,
            payload=payload,
            budget_ms=round(self._attempt_s * 1000),
            trace=f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        )
        running = self._attempts(call)
        title = TITLES[asked.trigger]
        try:
            future = asyncio.run_coroutine_threadsafe(running, self._loop)
        except RuntimeError as error:  # the loop is closed
            running.close()
            raise UnexpectedLambda(f"{title} invocation failed: the server is stopping.") from error
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        if self._is_closed:
            future.cancel()
        try:
            # The attempts keep their time; this is for a loop that has stopped without being closed.
            return future.result(ATTEMPTS * (self._attempt_s + 1))
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            future.cancel()
            raise UnexpectedLambda(
                f"{title} invocation failed due to error Socket timeout while invoking Lambda function."
            ) from error
        except OSError as error:
            raise UnexpectedLambda(
                f"{title} invocation failed due to error ServiceException.", detail=type(error).__name__
            ) from error

    async def _attempts(self, call: InvokeCall) -> InvokeAnswer:
        for attempt in range(1, ATTEMPTS):
            try:
                answer = await self._attempt(call)
                if answer.status != _BUSY and answer.status < 500:
                    return answer
            except (TimeoutError, OSError):
                pass  # the last attempt says why
            await asyncio.sleep(random.uniform(0, _PAUSE_S * attempt))  # noqa: S311  # no secret
        return await self._attempt(call)

    async def _attempt(self, call: InvokeCall) -> InvokeAnswer:
        try:
            async with asyncio.timeout(self._attempt_s):
                return await self._invoker().invoke(call)
        except BudgetExceeded as error:
            raise TimeoutError from error

    def _tell(self, pool: Pool, asked: Asked, function: str, outcome: Outcome, seconds: float) -> None:
        log.log(
            logging.INFO if outcome == "ok" else logging.WARNING,
            "%s of %s by %s: %s in %d ms",
            asked.source,
            pool.pool_id,
            function,
            outcome,
            seconds * 1000,
        )
        self._on_run(TriggerRun(trigger=asked.trigger, outcome=outcome, seconds=seconds))


def name_of(function: str) -> tuple[str, str | None]:
    """Name and qualifier, of ``NAME``, ``NAME:QUALIFIER`` or an ARN."""
    own = function.partition(":function:")[2] if function.startswith("arn:") else function
    name, _, qualifier = own.partition(":")
    return name, qualifier or None


def _outcome(error: AuthError) -> Outcome:
    if isinstance(error, UserLambdaValidation):
        return "refused"
    return "invalid" if isinstance(error, InvalidLambdaResponse) else "failed"
