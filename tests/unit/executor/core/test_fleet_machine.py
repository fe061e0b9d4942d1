"""A hostile world against the fleet: whatever happens in whatever order, the invariants hold."""

import os
from math import inf

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from executor.core.events import (
    CallerGone,
    DeliveryFailed,
    EngineListed,
    EnvironmentExited,
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
    StartFailed,
    Ticked,
)
from tests.support.fleet_world import OCCUPIED, World

# Two revisions of one function with a reservation; one that is provisioned; one that wears out; a big one.
LIMITS = {
    "f1": PoolLimits("f", 100, 4.0, idle_timeout_s=20.0, reserved=4, max_queue=3, shape="py"),
    "f2": PoolLimits("f", 150, 4.0, idle_timeout_s=20.0, reserved=4, max_environments=3, shape="py"),
    "p": PoolLimits("p", 200, 8.0, idle_timeout_s=10.0, provisioned=1, max_queue=4),
    "w": PoolLimits(
        "w", 250, 2.0, init_timeout_s=3.0, start_timeout_s=5.0, max_uses=2, max_age_s=15.0, shape="js"
    ),
    "i": PoolLimits("i", 100, 5.0, max_uses=1, provisioned=1, shape="js"),
    "big": PoolLimits("big", 600, 6.0, idle_timeout_s=30.0, stop_grace_s=0.0, max_environments=2),
}
REVISIONS = st.sampled_from(sorted(LIMITS))
ZOMBIE = 10_000  # an environment number that the fleet never reaches

STARTS = {
    "started": lambda env: [EnvironmentStarted(env)],
    "ready": lambda env: [EnvironmentStarted(env), NextAsked(env)],
    "ready unseen": lambda env: [NextAsked(env), EnvironmentStarted(env)],
    "failed": lambda env: [StartFailed(env, "x", False)],
    "permanent": lambda env: [StartFailed(env, "x", True)],
    "init error": lambda env: [InitErrorPosted(env, "x"), EnvironmentExited(env, "x")],
    "exit": lambda env: [EnvironmentExited(env, "x")],
    "killed": lambda env: [EnvironmentExited(env, "x", lost=True)],
}
RUNS = {
    "ok": lambda env, inv: [ResponseStarted(env, inv), ResponseEnded(env, inv, True), NextAsked(env)],
    "no next": lambda env, inv: [ResponseStarted(env, inv), ResponseEnded(env, inv, True)],
    "head": lambda env, inv: [ResponseStarted(env, inv)],
    "half": lambda env, inv: [ResponseStarted(env, inv), ResponseEnded(env, inv, False), NextAsked(env)],
    "error": lambda env, inv: [ErrorPosted(env, inv, "e"), NextAsked(env)],
    "exit": lambda env, inv: [EnvironmentExited(env, "x")],
    "cut": lambda env, inv: [ResponseStarted(env, inv), EnvironmentExited(env, "x"), EnvironmentGone(env)],
    "undelivered": lambda env, inv: [DeliveryFailed(env, inv)],
    "late undelivered": lambda env, inv: [ResponseStarted(env, inv), DeliveryFailed(env, inv)],
    "early next": lambda env, inv: [NextAsked(env), ResponseStarted(env, inv), NextAsked(env)],
    "next": lambda env, inv: [NextAsked(env)],
    "ended": lambda env, inv: [ResponseEnded(env, inv, True)],
}
ANY = {
    "next": lambda env, inv: NextAsked(env),
    "response": lambda env, inv: ResponseStarted(env, inv),
    "ended": lambda env, inv: ResponseEnded(env, inv, True),
    "error": lambda env, inv: ErrorPosted(env, inv, "e"),
    "init error": lambda env, inv: InitErrorPosted(env, "e"),
    "undelivered": lambda env, inv: DeliveryFailed(env, inv),
    "started": lambda env, inv: EnvironmentStarted(env),
    "failed": lambda env, inv: StartFailed(env, "x", False),
    "exit": lambda env, inv: EnvironmentExited(env, "x"),
    "killed": lambda env, inv: EnvironmentExited(env, "x", lost=True),
    "gone": lambda env, inv: EnvironmentGone(env),
    "slot ready": lambda env, inv: SlotReady(env),
    "slot failed": lambda env, inv: SlotFailed(env),
    "slot gone": lambda env, inv: SlotGone(env),
}
SLOTS = {
    "ready": lambda slot: [SlotReady(slot)],
    "failed": lambda slot: [SlotFailed(slot)],
    "gone": lambda slot: [SlotGone(slot)],
    "failed and gone": lambda slot: [SlotFailed(slot), SlotGone(slot)],
}


class FleetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        for revision in ("f1", "i", "p", "w"):
            self.world.send(RevisionAdded(revision, LIMITS[revision]))

    def numbers(self, *states: str) -> list[int]:
        return [number for number, box in self.world.boxes.items() if box.state in states]

    def send_all(self, events: list[Event]) -> None:
        for event in events:
            self.world.send(event)

    def slots(self, *states: str) -> list[int]:
        return [number for number, tray in self.world.trays.items() if tray.state in states]

    @rule(revision=REVISIONS, many=st.integers(1, 4), patience=st.sampled_from([0.0, 2.0, 8.0, 50.0, inf]))
    def invoke(self, revision: str, many: int, patience: float) -> None:
        for _ in range(many):
            inv_id = f"i{len(self.world.calls)}"
            self.world.send(InvokeArrived(inv_id, revision, self.world.now + patience))

    @precondition(lambda self: self.world.calls)
    @rule(pick=st.integers(0, 1000), twice=st.booleans())
    def caller_gone(self, pick: int, twice: bool) -> None:
        ids = list(self.world.calls)
        self.send_all([CallerGone(ids[-1 - pick % len(ids)])] * (1 + twice))

    @precondition(lambda self: self.numbers("starting"))
    @rule(pick=st.integers(0, 1000), how=st.sampled_from(sorted(STARTS)))
    def start_ends(self, pick: int, how: str) -> None:
        numbers = self.numbers("starting")
        self.send_all(STARTS[how](numbers[pick % len(numbers)]))

    @precondition(lambda self: self.numbers(*OCCUPIED))
    @rule(pick=st.integers(0, 1000), how=st.sampled_from(sorted(RUNS)))
    def run_ends(self, pick: int, how: str) -> None:
        numbers = self.numbers(*OCCUPIED)
        number = numbers[pick % len(numbers)]
        held = self.world.boxes[number].holds
        assert held is not None
        self.send_all(RUNS[how](number, held))

    @precondition(lambda self: self.numbers("stopped"))
    @rule(pick=st.integers(0, 1000), every=st.booleans())
    def gone(self, pick: int, every: bool) -> None:
        numbers = self.numbers("stopped")
        chosen = numbers if every else [numbers[pick % len(numbers)]]
        self.send_all([EnvironmentGone(number) for number in chosen])

    @precondition(lambda self: self.world.boxes and self.world.calls)
    @rule(env=st.integers(0, 1000), inv=st.integers(0, 1000), what=st.sampled_from(sorted(ANY)))
    def anything_for_anyone(self, env: int, inv: int, what: str) -> None:
        """Any event for any environment that ever lived, or never did, under any id."""
        numbers = [*sorted(self.world.boxes.keys() | self.world.trays.keys()), ZOMBIE]
        ids = ["foreign", *self.world.calls]
        self.world.send(ANY[what](numbers[-1 - env % len(numbers)], ids[-1 - inv % len(ids)]))

    @precondition(lambda self: self.slots("filling", "ready", "dropped"))
    @rule(pick=st.integers(0, 1000), how=st.sampled_from(sorted(SLOTS)))
    def slot_word(self, pick: int, how: str) -> None:
        slots = self.slots("filling", "ready", "dropped")
        self.send_all(SLOTS[how](slots[pick % len(slots)]))

    @rule()
    def slots_cooperate(self) -> None:
        for number in self.slots("filling"):
            self.world.send(SlotReady(number))

    @rule(
        gap=st.integers(0, 5),
        zombies=st.booleans(),
        ago=st.sampled_from([0.0, 1.0, 10.0]),
        late=st.booleans(),
    )
    def engine_listed(self, gap: int, zombies: bool, ago: float, late: bool) -> None:
        there = self.numbers("starting", "idle", *OCCUPIED, "stopped")
        there += self.slots("filling", "ready", "dropped")
        listed = {number for number in there if number % 6 != gap}
        if late:  # the engine's answer knows nothing of slots that were used since
            slots = {number: self.world.boxes[number].slot for number in listed & self.world.boxes.keys()}
            listed = {slots.get(number) or number for number in listed}
        if zombies:
            listed |= {ZOMBIE, *self.numbers("gone")[:1]}
        self.world.send(EngineListed(frozenset(listed), self.world.now - ago))

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 2.0, 5.0, 20.0, 60.0]), tick=st.booleans())
    def time_passes(self, seconds: float, tick: bool) -> None:
        self.world.now += seconds
        if tick:
            self.world.send(Ticked())

    @precondition(lambda self: self.world.fleet.wake_at() < inf)
    @rule(times=st.integers(1, 5))
    def timer(self, times: int) -> None:
        for _ in range(times):
            self.world.now = max(self.world.now, min(self.world.fleet.wake_at(), self.world.now + 1000.0))
            self.world.send(Ticked())

    @rule(revision=REVISIONS)
    def retire(self, revision: str) -> None:
        self.world.send(RevisionRetired(revision))

    @rule(revision=REVISIONS)
    def add(self, revision: str) -> None:
        self.world.send(RevisionAdded(revision, LIMITS[revision]))

    @rule(
        revision=REVISIONS,
        memory_mb=st.sampled_from([50, 100, 400]),
        reserved=st.sampled_from([None, 0, 1, 5]),
        provisioned=st.integers(0, 2),
        max_environments=st.integers(1, 5),
        shape=st.sampled_from([None, "py", "js", "rb"]),
    )
    def limits_change(
        self,
        revision: str,
        memory_mb: int,
        reserved: int | None,
        provisioned: int,
        max_environments: int,
        shape: str | None,
    ) -> None:
        limits = LIMITS[revision]._replace(
            memory_mb=memory_mb,
            reserved=reserved,
            provisioned=provisioned,
            max_environments=max_environments,
            shape=shape,
        )
        self.world.send(LimitsChanged(revision, limits))

    @precondition(lambda self: len(self.world.calls) > 20)
    @rule(after=st.sampled_from([0.0, 5.0, 50.0]))
    def shutdown(self, after: float) -> None:
        self.world.send(ShutdownBegan(self.world.now + after))

    @rule(rounds=st.integers(1, 4))
    def cooperate(self, rounds: int) -> None:
        """All starts succeed, all runs answer, all that stops goes. Without it runs stay shallow."""
        for _ in range(rounds):
            for number in self.slots("filling"):
                self.send_all([SlotReady(number)])
            for number in self.slots("dropped"):
                self.send_all([SlotGone(number)])
            for number, box in list(self.world.boxes.items()):
                if box.state == "starting":
                    self.send_all(STARTS["ready"](number))
                elif box.state == "running" and box.holds is not None:
                    self.send_all(RUNS["ok"](number, box.holds))
                elif box.state == "responding" and box.holds is not None:
                    self.send_all([ResponseEnded(number, box.holds, True), NextAsked(number)])
                elif box.state == "responded":
                    self.send_all([NextAsked(number)])
                elif box.state == "stopped":
                    self.send_all([EnvironmentGone(number)])

    def teardown(self) -> None:
        self.world.check_end()


TestFleet = pytest.mark.timeout(120, func_only=True)(FleetMachine.TestCase)  # 400 runs of 50 hostile steps
TestFleet.settings = settings(
    max_examples=int(os.environ.get("FLEET_RUNS", "400")),
    stateful_step_count=50,
    deadline=None,
    # The mutants' runner wants an answer, not the smallest example.
    phases=[Phase.generate] if "FLEET_RUNS" in os.environ else list(Phase),
    derandomize="FLEET_RUNS" in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
