"""`check` notices a state that contradicts itself."""

from collections.abc import Callable
from math import inf

import pytest

from executor.core.environment import IDLE, RUNNING, State
from executor.core.errors import BrokenInvariant
from executor.core.instructions import MeterStatus
from executor.core.node import Node
from tests.support.fleet_scenario import Scenario


def busy() -> tuple[Scenario, Node]:
    """One idle, one running, one starting, one waiting; and an idle pool beside it."""
    made = Scenario(max_starts=1)
    made.add(max_environments=3)
    made.add("other")
    made.running("a")
    made.starting("b")
    made.invoke("c")
    return made, made.fleet._node


def lose_invocation(node: Node) -> None:
    del node.invocations["a"]


def hide_idle(node: Node) -> None:
    env = node.environments[1]
    env.state = IDLE


def lose_queue(node: Node) -> None:
    node.pools["r"].queue.clear()


def set_inf(node: Node) -> None:
    node.environments[1].deadline = inf


def late_timer(node: Node) -> None:
    node.environments[1].armed_at = node.environments[1].deadline + 1


def forget_deadline(node: Node) -> None:
    node.invocations["c"].deadline = 1.0


def lose_pool(node: Node) -> None:
    del node.pools["other"]


def add(name: str, amount: int) -> Callable[[Node], None]:
    def change(node: Node) -> None:
        setattr(node, name, getattr(node, name) + amount)

    return change


def unknown_hunger(node: Node) -> None:
    node.hungry.clear()


def accepted(node: Node) -> None:
    node.pools["r"].share.accepted += 1


def unreserved(node: Node) -> None:
    node.shares.unreserved += 1


def pool_count(node: Node) -> None:
    node.pools["r"].counts[RUNNING] += 1


def overfull(node: Node) -> None:
    node.limits = node.limits._replace(memory_mb=1)


@pytest.mark.parametrize(
    "fault",
    [
        lose_invocation,
        hide_idle,
        lose_queue,
        set_inf,
        late_timer,
        forget_deadline,
        lose_pool,
        unknown_hunger,
        accepted,
        unreserved,
        pool_count,
        overfull,
        pytest.param(add("memory_mb", 1), id="memory"),
        pytest.param(add("stopping_mb", 1), id="stopping_mb"),
        pytest.param(add("idle_mb", 1), id="idle_mb"),
        pytest.param(add("queued", 1), id="queued"),
    ],
)
def test_a_contradiction_is_noticed(fault: Callable[[Node], None]) -> None:
    made, node = busy()
    fault(node)
    with pytest.raises(BrokenInvariant):
        made.fleet.check(made.now)


def test_starts_that_could_go_ahead_are_noticed() -> None:
    made, node = busy()
    node.limits = node.limits._replace(max_starts=2)
    with pytest.raises(BrokenInvariant, match="I17 room for the oldest work"):
        made.fleet.check(made.now)


def test_provisioned_starts_that_could_go_ahead_are_noticed() -> None:
    made = Scenario(memory_mb=100)
    made.add(provisioned=1, memory_mb=128)
    made.fleet.check(made.now)
    made.fleet._node.limits = made.fleet._node.limits._replace(memory_mb=128)
    with pytest.raises(BrokenInvariant, match="I17 room for what is provisioned"):
        made.fleet.check(made.now)


def test_nothing_is_metered_without_an_invocation() -> None:
    made = Scenario()
    made.add()
    node = made.fleet._node
    made.idle("a")
    with pytest.raises(BrokenInvariant):
        node.meter(node.environments[1], MeterStatus.SUCCESS)


def test_a_forbidden_move_is_noticed() -> None:
    _, node = busy()
    for state in (State.STARTING, State.IDLE):
        with pytest.raises(BrokenInvariant):
            node.enter(node.environments[1], state)


def test_nothing_is_stopped_under_its_invocation() -> None:
    _, node = busy()
    with pytest.raises(BrokenInvariant):
        node.kill(node.environments[1], "timeout")  # type: ignore[arg-type]
