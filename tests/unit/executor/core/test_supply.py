import pytest

from executor.core.environment import StopReason
from executor.core.events import (
    DeliveryFailed,
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    Event,
    LimitsChanged,
    NextAsked,
    PoolLimits,
    ResponseEnded,
    ResponseStarted,
    RevisionRetired,
    ShutdownBegan,
    StartFailed,
)
from executor.core.instructions import (
    ClosePool,
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
from executor.core.pool import FORGIVEN
from tests.support.fleet_scenario import Scenario

LOST = PlatformFault.VANISHED


def scene(state: str, **limits: object) -> tuple[Scenario, int]:
    made = Scenario()
    made.add(**limits)
    return made, getattr(made, state)("a")


def ended(state: str, error: object) -> list[object]:
    """What answers and meters invocation "a" when its environment ends from outside."""
    complete = {
        "starting": [Complete("a", Outcome.FUNCTION_ERROR, error)],
        "running": [Complete("a", Outcome.FUNCTION_ERROR, error)],
        "responding": [Complete("a", Outcome.TRUNCATED, error)],
    }.get(state, [])
    if state not in ("running", "responding", "responded"):
        return [*complete]
    status = MeterStatus.SUCCESS if state == "responded" else MeterStatus.ERROR
    return [*complete, Meter("a", 1, 100.0, 100.0, status, 0.0)]


@pytest.mark.parametrize("state", ["starting", "idle", "running", "responding", "responded"])
def test_exit_ends_what_the_environment_was_doing(state: str) -> None:
    made, env = scene(state)
    reason = StopReason.INIT_FAILED if state == "starting" else StopReason.EXITED
    assert made.send(EnvironmentExited(env, "exit 1")) == [
        *ended(state, "exit 1"),
        StopEnvironment(env, 0.0, reason),
    ]
    assert made.fleet.counts().memory_mb == 128
    assert made.send(EnvironmentGone(env)) == []
    assert made.fleet.counts().memory_mb == 0


@pytest.mark.parametrize("state", ["stopping", "gone"])
@pytest.mark.parametrize(
    "event", [EnvironmentExited(1, "exit 1"), StartFailed(1, "x", True), EnvironmentStarted(1)], ids=repr
)
def test_what_is_given_up_is_not_heard(state: str, event: Event) -> None:
    made, _ = scene(state)
    assert made.send(event) == []


@pytest.mark.parametrize("state", ["starting", "idle", "running", "responding", "responded"])
@pytest.mark.parametrize(
    "event", [EnvironmentGone(1), EngineListed(frozenset(), 100.5)], ids=["gone", "listed"]
)
def test_what_vanished_ends_its_work_and_frees_its_room_at_once(state: str, event: Event) -> None:
    made, env = scene(state)
    reason = StopReason.INIT_FAILED if state == "starting" else StopReason.VANISHED
    assert made.send(event) == [*ended(state, LOST), StopEnvironment(env, 0.0, reason)]
    assert made.fleet.counts().memory_mb == 0
    assert made.send(EnvironmentGone(env)) == []


def test_a_list_does_not_judge_what_is_younger_than_its_question_or_still_being_made() -> None:
    made = Scenario()
    made.add()
    made.running("young")
    made.invoke("unmade")
    assert made.wait(1.0).send(EngineListed(frozenset(), asked_at=100.0)) == []
    assert made.fleet.counts().starting == made.fleet.counts().running == 1


def test_a_list_ends_what_is_stopping_and_stops_what_nobody_knows() -> None:
    """C7: what the engine has and nobody here knows goes."""
    made, _ = scene("stopping")
    assert made.send(EngineListed(frozenset({1, 77, 66}), made.now)) == [
        StopEnvironment(66, 0.0, StopReason.ORPHAN),
        StopEnvironment(77, 0.0, StopReason.ORPHAN),
    ]
    assert made.send(EngineListed(frozenset(), made.now)) == []
    assert made.fleet.counts().memory_mb == 0


def test_start_failure_answers_the_oldest_that_waited_then_and_tries_again() -> None:
    made = Scenario(max_starts=1)
    made.add()
    made.invoke("a")
    made.invoke("b")
    assert made.send(StartFailed(1, "x", False)) == [
        Complete("a", Outcome.FUNCTION_ERROR, "x"),
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
        StartEnvironment(2, "r", Phase.INIT),
    ]


def test_start_that_somebody_killed_answers_nobody_and_is_made_again() -> None:
    """While a container was starting for a call, somebody ran `docker kill` on it. The twin exits by itself."""
    made = Scenario()
    made.add()
    made.invoke("a")
    made.send(EnvironmentStarted(1))
    assert made.send(EnvironmentExited(1, "killed", lost=True)) == [
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
        StartEnvironment(2, "r", Phase.INIT),
    ]
    assert made.send(EnvironmentExited(2, "exit 1"))[0] == Complete("a", Outcome.FUNCTION_ERROR, "exit 1")


def test_function_that_kills_itself_at_init_is_answered_after_the_third_time() -> None:
    made = Scenario()
    made.add()
    made.invoke("a")
    for env in range(1, 1 + FORGIVEN):
        made.send(EnvironmentStarted(env))
        assert not any(
            isinstance(each, Complete) for each in made.send(EnvironmentExited(env, "killed", lost=True))
        )
    env = 1 + FORGIVEN
    assert made.send(EnvironmentExited(env, "killed", lost=True))[0] == Complete(
        "a", Outcome.FUNCTION_ERROR, "killed"
    )


def test_starts_that_were_killed_together_count_once() -> None:
    """An engine that is restarted kills everything that is starting."""
    made = Scenario(max_starts=8)
    made.add()
    for name in "abcdefgh":
        made.invoke(name)
    for env in range(1, 9):
        found = made.send(EnvironmentExited(env, "killed", lost=True))
        assert not any(isinstance(each, Complete) for each in found)
    made.send(NextAsked(9))
    assert made.fleet.counts().running == 1


def test_who_came_after_the_start_began_is_not_answered_by_its_failure() -> None:
    made = Scenario()
    made.add(provisioned=1)
    made.invoke("late")
    assert made.send(StartFailed(1, "x", False)) == [
        StopEnvironment(1, 0.0, StopReason.INIT_FAILED),
        StartEnvironment(2, "r", Phase.INIT, provisioned=True),
    ]


def test_who_was_running_when_the_start_began_did_not_wait_for_it() -> None:
    made = Scenario()
    made.add(max_environments=2)
    running, starting = made.running("a"), made.starting("b")
    made.send(DeliveryFailed(running, "a"))
    assert made.send(StartFailed(starting, "x", False))[0] == Complete("b", Outcome.FUNCTION_ERROR, "x")


def test_while_init_fails_there_is_one_probe_at_a_time() -> None:
    made = Scenario()
    made.add()
    for inv_id in ("a", "b", "c", "d"):
        made.invoke(inv_id)
    assert made.send(StartFailed(1, "x", False))[0] == Complete("a", Outcome.FUNCTION_ERROR, "x")
    assert made.invoke("e") == []
    assert made.fleet.counts().starting == 3


def test_the_third_failure_in_a_row_answers_all_that_waited_and_opens_the_circuit() -> None:
    made = Scenario(max_starts=1)
    made.add()
    for inv_id in ("a", "b", "c", "d"):
        made.invoke(inv_id)
    made.send(StartFailed(1, "x", False))
    made.send(StartFailed(2, "x", False))
    made.invoke("late")
    assert made.send(StartFailed(3, "y", False)) == [
        Complete("c", Outcome.FUNCTION_ERROR, "y"),
        Complete("d", Outcome.FUNCTION_ERROR, "y"),
        StopEnvironment(3, 0.0, StopReason.INIT_FAILED),
    ]
    counts = made.fleet.pool_counts("r")
    assert counts is not None
    assert (counts.state, counts.failures, counts.last_error, counts.queued) == ("circuit", 3, "y", 1)
    assert made.tick(after=0.99) == []
    assert StartEnvironment(4, "r", Phase.INIT) in made.tick(after=0.01)


def test_a_permanent_failure_opens_the_circuit_at_once() -> None:
    made = Scenario()
    made.add()
    made.invoke("a")
    made.invoke("b")
    made.send(StartFailed(2, "no image", True))
    counts = made.fleet.pool_counts("r")
    assert counts is not None
    assert (counts.state, counts.queued) == ("circuit", 0)


def test_start_failed_of_one_that_asked_next_ends_it() -> None:
    made, env = scene("running")
    assert StopEnvironment(env, 0.0, StopReason.EXITED) in made.send(StartFailed(env, "x", False))
    assert made.fleet.counts().accepted == 0


def test_provisioned_environments_start_with_the_revision_and_with_new_limits() -> None:
    made = Scenario()
    assert len(made.add(provisioned=2)) == 2
    limits = PoolLimits(function="r", memory_mb=128, timeout_s=10.0, provisioned=3)
    assert made.send(LimitsChanged("r", limits)) == [StartEnvironment(3, "r", Phase.INIT, provisioned=True)]
    assert made.send(LimitsChanged("unknown", limits)) == []


def test_limits_keep_the_function_of_their_revision() -> None:
    made, _ = scene("running")
    made.send(LimitsChanged("r", PoolLimits(function="other", memory_mb=64, timeout_s=1.0)))
    counts = made.fleet.pool_counts("r")
    assert counts is not None
    assert counts.accepted == 1


def test_a_retired_pool_serves_its_queue_keeps_nothing_warm_and_closes() -> None:
    made = Scenario()
    made.add(max_environments=1)
    env = made.running("a")
    made.invoke("b")
    assert made.send(RevisionRetired("r")) == []
    made.send(ErrorPosted(env, "a", "e"))
    assert Deliver(env, "b", 110.0) in made.send(NextAsked(env))
    made.send(ErrorPosted(env, "b", "e"))
    assert made.send(NextAsked(env))[1:] == [StopEnvironment(env, 2.0, StopReason.RETIRED)]
    assert made.send(EnvironmentGone(env)) == [ClosePool("r")]
    assert made.fleet.pool_counts("r") is None
    assert made.send(RevisionRetired("r")) == []


def test_a_retired_pool_stops_what_is_idle_and_what_was_provisioned() -> None:
    made = Scenario()
    made.add(provisioned=1)
    made.send(NextAsked(1))
    assert made.send(RevisionRetired("r")) == [StopEnvironment(1, 2.0, StopReason.RETIRED)]


def test_a_retired_revision_that_is_added_again_is_served_again() -> None:
    made, env = scene("running")
    made.send(RevisionRetired("r"))
    assert made.add() == []
    made.send(ErrorPosted(env, "a", "e"))
    made.send(NextAsked(env))
    assert made.invoke("b") == [Deliver(env, "b", 110.0)]


def test_draining_serves_what_was_accepted_and_takes_no_revisions() -> None:
    made = Scenario()
    made.add(max_environments=1)
    made.add("empty")
    env = made.running("a")
    made.invoke("b")
    assert made.send(ShutdownBegan(200.0)) == [ClosePool("empty")]
    assert made.add("new") == [ClosePool("new")]
    assert made.add(max_environments=1) == []
    made.send(ErrorPosted(env, "a", "e"))
    assert Deliver(env, "b", 110.0) in made.send(NextAsked(env))
    made.send(ErrorPosted(env, "b", "e"))
    assert StopEnvironment(env, 2.0, StopReason.RETIRED) in made.send(NextAsked(env))
    assert made.send(EnvironmentGone(env)) == [ClosePool("r")]
    counts = made.fleet.counts()
    assert (counts.pools, counts.memory_mb, counts.accepted, counts.draining) == (0, 0, 0, True)


def test_the_drain_deadline_answers_everyone_and_stops_everything() -> None:
    made = Scenario()
    made.add(max_environments=4, timeout_s=900.0, init_timeout_s=900.0)
    running, responded = made.running("a"), made.responded("b")
    starting = made.starting("c")
    gone = made.starting("d")
    assert made.send(EnvironmentExited(gone, "x"))[0] == Complete("c", Outcome.FUNCTION_ERROR, "x")
    made.send(EnvironmentGone(gone))
    made.invoke("e")
    made.send(ShutdownBegan(150.0))
    made.send(ShutdownBegan(200.0))
    assert made.tick(after=49.9) == []
    assert made.tick(after=0.1) == [
        Complete("d", Outcome.SHUTTING_DOWN),
        Complete("e", Outcome.SHUTTING_DOWN),
        Complete("a", Outcome.SHUTTING_DOWN),
        Meter("a", running, 100.0, 150.0, MeterStatus.ERROR, 0.0),
        StopEnvironment(running, 2.0, StopReason.SHUTDOWN),
        Meter("b", responded, 100.0, 150.0, MeterStatus.SUCCESS, 0.0),
        StopEnvironment(responded, 2.0, StopReason.SHUTDOWN),
        StopEnvironment(starting, 2.0, StopReason.SHUTDOWN),
    ]


def test_the_drain_deadline_leaves_what_is_stopping_already() -> None:
    made, env = scene("running", timeout_s=900.0, stop_grace_s=60.0)
    made.send(EnvironmentExited(env, "x"))
    made.send(ShutdownBegan(110.0))
    assert made.tick(after=10.0) == []


def test_the_driver_may_report_a_start_that_was_given_up() -> None:
    made = Scenario()
    made.add()
    made.invoke("a")
    made.send(StartFailed(1, "x", False))
    assert made.send(EnvironmentStarted(1)) == []
    assert made.send(EngineListed(frozenset(), made.now + 1.0)) == []
    assert made.fleet.counts().memory_mb == 0


@pytest.mark.parametrize(
    ("started_at", "init_s"),
    [
        pytest.param(None, 0.0, id="heard-when-it-was"),
        pytest.param(101.0, 3.0, id="heard-late"),
        pytest.param(999.0, 0.0, id="a-clock-ahead-gives-no-negative-time"),
    ],
)
def test_init_is_counted_from_when_the_environment_came_to_be(
    started_at: float | None, init_s: float
) -> None:
    """The driver's word and the runtime's first `next` may be read in one turn of the loop, long after the start."""
    made = Scenario()
    made.add()
    made.invoke("a")
    made.wait(4)  # now is 104
    made.send(EnvironmentStarted(1, started_at))
    made.send(NextAsked(1))
    made.send(ResponseStarted(1, "a"))
    made.send(ResponseEnded(1, "a", True))
    (meter,) = made.send(NextAsked(1))
    assert isinstance(meter, Meter)
    assert meter.init_s == init_s


def test_a_next_before_the_drivers_word_counts_all_time_as_init() -> None:
    made = Scenario()
    made.add()
    made.invoke("a")
    made.wait(4)
    made.send(NextAsked(1))
    made.send(EnvironmentStarted(1, 101.0))
    made.send(ResponseStarted(1, "a"))
    made.send(ResponseEnded(1, "a", True))
    (meter,) = made.send(NextAsked(1))
    assert isinstance(meter, Meter)
    assert meter.init_s == 4.0
