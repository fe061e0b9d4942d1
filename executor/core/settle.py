"""What follows from an event: work meets idle environments, starts are granted, empty pools close.

Runs after each event that touched a pool and looks only at those pools and at the hungry ones.
"""

from executor.core.environment import STARTING, STOPPING, Environment, StopReason
from executor.core.node import Node
from executor.core.pool import Pool
from executor.core.room import Room


def settle(node: Node) -> None:
    dirty = node.dirty
    while dirty:
        while dirty:
            pool = next(iter(dirty))
            del dirty[pool]
            _settle_pool(node, pool)
        if node.hungry and node.counts[STARTING] < node.limits.max_starts and _has_slack(node):
            _grant_starts(node)


def _has_slack(node: Node) -> bool:
    """Whether any start at all could be granted or made room for. A full, busy node asks at every event."""
    if node.idle or node.counts[STOPPING]:
        return True
    limits = node.limits
    return len(node.environments) < limits.max_environments and node.memory_mb < limits.memory_mb


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


def _grant_starts(node: Node) -> None:
    """Queued work first, oldest first; then what provisioned pools lack, for which nobody is evicted."""
    room = _room(node)
    waiting = [pool for pool in node.hungry if pool.starts_for_queue(node.now)]
    waiting.sort(key=lambda pool: pool.oldest)
    for pool in waiting:
        _grant_for_queue(node, pool, room)
    for pool in tuple(node.hungry):
        _grant_for_provisioned(node, pool, room)


def _grant_for_queue(node: Node, pool: Pool, room: Room) -> None:
    memory_mb = pool.limits.memory_mb
    for _ in range(pool.starts_for_queue(node.now)):
        if room.starts <= 0:
            return
        if room.fits_now(memory_mb):
            room.take(memory_mb)
            node.start(pool)
        elif room.fits_soon(memory_mb) or _evict_for(node, memory_mb, room):
            room.claim(memory_mb)
        else:
            return


def _grant_for_provisioned(node: Node, pool: Pool, room: Room) -> None:
    memory_mb = pool.limits.memory_mb
    for _ in range(pool.starts_wanted(node.now) - pool.starts_for_queue(node.now)):
        if room.starts <= 0 or not room.fits_now(memory_mb):
            return
        room.take(memory_mb)
        node.start(pool)


def _evict_for(node: Node, memory_mb: int, room: Room) -> bool:
    """Stop idle environments until the start fits soon; none if even all of them would not do."""
    missing_mb, missing_places = room.missing(memory_mb)
    if missing_mb > node.idle_mb:
        return False
    chosen: list[Environment] = []
    spare: dict[Pool, int] = {}
    for env in node.idle.values():
        if missing_mb <= 0 and missing_places <= 0:
            break
        left = spare.get(env.pool, env.pool.alive - env.pool.kept_warm)
        if left > 0:
            spare[env.pool] = left - 1
            chosen.append(env)
            missing_mb -= env.memory_mb
            missing_places -= 1
    if missing_mb > 0 or missing_places > 0:
        return False
    for env in chosen:
        node.stop(env, StopReason.EVICTED)
        room.expect(env.memory_mb)
    return True


def _room(node: Node) -> Room:
    limits = node.limits
    return Room(
        free_mb=limits.memory_mb - node.memory_mb,
        coming_mb=node.stopping_mb,
        places=limits.max_environments - len(node.environments),
        coming_places=node.counts[STOPPING],
        starts=limits.max_starts - node.counts[STARTING],
    )
