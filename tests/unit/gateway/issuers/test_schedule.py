"""J15, R4: when an issuer is asked, as a plain function of time."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.issuers.schedule import FRESH_S, KEPT_S, REFETCH_S, RETRY_S, Schedule


def with_keys(now: float = 0.0) -> Schedule:
    schedule = Schedule(lambda: 0.0)
    schedule.begin(now)
    schedule.succeed(now)
    return schedule


def test_the_requirements_bounds_are_kept() -> None:
    """J15: fresh 15 min at most, kept 1 h at least, asked every 30 s at most. R4: back within 10 s."""
    assert FRESH_S <= 15 * 60
    assert KEPT_S >= 3600
    assert REFETCH_S >= 30
    assert max(RETRY_S) + 2.5 <= 10  # a failed discovery and the wait after it


def test_without_keys_the_first_fetch_is_allowed() -> None:
    schedule = Schedule(lambda: 0.0)
    assert schedule.may_fetch(0.0)
    assert schedule.is_stale(0.0)
    assert schedule.age_s(0.0) is None
    assert schedule.stale_at() == inf


def test_first_keys_are_no_refetch() -> None:
    schedule = with_keys(100.0)
    assert schedule.may_fetch(100.0)
    schedule.begin(100.0)
    schedule.succeed(101.0)
    assert not schedule.may_fetch(129.9)
    assert schedule.may_fetch(130.0)


def test_keys_age() -> None:
    schedule = with_keys(100.0)
    assert not schedule.is_stale(100.0 + FRESH_S - 1)
    assert schedule.is_stale(100.0 + FRESH_S)
    assert schedule.stale_at() == 100.0 + FRESH_S
    assert schedule.age_s(160.0) == 60.0
    assert not schedule.is_expired(100.0 + KEPT_S - 1)
    assert schedule.is_expired(100.0 + KEPT_S)


def test_a_failure_with_keys_waits_as_long_as_a_success() -> None:
    schedule = with_keys(0.0)
    schedule.begin(1000.0)
    schedule.fail(1002.0)
    assert not schedule.may_fetch(1029.9)
    assert schedule.may_fetch(1030.0)
    assert schedule.stale_at() == 1030.0
    assert schedule.has_failed_since(1002.0)
    assert not schedule.has_failed_since(1002.1)


def test_failures_without_keys_back_off_up_to_five_seconds() -> None:
    """R4: an issuer that was never there is asked often enough to be noticed when it comes."""
    schedule = Schedule(lambda: 0.0)
    now = 0.0
    for wait_s in (1.0, 2.0, 4.0, 5.0, 5.0):
        schedule.begin(now)
        schedule.fail(now)
        assert schedule.wait_s(now) == wait_s
        assert not schedule.may_fetch(now + wait_s - 0.001)
        now += wait_s
        assert schedule.may_fetch(now)


def test_jitter_only_shortens() -> None:
    schedule = Schedule(lambda: 0.999)
    schedule.begin(0.0)
    schedule.fail(0.0)
    assert schedule.wait_s(0.0) == pytest.approx(0.8, abs=0.001)


def test_success_forgets_failures() -> None:
    schedule = Schedule(lambda: 0.0)
    for _ in range(4):
        schedule.begin(0.0)
        schedule.fail(0.0)
    schedule.begin(10.0)
    schedule.succeed(10.0)
    assert not schedule.has_failed_since(0.0)
    schedule.expire()
    schedule.begin(100_000.0)
    schedule.fail(100_000.0)
    assert schedule.wait_s(100_000.0) == 1.0


@pytest.mark.parametrize(("age_s", "left_s"), [(0.0, KEPT_S), (3600.0, KEPT_S - 3600.0), (-3600.0, KEPT_S)])
def test_restored_keys_are_stale_at_once_and_no_younger_than_they_are(age_s: float, left_s: float) -> None:
    """R6: a wall clock that was set back makes no keys fresh, and none younger than just fetched."""
    schedule = Schedule(lambda: 0.0)
    schedule.restore(50.0, age_s)
    assert schedule.is_stale(50.0)
    assert schedule.age_s(50.0) == max(age_s, 0.0)
    assert schedule.may_fetch(50.0)
    assert not schedule.is_expired(50.0 + left_s - 1)
    assert schedule.is_expired(50.0 + left_s)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=200))
def test_an_issuer_with_keys_is_never_asked_twice_within_30_seconds(
    steps: list[tuple[float, bool]],
) -> None:
    """J15: whoever asks, whatever the answers."""
    schedule = with_keys(0.0)
    now, begun = 0.0, []
    for passed, succeeds in steps:
        now += passed
        if schedule.is_expired(now):
            break
        if not schedule.may_fetch(now):
            continue
        begun.append(now)
        schedule.begin(now)
        if succeeds:
            schedule.succeed(now)
        else:
            schedule.fail(now)
    # As the schedule counts it: a difference of two sums may be a last bit short of what was added.
    assert all(later >= earlier + REFETCH_S for earlier, later in pairwise(begun))
