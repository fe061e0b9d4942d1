"""The executor: it runs functions. `invoke` is its one way in; sync, async and event sources all enter there.

It owns the catalog (names → revisions), the shell with the fleet, and the Runtime API. It is an `Invoker` for the
gateway in the same process and for the Invoke API.
"""

import asyncio
import base64
import binascii
import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from uuid import UUID

from executor.api.errors import (
    InvalidRequestContent,
    LambdaError,
    ResourceNotFound,
    ServiceUnavailable,
    TooManyRequests,
    error_answer,
)
from executor.catalog import LATEST, Catalog
from executor.core.events import (
    CallerGone,
    InvokeArrived,
    PoolLimits,
    RevisionAdded,
    RevisionRetired,
    ShutdownBegan,
)
from executor.core.fleet import Fleet
from executor.core.instructions import Complete, Outcome, Reject, RejectReason
from executor.core.limits import NodeLimits
from executor.driver import Capabilities, Driver, StartError
from executor.invocation import EXECUTED_VERSION, Invocation
from executor.logs.store import FunctionLogs
from executor.logs.tail import TailBuffer
from executor.metrics import ExecutorMetrics
from executor.revision import Revision
from executor.runtime_api.server import RuntimeApi
from executor.shell import Shell
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from kit.names import Names

CLIENT_CONTEXT_BYTES = 3583  # Lambda's limit for X-Amz-Client-Context


