"""When an issuer is asked for its keys. Pure: each method gets the time, in seconds of a monotonic clock.

| keys | age | asked for again |
|---|---|---|
| none | | when a request needs one, 1, 2, 4, then 5 s after the last failure |
| fresh | below `FRESH_S` | when a token names an unknown key, every `REFETCH_S` at most |
| stale | up to `KEPT_S` | at the next look-up, every `REFETCH_S` at most; used meanwhile |
| expired | `KEPT_S` | dropped: as none |

Nothing is asked for while nobody asks us.
"""

from collections.abc import Callable
from math import inf

FRESH_S = 15 * 60.0  # J15
# J15 wants one hour at least. A day: an outage over night logs nobody out, and a key that was withdrawn while
# somebody keeps us from hearing of it dies the next day.
KEPT_S = 24 * 3600.0
REFETCH_S = 30.0  # J15: whatever tokens name, an issuer hears from us no more often
RETRY_S = (1.0, 2.0, 4.0, 5.0)  # R4: an issuer that is back is noticed within 10 s
JITTER = 0.2  # of a retry: many gateways that lost one issuer do not come back together


class Schedule:
    """The times of one issuer. :param rand: numbers in [0, 1)."""

    def __init__(self, rand: Callable[[], float]) -> None:
        self._rand = rand
        self._fetched_at = -inf  # of the keys that are held; -inf: none are
        self._stale_at = -inf
        self._failed_at = -inf
        self._failures = 0
        self._has_succeeded = False
        self._not_before = -inf

    @property
    def has_keys(self) -> bool:
        return self._fetched_at != -inf

    def age_s(self, now: float) -> float | None:
        return now - self._fetched_at if self.has_keys else None

    def may_fetch(self, now: float) -> bool:
        return now >= self._not_before

    def is_stale(self, now: float) -> bool:
        return now >= self._stale_at

    def is_expired(self, now: float) -> bool:
        return self.has_keys and now - self._fetched_at >= KEPT_S

    def has_failed_since(self, since: float) -> bool:
        return self._failed_at >= since

    def wait_s(self, now: float) -> float:
        """Until a fetch is allowed."""
        return max(0.0, self._not_before - now)

    def stale_at(self) -> float:
        """When a look-up should begin a fetch; inf without keys, for then `find` does."""
        return max(self._stale_at, self._not_before) if self.has_keys else inf

    def begin(self, now: float) -> None:
        self._not_before = now + REFETCH_S

    def succeed(self, now: float) -> None:
        if not self._has_succeeded:
            # The first keys are no refetch: one that appears right after them is still looked for at once.
            self._not_before = now
        self._has_succeeded = True
        self._fetched_at = now
        self._stale_at = now + FRESH_S
        self._failed_at = -inf
        self._failures = 0

    def fail(self, now: float) -> None:
        self._failed_at = now
        if not self.has_keys:
            retry_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
            self._not_before = now + retry_s * (1 - JITTER * self._rand())
        self._failures += 1

    def restore(self, now: float, age_s: float) -> None:
        """Keys of an earlier process are there; they count as stale at once.

        :param age_s: by wall clocks, so it may be anything (R6).
        """
        self._fetched_at = now - max(age_s, 0.0)
        self._stale_at = now

    def expire(self) -> None:
        """The keys have been dropped."""
        self._fetched_at = self._stale_at = -inf
        self._failures = 0
        self._has_succeeded = False
