"""The world around a fleet, with a memory of its own: what arrived, ran, was answered and was stopped.

It knows from events and instructions alone what must be true, and never looks into the fleet. The I-numbers
are those of the table in ``executor/core/README.md``.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import inf

from executor.core.events import (
    DeliveryFailed,
    EngineListed,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    Event,
    InitErrorPosted,
    InvokeArrived,
    LimitsChanged,
    NextAsked,
    PoolLimits,
    ResponseEnded,
    ResponseStarted,
    RevisionAdded,
    RevisionRetired,
    ShutdownBegan,
    SlotFailed,
    SlotGone,
    SlotReady,
    Ticked,
)
from executor.core.fleet import Fleet, LocalLeases, NodeLimits
from executor.core.instructions import (
    ClosePool,
    Complete,
    Deliver,
    DropSlot,
    FillSlot,
    Instruction,
    Meter,
    MeterStatus,
    Outcome,
    PlatformFault,
    Refuse,
    RefuseReason,
    Reject,
    RejectReason,
    SpecializeSlot,
    StartEnvironment,
    StopEnvironment,
)

NODE = NodeLimits(
    memory_mb=1000,
    max_starts=3,
    max_environments=7,
    concurrency=12,
    slots_per_shape=2,
    max_slots=4,
    slot_memory_mb=60,
)
OCCUPIED = ("running", "responding", "responded")


@dataclass
class Call:
    revision: str
    queue_deadline: float
    answers: int = 0  # Complete or Reject (I12)
    deliveries: int = 0
    undelivered: int = 0
    meters: int = 0


@dataclass
class Box:
    """An environment: starting, idle, running, responding, responded, stopped, gone."""

    revision: str
    memory_mb: int
    state: str = "starting"
    holds: str | None = None
    exists_at: float = inf
    delivered_at: float = inf
    deadline: float = inf
    answered: MeterStatus | None = None
    slot: int | None = None
    provisioned: bool = False


@dataclass
class Tray:
    """A slot: filling, ready, used, dropped, gone."""

    shape: str
    state: str = "filling"
    exists_at: float = inf


@dataclass
class World:
    now: float = 100.0
    leases: LocalLeases = field(default_factory=LocalLeases)
    calls: dict[str, Call] = field(default_factory=dict)
    boxes: dict[int, Box] = field(default_factory=dict)
    trays: dict[int, Tray] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=dict)
    stacks: dict[str, list[int]] = field(default_factory=dict)
    limits: dict[str, PoolLimits] = field(default_factory=dict)
    reserved: dict[str, int | None] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    draining: bool = False

    def __post_init__(self) -> None:
        self.fleet = Fleet(NODE, self.leases)

    def send(self, event: Event) -> list[Instruction]:
        """Tell the fleet, check all that it answers and all that holds after it."""
        before = self.snapshot()
        expected = self.expected_refusal(event)
        self.expect(event)
        out = self.fleet.handle(event, self.now)
        refusals = [one for one in out if isinstance(one, Refuse)]
        if expected is not None:
            assert out == [expected]
            assert self.snapshot() == before, "I15 a refusal changes nothing"
            return out
        assert refusals == []
        for one in out:
            self.perform(one, event)
        self.after(event)
        self.check(event)
        return out

    def snapshot(self) -> object:
        """What a refusal must leave alone; a circuit's state is left out, for time alone ends it."""
        pools = [self.fleet.pool_counts(name) for name in sorted(self.limits)]
        kept = [pool and pool._replace(state="open") for pool in pools]
        return self.fleet.counts(), kept, self.fleet.wake_at()

    def box(self, event: Event) -> Box | None:
        return self.boxes.get(getattr(event, "env", -1))

    # What an event must mean

    def expected_refusal(self, event: Event) -> Refuse | None:
        if isinstance(event, SlotReady):
            return self.expected_slot_refusal(event.slot)
        if not isinstance(event, NextAsked | ResponseStarted | ResponseEnded | ErrorPosted | InitErrorPosted):
            return None
        box = self.boxes.get(event.env)
        if box is None or box.state == "gone":
            return Refuse(event.env, RefuseReason.UNKNOWN_ENVIRONMENT)
        if isinstance(event, NextAsked | InitErrorPosted):
            legal = ("starting", "responded") if isinstance(event, NextAsked) else ("starting",)
        elif box.holds != event.inv_id:
            return Refuse(event.env, RefuseReason.INVALID_REQUEST_ID)
        else:
            legal = ("responding",) if isinstance(event, ResponseEnded) else ("running",)
        return None if box.state in legal else Refuse(event.env, RefuseReason.INVALID_STATE)

    def expected_slot_refusal(self, slot: int) -> Refuse | None:
        tray, box = self.trays.get(slot), self.boxes.get(slot)
        if tray is not None and tray.state == "filling":
            return None
        made = next((box for box in self.boxes.values() if box.slot == slot), None)
        known = tray is not None and (
            tray.state in ("ready", "dropped") or (made is not None and made.state != "gone")
        )
        if known or (box is not None and box.state != "gone"):
            return Refuse(slot, RefuseReason.INVALID_STATE)
        return Refuse(slot, RefuseReason.UNKNOWN_ENVIRONMENT)

    def expect(self, event: Event) -> None:
        """Move the model for what the event says by itself; refused events are not seen here twice."""
        if self.expected_refusal(event) is not None:
            return
        box = self.box(event)
        if isinstance(event, InvokeArrived):
            if event.inv_id not in self.calls:
                self.calls[event.inv_id] = Call(event.revision, event.queue_deadline)
                self.queues.setdefault(event.revision, []).append(event.inv_id)
        elif isinstance(event, NextAsked) and box is not None:
            box.state, box.exists_at = "idle", min(box.exists_at, self.now)
            self.stacks.setdefault(box.revision, []).append(event.env)
        elif isinstance(event, ResponseStarted) and box is not None:
            box.state = "responding"
        elif isinstance(event, ResponseEnded | ErrorPosted) and box is not None:
            ok = isinstance(event, ResponseEnded) and event.ok
            box.state, box.answered = "responded", MeterStatus.SUCCESS if ok else MeterStatus.ERROR
        elif isinstance(event, EnvironmentStarted) and box is not None:
            box.exists_at = min(box.exists_at, self.now)
        elif isinstance(event, SlotReady):
            tray = self.trays[event.slot]
            tray.state, tray.exists_at = "ready", self.now
        elif isinstance(event, DeliveryFailed) and box is not None:
            if box.state == "running" and box.holds == event.inv_id:
                box.holds = None
                self.calls[event.inv_id].undelivered += 1
                self.queues[box.revision].insert(0, event.inv_id)
        elif isinstance(event, RevisionAdded):
            if event.revision in self.limits or not self.draining:
                self.replace(event.revision, event.limits)
                if not self.draining:
                    self.retired.discard(event.revision)
            else:
                self.limits[event.revision] = event.limits  # only until its ClosePool
                self.retired.add(event.revision)
        elif isinstance(event, LimitsChanged):
            if event.revision in self.limits:
                self.replace(event.revision, event.limits)
        elif isinstance(event, RevisionRetired):
            if event.revision in self.limits:
                self.retired.add(event.revision)
        elif isinstance(event, ShutdownBegan):
            self.draining = True
            self.retired |= set(self.limits)

    def replace(self, revision: str, limits: PoolLimits) -> None:
        self.limits[revision] = limits
        self.reserved[limits.function] = limits.reserved

    def after(self, event: Event) -> None:
        if isinstance(event, EnvironmentGone):
            self.bury(event.env)
        elif isinstance(event, SlotGone):
            self.bury_slot(event.slot)
        elif isinstance(event, SlotFailed):
            tray = self.trays.get(event.slot)
            assert tray is None or tray.state not in ("filling", "ready"), "what failed is dropped"
        elif isinstance(event, EngineListed):
            for number, box in self.boxes.items():
                if box.exists_at < event.asked_at and not {number, box.slot} & event.envs:
                    self.bury(number)
            for number, tray in self.trays.items():
                if tray.exists_at < event.asked_at and number not in event.envs:
                    self.bury_slot(number)

    def bury_slot(self, number: int) -> None:
        tray = self.trays.get(number)
        if tray is not None and tray.state not in ("gone", "used"):
            assert tray.state == "dropped", "what vanished is dropped in the same step"
            tray.state = "gone"

    def bury(self, number: int) -> None:
        box = self.boxes.get(number)
        if box is not None and box.state != "gone":
            assert box.state == "stopped", "what vanished is stopped in the same step"
            box.state = "gone"

    # What an instruction may be

    def perform(self, one: Instruction, event: Event) -> None:
        if isinstance(one, Deliver):
            self.deliver(one)
        elif isinstance(one, StartEnvironment | SpecializeSlot):
            self.start(one)
        elif isinstance(one, FillSlot):
            self.fill(one)
        elif isinstance(one, DropSlot):
            tray = self.trays[one.slot]
            assert tray.state in ("filling", "ready", "dropped"), "what is used or gone is not dropped"
            tray.state = "dropped"
        elif isinstance(one, StopEnvironment):
            self.stop(one, event)
        elif isinstance(one, Complete):
            self.complete(one, event)
        elif isinstance(one, Reject):
            self.reject(one, event)
        elif isinstance(one, Meter):
            self.meter(one)
        elif isinstance(one, ClosePool):
            assert one.revision in self.retired
            assert not self.queues.get(one.revision)
            del self.limits[one.revision]
            self.retired.discard(one.revision)
            functions = {limits.function for limits in self.limits.values()}
            self.reserved = {name: number for name, number in self.reserved.items() if name in functions}

    def start(self, one: StartEnvironment | SpecializeSlot) -> None:
        assert one.env not in self.boxes
        assert one.env not in self.trays
        limits = self.limits[one.revision]
        alive = sum(
            box.revision == one.revision and box.state not in ("stopped", "gone")
            for box in self.boxes.values()
        )
        lacking = one.revision not in self.retired and alive < limits.provisioned
        assert one.provisioned is lacking, "the first ones are the provisioned ones"
        box = self.boxes[one.env] = Box(one.revision, limits.memory_mb, provisioned=lacking)
        if isinstance(one, SpecializeSlot):
            tray = self.trays[one.slot]
            assert tray.state == "ready", "only what waits is used"
            assert tray.shape == limits.shape
            assert self.queues.get(one.revision), "slots are for those who wait"
            tray.state, box.slot = "used", one.slot

    def fill(self, one: FillSlot) -> None:
        assert one.slot not in self.trays
        assert one.slot not in self.boxes
        users = [name for name, limits in self.limits.items() if limits.shape == one.shape]
        assert [name for name in users if name not in self.retired], "I16 a slot that nobody could use"
        self.trays[one.slot] = Tray(one.shape)
        live = [tray for tray in self.trays.values() if tray.state in ("filling", "ready")]
        assert sum(tray.shape == one.shape for tray in live) <= 2 * NODE.slots_per_shape
        assert sum(tray.state == "filling" for tray in live) <= 2

    def deliver(self, one: Deliver) -> None:
        box, call = self.boxes[one.env], self.calls[one.inv_id]
        assert box.state == "idle", "I10 nothing is delivered to what was told to stop"
        assert box.revision == call.revision
        assert box.holds is None
        assert self.stacks[box.revision].pop() == one.env, "I7 LIFO"
        assert self.queues[box.revision].pop(0) == one.inv_id, "the oldest work first"
        assert call.answers == 0
        assert call.deliveries == call.undelivered, "I11 delivered twice"
        call.deliveries += 1
        box.state, box.holds, box.answered = "running", one.inv_id, None
        box.delivered_at, box.deadline = self.now, one.deadline
        assert one.deadline == self.now + self.limits[box.revision].timeout_s

    def stop(self, one: StopEnvironment, event: Event) -> None:
        box = self.boxes.get(one.env)
        if box is None or box.state == "gone":
            tray = self.trays.get(one.env)
            assert tray is None or tray.state in ("used", "gone")
            users = [each for each in self.boxes.values() if each.slot == one.env]
            assert all(each.state == "gone" for each in users), "a used slot's number is its environment"
            assert one.reason == "orphan"
            assert isinstance(event, EngineListed)
            assert one.env in event.envs
            return
        assert box.holds is None, "I12 it is answered and metered before it is stopped"
        if box.state == "idle":
            self.stacks[box.revision].remove(one.env)
        box.state = "stopped"
        if one.reason == "evicted" and box.revision not in self.retired:
            mine = [each for each in self.boxes.values() if each.revision == box.revision]
            alive = sum(each.state not in ("stopped", "gone") for each in mine)
            assert alive >= self.limits[box.revision].provisioned, "what is provisioned is not evicted"

    def complete(self, one: Complete, event: Event) -> None:
        call = self.calls[one.inv_id]
        call.answers += 1
        waits = one.inv_id in self.queues[call.revision]
        if one.outcome is Outcome.SUCCESS:
            assert isinstance(event, ResponseEnded), "I13"
            assert event.ok
            assert self.boxes[event.env].holds == one.inv_id == event.inv_id
        if one.outcome is Outcome.QUEUE_TIMEOUT:
            assert waits
            assert call.queue_deadline <= self.now
        if one.outcome is Outcome.CANCELLED:
            assert waits
        if one.outcome is Outcome.SHUTTING_DOWN:
            assert self.draining
        if one.detail is PlatformFault.TIMED_OUT and not waits:
            assert self.holder(one.inv_id).deadline <= self.now
        if waits:
            self.queues[call.revision].remove(one.inv_id)

    def holder(self, inv_id: str) -> Box:
        (box,) = (box for box in self.boxes.values() if box.holds == inv_id)
        return box

    def reject(self, one: Reject, event: Event) -> None:
        assert isinstance(event, InvokeArrived)
        assert event.inv_id == one.inv_id
        self.calls[one.inv_id].answers += 1
        self.queues[event.revision].remove(one.inv_id)
        limits = self.limits.get(event.revision)
        if one.reason is RejectReason.DRAINING:
            assert self.draining
        elif limits is None or event.revision in self.retired:
            assert one.reason is RejectReason.UNKNOWN_REVISION
        elif one.reason is RejectReason.RESERVED_CONCURRENCY:
            reserved = self.reserved[limits.function]
            assert reserved is not None
            assert self.held(limits.function) >= reserved
        elif one.reason is RejectReason.CONCURRENCY:
            free = NODE.concurrency
            sharing = list(self.reserved)
            if self.reserved[limits.function] is None:
                free -= sum(number or 0 for number in self.reserved.values())
                sharing = [name for name, number in self.reserved.items() if number is None]
            assert sum(map(self.held, sharing)) >= free
        else:
            assert one.reason is RejectReason.QUEUE_FULL
            assert len(self.queues[event.revision]) >= limits.max_queue, "I4"

    def meter(self, one: Meter) -> None:
        box, call = self.boxes[one.env], self.calls[one.inv_id]
        assert box.holds == one.inv_id
        assert call.answers == 1, "I14 after its Complete"
        assert (one.started, one.ended) == (box.delivered_at, self.now)
        expected = {box.answered or MeterStatus.ERROR}
        if box.deadline <= self.now:
            expected.add(MeterStatus.TIMEOUT)
        assert one.status in expected
        call.meters += 1
        box.holds = None

    # What holds after each event

    def held(self, function: str) -> int:
        """Invocations that count against the function's concurrency."""
        mine = {name for name, limits in self.limits.items() if limits.function == function}
        occupied = sum(1 for box in self.boxes.values() if box.holds is not None and box.revision in mine)
        return occupied + sum(len(queue) for name, queue in self.queues.items() if name in mine)

    def check(self, event: Event) -> None:
        self.fleet.check(self.now)
        there = [box for box in self.boxes.values() if box.state != "gone"]
        counts = self.fleet.counts()
        trays = Counter(tray.state for tray in self.trays.values())
        slots = trays["filling"] + trays["ready"] + trays["dropped"]
        memory_mb = sum(box.memory_mb for box in there) + slots * NODE.slot_memory_mb
        assert memory_mb == counts.memory_mb <= NODE.memory_mb, "I6"
        assert (trays["filling"], trays["ready"], trays["dropped"]) == counts[-3:]
        assert slots <= NODE.max_slots, "I6"
        assert slots + len(there) <= NODE.max_environments, "I6"
        starting = [box for box in there if box.state == "starting"]
        assert len(starting) == counts.starting
        assert sum(box.slot is None for box in starting) <= NODE.max_starts, "I6"
        assert sum(box.state in OCCUPIED for box in there) == counts.occupied
        assert sum(box.state == "stopped" for box in there) == counts.stopping
        assert sum(map(len, self.queues.values())) == counts.queued
        assert counts.accepted == counts.queued + counts.occupied, "I5"
        for revision, limits in self.limits.items():
            assert not (self.queues.get(revision) and self.stacks.get(revision)), "I3"
            mine = self.fleet.pool_counts(revision)
            assert mine is not None
            assert mine.accepted == self.held(limits.function), "I5"
        assert not any(self.stacks.get(revision) for revision in self.retired), "I16"
        usable = {limits.shape for name, limits in self.limits.items() if name not in self.retired}
        kept = {tray.shape for tray in self.trays.values() if tray.state in ("filling", "ready")}
        assert kept <= usable, "I16 slots that nobody could use"
        for box in there:
            assert (box.holds is not None) == (box.state in OCCUPIED)
        if isinstance(event, InvokeArrived) and (limits := self.limits.get(event.revision)) is not None:
            reserved = self.reserved[limits.function]
            accepted = self.calls[event.inv_id].answers == 0
            assert not accepted or reserved is None or self.held(limits.function) <= reserved
        if isinstance(event, Ticked):
            assert self.fleet.wake_at() > self.now, "I8"
            assert all(box.deadline > self.now for box in there if box.holds is not None), "I10"
            waiting = [inv_id for queue in self.queues.values() for inv_id in queue]
            assert all(self.calls[inv_id].queue_deadline > self.now for inv_id in waiting)

    def check_end(self) -> None:
        """Shut down at once and let everything go (I12, I14, I18)."""
        self.send(ShutdownBegan(self.now))
        self.send(Ticked())
        for number, box in self.boxes.items():
            if box.state != "gone":
                self.send(EnvironmentGone(number))
        for number, tray in self.trays.items():
            if tray.state == "dropped":
                self.send(SlotGone(number))
        counts = self.fleet.counts()
        assert (sum(counts[:10]), counts.pools, *counts[-3:]) == (0, 0, 0, 0, 0), "I18"
        assert self.fleet._node.stock.shapes == {}, "I18 a shape is left"
        assert self.leases.taken == {}, "I18 a lease is left"
        assert self.limits == {}
        for inv_id, call in self.calls.items():
            assert call.answers == 1, f"I12 {inv_id}"
            assert call.meters == call.deliveries - call.undelivered, f"I14 {inv_id}"
