"""Slots: environments without a function, made ahead, and the shapes that they are kept for.

A slot is used by the next start of its shape, never waited for. Only data and questions about it; `stock` has the
moves, and what else they need.
"""

from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.core.pool import Pool

GROWTH = 2  # times as many slots as usual are kept at most, while they are used up
SHRINK_S = 60.0  # a shape that met no shortage for so long keeps one slot less, down to the usual number
BACK_OFF_S = 2.0  # after the first slot in a row that was lost; twice as long after each further one
BACK_OFF_LONGEST_S = 60.0  # so that a repaired engine is noticed within a minute
_LONGEST_POWER = 5  # 2 s times two to this power is over the longest; keeps the number small for ever


class SlotState(IntEnum):
    """Values index the stock's counters. A slot that was used is an environment, and no slot any more."""

    FILLING = 0  # asked for; its bootstrap does not wait yet
    READY = 1  # its bootstrap waits for a function
    DROPPING = 2  # never to be used; its memory still counts until the driver says that it is gone


FILLING, READY, DROPPING = SlotState


class Slot:
    """:ivar exists_at: when its bootstrap was first heard of; inf until then.
    :ivar deadline: when its state ends by itself: FILLING and DROPPING have one, READY lasts.
    """

    __slots__ = ("armed_at", "deadline", "exists_at", "memory_mb", "number", "shape", "state")

    def __init__(self, number: int, shape: "Shape", memory_mb: int) -> None:
        self.number = number
        self.shape = shape
        self.memory_mb = memory_mb
        self.state = FILLING
        self.exists_at = inf
        self.deadline = inf
        self.armed_at = inf

    def __repr__(self) -> str:
        return f"<Slot {self.number} {self.state.name} of {self.shape.key}>"


class Shape:
    """One kind of slot.

    :ivar pools: those that may use it; without one nothing is kept.
    :ivar live: slots that are FILLING or READY; `ready` are the READY ones, oldest first.
    :ivar kept: how many live ones there should be; between the usual number and `GROWTH` times that.
    :ivar failures: slots in a row that were lost unused.
    :ivar closed_until: nothing is filled before.
    :ivar shrink_at: when `kept` falls by one; inf while it is the usual number.
    :ivar deadline: the earlier one of those two that is to come, else inf.
    """

    __slots__ = (
        "armed_at",
        "closed_until",
        "deadline",
        "failures",
        "kept",
        "key",
        "live",
        "pools",
        "ready",
        "shrink_at",
        "usual",
    )

    def __init__(self, key: str, usual: int) -> None:
        self.key = key
        self.usual = usual
        self.kept = usual
        self.pools: dict[Pool, None] = {}
        self.live: dict[int, Slot] = {}
        self.ready: dict[int, Slot] = {}
        self.failures = 0
        self.closed_until = -inf
        self.shrink_at = inf
        self.deadline = inf
        self.armed_at = inf

    @property
    def smallest_mb(self) -> int:
        """Memory that a slot must find room for to become an environment of any of its pools."""
        return min(pool.limits.memory_mb for pool in self.pools)

    def is_short(self, now: float) -> bool:
        """Whether it should have more slots, and may."""
        return bool(self.pools) and len(self.live) < self.kept and now >= self.closed_until

    def grow(self, now: float) -> None:
        """A start found no slot: keep one more for a while."""
        self.kept = min(self.kept + 1, GROWTH * self.usual)
        if self.kept > self.usual:
            self.shrink_at = now + SHRINK_S

    def shrink(self, now: float) -> None:
        self.kept -= 1
        self.shrink_at = now + SHRINK_S if self.kept > self.usual else inf

    def count_failure(self, now: float) -> None:
        power = min(self.failures, _LONGEST_POWER)
        self.failures += 1
        self.closed_until = now + min(BACK_OFF_LONGEST_S, BACK_OFF_S * 2.0**power)

    def next_at(self, now: float) -> float:
        """When something of it is due."""
        return min(self.shrink_at, self.closed_until if self.closed_until > now else inf)

    def __repr__(self) -> str:
        return f"<Shape {self.key} ready={len(self.ready)} live={len(self.live)} of {self.kept}>"
