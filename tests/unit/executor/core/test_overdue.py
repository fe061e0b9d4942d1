from math import inf

import pytest

from executor.core.environment import StopReason
from executor.core.events import (
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    LimitsChanged,
    NextAsked,
    PoolLimits,
    StartFailed,
)
from executor.core.instructions import (
    Complete,
    Deliver,
    Meter,
    MeterStatus,
    Outcome,
    Phase,
    PlatformFault,
    StartEnvironment,
    StopEnvironment,
)
from tests.support.fleet_scenario import Scenario


def scene(state: str, **limits: object) -> tuple[Scenario, int]:
    made = Scenario()
    made.add(**limits)
    return made, getattr(made, state)("a")


@pytest.mark.parametrize(
    ("state", "complete"),
    [
        ("running", [Complete("a", Outcome.FUNCTION_ERROR, PlatformFault.TIMED_OUT)]),
        ("responding", [Complete("a", Outcome.TRUNCATED, PlatformFault.TIMED_OUT)]),
        ("responded", []),
    ],
)
def test_the_functions_timeout_stops_the_environment(state: str, complete: list[object]) -> None:
    """C6, C7: it is killed, never used again, and answered once."""
    made, env = scene(state)
    assert made.fleet.wake_at() <= 110.0
    assert made.tick(after=9.9) == []
    assert made.tick(after=0.1) == [
        *complete,
        Meter("a", env, 100.0, 110.0, MeterStatus.TIMEOUT, 0.0),
        StopEnvironment(env, 0.0, StopReason.TIMED_OUT),
    ]


def test_a_queue_deadline_answers_who_waits_and_nobody_else() -> None:
    made = Scenario()
    made.add(max_environments=1)
    made.running("a")
    made.invoke("b", deadline=105.0)
    made.invoke("c")
    assert made.fleet.wake_at() == 105.0
    assert made.tick(after=5.0) == [Complete("b", Outcome.QUEUE_TIMEOUT)]
    assert made.tick(after=1.0) == []


def test_a_queue_deadline_does_not_follow_into_the_environment() -> None:
    made = Scenario()
    made.add()
    env = made.starting("a", deadline=105.0)
    made.send(NextAsked(env))
    assert made.tick(after=6.0) == []


def test_start_that_the_driver_never_finishes_is_a_failure() -> None:
    made = Scenario()
    made.add(start_timeout_s=30.0)
    made.invoke("a")
    assert made.fleet.wake_at() == 130.0
    assert made.tick(after=30.0) == [
        Complete("a", Outcome.FUNCTION_ERROR, PlatformFault.START_TIMED_OUT),
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
    ]


def test_starts_that_are_never_finished_open_no_circuit() -> None:
    """The engine was gone for minutes; when it is back, who waits must not wait for the end of a circuit."""
    made = Scenario(max_starts=1)
    made.add(start_timeout_s=30.0)
    for number in range(5):
        made.invoke(f"a{number}", deadline=made.now + 300.0)
    for number in range(4):
        found = made.tick(after=30.0)
        assert [each.inv_id for each in found if isinstance(each, Complete)] == [f"a{number}"]
        made.send(EnvironmentGone(number + 1))
    assert Deliver(5, "a4", made.now + 10.0) in made.send(NextAsked(5))


def test_first_init_timeout_runs_init_again_under_the_functions_timeout() -> None:
    made, env = scene("starting", init_timeout_s=3.0, timeout_s=20.0)
    assert made.tick(after=3.0) == [
        StopEnvironment(env, 0.0, StopReason.INIT_TIMED_OUT),
        StartEnvironment(env + 1, "r", Phase.INVOKE),
    ]
    made.send(EnvironmentGone(env))
    made.send(EnvironmentStarted(env + 1))
    made.wait(10.0).send(EnvironmentStarted(env + 1))
    assert made.tick(after=9.9) == []
    assert made.tick(after=0.1) == [
        Complete("a", Outcome.FUNCTION_ERROR, PlatformFault.TIMED_OUT),
        StopEnvironment(env + 1, 0.0, StopReason.INIT_FAILED),
    ]


def test_second_init_waits_for_room_and_is_still_under_the_functions_timeout() -> None:
    made = Scenario(max_environments=1)
    made.add()
    env = made.starting("a")
    assert made.tick(after=10.0) == [StopEnvironment(env, 0.0, StopReason.INIT_TIMED_OUT)]
    assert made.send(EnvironmentGone(env)) == [StartEnvironment(env + 1, "r", Phase.INVOKE)]


