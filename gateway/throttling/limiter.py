"""`Limiter`: what a throttle asks, and the limiters of one process.

A limiter that several nodes share fits the same port: it answers at once from what it holds here and settles with
the others in the background, so that no request waits for them.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.throttling.bucket import BucketRule
from gateway.throttling.buckets import Buckets

# 100,000 callers that are not at rest: some 20 MB. Beyond, newcomers share (see `Buckets`).
MAX_CALLERS = 98_304
# A dict of 100,000 entries stops everything for 5 to 10 ms when it grows; of 1,536, for 0.1 ms.
_PARTS = 64

ClockNs = Callable[[], int]


class Limiter(Protocol):
    def take(self, caller: bytes) -> int:
        """Take a token for `caller`, without waiting.

        :returns: 0: it was there; else whole seconds until there is one.
        """
        ...

    def peek(self, caller: bytes) -> "Room":
        """What `take` would find; takes nothing."""
        ...


class Room(NamedTuple):
    """:param tokens: whole ones that are left. :param wait_s: whole seconds until there is one; 0: there is."""

    tokens: int
    wait_s: int


class CommonLimiter:
    """One bucket, whoever calls."""

    __slots__ = ("_clock_ns", "_full_at", "_rule")

    def __init__(self, rule: BucketRule, clock_ns: ClockNs) -> None:
        self._rule = rule
        self._clock_ns = clock_ns
        self._full_at = rule.ticks(clock_ns())

    def take(self, caller: bytes) -> int:  # noqa: ARG002  # the port's shape
        now = self._rule.ticks(self._clock_ns())
        after = self._rule.take(self._full_at, now)
        if after is None:
            return self._rule.wait_s(self._full_at, now)
        self._full_at = after
        return 0

    def peek(self, caller: bytes) -> Room:  # noqa: ARG002  # the port's shape
        return _room(self._rule, self._full_at, self._rule.ticks(self._clock_ns()))


class CallerLimiter:
    """A bucket for each caller, in bounded memory.

    :param max_callers: with a bucket of their own; spread over parts by a hash that nobody outside can know.
    """

    __slots__ = ("_clock_ns", "_parts", "_rule")

    def __init__(self, rule: BucketRule, clock_ns: ClockNs, max_callers: int = MAX_CALLERS) -> None:
        self._rule = rule
        self._clock_ns = clock_ns
        self._parts = [Buckets(rule, -(-max_callers // _PARTS)) for _ in range(_PARTS)]

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def take(self, caller: bytes) -> int:
        part = self._parts[hash(caller) % _PARTS]
        return part.take(caller, self._rule.ticks(self._clock_ns()))

    def peek(self, caller: bytes) -> Room:
        now = self._rule.ticks(self._clock_ns())
        return _room(self._rule, self._parts[hash(caller) % _PARTS].peek(caller, now), now)


def _room(rule: BucketRule, full_at: int, now: int) -> Room:
    return Room(rule.tokens(full_at, now), rule.wait_s(full_at, now))
