"""What follows from an event: work meets idle environments, starts are granted, empty pools close, slots are filled.

Runs after each event that touched a pool and looks only at those pools and at the hungry ones.
"""

from executor.core.environment import STOPPING, StopReason
from executor.core.grants import grant_starts
from executor.core.node import Node
from executor.core.pool import Pool
from executor.core.stock import refill
from executor.core.turns import watch_for_turn


def settle(node: Node) -> None:
    dirty = node.dirty
    while dirty:
        while dirty:
            pool = next(iter(dirty))
            del dirty[pool]
            _settle_pool(node, pool)
        if node.hungry and _has_slack(node):
            grant_starts(node)
    if node.hungry:
        watch_for_turn(node)
    elif node.stock.short:
        refill(node)


def _has_slack(node: Node) -> bool:
    """Whether any start at all could be granted or made room for. A full, busy node asks at every event."""
    if node.stock.ready:
        return True
    if node.starts_in_flight >= node.limits.max_starts:
        return False
    if node.idle or node.counts[STOPPING] or node.stock.slots:
        return True
    return node.free_mb > 0 and node.free_places > 0


def _settle_pool(node: Node, pool: Pool) -> None:
    if pool.queue:
        _serve(node, pool)
    if not pool.queue:
        pool.reinits = 0  # nobody waits for the second attempt any more
        if pool.retired:
            _empty(node, pool)
    if pool.starts_wanted(node.now):
        node.hungry[pool] = None
    else:
        node.hungry.pop(pool, None)


def _serve(node: Node, pool: Pool) -> None:
    while pool.queue:
        env = node.take_idle(pool)
        if env is None:
            return
        inv = next(iter(pool.queue.values()))
        node.dequeue(inv)
        node.deliver(env, inv)


def _empty(node: Node, pool: Pool) -> None:
    for env in tuple(pool.idle.values()):
        node.stop(env, StopReason.RETIRED)
    if pool.is_spent:
        node.close_pool(pool)
