"""Many callers in few places: who keeps a bucket, who shares one, and that nobody's is reset."""

from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.throttling.bucket import BucketRule
from gateway.throttling.buckets import FORGET_STEPS, Buckets

SECOND = 1_000_000_000


class Table:
    """Buckets with a clock to turn. `take` says whether there was a token."""

    def __init__(self, *, rate: float = 1, burst: int = 2, capacity: int = 3) -> None:
        self.rule = BucketRule(rate, burst)
        self.buckets = Buckets(self.rule, capacity)
        self.now_ns = 0

    def wait_s(self, caller: str) -> int:
        wait_s = self.buckets.take(caller.encode(), self.rule.ticks(self.now_ns))
        self.buckets.check()
        return wait_s

    def take(self, caller: str) -> bool:
        return self.wait_s(caller) == 0

    def pass_s(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND)


def test_each_caller_has_its_own_burst() -> None:
    table = Table()
    assert [table.take(caller) for caller in "aabbccabc"] == [True] * 6 + [False] * 3


def test_wait_is_that_of_the_callers_own_bucket() -> None:
    table = Table(rate=0.1, burst=1)
    assert table.wait_s("a") == 0
    table.pass_s(4)
    assert table.wait_s("b") == 0
    assert (table.wait_s("a"), table.wait_s("b")) == (6, 10)


def test_full_bucket_makes_room() -> None:
    table = Table(capacity=1)
    assert table.take("a")
    table.pass_s(1)
    assert [table.take("b") for _ in range(3)] == [True, True, False]
    assert len(table.buckets) == 1


def test_made_up_callers_reset_nobody() -> None:
    """One who has used up its bucket cannot win it back by filling the table with names."""
    table = Table(rate=0.01)
    assert [table.take("me") for _ in range(3)] == [True, True, False]
    for number in range(500):
        table.take(f"made up {number}")
        table.pass_s(0.1)
        assert not table.take("me")
    assert len(table.buckets) == 3


def test_callers_without_a_place_share_one_bucket() -> None:
    """They are limited together, and those who have a place do not notice."""
    table = Table(rate=0.1)
    assert [table.take(caller) for caller in "abc"] == [True] * 3
    strangers = [table.wait_s(f"stranger {number}") for number in range(4)]
    assert strangers == [0, 0, 10, 10]
    assert [table.take(caller) for caller in "abcabc"] == [True] * 3 + [False] * 3


def test_shared_bucket_refills_as_any_other() -> None:
    table = Table(rate=0.1, capacity=1, burst=1)
    assert [table.take(caller) for caller in ("a", "x", "y")] == [True, True, False]
    table.pass_s(9)
    assert not table.take("y")


def test_place_is_found_behind_buckets_that_were_used_again() -> None:
    """The heap knows old times only: whoever is not at rest yet is put back, and the next one looked at."""
    table = Table(rate=1, burst=2, capacity=FORGET_STEPS)
    callers = [f"c{number}" for number in range(FORGET_STEPS)]
    for caller in callers:
        assert table.take(caller)
    table.pass_s(0.5)
    for caller in callers[:-1]:
        assert table.take(caller)
    table.pass_s(0.6)
    assert [table.take("new") for _ in range(3)] == [True, True, False]
    assert len(table.buckets) == FORGET_STEPS


def test_table_at_rest_empties_with_new_callers() -> None:
    table = Table(capacity=100)
    for number in range(100):
        table.take(f"old {number}")
    table.pass_s(10)
    for number in range(13):
        table.take(f"new {number}")
    assert len(table.buckets) == 13


def test_one_step_forgets_few() -> None:
    """Time for one request is bounded, however many buckets have become full meanwhile."""
    table = Table(capacity=1000)
    for number in range(1000):
        table.take(f"old {number}")
    table.pass_s(10)
    table.take("new")
    assert len(table.buckets) == 1000 - FORGET_STEPS + 1


def test_clock_that_goes_back_forgets_nobody() -> None:
    """R6"""
    table = Table(burst=1)
    table.now_ns = 100 * SECOND
    assert [table.take(caller) for caller in "abc"] == [True] * 3
    table.now_ns = 0
    assert [table.take(caller) for caller in "xabc"] == [True, False, False, False]


def test_state_is_visible() -> None:
    table = Table()
    table.take("a")
    assert repr(table.buckets) == "<Buckets 1 of 3>"


class ReferenceBucket:
    def __init__(self, burst: int, now_ns: int) -> None:
        self.tokens = Fraction(burst)
        self.at_ns = now_ns

    def fill(self, rate: Fraction, burst: int, now_ns: int) -> Fraction:
        self.tokens = min(self.tokens + rate * Fraction(now_ns - self.at_ns, SECOND), Fraction(burst))
        self.at_ns = now_ns
        return self.tokens


class BucketsMachine(RuleBasedStateMachine):
    """Against the same in fractions, where buckets that are full do not exist.

    The capacity is below `FORGET_STEPS`, so that the table finds every place there is.
    """

    @initialize(
        rate=st.sampled_from([0.1, 0.5, 1.0, 3.0, 7.7, 1000.0]),
        burst=st.integers(1, 4),
        capacity=st.integers(1, 5),
    )
    def begin(self, rate: float, burst: int, capacity: int) -> None:
        self.table = Table(rate=rate, burst=burst, capacity=capacity)
        self.rate, self.burst, self.capacity = Fraction(str(rate)), burst, capacity
        self.own: dict[str, ReferenceBucket] = {}
        self.shared = ReferenceBucket(burst, 0)
        self.accepted: dict[str, list[int]] = {}

    @rule(
        gap=st.one_of(st.just(Fraction(0)), st.fractions(0, 3), st.sampled_from([Fraction(1), Fraction(20)]))
    )
    def wait(self, gap: Fraction) -> None:
        """`gap` tokens' worth of time."""
        self.table.now_ns += int(gap / self.rate * SECOND)

    @rule(caller=st.sampled_from("abcdefgh"))
    def take(self, caller: str) -> None:
        now_ns = self.table.now_ns
        for name, bucket in list(self.own.items()):
            if bucket.fill(self.rate, self.burst, now_ns) == self.burst:
                del self.own[name]
        name = caller
        if caller not in self.own:
            if len(self.own) < self.capacity:
                self.own[caller] = ReferenceBucket(self.burst, now_ns)
            else:
                name = "shared"
        reference = self.shared if name == "shared" else self.own[caller]
        has_token = reference.fill(self.rate, self.burst, now_ns) >= 1
        wait_s = self.table.wait_s(caller)
        assert (wait_s == 0) == has_token
        if has_token:
            reference.tokens -= 1
            self.accepted.setdefault(name, []).append(now_ns)
        else:
            assert wait_s == -(-(1 - reference.tokens) // self.rate)

    @invariant()
    def no_window_has_too_many(self) -> None:
        for times in getattr(self, "accepted", {}).values():
            last = len(times) - 1
            for first, start_ns in enumerate(times):
                seconds = Fraction(times[last] - start_ns, SECOND)
                assert last - first + 1 <= self.burst + self.rate * seconds


BucketsMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBucketsMachine = BucketsMachine.TestCase


@pytest.mark.parametrize("seconds", [0, 1, 1000])
def test_newcomer_is_full_whatever_the_time(seconds: int) -> None:
    table = Table(burst=4)
    table.pass_s(seconds)
    assert [table.take("a") for _ in range(5)] == [True] * 4 + [False]
