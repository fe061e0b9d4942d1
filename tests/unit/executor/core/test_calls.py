import pytest

from executor.core.calls import RETRY_AFTER_S
from executor.core.environment import StopReason
from executor.core.events import (
    CallerGone,
    DeliveryFailed,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    InitErrorPosted,
    NextAsked,
    ResponseEnded,
    ResponseStarted,
    RevisionRetired,
    ShutdownBegan,
    StartFailed,
)
from executor.core.instructions import (
    Complete,
    Deliver,
    Meter,
    MeterStatus,
    Outcome,
    Phase,
    Refuse,
    RefuseReason,
    Reject,
    RejectReason,
    StartEnvironment,
    StopEnvironment,
)
from tests.support.fleet_scenario import Scenario

STATES = ["starting", "idle", "running", "responding", "responded", "stopping", "gone"]
BAD_ID, BAD_STATE, UNKNOWN = (
    RefuseReason.INVALID_REQUEST_ID,
    RefuseReason.INVALID_STATE,
    RefuseReason.UNKNOWN_ENVIRONMENT,
)


def scene(state: str, **limits: object) -> tuple[Scenario, int]:
    made = Scenario()
    made.add(**limits)
    return made, getattr(made, state)("a")


def test_first_invocation_starts_an_environment_and_meets_it_when_it_asks_next() -> None:
    made = Scenario()
    made.add(timeout_s=7.0)
    assert made.invoke("a") == [StartEnvironment(1, "r", Phase.INIT)]
    assert made.wait(1.0).send(EnvironmentStarted(1)) == []
    assert made.wait(2.0).send(NextAsked(1)) == [Deliver(1, "a", 110.0)]
    assert made.wait(1.0).send(ResponseStarted(1, "a")) == []
    assert made.send(ResponseEnded(1, "a", True)) == [Complete("a", Outcome.SUCCESS)]
    assert made.wait(0.5).send(NextAsked(1)) == [Meter("a", 1, 103.0, 104.5, MeterStatus.SUCCESS, 2.0)]
    assert made.invoke("b") == [Deliver(1, "b", 111.5)]
    made.send(ErrorPosted(1, "b", "oops"))
    assert made.send(NextAsked(1)) == [Meter("b", 1, 104.5, 104.5, MeterStatus.ERROR, None)]


def test_init_time_counts_from_the_request_when_next_is_heard_before_the_driver() -> None:
    made = Scenario()
    made.add()
    made.invoke("a")
    made.wait(3.0).send(NextAsked(1))
    assert made.send(EnvironmentStarted(1)) == []
    made.send(ErrorPosted(1, "a", "oops"))
    assert made.send(NextAsked(1)) == [Meter("a", 1, 103.0, 103.0, MeterStatus.ERROR, 3.0)]


def test_the_environment_used_last_is_used_first() -> None:
    made = Scenario()
    made.add()
    first, second = made.running("a"), made.running("b")
    for env, inv in ((second, "b"), (first, "a")):
        made.send(ErrorPosted(env, inv, "e"))
        made.send(NextAsked(env))
    assert [made.invoke(inv)[0] for inv in ("c", "d")] == [
        Deliver(first, "c", 110.0),
        Deliver(second, "d", 110.0),
    ]


def test_invocations_wait_in_the_order_of_their_arrival() -> None:
    made = Scenario()
    made.add(max_environments=1)
    env = made.running("a")
    assert made.invoke("b") == made.invoke("c") == []
    made.send(ErrorPosted(env, "a", "e"))
    assert made.send(NextAsked(env))[1] == Deliver(env, "b", 110.0)


