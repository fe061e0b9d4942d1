from executor.core.environment import StopReason
from executor.core.events import EnvironmentGone, ErrorPosted, NextAsked, StartFailed
from executor.core.instructions import Deliver, Phase, StartEnvironment, StopEnvironment
from tests.support.fleet_scenario import Scenario


def start(env: int, revision: str) -> StartEnvironment:
    return StartEnvironment(env, revision, Phase.INIT)


def evict(env: int) -> StopEnvironment:
    return StopEnvironment(env, 2.0, StopReason.EVICTED)


def rest(made: Scenario, env: int, inv_id: str) -> list[object]:
    made.send(ErrorPosted(env, inv_id, "e"))
    return [*made.send(NextAsked(env))][1:]


def test_as_many_start_as_wait_and_not_more_than_the_pool_may_have() -> None:
    """C12: environments of one function."""
    made = Scenario()
    made.add(max_environments=2)
    assert made.invoke("a") == [start(1, "r")]
    assert made.invoke("b") == [start(2, "r")]
    assert made.invoke("c") == []
    made.send(NextAsked(1))
    assert made.fleet.counts().starting == 1


def test_a_pool_has_no_more_than_it_may_whatever_it_wants_at_once() -> None:
    """C12: its twin may have one more."""
    for most in (2, 3):
        assert len(Scenario().add(max_environments=most, provisioned=4)) == most


def test_a_starting_environment_counts_for_one_that_waits() -> None:
    made = Scenario()
    made.add(provisioned=1)
    assert made.invoke("a") == []
    assert made.invoke("b") == [start(2, "r")]


def test_starts_in_flight_are_capped_and_the_oldest_work_goes_first() -> None:
    made = Scenario(max_starts=1)
    for revision in ("x", "y", "z"):
        made.add(revision)
    assert made.invoke("a", "x") == [start(1, "x")]
    assert made.invoke("b", "z") == made.invoke("c", "y") == []
    assert made.send(NextAsked(1)) == [Deliver(1, "a", 110.0), start(2, "z")]
    assert made.send(NextAsked(2)) == [Deliver(2, "b", 110.0), start(3, "y")]


def test_provisioned_shortfall_comes_after_queued_work() -> None:
    made = Scenario(max_starts=1)
    made.add("x")
    made.invoke("a", "x")
    assert made.add("p", provisioned=1) == []
    made.invoke("b", "x")
    assert made.send(NextAsked(1))[1:] == [start(2, "x")]
    assert made.send(NextAsked(2))[1:] == [StartEnvironment(3, "p", Phase.INIT, provisioned=True)]


def test_idle_memory_of_other_pools_is_given_up_for_queued_work_longest_idle_first() -> None:
    """C12: the memory of all functions; what is being stopped still has its own."""
    made = Scenario(memory_mb=300)
    made.add("x", memory_mb=100)
    made.add("y", memory_mb=100)
    one, two = made.running("a", "x"), made.running("b", "x")
    rest(made, two, "b")
    rest(made, one, "a")
    made.running("c", "y")
    made.wait(1.0)  # unused for so long, it is not in its pool's share any more
    assert made.invoke("d", "y") == [evict(two)]
    assert made.invoke("e", "y") == [evict(one)]
    assert made.send(EnvironmentGone(two)) == [start(4, "y")]
    assert made.send(EnvironmentGone(one)) == [start(5, "y")]


def test_what_is_being_stopped_is_waited_for() -> None:
    made = Scenario(memory_mb=250)
    made.add("x", memory_mb=100)
    made.add("y", memory_mb=200)
    one, two = made.running("a", "x"), made.running("b", "x")
    rest(made, one, "a")
    assert made.invoke("c", "y") == []  # one idle environment would not be enough, so it is kept
    assert rest(made, two, "b") == [evict(one), evict(two)]
    assert made.send(EnvironmentGone(one)) == []
    assert made.send(EnvironmentGone(two)) == [start(3, "y")]


def test_younger_work_takes_what_older_work_does_not_need() -> None:
    made = Scenario(memory_mb=300)
    made.add("big", memory_mb=250)
    made.add("small", memory_mb=50)
    made.add("x", memory_mb=100)
    idle = made.idle("a", "x")
    assert made.invoke("b", "big") == [evict(idle)]
    assert made.invoke("c", "small") == [start(2, "small")]
    assert made.invoke("d", "small") == []  # 250 of the 300 are the older one's
    assert made.send(EnvironmentGone(idle)) == [start(3, "big")]


def test_provisioned_environments_are_not_evicted_and_evict_nobody() -> None:
    made = Scenario(memory_mb=200)
    made.add("p", memory_mb=100, provisioned=1)
    made.send(NextAsked(1))
    made.add("x", memory_mb=200)
    assert made.invoke("b", "x") == []
    made.add("y", memory_mb=100)
    made.idle("c", "y")
    assert made.add("q", memory_mb=150, provisioned=1) == []


def test_the_cap_on_environments_evicts_as_memory_does() -> None:
    """C12: environments of all functions."""
    made = Scenario(max_environments=1)
    made.add("x")
    made.add("y")
    idle = made.idle("a", "x")
    assert made.invoke("b", "y") == [evict(idle)]
    assert made.send(EnvironmentGone(idle)) == [start(2, "y")]


def test_what_never_fits_holds_nobody_up() -> None:
    made = Scenario(memory_mb=100)
    made.add("huge", memory_mb=200)
    made.add("x", memory_mb=100)
    assert made.invoke("a", "huge") == []
    assert made.invoke("b", "x") == [start(1, "x")]


def test_a_pool_in_circuit_starts_nothing_and_evicts_nobody() -> None:
    made = Scenario(memory_mb=200)
    made.add("x", memory_mb=100)
    made.add("y", memory_mb=100)
    alive, broken = made.running("a", "y"), made.starting("b", "y")
    made.send(StartFailed(broken, "x", True))
    made.send(EnvironmentGone(broken))
    idle = made.idle("c", "x")
    assert made.invoke("d", "y") == []
    assert made.tick(after=1.0) == [evict(idle)]
    assert alive != idle
