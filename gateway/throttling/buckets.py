"""The buckets of many callers in bounded memory: a caller has its own as long as that is not full.

Full buckets are forgotten, the one that has been full longest first; a bucket that is not full never is, so nobody
can win back tokens, or reset anybody else, by making up callers. While every place is taken by a bucket that is
not full, callers without one share a single bucket: they are not unlimited, and those who have one do not notice.
No step is longer than a few. Without a clock; times are ticks of the `BucketRule`.
"""

from heapq import heappop, heappush, heapreplace

from gateway.throttling.bucket import BucketRule

# A newcomer looks at so many buckets that may be full. Each that is not was used since it was looked at last,
# so two would do on average; eight keep a busy table from calling itself full, in some 5 µs.
FORGET_STEPS = 8


class Buckets:
    """:param capacity: buckets at most, the shared one apart."""

    __slots__ = ("_capacity", "_due", "_full_at", "_rule", "_shared")

    def __init__(self, rule: BucketRule, capacity: int) -> None:
        self._rule = rule
        self._capacity = capacity
        self._full_at: dict[bytes, int] = {}
        # A heap with one entry a bucket: when it was to be full as it was last looked at. It may be later by now.
        self._due: list[tuple[int, bytes]] = []
        self._shared = 0

    def __len__(self) -> int:
        return len(self._full_at)

    def __repr__(self) -> str:
        return f"<Buckets {len(self._full_at)} of {self._capacity}>"

    def take(self, caller: bytes, now: int) -> int:
        """Take a token of `caller`'s bucket.

        :returns: 0, or whole seconds until the bucket has one.
        """
        full_at = self._full_at.get(caller)
        if full_at is None:
            return self._admit(caller, now)
        after = self._rule.take(full_at, now)
        if after is None:
            return self._rule.wait_s(full_at, now)
        self._full_at[caller] = after
        return 0

    def peek(self, caller: bytes, now: int) -> int:
        """The ``full_at`` from which `take` would take. A newcomer to a full table is taken to find a place."""
        return self._full_at.get(caller, now)

    def _admit(self, caller: bytes, now: int) -> int:
        self._forget(now)
        is_alone = len(self._full_at) < self._capacity
        before = now if is_alone else self._shared
        after = self._rule.take(before, now)
        if after is None:
            return self._rule.wait_s(before, now)
        if is_alone:
            self._full_at[caller] = after
            heappush(self._due, (after, caller))
        else:
            self._shared = after
        return 0

    def _forget(self, now: int) -> None:
        due = self._due
        for _ in range(FORGET_STEPS):
            if not due or due[0][0] > now:
                return
            caller = due[0][1]
            full_at = self._full_at[caller]
            if full_at > now:
                heapreplace(due, (full_at, caller))
            else:
                heappop(due)
                del self._full_at[caller]

    def check(self) -> None:
        """Assert what must hold after every step."""
        assert len(self._full_at) <= self._capacity
        assert sorted(caller for _, caller in self._due) == sorted(self._full_at)
        assert all(at <= self._full_at[caller] for at, caller in self._due)
        assert all(self._due[(n - 1) // 2] <= entry for n, entry in enumerate(self._due) if n)