@pytest.mark.parametrize(
    ("limits", "caps", "held", "reason"),
    [
        pytest.param({"reserved": 0}, {}, [], RejectReason.RESERVED_CONCURRENCY, id="reserved-zero"),
        pytest.param(
            {"reserved": 2}, {}, ["a", "b"], RejectReason.RESERVED_CONCURRENCY, id="reserved-used-up"
        ),
        pytest.param({}, {"concurrency": 1}, ["a"], RejectReason.CONCURRENCY, id="account-used-up"),
        pytest.param({"max_queue": 1}, {"max_starts": 1}, ["a"], RejectReason.QUEUE_FULL, id="queue-full"),
    ],
)
def test_rejected_before_acceptance(
    limits: dict[str, object], caps: dict[str, int], held: list[str], reason: RejectReason
) -> None:
    """C12: nothing waits without end; the twins are those that were accepted before it."""
    made = Scenario(**caps)
    made.add(**limits)
    for inv_id in held:
        made.invoke(inv_id)
    assert made.invoke("z") == [Reject("z", reason, RETRY_AFTER_S)]
    assert made.fleet.counts().accepted == len(held)


def test_unknown_retired_and_draining_are_rejected() -> None:
    """R2: who comes while the server ends is told so."""
    made = Scenario()
    assert made.invoke("a") == [Reject("a", RejectReason.UNKNOWN_REVISION, RETRY_AFTER_S)]
    made.add()
    made.running("b")
    made.send(RevisionRetired("r"))
    assert made.invoke("c") == [Reject("c", RejectReason.UNKNOWN_REVISION, RETRY_AFTER_S)]
    made.send(ShutdownBegan(1000.0))
    assert made.invoke("d") == [Reject("d", RejectReason.DRAINING, RETRY_AFTER_S)]


def test_lease_counts_from_acceptance_to_the_next_next() -> None:
    made = Scenario()
    made.add(reserved=1)
    env = made.responded("a")
    assert isinstance(made.invoke("b")[0], Reject)
    made.send(NextAsked(env))
    assert isinstance(made.invoke("c")[0], Deliver)


def test_an_invocation_known_already_is_ignored() -> None:
    made, env = scene("running")
    assert made.invoke("a") == []
    made.send(ErrorPosted(env, "a", "e"))
    assert made.invoke("a") == []


def test_caller_gone_cancels_only_what_waits() -> None:
    made, env = scene("starting")
    assert made.send(CallerGone("a")) == [Complete("a", Outcome.CANCELLED)]
    assert made.send(CallerGone("a")) == []
    assert made.send(NextAsked(env)) == []
    made.invoke("b")
    assert made.send(CallerGone("b")) == []
    assert made.send(ErrorPosted(env, "b", "e")) == [Complete("b", Outcome.FUNCTION_ERROR, "e")]


def expected_refusal(state: str, right: str, *, foreign: bool) -> RefuseReason | None:
    """What a runtime hears that says something about invocation "a" (or another) in the given state."""
    if state == "gone":
        return UNKNOWN
    if foreign or state in ("starting", "idle", "stopping"):
        return BAD_ID
    return None if state == right else BAD_STATE