class Executor:
    """:param socket_root: where environments' sockets lie; short, because a socket's path has at most 107 bytes."""

    def __init__(
        self,
        *,
        names: Names,
        driver: Driver,
        node: NodeLimits,
        logs: FunctionLogs,
        metrics: ExecutorMetrics,
        socket_root: Path,
    ) -> None:
        self.catalog = Catalog()
        self._names = names
        self._driver = driver
        self._socket_root = socket_root
        self._metrics = metrics
        self.shell = Shell(
            fleet=Fleet(node), driver=driver, names=names, logs=logs, metrics=metrics, ended=self._answer
        )
        self._runtime_api = RuntimeApi(self.shell, socket_root)
        self._ids = Random(os.urandom(16))  # noqa: S311  # ids are unique, not secret

    async def open(self) -> Capabilities:
        self._loop = asyncio.get_running_loop()
        self._remove_sockets()  # a server that was killed left its own
        self.shell.open(self._runtime_api)
        return await self._driver.open(self.shell)

    def apply(self, revisions: Iterable[Revision]) -> None:
        """Point the function names at *revisions*. Pools of unchanged ones stay as they are."""
        added, removed = self.catalog.swap(revisions)
        for revision in added:
            self.shell.revisions[revision.digest] = revision
            self.shell.handle(RevisionAdded(revision.digest, pool_limits(revision)))
        for revision in removed:
            self.shell.handle(RevisionRetired(revision.digest))

    async def prepare(self) -> None:
        """Have what starts of the present revisions need. What cannot start here says so when it is called."""
        for name in self.catalog.names():
            revision = self.catalog.latest(name)
            if revision is not None:
                with contextlib.suppress(StartError):
                    await self._driver.prepare(revision)

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        """Run one call. See `kit.invoke.Invoker`."""
        revision = self.catalog.latest(call.function)
        if revision is None or call.qualifier not in (None, LATEST):
            arn = self._names.function_arn(call.function, call.qualifier or LATEST)
            return error_answer(ResourceNotFound(arn), self._new_id())
        if call.kind == "DryRun":
            return InvokeAnswer(status=204, headers={"x-amzn-requestid": self._new_id()}, payload=b"")
        now = time.monotonic()
        invocation = Invocation(
            id=self._new_id(), call=call, revision=revision, arrived=now, future=self._loop.create_future()
        )
        if call.headers:
            try:
                self._read_headers(invocation)
            except LambdaError as error:
                return error_answer(error, invocation.id)
        return await self._run(invocation, now + call.budget_ms / 1000)

    async def _run(self, invocation: Invocation, deadline: float) -> InvokeAnswer:
        shell = self.shell
        shell.invocations[invocation.id] = invocation
        shell.handle(InvokeArrived(invocation.id, invocation.revision.digest, deadline))
        budget = self._loop.call_at(deadline, self._budget_passed, invocation)
        try:
            return await invocation.future
        except asyncio.CancelledError:
            shell.handle(CallerGone(invocation.id))
            raise
        finally:
            budget.cancel()

    def _budget_passed(self, invocation: Invocation) -> None:
        if not invocation.future.done():
            invocation.future.set_exception(BudgetExceeded(invocation.id))
            self.shell.handle(CallerGone(invocation.id))

    def _read_headers(self, invocation: Invocation) -> None:
        headers = invocation.call.headers
        if headers.get("x-amz-log-type", "None").lower() == "tail":
            invocation.tail = TailBuffer()
        encoded = headers.get("x-amz-client-context")
        if encoded is None:
            return
        try:
            invocation.client_context = base64.b64decode(encoded, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidRequestContent(
                "Client context must be a valid Base64-encoded JSON object."
            ) from error

    def _answer(self, invocation: Invocation, instruction: Complete | Reject) -> None:
        """Turn the end of an invocation into its caller's answer."""
        function = self._metrics.for_function(invocation.revision.config.name)
        if isinstance(instruction, Reject):
            function.rejected(instruction.reason.value)
            invocation.settle(error_answer(self._rejection(invocation, instruction), invocation.id))
            return
        outcome = instruction.outcome
        times = invocation.times()
        function.completed(outcome.value, times, cold=invocation.init_s > 0)
        if outcome is Outcome.SUCCESS:
            answer = invocation.success(times)
        elif outcome in (Outcome.FUNCTION_ERROR, Outcome.TRUNCATED):
            answer = invocation.failure(invocation.fault_of(outcome, instruction.detail), times)
        elif outcome is Outcome.QUEUE_TIMEOUT:
            answer = error_answer(TooManyRequests("CallerRateLimitExceeded", 1), invocation.id)
        else:  # CANCELLED has no caller any more; SHUTTING_DOWN says so
            answer = error_answer(ServiceUnavailable("The server is shutting down."), invocation.id)
        if invocation.tail is not None and invocation.delivered:
            invocation.hold(answer, self._loop)
        else:
            invocation.settle(answer)

    def _rejection(self, invocation: Invocation, instruction: Reject) -> LambdaError:
        if instruction.reason is RejectReason.DRAINING:
            return ServiceUnavailable("The server is shutting down.")
        if instruction.reason is RejectReason.UNKNOWN_REVISION:
            return ResourceNotFound(self._names.function_arn(invocation.call.function, LATEST))
        return TooManyRequests(instruction.reason.value, max(1, round(instruction.retry_after_s)))

    def _new_id(self) -> str:
        """A random UUID of version 4; from a seeded generator, because `uuid4` costs 2 µs a call."""
        return str(UUID(int=self._ids.getrandbits(128), version=4))

    async def drain(self, timeout_s: float) -> None:
        """Finish what was accepted, for *timeout_s* at most, then stop every environment."""
        self.shell.handle(ShutdownBegan(time.monotonic() + timeout_s))
        await self.shell.emptied()

    async def close(self) -> None:
        self.shell.close()
        await self._driver.close()
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        shutil.rmtree(self._socket_root, ignore_errors=True)
        with contextlib.suppress(OSError):  # not there, or something else lives in it
            self._socket_root.parent.rmdir()


def pool_limits(revision: Revision) -> PoolLimits:
    config = revision.config
    return PoolLimits(
        function=config.name,
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        idle_timeout_s=config.idle_timeout_s,
        reserved=config.reserved,
    )


__all__ = ["CLIENT_CONTEXT_BYTES", "EXECUTED_VERSION", "Executor", "pool_limits"]
