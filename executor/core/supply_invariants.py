"""The rules of `invariants` about slots, and about those who wait for a start."""

from collections.abc import Sequence
from math import inf, isfinite

from executor.core.environment import STARTING, STOPPING, TURN_S, Environment
from executor.core.errors import must
from executor.core.node import Node
from executor.core.pool import Pool
from executor.core.slots import DROPPING, GROWTH, READY, Shape, Slot
from executor.core.stock import FILLS_AT_ONCE


def check_hunger(node: Node, now: float) -> None:
    """I17: what waits for a start has a reason, and idle room was given up for the oldest of it."""
    # A circuit whose time has passed stays open until the timer says so.
    wanting = [pool for pool in node.pools.values() if pool.deadline == inf and pool.starts_wanted(now)]
    must(all(pool in node.hungry for pool in wanting), "I17 who wants a start is known", wanting)
    waiting = sorted((pool for pool in wanting if pool.starts_for_queue(now)), key=lambda pool: pool.oldest)
    may_start = node.starts_in_flight < node.limits.max_starts
    slots = list(node.stock.live.values())
    if waiting:
        must(node.turn.deadline <= now + TURN_S, "I17 who waits is looked at again", waiting)
        _check_oldest(node, waiting[0], now, slots, may_start=may_start)
    elif wanting and may_start:
        need_mb = min(pool.limits.memory_mb for pool in wanting)
        must(not _has_room(node, need_mb, 1, []), "I17 room for what is provisioned", wanting)
        if not _has_room(node, need_mb, 1, _coming(node)):
            must(not _has_room(node, need_mb, 1, [*_coming(node), *slots]), "I17 slots are given up", wanting)


def _check_oldest(node: Node, pool: Pool, now: float, slots: list[Slot], *, may_start: bool) -> None:
    need_mb, places = pool.limits.memory_mb, 1
    if pool.shape is not None and pool.shape.ready and not pool.direct_only:
        used = next(iter(pool.shape.ready.values()))
        slots.remove(used)
        need_mb, places = need_mb - used.memory_mb, 0
    elif not may_start:
        return
    must(not _has_room(node, need_mb, places, []), "I17 room for the oldest work", pool)
    if _has_room(node, need_mb, places, _coming(node)) or node.turn.deadline <= now:
        return  # it waits for room, or for the look that is due
    idle: list[Environment] = []
    for each in node.pools.values():
        unused = [env for env in each.idle.values() if env.idle_since + TURN_S <= now]
        ripe = [env for env in each.idle.values() if env.idle_since + env.restart_s <= now]
        above_share = max(0, each.beyond_share(pool, pool.total - pool.alive))
        unused, ripe = unused[: max(0, each.alive - each.kept_warm)], ripe[:above_share]
        idle += unused if len(unused) > len(ripe) else ripe
    must(
        not _has_room(node, need_mb, places, [*_coming(node), *slots, *idle]),
        "I17 idle room is given up",
        pool,
    )


def _coming(node: Node) -> list[Environment | Slot]:
    stopping = [env for env in node.environments.values() if env.state is STOPPING]
    return stopping + [slot for slot in node.stock.slots.values() if slot.state is DROPPING]


def _has_room(node: Node, need_mb: int, places: int, given_up: Sequence[Environment | Slot]) -> bool:
    free_mb = node.free_mb + sum(each.memory_mb for each in given_up)
    return need_mb <= free_mb and places <= node.free_places + len(given_up)


def check_slots(node: Node) -> None:
    stock = node.stock
    slots = stock.slots.values()
    live = {slot.number: slot for slot in slots if slot.state is not DROPPING}
    ready = [slot for slot in slots if slot.state is READY]
    must(stock.live == live, "S live slots", stock.live)
    must(stock.ready == len(ready), "S ready slots", stock.ready)
    must(stock.live_mb == sum(slot.memory_mb for slot in live.values()), "S memory of slots", stock.live_mb)
    dropping_mb = sum(slot.memory_mb for slot in slots) - stock.live_mb
    must(stock.dropping_mb == dropping_mb, "S memory that is coming", stock.dropping_mb)
    must(len(slots) <= node.limits.max_slots, "I6 slots", len(slots))
    must(stock.filling <= FILLS_AT_ONCE, "I6 slots in the making", stock.filling)
    for slot in slots:
        must(
            isfinite(slot.deadline) is (slot.state is not READY),
            "I8 every slot in motion has a deadline",
            slot,
        )
        must(slot.armed_at <= slot.deadline, "I8 its timer is not late", slot)
    from_slots = [env for env in node.environments.values() if env.slot is not None]
    must(stock.taken == {env.slot.number: env for env in from_slots if env.slot}, "S used slots", stock.taken)
    must(not stock.taken.keys() & stock.slots.keys(), "S a used slot is none", stock.taken)
    starting = sum(env.state is STARTING for env in from_slots)
    must(node.specialising == starting, "S starts from slots", node.specialising)


def check_shapes(node: Node, now: float) -> None:
    stock = node.stock
    for key, shape in stock.shapes.items():
        mine = {slot.number: slot for slot in stock.slots.values() if slot.shape is shape}
        live = {number: slot for number, slot in mine.items() if slot.state is not DROPPING}
        pools = {pool for pool in node.pools.values() if not pool.retired and pool.limits.shape == key}
        must(set(shape.pools) == pools, "S who may use a shape", shape)
        must(all(pool.shape is shape for pool in pools), "S a pool's shape", shape)
        must(shape.live == live, "S a shape's slots", shape)
        ready = {number: slot for number, slot in live.items() if slot.state is READY}
        must(shape.ready == ready, "S a shape's ready slots", shape)
        must(len(live) <= (shape.kept if pools else 0), "I16 no slot without need", shape)
        must(shape.usual <= shape.kept <= GROWTH * shape.usual, "S slots to keep", shape)
        must(bool(pools or mine), "I18 a shape without use", shape)
        if shape.deadline > now:  # else what is due has not been looked at yet
            must((shape in stock.short) is shape.is_short(now), "S what is short is known", shape)
            must(shape.deadline == shape.next_at(now), "I8 what is due for a shape", shape)
        must(shape.armed_at <= shape.deadline, "I8 its timer is not late", shape)
        must(bool(node.hungry) or not _could_fill(node, shape), "S a slot that could be filled is", shape)


def _could_fill(node: Node, shape: Shape) -> bool:
    stock, limits = node.stock, node.limits
    if shape not in stock.short or stock.filling >= FILLS_AT_ONCE or len(stock.slots) >= limits.max_slots:
        return False
    if node.free_places < 1 or node.starts_in_flight + stock.filling >= limits.max_starts:
        return False
    return node.free_mb >= max(limits.slot_memory_mb, min(pool.limits.memory_mb for pool in shape.pools))
