"""The fleet's own rules, checked against its state; slow, for tests and ``--debug``.

The numbers are those of the table in this folder's README. What needs memory of the past (I10–I15) is the
tests' business.
"""

from collections import Counter
from math import inf, isfinite

from executor.core.environment import IDLE, RESPONDED, RESPONDING, RUNNING, STARTING, STOPPING, State
from executor.core.errors import BrokenInvariant
from executor.core.node import Node
from executor.core.pool import Pool

_OCCUPIED = (RUNNING, RESPONDING, RESPONDED)


def check(node: Node, now: float) -> None:
    """:raises BrokenInvariant: naming the first rule that does not hold."""
    _check_invocations(node)
    _check_environments(node)
    _check_counters(node)
    _check_shares(node)
    _check_deadlines(node)
    for pool in node.pools.values():
        _check_pool(node, pool)
    _check_hunger(node, now)


def _must(holds: bool, rule: str, about: object) -> None:
    if not holds:
        raise BrokenInvariant(f"{rule}: {about!r}")


def _check_invocations(node: Node) -> None:
    places = Counter(inv.id for pool in node.pools.values() for inv in pool.queue.values())
    places.update(env.inv.id for env in node.environments.values() if env.inv is not None)
    _must(places == Counter(list(node.invocations)), "I1 every invocation is in one place", places)


def _check_environments(node: Node) -> None:
    idle = {env.number: env for env in node.environments.values() if env.state is IDLE}
    _must(idle == node.idle, "I2 the idle are the IDLE", node.idle)
    order = [env.idle_since for env in node.idle.values()]
    _must(order == sorted(order), "I7 the longest idle comes first", order)
    for env in node.environments.values():
        _must(node.pools.get(env.pool.revision) is env.pool, "I2 every environment has a pool", env)
        _must((env.inv is not None) == (env.state in _OCCUPIED), "I1 the occupied hold one each", env)


def _check_pool(node: Node, pool: Pool) -> None:
    mine = [env for env in node.environments.values() if env.pool is pool]
    states = Counter(env.state for env in mine)
    _must(pool.counts == [states[state] for state in State], "pool's counters", pool)
    _must(pool.total == len(mine), "pool's total", pool)
    _must(pool.idle == {env.number: env for env in mine if env.state is IDLE}, "I2 idle stack", pool)
    order = [env.idle_since for env in pool.idle.values()]
    _must(order == sorted(order), "I7 LIFO", order)
    _must(not (pool.queue and pool.idle), "I3 work conserving", pool)
    if pool.retired:
        _must(not pool.idle, "I16 a retired pool keeps nothing warm", pool)
        _must(not pool.is_spent, "I18 an empty retired pool is closed", pool)


def _check_counters(node: Node) -> None:
    environments = node.environments.values()
    states = Counter(env.state for env in environments)
    _must(node.counts == [states[state] for state in State], "node's counters", node.counts)
    _must(node.queued == sum(len(pool.queue) for pool in node.pools.values()), "queued", node.queued)
    _must(node.memory_mb == sum(env.memory_mb for env in environments), "memory", node.memory_mb)
    stopping_mb = sum(env.memory_mb for env in environments if env.state is STOPPING)
    _must(node.stopping_mb == stopping_mb, "memory that is coming", node.stopping_mb)
    _must(node.idle_mb == sum(env.memory_mb for env in node.idle.values()), "idle memory", node.idle_mb)
    _must(node.memory_mb <= node.limits.memory_mb, "I6 memory", node.memory_mb)
    _must(len(node.environments) <= node.limits.max_environments, "I6 environments", len(node.environments))
    _must(node.counts[STARTING] <= node.limits.max_starts, "I6 starts in flight", node.counts)


def _check_shares(node: Node) -> None:
    shares = node.shares
    held: Counter[str] = Counter(inv.pool.share.function for inv in node.invocations.values())
    pools: Counter[str] = Counter(pool.share.function for pool in node.pools.values())
    _must(set(shares.functions) == set(pools), "I18 shares without a pool", shares.functions)
    for name, share in shares.functions.items():
        _must(share.accepted == held[name], "I5 accepted = queued + occupied", share)
        _must(share.pools == pools[name], "pools of a function", share)
    free = [share for share in shares.functions.values() if share.reserved is None]
    _must(shares.accepted == len(node.invocations), "I5 accepted by the node", shares.accepted)
    _must(shares.unreserved == sum(share.accepted for share in free), "I5 unreserved", shares.unreserved)
    reserved = sum(share.reserved or 0 for share in shares.functions.values())
    _must(shares.reserved == reserved, "I5 reserved", shares.reserved)


def _check_deadlines(node: Node) -> None:
    for env in node.environments.values():
        _must(isfinite(env.deadline), "I8 every environment has a deadline", env)
        _must(env.armed_at <= env.deadline, "I8 its timer is not late", env)
    for pool in node.pools.values():
        _must(pool.armed_at <= pool.deadline, "I8 the circuit's timer is not late", pool)
        for inv in pool.queue.values():
            _must(inv.deadline == inv.queue_deadline, "I8 who waits has its queue deadline", inv)
            _must(inv.armed_at <= inv.deadline, "I8 its timer is not late", inv)
    earliest = min((env.deadline for env in node.environments.values()), default=inf)
    _must(node.deadlines.next_at() <= earliest, "I8 the timer is not late", earliest)


def _check_hunger(node: Node, now: float) -> None:
    """I17: what waits for a start has a reason, and idle room was given up for the oldest of it."""
    # A circuit whose time has passed stays open until the timer says so.
    wanting = [pool for pool in node.pools.values() if pool.deadline == inf and pool.starts_wanted(now)]
    _must(all(pool in node.hungry for pool in wanting), "I17 who wants a start is known", wanting)
    waiting = sorted((pool for pool in wanting if pool.starts_for_queue(now)), key=lambda pool: pool.oldest)
    if node.counts[STARTING] >= node.limits.max_starts or not wanting:
        return
    if not waiting:
        need_mb = min(pool.limits.memory_mb for pool in wanting)
        _must(not _has_room(node, need_mb, 0, 0), "I17 room for what is provisioned", wanting)
        return
    need_mb = waiting[0].limits.memory_mb
    _must(not _has_room(node, need_mb, 0, 0), "I17 room for the oldest work", waiting[0])
    if not _has_room(node, need_mb, node.stopping_mb, node.counts[STOPPING]):
        spare_mb = spare = 0
        for pool in node.pools.values():
            evictable = list(pool.idle.values())[: max(0, pool.alive - pool.kept_warm)]
            spare += len(evictable)
            spare_mb += sum(env.memory_mb for env in evictable)
        coming_mb, coming = node.stopping_mb + spare_mb, node.counts[STOPPING] + spare
        _must(not _has_room(node, need_mb, coming_mb, coming), "I17 idle room is given up", waiting[0])


def _has_room(node: Node, need_mb: int, coming_mb: int, coming: int) -> bool:
    limits = node.limits
    places = limits.max_environments - len(node.environments)
    return need_mb <= limits.memory_mb - node.memory_mb + coming_mb and places + coming >= 1