@pytest.mark.parametrize("foreign", [False, True], ids=["own-id", "foreign-id"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("event", "right"),
    [
        pytest.param(lambda env, inv: ResponseStarted(env, inv), "running", id="response-started"),
        pytest.param(lambda env, inv: ResponseEnded(env, inv, True), "responding", id="response-ended"),
        pytest.param(lambda env, inv: ErrorPosted(env, inv, "e"), "running", id="error"),
    ],
)
def test_answers_are_heard_in_one_state_and_under_one_id(
    event: object, right: str, state: str, foreign: bool
) -> None:
    """C5, C6: what it says of another's call, or a second time, is refused and changes nothing."""
    made, env = scene(state)
    before = made.fleet.counts()
    out = made.send(event(env, "foreign" if foreign else "a"))  # type: ignore[operator]
    why = expected_refusal(state, right, foreign=foreign)
    assert (Refuse(env, why) in out) == (why is not None)
    if why is not None:
        assert out == [Refuse(env, why)]
        assert made.fleet.counts() == before


@pytest.mark.parametrize("state", STATES)
def test_next_is_heard_while_starting_and_after_an_answer(state: str) -> None:
    """C6: one call at a time."""
    made, env = scene(state)
    out = made.send(NextAsked(env))
    if state in ("starting", "responded"):
        assert not any(isinstance(one, Refuse) for one in out)
    else:
        assert out == [Refuse(env, UNKNOWN if state == "gone" else BAD_STATE)]


@pytest.mark.parametrize("state", STATES)
def test_init_error_is_heard_while_starting(state: str) -> None:
    made, env = scene(state)
    out = made.send(InitErrorPosted(env, "bad"))
    if state == "starting":
        assert out == [
            Complete("a", Outcome.FUNCTION_ERROR, "bad"),
            StopEnvironment(env, 0.0, StopReason.INIT_FAILED),
        ]
    else:
        assert out == [Refuse(env, UNKNOWN if state == "gone" else BAD_STATE)]


def test_half_an_answer_is_truncated_and_the_environment_is_kept() -> None:
    made, env = scene("responding")
    assert made.send(ResponseEnded(env, "a", False)) == [Complete("a", Outcome.TRUNCATED)]
    assert made.send(NextAsked(env)) == [Meter("a", env, 100.0, 100.0, MeterStatus.ERROR, 0.0)]
    assert isinstance(made.invoke("b")[0], Deliver)


@pytest.mark.parametrize("state", STATES)
def test_an_event_that_could_not_be_written_goes_back_only_while_running(state: str) -> None:
    made, env = scene(state)
    out = made.send(DeliveryFailed(env, "a"))
    if state == "running":
        assert out == [
            StopEnvironment(env, 0.0, StopReason.UNDELIVERED),
            StartEnvironment(env + 1, "r", Phase.INIT),
        ]
    else:
        assert out == []


def test_undelivered_is_first_in_the_queue_and_may_be_over_its_limit() -> None:
    made = Scenario()
    made.add(max_environments=2, max_queue=1)
    one, two = made.running("a"), made.running("b")
    made.invoke("c")
    assert made.send(DeliveryFailed(one, "foreign")) == []
    assert made.send(DeliveryFailed(one, "a")) == [StopEnvironment(one, 0.0, StopReason.UNDELIVERED)]
    assert made.fleet.counts().queued == 2
    made.send(ErrorPosted(two, "b", "e"))
    assert Deliver(two, "a", 110.0) in made.send(NextAsked(two))


@pytest.mark.parametrize(
    "limits", [pytest.param({"max_uses": 1}, id="uses"), pytest.param({"max_age_s": 5.0}, id="age")]
)
def test_a_worn_environment_is_replaced(limits: dict[str, object]) -> None:
    """C6: with `isolation: invocation` after one call."""
    made, env = scene("responded", **limits)
    out = made.wait(5.0).send(NextAsked(env))
    assert out[1:] == [StopEnvironment(env, 2.0, StopReason.WORN)]


def test_an_idle_environment_past_its_age_gets_no_more_work() -> None:
    made, env = scene("idle", max_age_s=5.0)
    assert made.wait(5.0).invoke("b") == [
        StopEnvironment(env, 2.0, StopReason.WORN),
        StartEnvironment(env + 1, "r", Phase.INIT),
    ]


def test_open_circuit_answers_at_once_while_nothing_lives() -> None:
    made, env = scene("starting")
    made.send(StartFailed(env, "no image", True))
    assert made.invoke("b") == [Complete("b", Outcome.FUNCTION_ERROR, "no image")]
    assert made.fleet.counts().accepted == 0


def test_open_circuit_queues_while_something_lives() -> None:
    made = Scenario()
    made.add()
    alive, broken = made.running("a"), made.starting("b")
    made.send(StartFailed(broken, "no image", True))
    assert made.invoke("c") == []
    made.send(ErrorPosted(alive, "a", "e"))
    assert Deliver(alive, "c", 110.0) in made.send(NextAsked(alive))


def test_readiness_clears_failures_and_circuit() -> None:
    made = Scenario()
    made.add()
    good, bad = made.starting("a"), made.starting("b")
    made.send(StartFailed(bad, "x", True))
    made.send(NextAsked(good))
    counts = made.fleet.pool_counts("r")
    assert counts is not None
    assert (counts.state, counts.failures) == ("open", 0)
    made.send(EnvironmentGone(bad))
    assert made.invoke("c") == [Deliver(good, "c", 110.0)]
    assert isinstance(made.invoke("d")[0], StartEnvironment)
