"""Slots by table: kept, used, evicted, lost."""

import pytest

from executor.core.events import (
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    InitErrorPosted,
    NextAsked,
    RevisionRetired,
    ShutdownBegan,
    SlotFailed,
    SlotGone,
    SlotReady,
    StartFailed,
)
from executor.core.instructions import (
    Complete,
    Deliver,
    DropSlot,
    FillSlot,
    Instruction,
    Outcome,
    Phase,
    Refuse,
    RefuseReason,
    SpecializeSlot,
    StartEnvironment,
    StopEnvironment,
)
from tests.support.fleet_scenario import Scenario


def stocked(**caps: int) -> Scenario:
    """One pool; slots 1 and 2 wait."""
    made = Scenario(**caps)
    assert made.add(shape="s") == [FillSlot(1, "s"), FillSlot(2, "s")]
    made.send(SlotReady(1))
    made.send(SlotReady(2))
    return made


def use(slot: int, env: int, revision: str = "r") -> SpecializeSlot:
    return SpecializeSlot(slot, env, revision, Phase.INIT)


def fills(out: list[Instruction]) -> list[str]:
    return [one.shape for one in out if isinstance(one, FillSlot)]


def test_a_slot_is_used_before_anything_is_started_and_replaced_after() -> None:
    """C6: it is replaced, and never given to a second function."""
    made = stocked()
    assert made.invoke("a") == [use(1, 3), FillSlot(4, "s")]
    made.send(EnvironmentStarted(3))
    assert made.send(NextAsked(3)) == [Deliver(3, "a", 110.0)]
    assert made.fleet.counts().memory_mb == 128 + 2 * 64


def test_a_slot_in_the_making_is_not_waited_for() -> None:
    made = Scenario()
    made.add(shape="s")
    assert made.invoke("a")[0] == StartEnvironment(3, "r", Phase.INIT)


def test_a_slot_needs_no_place_among_the_starts() -> None:
    made = stocked(max_starts=2)
    out = [made.invoke(inv_id)[0] for inv_id in ("a", "b", "c", "d")]
    assert [type(one).__name__ for one in out] == ["SpecializeSlot"] * 2 + ["StartEnvironment"] * 2
    assert made.invoke("e") == []


def test_nothing_is_filled_while_somebody_waits_for_a_start() -> None:
    made = Scenario(max_starts=1)
    made.add("x")
    made.invoke("a", "x")
    made.invoke("b", "x")
    assert made.add(shape="s") == []
    made.send(NextAsked(1))
    assert fills(made.send(NextAsked(2))) == ["s"]


def test_a_slot_of_another_shape_is_of_no_use() -> None:
    made = stocked()
    made.add("other", shape="t")
    assert made.invoke("a", "other")[0] == StartEnvironment(5, "other", Phase.INIT)


def test_a_shape_that_is_used_up_keeps_more_for_a_minute() -> None:
    made = Scenario()
    made.add(shape="s")
    made.invoke("a")  # finds none
    assert fills(made.send(SlotReady(1))) == ["s"]
    made.send(SlotReady(2))
    made.send(SlotReady(4))
    assert made.fleet.counts().slots_ready == 3
    assert DropSlot(1) in made.tick(after=60.0)


def test_slots_for_which_there_is_no_room_to_grow_are_not_made() -> None:
    made = Scenario(memory_mb=127)
    assert made.add(shape="s") == []
    made = Scenario(memory_mb=128)
    assert made.add(shape="s") == [FillSlot(1, "s")]


def test_there_are_so_many_slots_and_no_more() -> None:
    """C12: slots of all functions together."""
    made = stocked(max_slots=3)
    assert made.add("other", shape="t") == [FillSlot(3, "t")]
    assert made.send(SlotReady(3)) == []
    assert made.add("third", shape="u") == []


def test_no_slots_where_none_are_kept() -> None:
    made = Scenario(slots_per_shape=0)
    assert made.add(shape="s") == []
    assert made.invoke("a") == [StartEnvironment(1, "r", Phase.INIT)]


