"""The executor: it runs functions. `invoke` is its one way in; sync, async and event sources all enter there.

It owns the catalog (names → revisions), the shell with the fleet, and the Runtime API. It is an `Invoker` for the
gateway in the same process and for the Invoke API.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from random import Random

from executor.api.body import MAX_PAYLOAD_BYTES
from executor.api.errors import (
    InvalidParameterValue,
    LambdaError,
    RequestEntityTooLarge,
    ResourceNotFound,
    ServiceUnavailable,
    TooManyRequests,
    error_answer,
)
from executor.api.shapes import read_client_context
from executor.budgets import Budgets
from executor.catalog import LATEST, Catalog, Generation, Running
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
from executor.runtime_api.host import DEFAULT_PORT
from executor.runtime_api.server import RuntimeApi
from executor.shell import Shell
from executor.start_mode import slot_key
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from kit.names import Names

# What drivers have for removing environments at the end of a drain; `close` removes what is left by force.
STOP_WAIT_S = 15.0

# A UUID's version and variant, as bits of its number (RFC 9562, section 5.4).
_UUID_MASK, _UUID_BITS = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF, 0x00000000_0000_4000_8000_000000000000

log = logging.getLogger("lockgate.executor")


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
        self._budgets = Budgets(self._budget_passed)
        self._has_slots = False
        self._ids = Random(os.urandom(16))  # noqa: S311  # ids are unique, not secret

    async def open(self) -> Capabilities:
        self._loop = asyncio.get_running_loop()
        self._budgets.open(self._loop)
        self._remove_sockets()  # a server that was killed left its own
        self.shell.open(self._runtime_api)
        capabilities = await self._driver.open(self.shell)
        self._has_slots = capabilities.slots
        for address in self._driver.gateways:
            await self._listen(address)
        return capabilities

    @property
    def trouble(self) -> str:
        """Why no environment can be made at present, for operators; empty: they can."""
        return self._driver.trouble

    async def _listen(self, address: str) -> None:
        try:
            await self._runtime_api.listen_hosts(address, DEFAULT_PORT)
        except OSError as error:
            log.warning("container images cannot reach %s:%d: %s", address, DEFAULT_PORT, error)

    def generation(self, revisions: Iterable[Revision]) -> Generation:
        """Name what a deployment is to run. Nothing changes until it is adopted."""
        return Generation(self._run, revisions)

    def adopt(self, generation: Generation) -> None:
        """Point the function names at a generation's revisions; what the ones before name can still be called.

        Pools of unchanged revisions stay as they are.
        """
        for revision in self.catalog.adopt(generation):
            self.shell.revisions[revision.digest] = revision
            self.shell.handle(RevisionAdded(revision.digest, self._limits(revision)))

    def _limits(self, revision: Revision) -> PoolLimits:
        return pool_limits(revision, slot_key(self._driver, revision) if self._has_slots else None)

    def release(self, generation: Generation) -> None:
        """Retire what only this generation names: its pools finish what they have, then they go."""
        for revision in self.catalog.release(generation):
            self.shell.handle(RevisionRetired(revision.digest))

    def apply(self, revisions: Iterable[Revision]) -> Generation:
        """Adopt *revisions* and release every generation before them, because no request runs under one."""
        before = self.catalog.in_use
        generation = self.generation(revisions)
        self.adopt(generation)
        for each in before:
            self.release(each)
        return generation

    async def prepare(self, revisions: Iterable[Revision]) -> None:
        """Have what starts of *revisions* need. What cannot start here says so when it is called."""
        for revision in revisions:
            name = revision.config.name
            try:
                await self._driver.prepare(revision)
            except StartError as error:
                log.warning("function %s cannot be started: %s", name, error)
            except Exception:
                log.exception("function %s could not be prepared", name)

    def invoke(self, call: InvokeCall) -> Running:
        """Run one call on what the names point at now. See `kit.invoke.Invoker`."""
        return self._run(call, self.catalog.latest(call.function))

    async def _run(self, call: InvokeCall, revision: Revision | None) -> InvokeAnswer:
        """:param revision: what the function's name points at for this caller."""
        now = self.shell.now()
        if revision is None or call.qualifier is not None or call.kind != "RequestResponse" or call.headers:
            found = self._read_rare(call, revision, now)
            if isinstance(found, InvokeAnswer):
                return found
            invocation = found
        elif len(call.payload) > MAX_PAYLOAD_BYTES:
            return error_answer(RequestEntityTooLarge(MAX_PAYLOAD_BYTES, "InvokeFunction"), self._new_id())
        else:
            invocation = self._invocation(call, revision, now)
        shell, budgets, budget_s = self.shell, self._budgets, call.budget_ms / 1000
        shell.invocations[invocation.id] = invocation
        shell.handle(InvokeArrived(invocation.id, invocation.revision.digest, now + budget_s))
        budgets.begin(invocation, budget_s)
        try:
            return await invocation.future
        except asyncio.CancelledError:
            shell.handle(CallerGone(invocation.id))
            raise
        finally:
            budgets.end(invocation)

    def _read_rare(
        self, call: InvokeCall, revision: Revision | None, now: float
    ) -> Invocation | InvokeAnswer:
        """A call that asks for more than to be run; the answer of one that is not run at all."""
        try:
            if revision is None or call.qualifier not in (None, LATEST):
                raise ResourceNotFound(self._names.function_arn(call.function, call.qualifier or LATEST))
            if len(call.payload) > MAX_PAYLOAD_BYTES:
                raise RequestEntityTooLarge(MAX_PAYLOAD_BYTES, "InvokeFunction")
            if call.kind == "DryRun":
                return InvokeAnswer(status=204, headers={"x-amzn-requestid": self._new_id()}, payload=b"")
            if call.kind != "RequestResponse":
                raise InvalidParameterValue(f"Invocation type '{call.kind}' is not in this version.")
            invocation = self._invocation(call, revision, now)
            context = call.headers.get("x-amz-client-context")
            if context is not None:
                invocation.client_context = read_client_context(context)
        except LambdaError as error:
            return error_answer(error, self._new_id())
        if call.headers.get("x-amz-log-type") == "Tail":
            invocation.tail = TailBuffer()
        return invocation

    def _invocation(self, call: InvokeCall, revision: Revision, now: float) -> Invocation:
        return Invocation(
            id=self._new_id(), call=call, revision=revision, arrived=now, future=self._loop.create_future()
        )

    def _budget_passed(self, invocation: Invocation) -> None:
        """Who still waits for an environment is answered by that (`_answer`), and goes on by nothing else.

        The fleet's own queue deadline is the same moment; whichever timer comes first, the answer is one.
        """
        self.shell.handle(CallerGone(invocation.id))
        invocation.fail(BudgetExceeded(invocation.id))

    def _answer(self, invocation: Invocation, instruction: Complete | Reject) -> None:
        """Turn the end of an invocation into its caller's answer."""
        function = self._metrics.for_function(invocation.revision.config.name)
        if isinstance(instruction, Reject):
            function.rejected(instruction.reason.value)
            invocation.settle(error_answer(self._rejection(invocation, instruction), invocation.id))
            return
        outcome = instruction.outcome
        if outcome is Outcome.CANCELLED and not invocation.future.done():
            outcome = Outcome.QUEUE_TIMEOUT  # its budget passed, its caller is there
        times = invocation.times()
        function.completed(outcome.value, times, cold=invocation.start_kind if invocation.is_cold else None)
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
        """A random UUID of version 4; `str(uuid4())` would cost 3 µs a call, this costs 0.8."""
        text = "%032x" % (self._ids.getrandbits(128) & _UUID_MASK | _UUID_BITS)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    async def drain(self, timeout_s: float) -> None:
        """Finish what was accepted, for *timeout_s* at most, then stop every environment.

        What a driver cannot remove then is left to `close`.
        """
        self.shell.handle(ShutdownBegan(self.shell.now() + timeout_s))
        try:
            async with asyncio.timeout(timeout_s + STOP_WAIT_S):
                await self.shell.emptied()
        except TimeoutError:
            log.warning("%d environments could not be stopped in time", self.shell.fleet.counts().stopping)

    async def close(self) -> None:
        """Remove whatever is left, at once; who still waits is answered that the server shuts down."""
        try:
            await self.shell.close()
            self._budgets.close()
            await self._driver.close()
        finally:
            self._runtime_api.close()
            self._remove_sockets()

    def _remove_sockets(self) -> None:
        shutil.rmtree(self._socket_root, ignore_errors=True)
        with contextlib.suppress(OSError):  # not there, or something else lives in it
            self._socket_root.parent.rmdir()


def pool_limits(revision: Revision, shape: str | None) -> PoolLimits:
    """:param shape: key of the slots that its environments may be made from, see `executor.start_mode`."""
    config = revision.config
    return PoolLimits(
        function=config.name,
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        idle_timeout_s=config.idle_timeout_s,
        reserved=config.reserved,
        provisioned=config.provisioned,
        max_uses=1 if config.isolation == "invocation" else None,
        shape=shape,
    )


__all__ = ["EXECUTED_VERSION", "Executor", "pool_limits"]
