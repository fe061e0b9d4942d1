"""The limiters of one process: one bucket, or many in bounded memory under a flood of callers."""

import pytest

from gateway.throttling.bucket import BucketRule
from gateway.throttling.limiter import MAX_CALLERS, CallerLimiter, CommonLimiter, Limiter

SECOND = 1_000_000_000


class Clock:
    def __init__(self, now_ns: int = 5 * SECOND) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


@pytest.mark.parametrize("kind", [CommonLimiter, CallerLimiter])
def test_burst_then_rate(kind: type[CommonLimiter] | type[CallerLimiter]) -> None:
    clock = Clock()
    limiter: Limiter = kind(BucketRule(2, 3), clock)
    assert [limiter.take(b"a") for _ in range(5)] == [0, 0, 0, 1, 1]
    clock.now_ns += SECOND
    assert [limiter.take(b"a") for _ in range(3)] == [0, 0, 1]


def test_common_bucket_is_for_all_and_callers_have_their_own() -> None:
    common = CommonLimiter(BucketRule(1, 1), Clock())
    assert [common.take(caller) for caller in (b"a", b"b")] == [0, 1]
    own = CallerLimiter(BucketRule(1, 1), Clock())
    assert [own.take(caller) for caller in (b"a", b"b", b"a", b"b")] == [0, 0, 1, 1]


@pytest.mark.slow
def test_million_callers_are_remembered_in_bounded_memory() -> None:
    """An attacker who invents a million callers: the number of buckets is bounded, everybody is limited, and one
    who had used up its bucket before is not let in again.
    """
    clock = Clock()
    limiter = CallerLimiter(BucketRule(0.001, 2), clock)
    victim = b"victim"
    assert [limiter.take(victim) for _ in range(3)] == [0, 0, 1000]
    taken = 0
    for number in range(1_000_000):
        clock.now_ns += 10_000  # 100,000 a second
        taken += limiter.take(number.to_bytes(16, "big")) == 0
    assert len(limiter) <= MAX_CALLERS
    assert taken <= MAX_CALLERS + 64 * 3, "each place once, and what the shared buckets give"
    assert limiter.take(victim) > 900


def test_flood_that_rests_makes_room_for_others() -> None:
    clock = Clock()
    limiter = CallerLimiter(BucketRule(1, 2), clock, max_callers=640)
    for number in range(10_000):
        limiter.take(b"flood %d" % number)
    assert len(limiter) == 640
    clock.now_ns += 2 * SECOND
    for number in range(64):
        assert [limiter.take(b"new %d" % number) for _ in range(3)] == [0, 0, 1]
