"""One environment: its states, the table of its transitions, and what is remembered of it.

An environment is only data; `node.Node` moves it and keeps the counters that go with each move.
"""

from enum import IntEnum, StrEnum
from math import inf
from typing import TYPE_CHECKING

from executor.core.instructions import MeterStatus, Phase

if TYPE_CHECKING:
    from executor.core.pool import Invocation, Pool
    from executor.core.slots import Slot

INIT_TIMEOUT_S = 10.0  # Lambda's, for the init before the first invocation
# Lambda's, for inits that nobody waits for; the function's timeout where that is longer.
PROVISIONED_INIT_S = 130.0
TURN_S = 1.0  # work that waited so long for room takes it from a pool that has more than its share
STAY_IN_STARTS = 10  # an environment works ten times as long as its start took: turns cost a tenth at most
LONGEST_STAY_S = 10.0  # less than callers' patience, however long a start takes


class State(IntEnum):
    """Values index the counters of pools and node."""

    STARTING = 0  # asked for; has not asked `next` yet
    IDLE = 1  # its `next` is pending
    RUNNING = 2  # the event is delivered, nothing came back yet
    RESPONDING = 3  # the head of the answer is there
    RESPONDED = 4  # the answer is complete; the runtime has not asked `next` again
    STOPPING = 5  # never used again; its memory still counts until the driver says that it is gone


STARTING, IDLE, RUNNING, RESPONDING, RESPONDED, STOPPING = State

OCCUPIED = frozenset({RUNNING, RESPONDING, RESPONDED})

TRANSITIONS: dict[State, frozenset[State]] = {
    STARTING: frozenset({IDLE, STOPPING}),
    IDLE: frozenset({RUNNING, STOPPING}),
    RUNNING: frozenset({RESPONDING, RESPONDED, STOPPING}),
    RESPONDING: frozenset({RESPONDED, STOPPING}),
    RESPONDED: frozenset({IDLE, STOPPING}),
    STOPPING: frozenset(),
}


class StopReason(StrEnum):
    """Why an environment was told to stop; `StopEnvironment.reason`."""

    IDLE = "idle"  # nobody needed it for its pool's idle time
    WORN = "worn"  # max_uses or max_age reached
    EVICTED = "evicted"  # its room is needed for queued work of another pool
    RETIRED = "retired"  # its revision is not served any more
    TIMED_OUT = "timeout"  # the function's timeout passed
    INIT_TIMED_OUT = "init_timeout"  # init took too long; it runs once more under the function's timeout
    INIT_FAILED = "init_failed"  # it never became ready
    UNDELIVERED = "undelivered"  # no byte of an event could be written to it
    EXITED = "exited"  # its process ended
    VANISHED = "vanished"  # the engine does not have it any more
    ORPHAN = "orphan"  # the engine has it and the fleet does not
    SHUTDOWN = "shutdown"  # the drain deadline passed


class Environment:
    """:ivar order: place in the fleet's count of arrivals and starts; who waited before it waits for it.
    :ivar exists_at: when the driver said that it exists (or it asked `next` by itself); inf until then.
    :ivar retire_at: when it is too old to be used again.
    :ivar status: how its present invocation will be metered; set with the answer.
    :ivar init_from: when its init began, as far as it is known.
    :ivar init_s: init time, until the first invocation was metered.
    :ivar deadline: when its present state ends by itself; `armed_at` belongs to `Deadlines`.
    :ivar slot: what it was made from; None: it was made for its function.
    :ivar provisioned: it was started as one of those that are kept initialised.
    :ivar restart_s: half of what its start took, and at most `TURN_S`: an idle one is left alone for as long.
    :ivar stays_until: its turn; no busy pool loses it to another before.
    :ivar yields: it ends with its present invocation, because other work has waited for its room for long.
    """

    __slots__ = (
        "armed_at",
        "asked_at",
        "deadline",
        "delivered_at",
        "exists_at",
        "idle_since",
        "init_from",
        "init_s",
        "inv",
        "memory_mb",
        "number",
        "order",
        "phase",
        "pool",
        "provisioned",
        "restart_s",
        "retire_at",
        "slot",
        "state",
        "status",
        "stays_until",
        "stop_reason",
        "uses",
        "yields",
    )

    def __init__(
        self, number: int, pool: "Pool", phase: Phase, *, order: int, asked_at: float, slot: "Slot | None"
    ) -> None:
        self.number = number
        self.pool = pool
        self.phase = phase
        self.order = order
        self.asked_at = asked_at
        self.slot = slot
        self.provisioned = pool.lacks_provisioned()
        self.restart_s = 0.0
        self.stays_until = inf
        self.yields = False
        self.memory_mb = pool.limits.memory_mb
        self.state = STARTING
        self.exists_at = inf
        self.retire_at = inf
        self.idle_since = inf
        self.delivered_at = inf
        self.init_from = inf
        self.init_s: float | None = None
        self.inv: Invocation | None = None
        self.status = MeterStatus.ERROR
        self.uses = 0
        self.stop_reason = ""
        self.deadline = inf
        self.armed_at = inf

    @property
    def has_begun(self) -> bool:
        """Whether it is known to exist, so that its init is running."""
        return self.exists_at < inf

    def begin(self, now: float, init_from: float) -> None:
        self.exists_at = now
        self.init_from = init_from

    def become_ready(self, now: float) -> None:
        """Its first `next` is there; this may be heard before the driver's word that it exists."""
        if not self.has_begun:
            self.begin(now, self.asked_at)
        self.init_s = now - self.init_from
        start_s = now - self.asked_at
        self.restart_s = min(start_s / 2, TURN_S)
        self.stays_until = now + min(LONGEST_STAY_S, max(TURN_S, STAY_IN_STARTS * start_s))
        max_age_s = self.pool.limits.max_age_s
        if max_age_s is not None:
            self.retire_at = now + max_age_s

    def __repr__(self) -> str:
        held = "" if self.inv is None else f" {self.inv.id}"
        return f"<Environment {self.number} {self.state.name}{held} of {self.pool.revision}>"
