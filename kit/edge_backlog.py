"""How much of our answers waits in memory for clients that read slowly, and whom to give up when it is too much.

Only connections over the transport's high-water mark (64 KiB) are in it: those below are bounded by their number.
Pure: sizes and times in, victims out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Protocol

_GRACE_S = 1.0  # a younger one has had no time to show its pace: it goes last


class Unsent(Protocol):
    """A connection, as far as the backlog looks at it. Hashed by identity."""

    def unsent(self) -> int:
        """Bytes that the client has not taken."""
        ...


@dataclass(slots=True)
class _Held:
    since: float
    at_first: int
    now: int


class Backlog:
    """:param limit: bytes of all together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Unsent, _Held] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, connection: Unsent, now: float) -> Iterable[Unsent]:
        """Take in a connection whose buffer is over the mark. :returns: who is to be cut off for it."""
        self.remove(connection)
        size = connection.unsent()
        self._held[connection] = _Held(now, size, size)
        self._total += size
        return self._victims(now) if self._total > self._limit else ()

    def remove(self, connection: Unsent) -> None:
        held = self._held.pop(connection, None)
        if held is not None:
            self._total -= held.now

    def _victims(self, now: float) -> list[Unsent]:
        """The slowest first, until a quarter of the limit is free: so this is not gone through for each answer."""
        for connection, held in self._held.items():
            size = connection.unsent()
            self._total += size - held.now
            held.now = size
        if self._total <= self._limit:
            return []

        def pace(item: tuple[Unsent, _Held]) -> float:
            held, age_s = item[1], now - item[1].since
            return inf if age_s < _GRACE_S else (held.at_first - held.now) / age_s

        victims = []
        for connection, _ in sorted(self._held.items(), key=pace):  # stable: of equals, the oldest
            if self._total <= self._limit * 3 // 4:
                break
            victims.append(connection)
            self.remove(connection)
        return victims
