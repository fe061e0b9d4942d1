"""When the next thing is due, for thousands of things whose deadlines move with every call.

A heap in which an item's entry may be too early, never too late: moving a deadline later costs one
comparison, because the entry is corrected when it comes up. A warm environment alternates between the
function's timeout and the idle time, so it touches the heap about once per timeout, not twice per call.
"""

from heapq import heapify, heappop, heappush
from math import inf
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """:ivar deadline: inf when nothing is due. Set it to inf directly to disarm.
    :ivar armed_at: when the heap will look at the item; only `Deadlines` writes it.
    """

    deadline: float
    armed_at: float


T = TypeVar("T", bound=Timed)

_SMALLEST_SWEEP = 64  # entries; below it, dead entries are not worth looking for


class Deadlines(Generic[T]):
    __slots__ = ("_count", "_heap", "_sweep_at")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._count = 0  # breaks ties in the order of arming, and keeps items from being compared
        self._sweep_at = _SMALLEST_SWEEP

    def __len__(self) -> int:
        return len(self._heap)

    def arm(self, item: T, at: float) -> None:
        item.deadline = at
        if at < item.armed_at:
            self._push(item, at)

    def next_at(self) -> float:
        """When to look again: not later than the earliest deadline; inf when nothing is armed."""
        return self._heap[0][0] if self._heap else inf

    def due(self, now: float) -> list[T]:
        """Items whose deadline has come, oldest first. Each must be armed or disarmed by the caller."""
        heap, found = self._heap, []
        while heap and heap[0][0] <= now:
            at, _, item = heappop(heap)
            if at != item.armed_at:
                continue  # an earlier entry of the same item has taken its place
            item.armed_at = inf
            if item.deadline <= now:
                found.append(item)
            elif item.deadline < inf:
                self._push(item, item.deadline)
        return found

    def _push(self, item: T, at: float) -> None:
        item.armed_at = at
        self._count += 1
        heappush(self._heap, (at, self._count, item))
        if len(self._heap) > self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        """Drop entries of what is over. Runs when the heap has doubled, so a push stays O(log n)."""
        live = []
        for entry in self._heap:
            at, _, item = entry
            if at != item.armed_at:
                continue
            if item.deadline < inf:
                live.append(entry)
            else:
                item.armed_at = inf
        heapify(live)
        self._heap[:] = live
        self._sweep_at = max(_SMALLEST_SWEEP, 2 * len(live))
