"""The shell around the fleet: it performs the fleet's instructions and feeds what comes of them back as events.

It decides nothing. Fast instructions (answer a pending ``next``, resolve a caller) are performed in place; slow
ones (start, stop) are tasks of the `Supervisor`. There is one timer, for `Fleet.wake_at`.
Its state: a record per living environment and per invocation that is not answered yet.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from executor.core.events import (
    DeliveryFailed,
    EnvironmentExited,
    EnvironmentGone,
    ErrorPosted,
    Event,
    InitErrorPosted,
    NextAsked,
    ResponseEnded,
    ResponseStarted,
    ShutdownBegan,
    SlotFailed,
    SlotGone,
    SlotReady,
    StartFailed,
    Ticked,
)
from executor.core.fleet import Fleet
from executor.core.instructions import (
    ClosePool,
    Complete,
    Deliver,
    DropSlot,
    FillSlot,
    Instruction,
    Meter,
    Refuse,
    RefuseReason,
    Reject,
    SpecializeSlot,
    StartEnvironment,
    StopEnvironment,
)
from executor.driver import Driver, ExitReport, StartError
from executor.environment_record import EnvironmentRecord
from executor.errors import RESPONSE_TOO_LARGE, FunctionFault, render
from executor.invocation import EXECUTED_VERSION, Invocation
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.reconciler import Reconciler
from executor.record_maker import RecordMaker
from executor.revision import Revision
from executor.runtime_api.contract import Delivery
from executor.runtime_api.server import RuntimeApi
from executor.slot_keeper import SlotKeeper, SlotRecord
from executor.supervisor import START_FAULT, START_MESSAGE, Supervisor
from kit.names import Names

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
        self.now = time.monotonic  # the loop's own clock stands still between its rounds
        self._driver = driver
        self._maker = RecordMaker(names, logs, metrics)
        self._ended = ended
        self._supervisor = Supervisor(self, driver, names)
        self._slots = SlotKeeper(self, driver, names)
        self._records: dict[int, EnvironmentRecord] = {}
        self._from_slots: dict[int, EnvironmentRecord] = {}  # by the numbers that the slots had
        self._pending: deque[Instruction] = deque()
        self._performing = False
        self._armed_for = inf
        self._timer: asyncio.TimerHandle | None = None
        self.reconciler = Reconciler(self, driver)
        self._emptied: asyncio.Event | None = None  # set while somebody waits for the end
        self._perform: dict[type[Any], Callable[[Any], None]] = {
            Deliver: self._deliver,
            Complete: self._end,
            Reject: self._end,
            Meter: self._meter,
            StartEnvironment: self._start_environment,
            SpecializeSlot: self._specialize_slot,
            StopEnvironment: self._stop_environment,
            FillSlot: lambda one: self._slots.fill(one.slot, one.shape),
            DropSlot: lambda one: self._slots.drop(one.slot),
            ClosePool: self._close_pool,
        }

    def open(self, runtime_api: RuntimeApi) -> None:
        self._loop = asyncio.get_running_loop()
        self._supervisor.open(runtime_api)
        self._slots.open(runtime_api)
        self.reconciler.open()

    # --- events in, instructions out -------------------------------------------------------------

    def handle(self, event: Event) -> RefuseReason | None:
        """Tell the fleet and do what it says. A Refuse is the only instruction that the sender hears of."""
        instructions = self.fleet.handle(event, self.now())
        if instructions:
            if type(instructions[0]) is Refuse:
                return instructions[0].why
            self._pending.extend(instructions)
            if not self._performing:
                self._perform_pending()
        wake_at = self.fleet.wake_at()
        if wake_at < self._armed_for:
            self._arm(wake_at)
        return None

    def _perform_pending(self) -> None:
        """Perform in order; what an instruction leads to at once queues behind the ones before it."""
        pending = self._pending
        self._performing = True
        try:
            while pending:
                instruction = pending.popleft()
                try:
                    self._perform[type(instruction)](instruction)
                except Exception:
                    log.exception("%s could not be performed", type(instruction).__name__)
                    self._give_up(instruction)
        finally:
            self._performing = False

    def _give_up(self, instruction: Instruction) -> None:
        """Tell the fleet of what could not be done, so that nobody waits for it; what it repeats needs no word."""
        if isinstance(instruction, Deliver):  # not DeliveryFailed: the next environment would fail on it, too
            self.handle(EnvironmentExited(instruction.env, None))
        elif isinstance(instruction, StartEnvironment | SpecializeSlot):
            if isinstance(instruction, SpecializeSlot):
                self._slots.drop(instruction.slot)  # if it was not taken yet: the fleet has done with it
            error = StartError(START_MESSAGE, permanent=False, error_type=START_FAULT)
            self.handle(StartFailed(instruction.env, error, False))
        elif isinstance(instruction, FillSlot):
            self.handle(SlotFailed(instruction.slot))

    def _arm(self, wake_at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = wake_at
        self._timer = self._loop.call_at(wake_at, self._tick)

    def _tick(self) -> None:
        self._armed_for = inf
        self._timer = None
        self.handle(Ticked())

    def try_again(self) -> None:
        """Stop and remove what could not be."""
        self._supervisor.stop_again(tuple(self._records.values()))
        self._slots.drop_again()

    # --- instructions ----------------------------------------------------------------------------

    def _deliver(self, instruction: Deliver) -> None:
        record = self._records[instruction.env]
        invocation = self.invocations[instruction.inv_id]
        now = self.now()
        invocation.delivered = now
        if not record.is_used:
            record.first_use(invocation)
        record.current = invocation
        record.fault_type = None
        record.log.start(invocation.id, EXECUTED_VERSION, invocation.tail)
        call, channel, qualifier = invocation.call, record.channel, invocation.call.qualifier
        delivered = channel is not None and channel.deliver(
            Delivery(
                request_id=invocation.id,
                payload=call.payload,
                deadline_ms=int((time.time() + instruction.deadline - now) * 1000),
                function_arn=record.arn if qualifier is None else f"{record.arn}:{qualifier}",
                trace=call.trace,
                client_context=invocation.client_context,
            )
        )
        if not delivered:
            record.current = None
            record.log.undelivered()
            invocation.return_to_queue()
            self.handle(DeliveryFailed(record.number, invocation.id))

    def _end(self, instruction: Complete | Reject) -> None:
        invocation = self.invocations.pop(instruction.inv_id, None)
        if invocation is None:
            return
        invocation.completed = self.now()
        try:
            self._ended(invocation, instruction)
        except Exception as error:
            log.exception("invocation %s could not be answered", invocation.id)
            invocation.fail(error)
        if self._emptied is not None:
            self._emptied.set()

    def _meter(self, instruction: Meter) -> None:
        number = instruction.env
        record = self._records.get(number)
        if record is None or record.current is None:
            return
        invocation, record.current = record.current, None
        peak_mb = 0
        try:
            self._driver.flush(number)
            peak_mb = self._driver.peak_memory_mb(number)
        except Exception:
            log.exception("environment %d could not be measured", number)
        record.report(instruction, peak_mb)
        if invocation.tail is not None:
            invocation.release()

    def _start_environment(self, instruction: StartEnvironment) -> None:
        record = self._new_record(instruction, None)
        record.log.init_start()
        self._supervisor.start(record)

    def _specialize_slot(self, instruction: SpecializeSlot) -> None:
        record = self._new_record(instruction, self._slots.records[instruction.slot])
        self._from_slots[instruction.slot] = record
        self._slots.take(instruction.slot)
        self._supervisor.start(record)

    def _new_record(
        self, instruction: StartEnvironment | SpecializeSlot, slot: SlotRecord | None
    ) -> EnvironmentRecord:
        revision = self.revisions[instruction.revision]
        record = self._maker.make(instruction, revision, slot, asked_at=self.now())
        self._records[instruction.env] = record
        return record

    def _stop_environment(self, instruction: StopEnvironment) -> None:
        record = self._records.get(instruction.env)
        if record is None and instruction.env in self._slots.records:
            self._slots.drop(instruction.env)
            return
        if record is None:
            self._supervisor.stop_orphan(instruction.env, instruction.grace_s)
            return
        if record.ready_at is None and record.has_overrun(self.now()):
            self.init_failed(record, "timeout", None)
        self._supervisor.stop(record, instruction.grace_s)

    def _close_pool(self, instruction: ClosePool) -> None:
        self.revisions.pop(instruction.revision, None)

    # --- the Runtime API's calls -----------------------------------------------------------------

    def next_asked(self, environment: int) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None and record.ready_at is None:
            record.ready_at = self.now()
            self._driver.initialised(environment)
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
        fault = FunctionFault(body=body, error_type=error_type)
        refusal = self.handle(ErrorPosted(environment, request_id, fault))
        if refusal is None:
            self._note_fault(environment, error_type)
        return refusal

    def response_too_large(self, environment: int, request_id: str) -> RefuseReason | None:
        refusal = self.handle(ErrorPosted(environment, request_id, RESPONSE_TOO_LARGE))
        if refusal is None:
            self._note_fault(environment, RESPONSE_TOO_LARGE.error_type)
        return refusal

    def _note_fault(self, environment: int, error_type: str) -> None:
        """For the REPORT line; after the fleet has agreed, because anybody may post anything."""
        record = self._records.get(environment)
        if record is not None:
            record.fault_type = error_type

    def init_error_posted(self, environment: int, body: bytes, error_type: str) -> RefuseReason | None:
        record = self._records.get(environment)
        if record is not None and record.ready_at is None:
            self.init_failed(record, "error", error_type)
        return self.handle(InitErrorPosted(environment, FunctionFault(body=body, error_type=error_type)))

    def slot_ready(self, slot: int) -> RefuseReason | None:
        return self.handle(SlotReady(slot))

    def slot_lost(self, slot: int) -> None:
        self.handle(SlotFailed(slot))

    # --- the driver's calls ----------------------------------------------------------------------

    def exited(self, environment: int, report: ExitReport) -> None:
        record = self._records.get(environment) or self._from_slots.get(environment)
        if record is None:
            self.handle(SlotFailed(environment))
            return
        self._flush(record)
        fault = render(report, request_id="", timeout_s=record.revision.config.timeout_s)
        record.fault_type = fault.error_type
        if record.ready_at is None and not record.is_still_a_slot:
            self.init_failed(record, "error", fault.error_type)
        self.handle(EnvironmentExited(record.number, report, report.is_lost))

    def printed(self, environment: int, chunk: bytes) -> None:
        record = self._records.get(environment)
        if record is not None:
            record.log.printed(chunk)
        else:
            self._slots.printed(environment, chunk)

    # --- the supervisor's calls ------------------------------------------------------------------

    def init_failed(self, record: EnvironmentRecord, status: str, error_type: str | None) -> None:
        """Write INIT_REPORT, once: a runtime that posts its init error exits right after it."""
        if record.init_reported:
            return
        record.init_reported = True
        self._flush(record)
        record.log.init_report(
            init_s=record.init_s(self.now()), phase=record.phase.value, status=status, error_type=error_type
        )

    def removed(self, record: EnvironmentRecord) -> None:
        record.log.close()
        self._records.pop(record.number, None)
        if record.slot is not None:
            self._from_slots.pop(record.slot.number, None)
        self.handle(EnvironmentGone(record.number))
        if self._emptied is not None:
            self._emptied.set()

    def slot_removed(self, slot: int) -> None:
        self.handle(SlotGone(slot))
        if self._emptied is not None:
            self._emptied.set()

    def _flush(self, record: EnvironmentRecord) -> None:
        try:
            self._driver.flush(record.number_at_driver)
        except Exception:
            log.exception("output of environment %d could not be read", record.number)

    # --- ends ------------------------------------------------------------------------------------

    async def emptied(self) -> None:
        """Wait until no environment is left and nobody waits for an answer."""
        if self._emptied is None:
            self._emptied = asyncio.Event()
        while self._records or self._slots.records or self.invocations:
            self._emptied.clear()
            await self._emptied.wait()

    async def close(self) -> None:
        """Give up what is left: answer whoever waits, hear nothing more, cancel what is under way. Idempotent."""
        self.handle(ShutdownBegan(self.now()))
        self.handle(Ticked())
        await self.reconciler.close()
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = -inf  # what ends from now on arms no timer any more
        await self._slots.close()
        records = tuple(self._records.values())
        await self._supervisor.close(records)
        for record in records:
            record.log.close()
        self._records.clear()
