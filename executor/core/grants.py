"""Which starts are granted, what makes room for them, and what they wait for.

Work that waits comes first, the oldest first; then what provisioned pools lack. A ready slot is used before an
environment is made. For waiting work idle environments are stopped; slots, which are kept on suspicion only, make
room for every start.
"""

from collections.abc import Iterator

from executor.core.environment import STOPPING, TURN_S, Environment, StopReason
from executor.core.node import Node
from executor.core.pool import Pool
from executor.core.room import Need, Room
from executor.core.slots import Slot
from executor.core.stock import drop, miss


def grant_starts(node: Node) -> None:
    room = room_of(node)
    waiting = [pool for pool in node.hungry if pool.starts_for_queue(node.now)]
    waiting.sort(key=lambda pool: pool.oldest)
    for pool in waiting:
        for _ in range(pool.starts_for_queue(node.now)):
            if not _grant_for_queue(node, pool, room):
                break
    for pool in tuple(node.hungry):
        for _ in range(pool.starts_wanted(node.now) - pool.starts_for_queue(node.now)):
            if not _grant_for_provisioned(node, pool, room):
                break


def need_of(pool: Pool, spoken_for: set[int]) -> Need:
    """What the pool's next start for waiting work takes."""
    memory_mb = pool.limits.memory_mb
    if pool.shape is not None and not pool.direct_only:
        for slot in pool.shape.ready.values():
            if slot.number not in spoken_for:
                return Need(memory_mb - slot.memory_mb, 0, slot)
    return Need(memory_mb)


def room_of(node: Node) -> Room:
    stock = node.stock
    return Room(
        free_mb=node.free_mb,
        coming_mb=node.stopping_mb + stock.dropping_mb,
        places=node.free_places,
        coming_places=node.counts[STOPPING] + stock.dropping,
        starts=node.limits.max_starts - node.starts_in_flight,
        later_mb=sum(env.memory_mb for env in node.yielding.values()),
        later_places=len(node.yielding),
    )


def _grant_for_queue(node: Node, pool: Pool, room: Room) -> bool:
    """Make one start, or claim the room that it waits for. False: there is none to be had."""
    need = need_of(pool, room.spoken_for)
    if room.starts < need.places:
        return False
    if room.fits_now(need):
        room.take(need)
        if need.slot is None and pool.shape is not None:
            miss(node, pool.shape)
        node.start(pool, need.slot)
    elif (
        room.fits_soon(need)
        or _evict(node, _evictable(node, pool, room), need, room)
        or room.fits_later(need)
    ):
        room.claim(need, pool)
    else:
        return False
    return True


def _grant_for_provisioned(node: Node, pool: Pool, room: Room) -> bool:
    """Make one start that nobody waits for. Slots are left to those who wait, but for the room that they take."""
    need = Need(pool.limits.memory_mb)
    if room.starts <= 0:
        return False
    if room.fits_now(need):
        room.take(need)
        node.start(pool)
        return True
    if not room.fits_soon(need):
        _evict(node, _spare_slots(node, pool, room), need, room)
    return False


def _evict(node: Node, candidates: Iterator[Environment | Slot], need: Need, room: Room) -> bool:
    """Stop as many as make the start fit soon; none if even all of them would not do."""
    missing_mb, missing_places = room.missing(need)
    if missing_mb > node.idle_mb + node.stock.live_mb:
        return False
    chosen: list[Environment | Slot] = []
    for each in candidates:
        if each is need.slot:
            continue
        chosen.append(each)
        missing_mb -= each.memory_mb
        missing_places -= 1
        if missing_mb <= 0 and missing_places <= 0:
            break
    if missing_mb > 0 or missing_places > 0:
        return False
    for each in chosen:
        if isinstance(each, Slot):
            drop(node, each)
        else:
            node.stop(each, StopReason.EVICTED)
        room.expect(each.memory_mb)
    return True


def _evictable(node: Node, pool: Pool, room: Room) -> Iterator[Environment | Slot]:
    yield from _spare_slots(node, pool, room)
    yield from _spare_idle(node, pool, room.promised.get(pool, 0))


def _spare_slots(node: Node, pool: Pool, room: Room) -> Iterator[Slot]:
    """Slots of other shapes first."""
    live = sorted(node.stock.live.values(), key=lambda slot: slot.shape is pool.shape)
    return (slot for slot in live if slot.number not in room.spoken_for)


def _spare_idle(node: Node, pool: Pool, promised: int) -> Iterator[Environment]:
    """Idle environments that no pool keeps, the longest idle first.

    One that is idle for less than half its start took is likely to be wanted again before its successor could run. And
    two pools whose callers are the same would take all places from each other in turns, if one could take more than
    its share of what is in use. So under load the moments between two calls cost no start.
    """
    lost: dict[Pool, int] = {}
    for env in node.idle.values():
        gone = lost.get(env.pool, 0)
        if env.pool.alive - gone <= env.pool.kept_warm:
            continue
        shares = env.pool.beyond_share(pool, promised) > gone
        at = env.idle_since + (env.restart_s if shares else TURN_S)
        if at > node.now:
            node.look_again(at)
            continue
        lost[env.pool] = gone + 1
        yield env
