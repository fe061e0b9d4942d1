"""The fleet's own rules, checked against its state; slow, for tests and ``--debug``.

The numbers are those of the table in this folder's README. What needs memory of the past (I10–I15) is the
tests' business.
"""

from collections import Counter
from math import inf, isfinite

from executor.core.environment import IDLE, OCCUPIED, STOPPING, State
from executor.core.errors import must
from executor.core.node import Node
from executor.core.pool import Pool
from executor.core.supply_invariants import check_hunger, check_shapes, check_slots


def check(node: Node, now: float) -> None:
    """:raises BrokenInvariant: naming the first rule that does not hold."""
    _check_invocations(node)
    _check_environments(node)
    _check_counters(node)
    _check_shares(node)
    _check_deadlines(node)
    for pool in node.pools.values():
        _check_pool(node, pool)
    check_slots(node)
    check_shapes(node, now)
    check_hunger(node, now)


def _check_invocations(node: Node) -> None:
    places = Counter(inv.id for pool in node.pools.values() for inv in pool.queue.values())
    places.update(env.inv.id for env in node.environments.values() if env.inv is not None)
    must(places == Counter(list(node.invocations)), "I1 every invocation is in one place", places)


def _check_environments(node: Node) -> None:
    idle = {env.number: env for env in node.environments.values() if env.state is IDLE}
    must(idle == node.idle, "I2 the idle are the IDLE", node.idle)
    order = [env.idle_since for env in node.idle.values()]
    must(order == sorted(order), "I7 the longest idle comes first", order)
    for env in node.environments.values():
        must(node.pools.get(env.pool.revision) is env.pool, "I2 every environment has a pool", env)
        must((env.inv is not None) == (env.state in OCCUPIED), "I1 the occupied hold one each", env)


def _check_pool(node: Node, pool: Pool) -> None:
    mine = [env for env in node.environments.values() if env.pool is pool]
    states = Counter(env.state for env in mine)
    must(pool.counts == [states[state] for state in State], "pool's counters", pool)
    must(pool.total == len(mine), "pool's total", pool)
    must(pool.idle == {env.number: env for env in mine if env.state is IDLE}, "I2 idle stack", pool)
    order = [env.idle_since for env in pool.idle.values()]
    must(order == sorted(order), "I7 LIFO", order)
    must(not (pool.queue and pool.idle), "I3 work conserving", pool)
    if pool.retired:
        must(not pool.idle, "I16 a retired pool keeps nothing warm", pool)
        must(not pool.is_spent, "I18 an empty retired pool is closed", pool)


def _check_counters(node: Node) -> None:
    environments = node.environments.values()
    states = Counter(env.state for env in environments)
    must(node.counts == [states[state] for state in State], "node's counters", node.counts)
    must(node.queued == sum(len(pool.queue) for pool in node.pools.values()), "queued", node.queued)
    must(node.memory_mb == sum(env.memory_mb for env in environments), "memory", node.memory_mb)
    stopping_mb = sum(env.memory_mb for env in environments if env.state is STOPPING)
    must(node.stopping_mb == stopping_mb, "memory that is coming", node.stopping_mb)
    must(node.idle_mb == sum(env.memory_mb for env in node.idle.values()), "idle memory", node.idle_mb)
    must(node.free_mb >= 0, "I6 memory", node.memory_mb)
    must(node.free_places >= 0, "I6 environments and slots", len(node.environments))
    must(node.starts_in_flight <= node.limits.max_starts, "I6 starts in flight", node.counts)
    yielding = {env.number: env for env in environments if env.yields}
    must(node.yielding == yielding, "those that yield", node.yielding)
    must(all(env.state in OCCUPIED for env in yielding.values()), "only the busy yield", node.yielding)


def _check_shares(node: Node) -> None:
    shares = node.shares
    held: Counter[str] = Counter(inv.pool.share.function for inv in node.invocations.values())
    pools: Counter[str] = Counter(pool.share.function for pool in node.pools.values())
    must(set(shares.functions) == set(pools), "I18 shares without a pool", shares.functions)
    for name, share in shares.functions.items():
        must(share.accepted == held[name], "I5 accepted = queued + occupied", share)
        must(share.pools == pools[name], "pools of a function", share)
    free = [share for share in shares.functions.values() if share.reserved is None]
    must(shares.accepted == len(node.invocations), "I5 accepted by the node", shares.accepted)
    must(shares.unreserved == sum(share.accepted for share in free), "I5 unreserved", shares.unreserved)
    reserved = sum(share.reserved or 0 for share in shares.functions.values())
    must(shares.reserved == reserved, "I5 reserved", shares.reserved)


def _check_deadlines(node: Node) -> None:
    for env in node.environments.values():
        must(isfinite(env.deadline), "I8 every environment has a deadline", env)
        must(env.armed_at <= env.deadline, "I8 its timer is not late", env)
    for pool in node.pools.values():
        must(pool.armed_at <= pool.deadline, "I8 the circuit's timer is not late", pool)
        for inv in pool.queue.values():
            must(inv.deadline == inv.queue_deadline, "I8 who waits has its queue deadline", inv)
            must(inv.armed_at <= inv.deadline, "I8 its timer is not late", inv)
    earliest = min((env.deadline for env in node.environments.values()), default=inf)
    must(node.deadlines.next_at() <= earliest, "I8 the timer is not late", earliest)
