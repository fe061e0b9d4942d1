"""The arithmetic of one bucket: exact at every rate, whatever the clock does."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.throttling.bucket import BucketRule

SECOND = 1_000_000_000


class Bucket:
    """One bucket by its rule."""

    def __init__(self, rate: float, burst: int, now_ns: int = 0) -> None:
        self.rule = BucketRule(rate, burst)
        self.full_at = self.rule.ticks(now_ns)

    def take(self, now_ns: int) -> bool:
        after = self.rule.take(self.full_at, self.rule.ticks(now_ns))
        if after is not None:
            self.full_at = after
        return after is not None

    def drain(self, now_ns: int) -> int:
        taken = 0
        while self.take(now_ns):
            taken += 1
        return taken

    def wait_s(self, now_ns: int) -> int:
        return self.rule.wait_s(self.full_at, self.rule.ticks(now_ns))


class Reference:
    """Tokens as a fraction, as one would write it down."""

    def __init__(self, rate: Fraction, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = Fraction(burst)
        self.at_ns = 0

    def take(self, now_ns: int) -> bool:
        self.tokens = min(
            self.tokens + self.rate * Fraction(now_ns - self.at_ns, SECOND), Fraction(self.burst)
        )
        self.at_ns = now_ns
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def wait_s(self) -> int:
        return max(0, -(-(1 - self.tokens) // self.rate))


@pytest.mark.parametrize("burst", [1, 2, 7, 5000, 20_000])
@pytest.mark.parametrize("rate", [0.1, 1, 3, 1 / 3, 9.99, 10_000, 1_000_000])
def test_full_bucket_gives_exactly_its_burst(rate: float, burst: int) -> None:
    """Also late in a machine's life, where a float of seconds has lost its small digits."""
    for now_ns in (0, 400 * 86_400 * SECOND + 1):
        assert Bucket(rate, burst, now_ns).drain(now_ns) == burst


def test_token_comes_exactly_when_it_is_due() -> None:
    bucket = Bucket(10, 1)
    assert bucket.take(0)
    assert not bucket.take(SECOND // 10 - 1)
    assert bucket.take(SECOND // 10)


def test_rate_is_meant_as_written() -> None:
    """0.1 is one in ten, and its ticks are nanoseconds: of its binary neighbour they would be numbers of 18 digits,
    and no more machine words.
    """
    assert BucketRule(0.1, 1).ticks(SECOND) == SECOND
    bucket = Bucket(0.1, 1)
    assert bucket.take(0)
    assert not bucket.take(10 * SECOND - 1)
    assert bucket.take(10 * SECOND)


def test_third_of_a_second_is_not_rounded() -> None:
    """Three a second over an hour are 10,800, although two of three are due between two nanoseconds."""
    bucket = Bucket(3, 2)
    assert bucket.drain(0) == 2
    due = [-(-k * SECOND // 3) for k in range(1, 3 * 3600 + 1)]
    assert all(bucket.take(now_ns) for now_ns in due)
    assert not bucket.take(3600 * SECOND)


def test_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(100, 5)
    bucket.drain(0)
    assert bucket.drain(3600 * SECOND) == 5


def test_refused_request_costs_nothing() -> None:
    bucket = Bucket(1, 1)
    assert bucket.take(0)
    for now_ns in range(0, SECOND, SECOND // 50):
        assert not bucket.take(now_ns) or now_ns == 0
    assert bucket.take(SECOND)


@pytest.mark.parametrize(
    ("rate", "now_ns", "wait_s"),
    [
        pytest.param(10, 0, 1, id="part-of-a-second"),
        pytest.param(1, 0, 1, id="exactly-one"),
        pytest.param(1, 1, 1, id="a-nanosecond-less"),
        pytest.param(0.5, 0, 2, id="two"),
        pytest.param(0.3, 0, 4, id="rounded-up"),
        pytest.param(0.001, SECOND, 999, id="long"),
        pytest.param(1, SECOND, 0, id="it-is-there"),
    ],
)
def test_wait_is_in_whole_seconds_and_long_enough(rate: float, now_ns: int, wait_s: int) -> None:
    bucket = Bucket(rate, 1)
    assert bucket.take(0)
    assert bucket.wait_s(now_ns) == wait_s
    assert bucket.take(now_ns + wait_s * SECOND)


def test_clock_that_goes_back_gives_nothing_away() -> None:
    """R6: no monotonic clock does; if one did, tokens must not come from it."""
    bucket = Bucket(10, 3, 100 * SECOND)
    assert bucket.drain(100 * SECOND) == 3
    assert not bucket.take(0)
    assert not bucket.take(100 * SECOND)
    assert bucket.drain(101 * SECOND) == 3


def test_clock_that_stands_still_gives_the_burst_only() -> None:
    """R6: as in a suspended machine, or within a round of uvloop's loop."""
    bucket = Bucket(1_000_000, 4, 7)
    assert [bucket.take(7) for _ in range(6)] == [True] * 4 + [False] * 2


@given(
    rate=st.one_of(
        st.floats(1e-6, 1e6),
        st.integers(1, 1_000_000).map(float),
        st.decimals("0.001", "1000", places=3).map(float),
    ),
    burst=st.integers(1, 50),
    gaps_ns=st.lists(st.one_of(st.just(0), st.integers(0, 10**9), st.integers(0, 10**13)), max_size=80),
)
def test_bucket_does_what_the_reference_does(rate: float, burst: int, gaps_ns: list[int]) -> None:
    bucket, reference = Bucket(rate, burst), Reference(Fraction(str(rate)), burst)
    now_ns = 0
    accepted: list[int] = []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        taken = reference.take(now_ns)
        assert bucket.take(now_ns) == taken
        if taken:
            accepted.append(now_ns)
        else:
            assert bucket.wait_s(now_ns) == reference.wait_s()
    for first, start_ns in enumerate(accepted):
        for count, end_ns in enumerate(accepted[first:], 1):
            assert count <= burst + reference.rate * Fraction(end_ns - start_ns, SECOND)
