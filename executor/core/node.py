"""What one executor's fleet knows, and the few moves that change it.

Each move is one change: it keeps every counter right and appends the instruction that goes with it to `out`.
Nothing here decides; `calls`, `supply` and `overdue` know what events mean, `settle` what follows from them.
"""

from math import inf

from executor.core.deadlines import Deadlines
from executor.core.environment import (
    IDLE,
    RUNNING,
    STARTING,
    STOPPING,
    TRANSITIONS,
    Environment,
    State,
    StopReason,
)
from executor.core.errors import BrokenInvariant
from executor.core.events import PoolLimits
from executor.core.instructions import (
    ClosePool,
    Complete,
    Deliver,
    Instruction,
    Meter,
    MeterStatus,
    Outcome,
    Phase,
    SpecializeSlot,
    StartEnvironment,
    StopEnvironment,
)
from executor.core.limits import Alarm, NodeLimits
from executor.core.pool import Invocation, Pool
from executor.core.shares import Leases, Shares
from executor.core.slots import Shape, Slot
from executor.core.stock import Stock, assign_shape, use

STOP_AGAIN_S = 5.0  # a StopEnvironment that led to nothing is repeated; the driver's stop is idempotent


class Node:
    """:ivar counts: environments by `State`.
    :ivar idle: all IDLE environments, the longest idle first.
    :ivar dirty: pools that an event touched; `settle` empties it.
    :ivar hungry: pools that want a start which could not be granted yet.
    :ivar out: instructions of the event that is being handled.
    :ivar memory_mb: of all environments; the stock's slots come beside it.
    :ivar specialising: STARTING environments that are made from slots.
    :ivar yielding: environments that end with their present invocation, because others wait for their room.
    :ivar turn: when somebody who waits for room is looked at again, though nothing happened.
    """

    def __init__(self, limits: NodeLimits, leases: Leases) -> None:
        self.limits = limits
        self.shares = Shares(limits.concurrency, leases)
        self.deadlines: Deadlines[Environment | Invocation | Pool | Slot | Shape | Alarm] = Deadlines()
        self.drain = Alarm()
        self.turn = Alarm()
        self.draining = False
        self.stock = Stock()
        self.pools: dict[str, Pool] = {}
        self.environments: dict[int, Environment] = {}
        self.invocations: dict[str, Invocation] = {}
        self.idle: dict[int, Environment] = {}
        self.counts = [0] * len(State)
        self.memory_mb = 0
        self.stopping_mb = 0
        self.idle_mb = 0
        self.queued = 0
        self.dirty: dict[Pool, None] = {}
        self.hungry: dict[Pool, None] = {}
        self.now = -inf
        self.out: list[Instruction] = []
        self.specialising = 0
        self.yielding: dict[int, Environment] = {}
        self._order = 0
        self._made = 0

    def next_order(self) -> int:
        self._order += 1
        return self._order

    def next_number(self) -> int:
        """Of the next environment or slot."""
        self._made += 1
        return self._made

    @property
    def starts_in_flight(self) -> int:
        """Without those from slots, which cost the machine little."""
        return self.counts[STARTING] - self.specialising

    @property
    def free_mb(self) -> int:
        return self.limits.memory_mb - self.memory_mb - self.stock.memory_mb

    @property
    def free_places(self) -> int:
        return self.limits.max_environments - len(self.environments) - len(self.stock.slots)

    def stir(self) -> None:
        """Have `settle` look again at what could be started or filled, though no pool was touched."""
        for pool in self.pools.values():
            self.dirty[pool] = None
            return

    # Pools

    def open_pool(self, revision: str, limits: PoolLimits) -> None:
        pool = Pool(revision, limits, self.shares.join(limits.function))
        self.shares.reserve(pool.share, limits.reserved)
        self.pools[revision] = pool
        self.dirty[pool] = None
        assign_shape(self, pool)

    def retire_pool(self, pool: Pool) -> None:
        pool.retired = True
        self.dirty[pool] = None
        assign_shape(self, pool)

    def replace_limits(self, pool: Pool, limits: PoolLimits) -> None:
        """A revision belongs to one function for ever: a different name in `limits` is not taken over."""
        pool.limits = limits._replace(function=pool.share.function)
        self.shares.reserve(pool.share, limits.reserved)
        self.dirty[pool] = None
        assign_shape(self, pool)

    def close_pool(self, pool: Pool) -> None:
        pool.deadline = inf
        del self.pools[pool.revision]
        self.hungry.pop(pool, None)
        self.shares.leave(pool.share)
        self.out.append(ClosePool(pool.revision))

    def open_circuit(self, pool: Pool, seconds: float) -> None:
        pool.circuit_until = self.now + seconds
        self.deadlines.arm(pool, pool.circuit_until)

    def look_again(self, at: float) -> None:
        """Settle again at that time, or before."""
        if at < self.turn.deadline:
            self.deadlines.arm(self.turn, at)

    def forget_look(self) -> None:
        self.turn.deadline = inf

    # Invocations

    def enqueue(self, inv: Invocation) -> None:
        inv.pool.queue[inv.id] = inv
        self.queued += 1
        inv.queued_at = self.now
        self.deadlines.arm(inv, inv.queue_deadline)
        self.dirty[inv.pool] = None

    def requeue(self, inv: Invocation) -> None:
        """Put an undelivered invocation first in its queue. It may be over `max_queue`: it was accepted."""
        self.enqueue(inv)
        inv.pool.queue.move_to_end(inv.id, last=False)
        inv.waits_since = self.next_order()

    def dequeue(self, inv: Invocation) -> None:
        del inv.pool.queue[inv.id]
        self.queued -= 1
        inv.deadline = inf

    def answer_queued(self, inv: Invocation, outcome: Outcome, detail: object = None) -> None:
        """Complete an invocation that no environment has seen."""
        self.dequeue(inv)
        self.out.append(Complete(inv.id, outcome, detail))
        self.release(inv)
        self.dirty[inv.pool] = None

    def release(self, inv: Invocation) -> None:
        del self.invocations[inv.id]
        self.shares.release(inv.pool.share, inv.leased)

    # Environments

    def enter(self, env: Environment, state: State) -> None:
        before = env.state
        if state not in TRANSITIONS[before]:
            raise BrokenInvariant(f"{env!r} cannot become {state.name}")
        counts = env.pool.counts
        counts[before] -= 1
        counts[state] += 1
        counts = self.counts
        counts[before] -= 1
        counts[state] += 1
        env.state = state

    def start(self, pool: Pool, slot: Slot | None = None) -> None:
        """Ask for one more environment; the caller has seen that there is room."""
        phase = Phase.INVOKE if pool.reinits else Phase.INIT
        pool.reinits = max(0, pool.reinits - 1)
        number = self.next_number()
        env = Environment(number, pool, phase, order=self.next_order(), asked_at=self.now, slot=slot)
        self.environments[number] = env
        pool.total += 1
        pool.counts[STARTING] += 1
        self.counts[STARTING] += 1
        self.memory_mb += env.memory_mb
        self.deadlines.arm(env, self.now + pool.limits.start_timeout_s)
        self.dirty[pool] = None
        if slot is None:
            self.out.append(StartEnvironment(number, pool.revision, phase, env.provisioned))
            return
        self.specialising += 1
        self.stock.taken[slot.number] = env
        use(self, slot)
        self.out.append(SpecializeSlot(slot.number, number, pool.revision, phase, env.provisioned))

    def end_start(self, env: Environment) -> None:
        """It leaves STARTING, whatever it becomes."""
        if env.slot is not None:
            self.specialising -= 1

    def rest(self, env: Environment) -> None:
        """Make it the first choice of its pool."""
        self.enter(env, IDLE)
        pool = env.pool
        now = self.now
        pool.idle[env.number] = env
        self.idle[env.number] = env
        self.idle_mb += env.memory_mb
        env.idle_since = now
        idle_until = now + pool.limits.idle_timeout_s
        self.deadlines.arm(env, idle_until if idle_until < env.retire_at else env.retire_at)
        if pool.queue or pool.retired or self.hungry:
            self.dirty[pool] = None

    def take_idle(self, pool: Pool) -> Environment | None:
        """Take the most recently used environment off the stack; those that are too old are stopped."""
        while pool.idle:
            # popitem, because a `del` at the end of a dict leaves gaps that the next look would walk over.
            _, env = pool.idle.popitem()
            if env.retire_at > self.now:
                self._leave_idle(env)
                return env
            self.stop(env, StopReason.WORN)
        return None

    def deliver(self, env: Environment, inv: Invocation) -> None:
        """Hand the invocation to an environment that `take_idle` gave."""
        self.enter(env, RUNNING)
        now = self.now
        env.inv = inv
        env.status = MeterStatus.ERROR  # until a whole answer is there
        env.uses += 1
        env.delivered_at = now
        deadline = now + env.pool.limits.timeout_s
        self.deadlines.arm(env, deadline)
        self.out.append(Deliver(env.number, inv.id, deadline))

    def meter(self, env: Environment, status: MeterStatus) -> None:
        """End the occupation: count what was used and give the lease back. It has been answered before."""
        inv = env.inv
        if inv is None:
            raise BrokenInvariant(f"{env!r} holds nothing")
        self.out.append(Meter(inv.id, env.number, env.delivered_at, self.now, status, env.init_s))
        env.init_s = None
        env.inv = None
        self.release(inv)

    def let_yield(self, env: Environment) -> None:
        env.yields = True
        self.yielding[env.number] = env

    def keep(self, env: Environment) -> None:
        """It does not yield any more."""
        env.yields = False
        del self.yielding[env.number]

    def stop(self, env: Environment, reason: StopReason) -> None:
        """Give up an environment that holds nothing, with its pool's grace."""
        self._give_up(env, reason)
        self.out.append(StopEnvironment(env.number, env.pool.limits.stop_grace_s, reason))

    def kill(self, env: Environment, reason: StopReason) -> None:
        """Give up an environment that holds nothing, without grace: it has failed."""
        self._give_up(env, reason)
        self.out.append(StopEnvironment(env.number, 0.0, reason))

    def stop_again(self, env: Environment) -> None:
        self.deadlines.arm(env, self.now + STOP_AGAIN_S)
        self.out.append(StopEnvironment(env.number, 0.0, env.stop_reason))

    def remove(self, env: Environment) -> None:
        """Forget a STOPPING environment; its room is free."""
        env.deadline = inf
        del self.environments[env.number]
        if env.slot is not None:
            del self.stock.taken[env.slot.number]
        pool = env.pool
        pool.total -= 1
        pool.counts[STOPPING] -= 1
        self.counts[STOPPING] -= 1
        self.stopping_mb -= env.memory_mb
        self.memory_mb -= env.memory_mb
        self.dirty[pool] = None

    def _give_up(self, env: Environment, reason: StopReason) -> None:
        if env.inv is not None:
            raise BrokenInvariant(f"{env!r} is stopped under its invocation")
        env.stop_reason = reason
        if env.yields:
            self.keep(env)
        if env.state is IDLE:
            self._leave_idle(env)
        elif env.state is STARTING:
            self.end_start(env)
        self.enter(env, STOPPING)
        self.stopping_mb += env.memory_mb
        self.deadlines.arm(env, self.now + (env.pool.limits.stop_grace_s or STOP_AGAIN_S))
        self.dirty[env.pool] = None

    def _leave_idle(self, env: Environment) -> None:
        env.pool.idle.pop(env.number, None)  # `take_idle` has it off the stack already
        del self.idle[env.number]
        self.idle_mb -= env.memory_mb