def test_slots_make_room_for_queued_work_those_of_other_shapes_first() -> None:
    made = stocked(memory_mb=320, max_slots=3)
    assert made.add("other", shape="t") == [FillSlot(3, "t")]
    made.send(SlotReady(3))
    assert made.invoke("a", "other")[0] == use(3, 4, "other")
    assert made.invoke("b", "other") == [DropSlot(1)]
    made = stocked(memory_mb=320, max_slots=3)
    made.add("other", shape="t")
    made.send(SlotReady(3))
    assert made.add("big", shape="t", memory_mb=200, max_environments=1) == []
    assert made.invoke("a", "big") == [DropSlot(1)]


def test_own_slots_in_the_making_go_after_those_of_other_shapes() -> None:
    made = stocked(memory_mb=320, max_slots=3)
    assert made.add("other", shape="t") == [FillSlot(3, "t")]
    assert made.invoke("a", "other") == [StartEnvironment(4, "other", Phase.INIT)]
    assert made.invoke("b", "other") == [DropSlot(1), DropSlot(2)]


def test_the_slot_that_is_to_be_used_is_not_evicted_for_its_own_growth() -> None:
    made = stocked(memory_mb=192)
    assert made.invoke("a") == [use(1, 3)]
    assert made.invoke("b") == []
    made = Scenario(memory_mb=256)
    made.add("other", shape="t", memory_mb=64)
    made.send(SlotReady(1))
    made.send(SlotReady(2))
    assert made.add(shape="s") == [FillSlot(3, "s")]
    made.send(SlotReady(3))
    assert made.invoke("a") == [use(3, 4)]
    assert made.fleet.counts().memory_mb == 256


def test_slots_make_room_for_what_is_provisioned() -> None:
    made = stocked(memory_mb=200)
    assert made.add("p", memory_mb=150, provisioned=1) == [DropSlot(1), DropSlot(2)]
    made.send(SlotGone(1))
    assert made.send(SlotGone(2)) == [StartEnvironment(3, "p", Phase.INIT, provisioned=True)]


def test_provisioned_starts_leave_the_slots_to_those_who_wait() -> None:
    made = stocked()
    assert made.add("p", shape="s", provisioned=1)[0] == StartEnvironment(
        3, "p", Phase.INIT, provisioned=True
    )
    assert made.fleet.counts().slots_ready == 2


def test_slots_go_with_the_last_pool_that_could_use_them() -> None:
    made = stocked()
    made.add("second", shape="s")
    assert DropSlot(1) not in made.send(RevisionRetired("r"))
    assert made.send(RevisionRetired("second"))[:2] == [DropSlot(1), DropSlot(2)]
    made.send(SlotGone(1))
    made.send(SlotGone(2))
    assert made.fleet.counts().memory_mb == 0


def test_slots_go_when_the_drain_begins() -> None:
    made = stocked()
    assert made.send(ShutdownBegan(200.0))[:2] == [DropSlot(1), DropSlot(2)]
    assert made.tick(after=5.0) == [DropSlot(1), DropSlot(2)]  # said again


def test_a_lost_slot_is_replaced_after_two_four_and_at_most_sixty_seconds() -> None:
    made = Scenario(slots_per_shape=1)
    made.add(shape="s")
    lasted = []
    for number in range(1, 9):
        assert made.send(SlotFailed(number)) == [DropSlot(number)]
        assert made.send(SlotFailed(number)) == []
        made.send(SlotGone(number))
        lost = made.now
        while not (out := made.tick()):
            made.now = made.fleet.wake_at()
        assert out == [FillSlot(number + 1, "s")]
        lasted.append(made.now - lost)
    assert lasted == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_a_slot_that_was_used_ends_the_back_off() -> None:
    made = Scenario(slots_per_shape=1)
    made.add(shape="s")
    made.send(SlotGone(1))
    made.tick(after=2.0)
    made.send(SlotReady(2))
    made.invoke("a")
    made.send(EnvironmentStarted(3))
    made.send(SlotGone(4))
    assert fills(made.tick(after=2.0)) == ["s"]


def test_a_slot_that_does_not_get_ready_is_given_up_in_a_minute() -> None:
    made = Scenario(slots_per_shape=1)
    made.add(shape="s")
    assert made.tick(after=59.9) == []
    assert made.tick(after=0.1) == [DropSlot(1)]
    assert made.send(SlotReady(1)) == [Refuse(1, RefuseReason.INVALID_STATE)]


