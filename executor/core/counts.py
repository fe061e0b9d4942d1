"""Numbers of the fleet for metrics and the admin pages, read from counters."""

from typing import Literal, NamedTuple

from executor.core.environment import IDLE, RESPONDED, RESPONDING, RUNNING, STARTING, STOPPING
from executor.core.node import Node
from executor.core.pool import Pool

PoolState = Literal["open", "circuit", "retired"]


class FleetCounts(NamedTuple):
    """Environments by state, and sums over all pools.

    :param occupied: environments that hold an invocation (RUNNING, RESPONDING, RESPONDED).
    :param accepted: invocations that count against concurrency: queued and occupied.
    :param memory_mb: of all environments and slots, those being stopped included.
    """

    starting: int
    idle: int
    running: int
    responding: int
    responded: int
    stopping: int
    queued: int
    occupied: int
    accepted: int
    memory_mb: int
    pools: int
    draining: bool
    slots_filling: int = 0
    slots_ready: int = 0
    slots_dropping: int = 0

    @classmethod
    def of(cls, node: Node) -> "FleetCounts":
        counts = node.counts
        return cls(
            starting=counts[STARTING],
            idle=counts[IDLE],
            running=counts[RUNNING],
            responding=counts[RESPONDING],
            responded=counts[RESPONDED],
            stopping=counts[STOPPING],
            queued=node.queued,
            occupied=counts[RUNNING] + counts[RESPONDING] + counts[RESPONDED],
            accepted=node.shares.accepted,
            memory_mb=node.memory_mb + node.stock.memory_mb,
            pools=len(node.pools),
            draining=node.draining,
            slots_filling=node.stock.filling,
            slots_ready=node.stock.ready,
            slots_dropping=node.stock.dropping,
        )


class PoolCounts(NamedTuple):
    """The same of one pool.

    :param accepted: of its *function*, over all revisions.
    :param failures: init failures in a row.
    """

    starting: int
    idle: int
    running: int
    responding: int
    responded: int
    stopping: int
    queued: int
    occupied: int
    accepted: int
    state: PoolState
    failures: int
    last_error: object

    @classmethod
    def of(cls, pool: Pool, now: float) -> "PoolCounts":
        counts = pool.counts
        state: PoolState = "retired" if pool.retired else "circuit" if now < pool.circuit_until else "open"
        return cls(
            starting=counts[STARTING],
            idle=counts[IDLE],
            running=counts[RUNNING],
            responding=counts[RESPONDING],
            responded=counts[RESPONDED],
            stopping=counts[STOPPING],
            queued=len(pool.queue),
            occupied=counts[RUNNING] + counts[RESPONDING] + counts[RESPONDED],
            accepted=pool.share.accepted,
            state=state,
            failures=pool.failures,
            last_error=pool.last_error,
        )
