"""An `Invoker` whose executor is another process, reached over `kit.http_client`.

A call that was sent whole and lost its executor is answered 500 at once: it may have run, so it is not run again. One
that was certainly not run waits for an executor, in its order, for as long as its budget lasts; then it is a 503.
"""

import asyncio
import logging
from typing import Final, Self
from uuid import uuid4

from kit.http_client import ClientLimits, HttpClient
from kit.http_client_connection import Connection
from kit.http_client_errors import ConnectFailed, HttpClientError, NoConnection, ResponseTimeout
from kit.http_client_exchange import Exchange, Response
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from kit.remote_gate import Gate
from kit.remote_wire import (
    ANSWER_BYTES,
    BUDGET_EXCEEDED,
    GREETING,
    NOT_RUN,
    PAYLOAD_BYTES,
    WireError,
    call_head,
    generation_line,
    read_answer,
)

# A connection each for the 1,000 calls that the fleet runs by default and the 1,000 that may wait in it.
EXECUTOR_LIMITS: Final = ClientLimits(
    connections=2048, waiting=2048, body_bytes=ANSWER_BYTES, greeting=GREETING
)
# How much longer than the budget an executor that has taken the call may need to say that it has passed.
GRACE_S: Final = 1.0
# Executors that leave one after another are no executor: the call is not carried on for ever.
MAX_ATTEMPTS: Final = 8

log = logging.getLogger("lockgate.remote")


class ExecutorGone(Exception):
    """The executor went away with a call that it may have begun to run."""


class ExecutorUnreachable(Exception):
    """No executor took the call for as long as its caller would wait; it was not run."""


class RemoteInvoker:
    """:param client: made with `EXECUTOR_LIMITS`; its owner closes it.

    :param generation: which deployment's functions the names mean; None: the newest one's.
    """

    def __init__(self, client: HttpClient, *, generation: int | None = None) -> None:
        self._client = client
        self._pool = client.pool
        self._loop = asyncio.get_running_loop()
        self._generation = generation_line(generation)
        self._gate = Gate(self._knock, limit=client.limits.waiting)

    def __repr__(self) -> str:
        return f"<RemoteInvoker {self._client.peer} {self._gate!r}>"

    def of_generation(self, generation: int | None) -> Self:
        """The same executor for another deployment; who waits for it waits in one line."""
        sibling = type(self)(self._client, generation=generation)
        sibling._gate = self._gate
        return sibling

    @property
    def waiting(self) -> int:
        """Calls that no executor has taken yet."""
        return self._gate.waiting + self._pool.waiting

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        """See `kit.invoke.Invoker`.

        An executor that is gone is an answer too: 500 ``ServiceException`` for a call that it may have run, 503
        ``ServiceUnavailableException`` for one that was not run.

        :raises ValueError: the call cannot be written as HTTP.
        """
        payload = call.payload
        if len(payload) > PAYLOAD_BYTES:
            payload = payload[:PAYLOAD_BYTES]
        deadline = self._loop.time() + call.budget_ms / 1000
        try:
            for _ in range(MAX_ATTEMPTS):
                answer = await self._attempt(call, payload, deadline)
                if answer is not None:
                    return answer
            raise ExecutorUnreachable(f"{MAX_ATTEMPTS} executors left before they ran the call")
        except ExecutorGone as error:
            log.warning("a call of %s was lost: %s", call.function, error)
            return _failure(500, "ServiceException", "The executor went away while the call was running.")
        except ExecutorUnreachable as error:
            log.warning("a call of %s was not run: %s", call.function, error)
            return _failure(503, "ServiceUnavailableException", "The executor cannot be reached right now.")

    async def _attempt(self, call: InvokeCall, payload: bytes, deadline: float) -> InvokeAnswer | None:
        """Send the call once. None: it was certainly not run, and may be sent again."""
        connection = self._pool.take_rested()
        if connection is None:
            connection = await self._reach(deadline)
        left_ms = int((deadline - self._loop.time()) * 1000)
        exchange = Exchange(
            answer=self._loop.create_future(), deadline=deadline, limit_bytes=ANSWER_BYTES, grace_s=GRACE_S
        )
        try:
            head = call_head(
                call, budget_ms=max(left_ms, 0), generation=self._generation, length=len(payload)
            )
        except ValueError:
            self._pool.rested(connection)
            raise
        try:
            connection.begin(exchange, head, payload)
            response = await exchange.answer
        except ResponseTimeout as error:
            if not connection.was_greeted:
                raise ExecutorUnreachable("it did not take the call in time") from error
            raise BudgetExceeded(f"{call.function} gave no answer in {call.budget_ms} ms") from error
        except HttpClientError as error:
            if error.was_sent:
                raise ExecutorGone(str(error)) from error
            return None
        finally:
            connection.leave(exchange)
        return self._read(response, call)

    def _read(self, response: Response, call: InvokeCall) -> InvokeAnswer | None:
        try:
            answer = read_answer(response.status, response.fields, response.body)
        except WireError as error:
            raise ExecutorGone(f"its answer cannot be read: {error}") from error
        if isinstance(answer, InvokeAnswer):
            return answer
        if answer == NOT_RUN:
            return None
        if answer == BUDGET_EXCEEDED:
            raise BudgetExceeded(f"{call.function} gave no answer in {call.budget_ms} ms")
        raise ExecutorGone("its answer cannot be read: an unknown outcome")

    async def _reach(self, deadline: float) -> Connection:
        """A connection, in turn. :raises ExecutorUnreachable:"""
        try:
            if self._gate.is_shut:
                await self._gate.pass_through(deadline)
            while True:
                try:
                    return await self._pool.take(deadline)
                except ConnectFailed:
                    await self._gate.pass_through(deadline)
        except (NoConnection, ConnectFailed) as error:
            raise ExecutorUnreachable(str(error)) from error

    async def _knock(self) -> None:
        """Whether somebody listens. The connection is kept for whoever waits first."""
        connection = await self._pool.take(self._loop.time() + self._client.limits.connect_s)
        self._pool.rested(connection)


def _failure(status: int, error_type: str, message: str) -> InvokeAnswer:
    """An answer in the shape of the Lambda API's errors, for a call that no executor answers."""
    headers = {
        "content-type": "application/json",
        "x-amzn-requestid": str(uuid4()),
        "x-amzn-errortype": error_type,
    }
    if status == 503:
        headers["retry-after"] = "1"
    return InvokeAnswer(
        status=status, headers=headers, payload=b'{"Type":"Service","Message":"%b"}' % message.encode()
    )
