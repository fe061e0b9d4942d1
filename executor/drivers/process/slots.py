"""Slot numbers: the smallest that is free, so that uids stay few and are used again."""

import heapq


class Slots:
    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._next += 1
        return self._next - 1

    def give_back(self, slot: int) -> None:
        assert 0 <= slot < self._next
        assert slot not in self._free
        heapq.heappush(self._free, slot)

    def __repr__(self) -> str:
        return f"<Slots taken={self._next - len(self._free)} free={len(self._free)}>"
