"""The slots of a node, and the moves that change them.

Each move is one change: it keeps every counter right and appends its instruction to the node's `out`. Slots are
filled only by `refill`, which `settle` calls when nobody waits for a start; `grants` uses and evicts them.
"""

from math import inf
from typing import TYPE_CHECKING

from executor.core.environment import Environment
from executor.core.instructions import DropSlot, FillSlot
from executor.core.slots import DROPPING, READY, Shape, Slot

if TYPE_CHECKING:
    from executor.core.node import Node
    from executor.core.pool import Pool

FILL_TIMEOUT_S = 60.0  # an engine under load takes seconds; after this the slot is taken for dead
FILLS_AT_ONCE = 2  # what is filled ahead must not slow what callers wait for
DROP_AGAIN_S = 5.0  # a DropSlot that led to nothing is repeated; the driver's stop is idempotent


class Stock:
    """:ivar slots: all that exist, DROPPING included; used ones are not among them.
    :ivar taken: number of a used slot → the environment that it became, while that exists.
    :ivar short: shapes that should have more slots, and may.
    :ivar live: the FILLING and READY ones; `ready` counts the READY ones.
    :ivar live_mb: memory of FILLING and READY slots; `dropping_mb` is that of the others.
    """

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = {}
        self.slots: dict[int, Slot] = {}
        self.taken: dict[int, Environment] = {}
        self.short: dict[Shape, None] = {}
        self.live: dict[int, Slot] = {}
        self.ready = 0
        self.live_mb = 0
        self.dropping_mb = 0

    @property
    def memory_mb(self) -> int:
        return self.live_mb + self.dropping_mb

    @property
    def filling(self) -> int:
        return len(self.live) - self.ready

    @property
    def dropping(self) -> int:
        return len(self.slots) - len(self.live)

    def knows(self, number: int) -> bool:
        return number in self.slots or number in self.taken


def assign_shape(node: "Node", pool: "Pool") -> None:
    """Let the pool use the slots that its limits name; a retired pool uses none."""
    stock, before = node.stock, pool.shape
    wanted = None if pool.retired else pool.limits.shape
    if before is not None and before.key != wanted:
        pool.shape = None
        del before.pools[pool]
        _review(node, before)
    if wanted is not None and pool.shape is None:
        shape = stock.shapes.get(wanted)
        if shape is None:
            shape = stock.shapes[wanted] = Shape(wanted, node.limits.slots_per_shape)
        shape.pools[pool] = None
        pool.shape = shape
        _review(node, shape)


def make_ready(node: "Node", slot: Slot) -> None:
    slot.state = READY
    slot.exists_at = node.now
    slot.deadline = inf
    slot.shape.ready[slot.number] = slot
    node.stock.ready += 1
    node.stir()


def use(node: "Node", slot: Slot) -> None:
    """It stops being a slot; the environment that it becomes counts for itself."""
    _unstock(node, slot)
    del node.stock.slots[slot.number]
    slot.deadline = inf
    _review(node, slot.shape)


def drop(node: "Node", slot: Slot) -> None:
    """Give up a live slot."""
    _give_up(node, slot)
    _review(node, slot.shape)


def drop_again(node: "Node", slot: Slot) -> None:
    node.deadlines.arm(slot, node.now + DROP_AGAIN_S)
    node.out.append(DropSlot(slot.number))


def lose(node: "Node", slot: Slot) -> None:
    """A live slot came to nothing before anybody used it."""
    blame(node, slot.shape)
    drop(node, slot)


def forget(node: "Node", slot: Slot) -> None:
    """A DROPPING slot is gone; its room is free."""
    slot.deadline = inf
    del node.stock.slots[slot.number]
    node.stock.dropping_mb -= slot.memory_mb
    _review(node, slot.shape)
    node.stir()


def blame(node: "Node", shape: Shape) -> None:
    """Nothing of the shape is filled for a while: longer and longer, until one slot has become an environment."""
    shape.count_failure(node.now)
    _review(node, shape)


def trust(shape: Shape) -> None:
    """A slot of it has become an environment."""
    shape.failures = 0


def miss(node: "Node", shape: Shape) -> None:
    """A start for waiting work found no slot."""
    shape.grow(node.now)
    _review(node, shape)


def shape_due(node: "Node", shape: Shape) -> None:
    """Its back-off is over, or it had enough slots for a while."""
    shape.deadline = inf
    if shape.shrink_at <= node.now:
        shape.shrink(node.now)
    _review(node, shape)
    node.stir()


def refill(node: "Node") -> None:
    """Fill what is short, the emptiest shape first. Nobody may be waiting for a start."""
    stock, limits = node.stock, node.limits
    while stock.short:
        if stock.filling >= FILLS_AT_ONCE or node.starts_in_flight + stock.filling >= limits.max_starts:
            return
        if len(stock.slots) >= limits.max_slots or node.free_places <= 0:
            return
        useful = [shape for shape in stock.short if _is_useful(node, shape)]
        if not useful:
            return
        _fill(node, min(useful, key=lambda shape: len(shape.live)))


def _is_useful(node: "Node", shape: Shape) -> bool:
    """Whether a slot fits, and could become an environment without anybody's leaving."""
    return node.free_mb >= max(node.limits.slot_memory_mb, shape.smallest_mb)


def _fill(node: "Node", shape: Shape) -> None:
    stock = node.stock
    slot = Slot(node.next_number(), shape, node.limits.slot_memory_mb)
    stock.slots[slot.number] = slot
    stock.live[slot.number] = slot
    stock.live_mb += slot.memory_mb
    shape.live[slot.number] = slot
    node.deadlines.arm(slot, node.now + FILL_TIMEOUT_S)
    node.out.append(FillSlot(slot.number, shape.key))
    _review(node, shape)


def _give_up(node: "Node", slot: Slot) -> None:
    _unstock(node, slot)
    slot.state = DROPPING
    node.stock.dropping_mb += slot.memory_mb
    drop_again(node, slot)
    node.stir()  # one less is in the making


def _unstock(node: "Node", slot: Slot) -> None:
    """Take a live slot out of the live ones' counters."""
    stock, shape = node.stock, slot.shape
    del stock.live[slot.number]
    stock.live_mb -= slot.memory_mb
    del shape.live[slot.number]
    if shape.ready.pop(slot.number, None) is not None:
        stock.ready -= 1


def _review(node: "Node", shape: Shape) -> None:
    """Draw the consequences of a change of a shape: more slots, fewer, or its end."""
    stock = node.stock
    if stock.shapes.get(shape.key) is not shape:
        return  # it has ended; a new one may have its key
    target = shape.kept if shape.pools else 0
    while len(shape.live) > target:
        _give_up(node, next(iter(shape.live.values())))
    if shape.is_short(node.now):
        stock.short[shape] = None
    else:
        stock.short.pop(shape, None)
    if shape.pools or any(slot.shape is shape for slot in stock.slots.values()):
        at = shape.next_at(node.now)
        if at > node.now:  # else it is due, and `shape_due` will be called
            node.deadlines.arm(shape, at)
    else:
        shape.deadline = inf
        del stock.shapes[shape.key]
