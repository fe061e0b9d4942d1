"""The pool of one revision: its queue, its idle stack, its circuit, and how many starts it wants.

Only data and questions about it; `node.Node` changes it.
"""

from collections import OrderedDict
from math import inf

from executor.core.environment import STARTING, STOPPING, Environment, State
from executor.core.events import PoolLimits
from executor.core.shares import Share
from executor.core.slots import Shape

CIRCUIT_AFTER = 3  # init failures in a row
FORGIVEN = 3  # starts in a row that somebody killed; a function that kills itself is answered after them
CIRCUIT_LONGEST_S = 30.0  # so that a repaired dependency is seen within half a minute
_CIRCUIT_LONGEST_POWER = 5  # 2 s to this power is over the longest; keeps the number small for ever


class Invocation:
    """One accepted invocation; in exactly one place: its pool's queue or one environment.

    :ivar order: place in the fleet's count of arrivals and starts.
    :ivar waits_since: the same count when it was queued last; later than `order` after a failed delivery.
    :ivar leased: whether it holds a lease.
    :ivar deadline: its queue deadline while it waits, else inf.
    :ivar queued_at: when it was queued last, in seconds.
    """

    __slots__ = (
        "armed_at",
        "deadline",
        "id",
        "leased",
        "order",
        "pool",
        "queue_deadline",
        "queued_at",
        "waits_since",
    )

    def __init__(self, inv_id: str, pool: "Pool", order: int, queue_deadline: float, leased: bool) -> None:
        self.id = inv_id
        self.pool = pool
        self.order = order
        self.waits_since = order
        self.queue_deadline = queue_deadline
        self.queued_at = inf
        self.leased = leased
        self.deadline = inf
        self.armed_at = inf

    def __repr__(self) -> str:
        return f"<Invocation {self.id} of {self.pool.revision}>"


class Pool:
    """:ivar idle: environments whose `next` is pending; the last is used first (LIFO), the tail idles out.
    :ivar counts: environments by `State`.
    :ivar total: all environments, STOPPING included.
    :ivar failures: init failures in a row.
    :ivar reinits: starts that must run their init under the function's timeout, because it timed out once.
    :ivar deadline: when the circuit closes, else inf.
    :ivar shape: whose slots it may use; None while it is retired, or where its limits name none.
    :ivar losses: starts that were killed, in a row; those that ended together count once.
    :ivar lost_at: order of the last one that counted.
    :ivar direct_only: a slot came to nothing in its hands; none is used until an environment became ready.
    """

    __slots__ = (
        "armed_at",
        "circuit_until",
        "counts",
        "deadline",
        "direct_only",
        "failures",
        "idle",
        "last_error",
        "limits",
        "losses",
        "lost_at",
        "queue",
        "reinits",
        "retired",
        "revision",
        "shape",
        "share",
        "total",
    )

    def __init__(self, revision: str, limits: PoolLimits, share: Share) -> None:
        self.revision = revision
        self.limits = limits
        self.share = share
        self.queue: OrderedDict[str, Invocation] = OrderedDict()
        self.idle: dict[int, Environment] = {}
        self.counts = [0] * len(State)
        self.total = 0
        self.failures = 0
        self.reinits = 0
        self.losses = 0
        self.lost_at = 0
        self.circuit_until = -inf
        self.last_error: object = None
        self.retired = False
        self.shape: Shape | None = None
        self.direct_only = False
        self.deadline = inf
        self.armed_at = inf

    @property
    def alive(self) -> int:
        return self.total - self.counts[STOPPING]

    @property
    def kept_warm(self) -> int:
        """How many environments are not stopped for being idle."""
        return 0 if self.retired else self.limits.provisioned

    @property
    def oldest(self) -> int:
        """Order of the invocation at the head of the queue, which must not be empty."""
        return next(iter(self.queue.values())).order

    @property
    def waits_from(self) -> float:
        """When the invocation at the head of the queue, which must not be empty, began to wait."""
        return next(iter(self.queue.values())).queued_at

    @property
    def is_spent(self) -> bool:
        """Whether nothing can ever happen in it again."""
        return self.retired and not self.queue and self.total == 0

    def starts_for_queue(self, now: float) -> int:
        """Starts that waiting invocations need and the pool's own limits allow."""
        return max(0, min(len(self.queue) - self.counts[STARTING], self._startable(now)))

    def starts_wanted(self, now: float) -> int:
        """The same, and those that the provisioned number is short of."""
        if self.total >= self.limits.max_environments:
            return 0  # the usual case under load
        wanted = max(len(self.queue) - self.counts[STARTING], self.kept_warm - self.alive)
        return max(0, min(wanted, self._startable(now))) if wanted > 0 else 0

    def lacks_provisioned(self) -> bool:
        """Whether the next environment is one of those that are kept initialised."""
        return self.alive < self.kept_warm

    def beyond_share(self, needy: "Pool", promised: int = 0) -> int:
        """How many environments it has beyond what `needy` will have when it gets one more.

        A pool without any may take the last one of another.
        :param promised: starts of `needy` that only wait for room.
        """
        has = needy.alive + promised
        return self.alive - max(self.kept_warm, has + 1 if has else 0)

    def waiting_for(self, environment: Environment) -> list[Invocation]:
        """Those that waited already when the environment's start began, oldest first."""
        return [inv for inv in self.queue.values() if inv.waits_since < environment.order]

    def count_failure(self, error: object, *, permanent: bool) -> None:
        self.failures += 1
        if permanent:
            self.failures = max(self.failures, CIRCUIT_AFTER)
        self.last_error = error

    def count_late_start(self, error: object) -> None:
        """One probe at a time from now on, and no circuit for it."""
        self.failures = max(self.failures, 1)
        self.last_error = error

    def forgives(self, environment: Environment, order: int) -> bool:
        """Whether nobody hears of this start that was killed. :param order: the fleet's count now."""
        if environment.order > self.lost_at:
            self.losses += 1
            self.lost_at = order
        return self.losses <= FORGIVEN

    def clear_failures(self) -> None:
        self.failures = self.reinits = self.losses = 0
        self.direct_only = False
        self.circuit_until = -inf
        self.deadline = inf
        self.last_error = None

    def circuit_s(self) -> float:
        """How long the circuit opens after the present number of failures; 0 while it does not."""
        if self.failures < CIRCUIT_AFTER:
            return 0.0
        power = min(self.failures - CIRCUIT_AFTER, _CIRCUIT_LONGEST_POWER)
        return min(CIRCUIT_LONGEST_S, 2.0**power)

    def _startable(self, now: float) -> int:
        if now < self.circuit_until:
            return 0
        room = self.limits.max_environments - self.total
        # One probe at a time while init fails: a broken function must not use up the starts of the machine.
        return min(room, 1 - self.counts[STARTING]) if self.failures else room

    def __repr__(self) -> str:
        return (
            f"<Pool {self.revision} idle={len(self.idle)} starting={self.counts[STARTING]} "
            f"total={self.total} queued={len(self.queue)}>"
        )