def test_second_init_is_forgotten_when_nobody_waits_for_it() -> None:
    made = Scenario(max_environments=1)
    made.add()
    env = made.starting("a", deadline=111.0)
    made.tick(after=10.0)
    made.tick(after=1.0)
    made.send(EnvironmentGone(env))
    assert made.invoke("b") == [StartEnvironment(env + 1, "r", Phase.INIT)]


def test_init_timeout_that_nobody_waits_for_is_a_failure() -> None:
    made = Scenario()
    made.add(provisioned=1)
    made.send(EnvironmentStarted(1))
    assert made.tick(after=129.9) == []
    assert made.tick(after=0.1) == [
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
        StartEnvironment(2, "r", Phase.INIT, provisioned=True),
    ]
    counts = made.fleet.pool_counts("r")
    assert counts is not None
    assert (counts.failures, counts.last_error) == (1, PlatformFault.INIT_TIMED_OUT)


def test_idle_environments_stop_after_their_time_down_to_the_provisioned() -> None:
    made = Scenario()
    made.add(idle_timeout_s=50.0)
    one, two = made.running("a"), made.running("b")
    for env, inv_id in ((one, "a"), (two, "b")):
        made.send(ErrorPosted(env, inv_id, "e"))
        made.send(NextAsked(env))
    made.send(LimitsChanged("r", PoolLimits("r", 128, 10.0, idle_timeout_s=50.0, provisioned=1)))
    assert made.tick(after=49.9) == []
    assert made.tick(after=0.1) == [StopEnvironment(one, 2.0, StopReason.IDLE)]
    assert made.now < made.fleet.wake_at() < inf


def test_a_provisioned_environment_without_idle_time_does_not_spin_the_timer() -> None:
    made = Scenario()
    made.add(idle_timeout_s=0.0, provisioned=1)
    made.send(NextAsked(1))
    made.tick()
    assert made.fleet.wake_at() == made.now + 1.0


def test_an_idle_environment_is_replaced_at_its_age_even_if_provisioned() -> None:
    made = Scenario()
    made.add(max_age_s=20.0, provisioned=1)
    made.send(NextAsked(1))
    assert made.tick(after=20.0) == [
        StopEnvironment(1, 2.0, StopReason.WORN),
        StartEnvironment(2, "r", Phase.INIT, provisioned=True),
    ]


def test_stop_is_repeated_until_it_is_gone() -> None:
    """C7: an engine that does not do it at once is told again."""
    made, env = scene("running")
    made.send(EnvironmentExited(env, "x"))
    assert made.tick(after=1.9) == []
    assert made.tick(after=0.1) == [StopEnvironment(env, 0.0, StopReason.EXITED)]
    assert made.tick(after=4.9) == []
    assert made.tick(after=0.1) == [StopEnvironment(env, 0.0, StopReason.EXITED)]
    made.send(EnvironmentGone(env))
    assert made.tick(after=1000.0) == []
    assert made.fleet.wake_at() == inf


def test_circuit_opens_for_one_two_four_and_at_most_thirty_seconds() -> None:
    made = Scenario(max_starts=1)
    made.add(provisioned=1)
    lasted = []
    for failure in range(1, 11):
        env = failure
        made.send(StartFailed(env, "x", False))
        made.send(EnvironmentGone(env))
        if failure >= 3:
            opened = made.now
            while not (out := made.tick()):
                made.now = made.fleet.wake_at()
            assert out == [StartEnvironment(env + 1, "r", Phase.INIT, provisioned=True)]
            lasted.append(made.now - opened)
    assert lasted == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_circuits_end_lets_the_queue_have_one_probe() -> None:
    made = Scenario()
    made.add()
    alive, broken = made.running("a"), made.starting("b")
    made.send(StartFailed(broken, "x", True))
    made.invoke("c")
    made.invoke("d")
    assert made.tick(after=1.0)[-1:] == [StartEnvironment(broken + 1, "r", Phase.INIT)]
    assert Deliver(broken + 1, "c", made.now + 10.0) in made.send(NextAsked(broken + 1))
    assert made.fleet.counts().running == 2
    assert alive != broken


def test_what_is_due_at_once_is_answered_once() -> None:
    """The start's time-out answers the invocation whose queue deadline has passed too."""
    made = Scenario()
    made.add(start_timeout_s=29.0)
    made.invoke("a", deadline=129.5)
    assert made.tick(after=30.0) == [
        Complete("a", Outcome.FUNCTION_ERROR, PlatformFault.START_TIMED_OUT),
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
    ]
