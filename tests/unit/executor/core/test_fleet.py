from math import inf

from executor.core.counts import FleetCounts
from executor.core.environment import STOPPING, TRANSITIONS, State
from executor.core.events import EnvironmentExited
from executor.core.fleet import Fleet, NodeLimits
from tests.support.fleet_scenario import Scenario


def test_an_empty_fleet_waits_for_nothing() -> None:
    fleet = Fleet(NodeLimits(memory_mb=100))
    assert fleet.wake_at() == inf
    assert fleet.counts() == FleetCounts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False)
    assert fleet.pool_counts("r") is None


def test_counts_say_where_everything_is() -> None:
    made = Scenario()
    made.add("x", memory_mb=100)
    made.add("y", memory_mb=10, max_environments=1)
    made.responding("a", "x")
    made.running("b", "x")
    made.starting("c", "y")
    made.invoke("d", "y")
    exited = made.responded("e", "x")
    made.responded("f", "x")
    made.send(EnvironmentExited(exited, "x"))
    counts = made.fleet.counts()
    assert counts == FleetCounts(
        starting=1,
        idle=0,
        running=1,
        responding=1,
        responded=1,
        stopping=1,
        queued=2,
        occupied=3,
        accepted=5,
        memory_mb=410,
        pools=2,
        draining=False,
    )
    pool = made.fleet.pool_counts("y")
    assert pool is not None
    assert pool[:9] == (1, 0, 0, 0, 0, 0, 2, 0, 2)


def test_every_state_may_end_and_nothing_follows_the_end() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(STOPPING in targets for state, targets in TRANSITIONS.items() if state is not STOPPING)
    assert TRANSITIONS[STOPPING] == frozenset()