@pytest.mark.parametrize(
    "event",
    [
        StartFailed(3, "x", False),
        EnvironmentExited(3, "x"),
        EnvironmentGone(3),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_slot_that_comes_to_nothing_costs_nobody_an_answer(event: EnvironmentExited) -> None:
    made = stocked()
    made.invoke("a")
    out = made.send(event)
    assert [one for one in out if isinstance(one, Complete)] == []
    assert StartEnvironment(5, "r", Phase.INIT) in out  # not the next slot: that may fail alike
    made.send(EnvironmentStarted(5))
    assert made.send(NextAsked(5)) == [Deliver(5, "a", 110.0)]
    assert made.invoke("b")[0] == use(2, 6)  # an environment became ready: slots are trusted again


@pytest.mark.parametrize(
    "event",
    [StartFailed(3, "x", True), InitErrorPosted(3, "x"), EnvironmentExited(3, "x")],
    ids=["permanent", "init error", "exit after its function was in it"],
)
def test_what_the_function_does_in_a_slot_is_its_own_failure(event: EnvironmentExited) -> None:
    made = stocked()
    made.invoke("a")
    if isinstance(event, EnvironmentExited):
        made.send(EnvironmentStarted(3))
    assert made.send(event)[0] == Complete("a", Outcome.FUNCTION_ERROR, "x")


def test_a_second_init_keeps_its_time_when_its_slot_comes_to_nothing() -> None:
    made = stocked()
    made.invoke("a")
    made.send(EnvironmentStarted(3))
    assert SpecializeSlot(2, 5, "r", Phase.INVOKE) in made.tick(after=10.0)
    started = [one for one in made.send(StartFailed(5, "x", False)) if isinstance(one, StartEnvironment)]
    assert [one.phase for one in started] == [Phase.INVOKE]


def test_slots_are_told_apart_from_environments_and_strangers() -> None:
    """C5: only a slot that is being made may wait for a function."""
    made = stocked()
    made.invoke("a")
    invalid, unknown = RefuseReason.INVALID_STATE, RefuseReason.UNKNOWN_ENVIRONMENT
    assert made.send(SlotReady(2)) == [Refuse(2, invalid)]
    assert made.send(SlotReady(1)) == [Refuse(1, invalid)]  # it is an environment's
    assert made.send(SlotReady(3)) == [Refuse(3, invalid)]
    assert made.send(SlotReady(99)) == [Refuse(99, unknown)]
    assert made.send(NextAsked(2)) == [Refuse(2, unknown)]
    for event in (SlotFailed(3), SlotGone(3), SlotFailed(1), SlotGone(99)):
        assert made.send(event) == []


def test_a_list_knows_slots_and_what_they_became_under_both_numbers() -> None:
    made = stocked()
    made.invoke("a")
    made.send(EnvironmentStarted(3))
    made.send(SlotReady(4))
    made.wait(1.0)
    assert made.send(EngineListed(frozenset({1, 2, 4}), made.now)) == []
    assert made.send(EngineListed(frozenset({3, 2, 4}), made.now)) == []
    out = made.send(EngineListed(frozenset({3, 2, 77}), made.now))
    assert out == [DropSlot(4), StopEnvironment(77, 0.0, "orphan")]
    assert made.fleet.counts().slots_dropping == 0  # it is gone


def test_used_slots_number_is_an_orphan_when_its_environment_is_gone() -> None:
    made = stocked()
    made.invoke("a")
    made.send(EnvironmentStarted(3))
    made.send(EnvironmentExited(3, "x"))
    made.send(EnvironmentGone(3))
    assert StopEnvironment(1, 0.0, "orphan") in made.send(EngineListed(frozenset({1, 2}), made.now))


def test_new_limits_move_a_pool_to_another_shape() -> None:
    made = stocked()
    assert made.add(shape="t")[:2] == [DropSlot(1), DropSlot(2)]
    assert made.fleet.counts().slots_filling == 2


def test_isolated_calls_use_a_slot_each() -> None:
    made = Scenario()
    made.add(shape="s", max_uses=1)
    made.send(SlotReady(1))
    made.send(SlotReady(2))
    assert made.invoke("a")[0] == use(1, 3)
    made.send(EnvironmentStarted(3))
    made.send(NextAsked(3))
    assert made.invoke("b")[0] == use(2, 5)
