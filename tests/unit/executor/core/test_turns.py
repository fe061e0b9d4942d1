"""Pools that share a node under load: each gets its part, and switching costs little."""

import pytest

from executor.core.events import (
    EnvironmentStarted,
    LimitsChanged,
    NextAsked,
    PoolLimits,
    ResponseEnded,
    ResponseStarted,
)
from executor.core.instructions import Deliver, StartEnvironment, StopEnvironment
from tests.support.contest import Contest, Load
from tests.support.fleet_scenario import Scenario

SECONDS = 4.0


def answered(*loads: Load, mixed: bool = False, start_s: float = 0.1) -> int:
    contest = Contest(*loads, memory_mb=400, start_s=start_s, mixed=mixed).run(SECONDS)
    assert contest.given_up == 0
    return sum(contest.answered.values())


@pytest.mark.parametrize("mixed", [False, True], ids=["callers of one function", "callers of both"])
@pytest.mark.parametrize("start_s", [0.1, 0.5])
def test_two_functions_on_four_places_answer_nearly_as_much_as_one(mixed: bool, start_s: float) -> None:
    """Fifty callers that pause now and then: each moment without work looked like room for the other function."""
    both = answered(Load(25, 0.002, 0.02), Load(25, 0.002, 0.02), mixed=mixed, start_s=start_s)
    assert both > 0.8 * answered(Load(50, 0.002, 0.02), start_s=start_s)


def test_functions_without_a_place_get_their_turns() -> None:
    contest = Contest(*[Load(8, 0.05)] * 6, memory_mb=400, start_s=0.1).run(40.0)
    assert contest.given_up == 0
    assert min(contest.answered.values()) > 0.7 * max(contest.answered.values())
    assert max(contest.waited_s.values()) < 5.0
    assert sum(contest.answered.values()) > 0.8 * 40.0 * 4 / 0.05


def test_turns_on_one_place_cost_a_tenth_at_most() -> None:
    contest = Contest(Load(25, 0.01), Load(25, 0.01), memory_mb=100, start_s=0.1).run(20.0)
    assert min(contest.answered.values()) > 0
    assert sum(contest.answered.values()) > 0.85 * 20.0 / 0.01


def test_a_lone_caller_that_alternates_waits_for_half_a_start_more() -> None:
    contest = Contest(Load(1, 0.002), Load(0, 0.002), memory_mb=100, start_s=0.1, mixed=True).run(SECONDS)
    assert max(contest.waited_s.values()) < 0.2


def taken() -> Scenario:
    """Two environments of `x`, whose start took a second, on a node that is full; `y` has none."""
    made = Scenario(memory_mb=256)
    made.add("x", timeout_s=900.0)
    made.add("y", timeout_s=900.0)
    for env, inv_id in ((1, "a"), (2, "b")):
        assert isinstance(made.invoke(inv_id, "x")[0], StartEnvironment)
        made.send(EnvironmentStarted(env))
    made.wait(1.0)
    made.send(NextAsked(1))
    made.send(NextAsked(2))
    return made


def end(made: Scenario, env: int, inv_id: str) -> list[object]:
    made.send(ResponseStarted(env, inv_id))
    made.send(ResponseEnded(env, inv_id, True))
    return made.send(NextAsked(env))[1:]


def test_an_environment_that_just_rests_is_left_alone_for_half_its_start() -> None:
    made = taken()
    assert made.invoke("c", "y") == []
    assert end(made, 1, "a") == []
    assert made.tick(after=0.49) == []
    assert made.tick(after=0.01) == [StopEnvironment(1, 2.0, "evicted")]


def test_an_environment_that_is_wanted_again_in_time_stays() -> None:
    made = taken()
    made.invoke("c", "y")
    end(made, 1, "a")
    made.wait(0.4)
    assert isinstance(made.invoke("d", "x")[0], Deliver)
    assert made.tick(after=0.1) == []


def test_an_environment_is_left_alone_for_ten_times_its_start_and_then_yields() -> None:
    made = taken()
    made.invoke("c", "y")
    for number in range(8):
        made.invoke(f"x{number}", "x")
    made.now = 110.9
    made.tick()
    assert isinstance(end(made, 1, "a")[0], Deliver)  # its own pool's work, for it has nine more seconds
    made.now = 112.0
    made.tick()
    assert end(made, 1, "x0") == [StopEnvironment(1, 2.0, "evicted")]
    assert isinstance(end(made, 2, "b")[0], Deliver)  # one is enough


def test_what_yields_stays_if_nobody_waits_any_more() -> None:
    made = taken()
    made.invoke("c", "y", deadline=113.0)
    made.invoke("x0", "x")
    made.now = 112.0
    made.tick()
    made.tick(after=1.0)  # the caller's patience is over
    assert isinstance(end(made, 1, "a")[0], Deliver)


def test_a_pool_takes_no_more_than_its_share_of_what_was_just_used() -> None:
    made = taken()
    for inv_id in ("c", "d"):
        made.invoke(inv_id, "y")
    end(made, 1, "a")
    end(made, 2, "b")
    assert made.tick(after=0.5) == [StopEnvironment(1, 2.0, "evicted")]
    assert made.tick(after=0.49) == []
    assert made.tick(after=0.01) == [StopEnvironment(2, 2.0, "evicted")]  # unused for a second


def test_a_turn_is_for_who_has_waited_a_second() -> None:
    made = taken()
    made.now = 112.0
    made.invoke("c", "y", deadline=112.5)
    made.tick(after=0.5)
    made.wait(0.4).invoke("d", "y")
    made.tick(after=0.1)  # a second after somebody began to wait, who has gone
    assert end(made, 1, "a") == []


def test_what_is_provisioned_takes_part_in_no_turn_and_is_not_evicted_however_long_it_rests() -> None:
    made = Scenario(memory_mb=256)
    made.add("x", provisioned=2)
    made.add("y")
    made.send(NextAsked(1))
    made.send(NextAsked(2))
    made.wait(60.0)
    assert made.invoke("c", "y") == []
    assert made.tick(after=20.0) == []


def test_what_yields_stays_when_its_pool_has_become_small() -> None:
    made = taken()
    made.send(LimitsChanged("x", PoolLimits("x", 128, 900.0, provisioned=1)))
    made.invoke("c", "y")
    made.now = 112.0
    made.tick()
    made.send(LimitsChanged("x", PoolLimits("x", 128, 900.0, provisioned=2)))
    assert end(made, 1, "a") == []
