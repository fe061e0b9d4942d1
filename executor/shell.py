"""The shell around the fleet: it performs the fleet's instructions and feeds what comes of them back as events.

It decides nothing. Fast instructions (answer a pending ``next``, resolve a caller) are performed in place; slow
ones (start, stop) run as tasks, one at a time per environment. There is one timer, for `Fleet.wake_at`.
Its state: a record per living environment and per invocation that is not answered yet.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any
from uuid import uuid4

from executor.core.events import (
    DeliveryFailed,
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    Event,
    InitErrorPosted,
    NextAsked,
    ResponseEnded,
    ResponseStarted,
    StartFailed,
    Ticked,
)
from executor.core.fleet import Fleet
from executor.core.instructions import (
    ClosePool,
    Complete,
    Deliver,
    Instruction,
    Meter,
    MeterStatus,
    Phase,
    Refuse,
    RefuseReason,
    Reject,
    StartEnvironment,
    StopEnvironment,
)
from executor.driver import (
    ChannelAddress,
    ChannelKind,
    Driver,
    EnvironmentShape,
    ExitReport,
    StartError,
    StartSpec,
)
from executor.environment_record import EnvironmentRecord
from executor.errors import RESPONSE_TOO_LARGE, FunctionFault, render
from executor.invocation import EXECUTED_VERSION, Invocation
from executor.logs.environment_log import EnvironmentLog
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import Revision
from executor.runtime_api.contract import Delivery
from executor.runtime_api.server import PortChannel, RuntimeApi, SocketChannel
from executor.variables import function_variables, log_stream_name
from kit.names import Names

RECONCILE_EVERY_S = 30.0  # events for speed, this for truth
START_FAULT = "Runtime.Unknown"
INIT_TIMEOUT_S = 10.0  # Lambda's, for the init before the first invocation; the fleet keeps it

log = logging.getLogger("lockgate.executor")


class Shell:
    """Owns the fleet and everything that it commands. It is the sink of the Runtime API and of the driver.

    :param ended: called with each invocation that was completed or rejected, so that its caller is answered.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        driver: Driver,
        names: Names,
        logs: FunctionLogs,
        metrics: ExecutorMetrics,
        ended: Callable[[Invocation, Complete | Reject], None],
    ) -> None:
        self.fleet = fleet
        self.revisions: dict[str, Revision] = {}
        self.invocations: dict[str, Invocation] = {}
        self._driver = driver
        self._names = names
        self._logs = logs
        self._metrics = metrics
        self._ended = ended
        self._records: dict[int, EnvironmentRecord] = {}
        self._pending: deque[Instruction] = deque()
        self._performing = False
        self._armed_for = inf
        self._timer: asyncio.TimerHandle | None = None
        self._reconciler: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied = asyncio.Event()
        self._perform: dict[type[Any], Callable[[Any], None]] = {
            Deliver: self._deliver,
            Complete: self._complete,
            Reject: self._reject,
            Meter: self._meter,
            StartEnvironment: self._start_environment,
            StopEnvironment: self._stop_environment,
            ClosePool: self._close_pool,
            Refuse: self._ignore,
        }

    def open(self, runtime_api: RuntimeApi) -> None:
        self._loop = asyncio.get_running_loop()
        self._runtime_api = runtime_api
        self.now = time.monotonic  # the loop's own clock stands still between its rounds
        self._reconciler = self._loop.call_later(RECONCILE_EVERY_S, self._reconcile)

    # --- events in, instructions out -------------------------------------------------------------

    def handle(self, event: Event) -> RefuseReason | None:
        """Tell the fleet and do what it says. A Refuse is the only instruction that the sender hears of."""
        instructions = self.fleet.handle(event, self.now())
        if instructions:
            if type(instructions[0]) is Refuse:
                return instructions[0].why
            self._pending.extend(instructions)
            if not self._performing:
                self._drain()
        wake_at = self.fleet.wake_at()
        if wake_at < self._armed_for:
            self._arm(wake_at)
        return None

    def _drain(self) -> None:
        """Perform in order; what an instruction leads to at once queues behind the ones before it."""
        self._performing = True
        try:
            while self._pending:
                instruction = self._pending.popleft()
                self._perform[type(instruction)](instruction)
        finally:
            self._performing = False

    def _arm(self, wake_at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = wake_at
        self._timer = self._loop.call_at(wake_at, self._tick) if wake_at < inf else None

    def _tick(self) -> None:
        self._armed_for = inf
        self._timer = None
        self.handle(Ticked())

    def _reconcile(self) -> None:
        self._reconciler = self._loop.call_later(RECONCILE_EVERY_S, self._reconcile)
        self.handle(EngineListed(self._driver.environments(), self.now()))

    # --- instructions ----------------------------------------------------------------------------

    def _deliver(self, instruction: Deliver) -> None:
        record = self._records[instruction.env]
        invocation = self.invocations[instruction.inv_id]
        now = self.now()
        invocation.delivered = now
        if record.current is None and record.ready_at is not None and record.ready_at >= invocation.arrived:
            self._charge_start(invocation, record)
        record.current = invocation
        record.fault_type = None
        record.log.start(invocation.id, EXECUTED_VERSION, invocation.tail)
        call = invocation.call
        delivered = record.channel is not None and record.channel.deliver(
            Delivery(
                request_id=invocation.id,
                payload=call.payload,
                deadline_ms=int((time.time() + instruction.deadline - now) * 1000),
                function_arn=self._names.function_arn(call.function, call.qualifier),
                trace=call.trace,
                client_context=invocation.client_context,
            )
        )
        if not delivered:
            record.current = None
            record.log.undelivered()
            self.handle(DeliveryFailed(record.number, invocation.id))

    def _charge_start(self, invocation: Invocation, record: EnvironmentRecord) -> None:
        """The first invocation that had to wait for an environment shows its start and its init."""
        ready_at = record.ready_at or invocation.arrived
        started_at = min(record.started_at or ready_at, ready_at)
        invocation.start_s = max(0.0, started_at - max(record.asked_at, invocation.arrived))
        invocation.init_s = max(0.0, ready_at - max(started_at, invocation.arrived))

    def _complete(self, instruction: Complete) -> None:
        invocation = self.invocations.pop(instruction.inv_id, None)
        if invocation is not None:
            invocation.completed = self.now()
            self._ended(invocation, instruction)

    def _reject(self, instruction: Reject) -> None:
        invocation = self.invocations.pop(instruction.inv_id, None)
        if invocation is not None:
            self._ended(invocation, instruction)

    def _meter(self, instruction: Meter) -> None:
        record = self._records.get(instruction.env)
        if record is None or record.current is None:
            return
        invocation, record.current = record.current, None
        self._driver.flush(instruction.env)
        duration_s = instruction.ended - instruction.started
        error_type = record.fault_type if instruction.status is MeterStatus.ERROR else None
        record.log.end(
            invocation.id,
            duration_s=duration_s,
            memory_mb=record.revision.config.memory_mb,
            peak_mb=self._driver.peak_memory_mb(instruction.env),
            init_s=instruction.init_s,
            status=instruction.status.value,
            error_type=error_type,
        )
        self._metrics.metered(record.revision.config.name, duration_s, cold=instruction.init_s is not None)
        if invocation.tail is not None:
            invocation.release()

    def _start_environment(self, instruction: StartEnvironment) -> None:
        revision = self.revisions[instruction.revision]
        stream = log_stream_name(datetime.now(UTC), EXECUTED_VERSION, uuid4().hex)
        record = EnvironmentRecord(
            number=instruction.env,
            revision=revision,
            phase=instruction.phase,
            asked_at=self.now(),
            log=EnvironmentLog(
                self._logs, function=revision.config.name, stream=stream, runtime=revision.config.runtime
            ),
            log_stream=stream,
        )
        self._records[instruction.env] = record
        self._emptied.clear()
        record.log.init_start()
        record.starter = self._loop.create_task(
            self._start(record), name=f"start environment {instruction.env}"
        )

    async def _start(self, record: EnvironmentRecord) -> None:
        number, revision = record.number, record.revision
        config = revision.config
        try:
            channel, address = await self._open_channel(record)
            record.channel = channel
            spec = StartSpec(
                environment=number,
                mark=self._names.environment_mark(number),
                shape=EnvironmentShape(runtime=config.runtime, storage_mb=config.storage_mb),
                revision=revision,
                variables=function_variables(
                    revision, self._names, log_stream=record.log_stream, version=EXECUTED_VERSION
                ),
            )
            await self._driver.prepare(revision)
            await self._driver.start(spec, address)
        except StartError as error:
            self._init_failed(record, "error", error.error_type)
            self.handle(StartFailed(number, error, error.permanent))
        except OSError as error:
            log.warning("environment %d of %s could not be started: %s", number, config.name, error)
            self.handle(
                StartFailed(number, StartError(str(error), permanent=False, error_type=START_FAULT), False)
            )
        else:
            record.started_at = self.now()
            self.handle(EnvironmentStarted(number))

    async def _open_channel(
        self, record: EnvironmentRecord
    ) -> tuple[SocketChannel | PortChannel, ChannelAddress]:
        kind = self._driver.channel_kind(record.revision.config.runtime)
        if kind is ChannelKind.SOCKET:
            socket_channel = await self._runtime_api.open_socket(record.number)
            return socket_channel, ChannelAddress(kind=kind, folder=socket_channel.folder)
        port_channel = await self._runtime_api.open_port(record.number)
        return port_channel, ChannelAddress(kind=kind, port=port_channel.port)

    def _stop_environment(self, instruction: StopEnvironment) -> None:
        record = self._records.get(instruction.env)
        if record is None:  # the engine listed it and nobody here knows it
            self._own(self._loop.create_task(self._driver.stop(instruction.env, instruction.grace_s)))
            return
        self._close_channel(record)
        if record.ready_at is None and self._init_overran(record):
            self._init_failed(record, "timeout", None)
        if record.stopper is None:
            record.stopper = self._loop.create_task(
                self._stop(record, instruction.grace_s), name=f"stop environment {instruction.env}"
            )

    async def _stop(self, record: EnvironmentRecord, grace_s: float) -> None:
        try:
            if record.starter is not None and not record.starter.done():
                await asyncio.wait([record.starter])
            self._close_channel(record)  # it may have been opened while the stop waited for the start
            await self._driver.stop(record.number, grace_s)
        except OSError as error:
            log.warning("environment %d could not be stopped yet: %s", record.number, error)
            record.stopper = None  # the fleet says it again
            return
        record.log.close()
        self._records.pop(record.number, None)
        self.handle(EnvironmentGone(record.number))
        if not self._records:
            self._emptied.set()

    def _close_channel(self, record: EnvironmentRecord) -> None:
        if record.channel is not None:
            record.channel.close()
            record.channel = None

    def _own(self, task: asyncio.Task[None]) -> None:
        """Keep a task that belongs to no record until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_pool(self, instruction: ClosePool) -> None:
        self.revisions.pop(instruction.revision, None)

    def _ignore(self, instruction: Refuse) -> None:
        """A Refuse that nobody waits for: the event came from the shell itself."""

    # --- the Runtime API's calls -----------------------------------------------------------------

    def next_asked(self, environment: int) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None and record.ready_at is None:
            record.ready_at = self.now()
            if record.started_at is None:
                record.started_at = record.ready_at
        return self.handle(NextAsked(environment))

    def response_started(self, environment: int, request_id: str) -> RefuseReason | None:
        return self.handle(ResponseStarted(environment, request_id))

    def response_ended(self, environment: int, request_id: str, body: bytes, *, complete: bool) -> None:
        record = self._records.get(environment)
        if record is not None and record.current is not None and record.current.id == request_id:
            record.current.body = body
            if not complete:
                record.fault_type = "Runtime.TruncatedResponse"
        self.handle(ResponseEnded(environment, request_id, complete))

    def error_posted(
        self, environment: int, request_id: str, body: bytes, error_type: str
    ) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None:
            record.fault_type = error_type
        return self.handle(
            ErrorPosted(environment, request_id, FunctionFault(body=body, error_type=error_type))
        )

    def response_too_large(self, environment: int, request_id: str) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None:
            record.fault_type = RESPONSE_TOO_LARGE.error_type
        return self.handle(ErrorPosted(environment, request_id, RESPONSE_TOO_LARGE))

    def init_error_posted(self, environment: int, body: bytes, error_type: str) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None:
            self._init_failed(record, "error", error_type)
        return self.handle(InitErrorPosted(environment, FunctionFault(body=body, error_type=error_type)))

    # --- the driver's calls ----------------------------------------------------------------------

    def exited(self, environment: int, report: ExitReport) -> None:
        record = self._records.get(environment)
        if record is not None:
            self._driver.flush(environment)
            fault = render(report, request_id="", timeout_s=record.revision.config.timeout_s)
            record.fault_type = fault.error_type
            if record.ready_at is None:
                self._init_failed(record, "error", fault.error_type)
        self.handle(EnvironmentExited(environment, report))

    def printed(self, environment: int, chunk: bytes) -> None:
        record = self._records.get(environment)
        if record is not None:
            record.log.printed(chunk)

    # --- ends ------------------------------------------------------------------------------------

    def _init_failed(self, record: EnvironmentRecord, status: str, error_type: str | None) -> None:
        """Write INIT_REPORT, once: a runtime that posts its init error exits right after it."""
        if record.init_reported:
            return
        record.init_reported = True
        self._driver.flush(record.number)
        record.log.init_report(
            init_s=record.init_s(self.now()), phase=record.phase.value, status=status, error_type=error_type
        )

    def _init_overran(self, record: EnvironmentRecord) -> bool:
        """Whether its init had its time: the first one Lambda's 10 s, the second one the function's timeout."""
        if record.started_at is None:
            return False
        limit_s = record.revision.config.timeout_s if record.phase is Phase.INVOKE else INIT_TIMEOUT_S
        return record.init_s(self.now()) >= limit_s

    async def emptied(self) -> None:
        """Wait until no environment is left."""
        if self._records:
            await self._emptied.wait()

    def close(self) -> None:
        """Stop the timers. Call it when the fleet is empty or given up."""
        for timer in (self._timer, self._reconciler):
            if timer is not None:
                timer.cancel()
