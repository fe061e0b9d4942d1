"""The arithmetic of a token bucket: exact, without a clock, one integer of state a bucket.

The state is ``full_at``, the tick at which the bucket will be full again. A bucket whose ``full_at`` has passed
is full, hence equal to one that was never used, hence free to be forgotten. (The same number is the
"theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371.)

A tick is a nanosecond divided by the numerator of the rate, so that what flows in during any time and what one
token is worth are both whole numbers of ticks: nothing is ever rounded, however long a bucket lives.
"""

from fractions import Fraction

_NS = 1_000_000_000


class BucketRule:
    """:param rate: tokens a second, above 0; meant as written: 0.1 is one token in ten seconds.
    :param burst: tokens of a full bucket, at least 1.
    """

    __slots__ = ("_depth", "_per_ns", "_token")

    def __init__(self, rate: float, burst: int) -> None:
        exact = Fraction(str(rate))
        self._per_ns = exact.numerator
        self._token = exact.denominator * _NS
        self._depth = burst * self._token

    def ticks(self, now_ns: int) -> int:
        return now_ns * self._per_ns

    def take(self, full_at: int, now: int) -> int | None:
        """Take one token.

        :param now: in ticks, as `full_at`.
        :returns: the new ``full_at``, or None: there is no whole token, and nothing has changed.
        """
        after = (full_at if full_at > now else now) + self._token
        return after if after - now <= self._depth else None

    def tokens(self, full_at: int, now: int) -> int:
        """Whole tokens in the bucket."""
        return (self._depth - max(0, full_at - now)) // self._token

    def wait_s(self, full_at: int, now: int) -> int:
        """Whole seconds, rounded up, until an empty bucket has a token; 0: it has one."""
        missing = full_at + self._token - self._depth - now
        return max(0, -(-missing // (self._per_ns * _NS)))
