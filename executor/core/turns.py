"""Turns: what becomes of work that waits for room on a node where every environment is busy for its own pool.

Without them a pool whose queue never empties would keep its room for ever. Once a turn's time has passed, the pool
with the oldest waiting work gets the room of environments of pools that have more than it; each of them ends with
its present invocation. An environment that has worked for less than ten times its start is left alone, so that turns
cost a tenth of the machine at most.
"""

from executor.core.environment import IDLE, OCCUPIED, TURN_S, Environment, StopReason
from executor.core.grants import need_of, room_of
from executor.core.node import Node
from executor.core.pool import Pool


def watch_for_turn(node: Node) -> None:
    """Somebody waits for a start: look at it again in time."""
    if node.queued and node.turn.deadline > node.now + TURN_S:
        node.look_again(node.now + TURN_S)


def give_turn(node: Node) -> None:
    """The time for a look has come."""
    node.forget_look()
    waiting = [pool for pool in node.hungry if pool.starts_for_queue(node.now)]
    if not waiting:
        return
    pool = min(waiting, key=lambda pool: pool.oldest)
    node.dirty[pool] = None
    if node.now - pool.waits_from >= TURN_S:
        _take_turn(node, pool)


def is_yielded(node: Node, env: Environment) -> bool:
    """Whether somebody still waits for its room, and its pool can do without it; if not, it stays."""
    if env.pool.alive > env.pool.kept_warm and any(pool is not env.pool for pool in node.hungry):
        return True
    node.keep(env)
    return False


def _take_turn(node: Node, pool: Pool) -> None:
    missing_mb, missing_places = room_of(node).missing(need_of(pool, set()))
    chosen = []
    for env in _donors(node, pool):
        if missing_mb <= 0 and missing_places <= 0:
            break
        chosen.append(env)
        missing_mb -= env.memory_mb
        missing_places -= 1
    if missing_mb > 0 or missing_places > 0:
        return
    for env in chosen:
        if env.state is IDLE:
            node.stop(env, StopReason.EVICTED)
        else:
            node.let_yield(env)


def _donors(node: Node, pool: Pool) -> list[Environment]:
    """Environments that may lose their place to the pool: of pools that keep more than it, the largest first."""
    left = {
        each: each.beyond_share(pool) - sum(env.pool is each for env in node.yielding.values())
        for each in node.pools.values()
        if each is not pool
    }
    ripe = [
        env
        for env in node.environments.values()
        if env.stays_until <= node.now and not env.yields and (env.state is IDLE or env.state in OCCUPIED)
    ]
    ripe.sort(key=lambda env: (-env.pool.alive, env.order))
    donors = []
    for env in ripe:
        if left.get(env.pool, 0) > 0:
            left[env.pool] -= 1
            donors.append(env)
    return donors
