"""Slots over a driver and bootstraps that fail in every way: whoever calls notices nothing but time."""

import asyncio
import json
import logging

import pytest

from executor import tasks
from executor.core.events import SlotFailed, SlotReady
from executor.driver import ChannelKind, ExitReport, StartError, StartMode
from executor.revision import Revision
from tests.support.executor_world import ExecutorWorld, function


def heard(world: ExecutorWorld, kind: type) -> int:
    """How many events of a kind; their contents alone compare equal over kinds."""
    return sum(type(event) is kind for event in world.events)


def starts(world: ExecutorWorld, kind: str, name: str = "f") -> float | None:
    return world.metric("lockgate_cold_starts_total", function=name, start=kind)


@pytest.mark.parametrize("mode", [StartMode.WARM, StartMode.EXEC], ids=lambda mode: mode.value)
async def test_cold_call_runs_in_a_slot_that_waited(mode: StartMode) -> None:
    async with ExecutorWorld(slots=True) as world:
        world.driver.modes["f"] = mode
        await world.stocked()
        assert (await world.call({"a": 1})).payload == b'{"a": 1}'
        assert (starts(world, "slot"), starts(world, "direct")) == (1, 0)
        [spec] = world.driver.specs
        [used] = [slot for slot in world.driver.slots_made.values() if slot.environment]
        assert (used.document["mode"], used.document["cwd"]) == (mode.value, "/var/task")
        assert used.document["variables"]["AWS_LAMBDA_FUNCTION_NAME"] == "f"
        assert spec.environment not in world.driver.slots_made
        await world.stocked()  # another one takes its place
        await world.rested()
        assert (await world.call({"a": 2})).payload == b'{"a": 2}'
        assert len(world.driver.specs) == 1


async def test_slots_are_kept_for_each_shape_once() -> None:
    functions = (function("f"), function("g"), function("big", storage_mb=1024))
    async with ExecutorWorld(*functions, slots=True) as world:
        await world.stocked(4)
        shapes = [slot.spec.shape.storage_mb for slot in world.driver.slots_made.values()]
        assert sorted(shapes) == [512, 512, 1024, 1024]


async def test_driver_without_slots_is_asked_for_none() -> None:
    async with ExecutorWorld() as world:
        assert not world.capabilities.slots
        await world.call()
        assert (starts(world, "slot"), starts(world, "direct"), world.driver.slots_made) == (0, 1, {})


async def test_function_that_needs_a_start_of_its_own_gets_one() -> None:
    async with ExecutorWorld(function("f"), function("own"), slots=True) as world:
        world.driver.modes["own"] = StartMode.DIRECT
        world.executor.apply([Revision.of(function("f"), "2"), Revision.of(function("own"), "2")])
        await world.stocked()
        await world.call(function="own")
        assert starts(world, "direct", "own") == 1
        await world.stocked()


async def test_call_does_not_wait_for_a_slot_in_the_making() -> None:
    async with ExecutorWorld(slots=True) as world:
        world.driver.slot_plans += ["never", "never"]
        await world.until(lambda: len(world.driver.slots_made) == 2)
        assert (await world.call()).status == 200
        assert starts(world, "direct") == 1


async def test_slot_on_a_port_becomes_an_environment() -> None:
    world = ExecutorWorld(slots=True)
    world.driver.kind = ChannelKind.PORT
    async with world:
        await world.stocked()
        assert (await world.call()).status == 200
        assert starts(world, "slot") == 1


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [StartError("no image", permanent=True), OSError("engine"), RuntimeError("odd")],
    ids=["StartError", "OSError", "RuntimeError"],
)
async def test_slot_that_cannot_be_made_is_given_up_and_tried_again_later(fault: Exception) -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.fill_faults.append(fault)
    async with world:
        await world.until(lambda: heard(world, SlotFailed) and not world.shell._slots.records)
        assert (await world.call()).status == 200
        assert world.fleet.counts().slots_filling == 0
        world.skip(2.1)
        await world.stocked(2)  # one more, because a call found none


async def test_slot_that_dies_before_it_waits_is_removed() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("exit")
    async with world:
        await world.until(lambda: world.driver.stops == [1])
        await world.until(lambda: not world.shell._slots.records)
        world.skip(2.1)
        await world.stocked(1)


async def test_slot_that_never_waits_is_removed_in_time() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("never")
    async with world:
        await world.until(lambda: world.driver.slots_made)
        world.skip(60.1)
        await world.until(lambda: world.driver.stops == [1])
        assert (await world.call()).status == 200


async def test_slot_whose_connection_breaks_is_not_used() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("lost")
    async with world:
        await world.stocked(1)
        world.driver.gate("lost").set()
        await world.until(lambda: heard(world, SlotFailed))
        assert (await world.call()).status == 200
        assert starts(world, "direct") == 1


async def test_second_wait_of_a_slot_is_refused_and_harms_it_not() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("twice")
    async with world:
        await world.stocked(1)
        world.driver.gate("twice").set()
        await world.until(lambda: world.driver.slots_made[1].replies)
        [reply] = world.driver.slots_made[1].replies
        assert (reply.status, json.loads(reply.body)["errorType"]) == (403, "InvalidStateTransition")
        assert (await world.call()).status == 200
        assert starts(world, "slot") == 1


async def test_slot_that_asks_for_an_event_gets_none() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("next")
    async with world:
        await world.stocked(1)
        assert [reply.status for reply in world.driver.slots_made[1].replies] == [403]


async def test_environment_that_waits_like_a_slot_is_refused() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        assert world.shell.slot_ready(1) is not None
        assert world.shell.slot_ready(99) is not None
        assert heard(world, SlotReady) == 2


@pytest.mark.parametrize(
    "fault",
    [StartError("no limits", permanent=False), OSError("engine"), RuntimeError("odd")],
    ids=["StartError", "OSError", "RuntimeError"],
)
async def test_slot_that_cannot_become_an_environment_costs_the_caller_only_time(fault: Exception) -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        world.driver.specialise_faults.append(fault)
        assert (await world.call()).status == 200
        assert (starts(world, "slot"), starts(world, "direct")) == (0, 1)
        failed = world.driver.specs[0].environment
        await world.until(lambda: failed in world.driver.stops)
        await world.until(lambda: failed not in world.shell._records)
        assert not [line for line in world.log() if "INIT_REPORT" in line]


async def test_permanent_fault_while_a_slot_is_specialised_is_the_functions() -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        world.driver.specialise_faults.append(StartError("no code", permanent=True))
        answer = await world.call()
        assert answer.headers["x-amz-function-error"] == "Unhandled"
        assert json.loads(answer.payload)["errorType"] == "Runtime.InvalidEntrypoint"


async def test_slot_that_dies_while_it_is_specialised_costs_the_caller_only_time() -> None:
    """The driver says so under the slot's number or the environment's: both are that environment."""
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        held = asyncio.Event()
        world.driver.specialise_faults.append(held)
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        env = world.driver.specs[0].environment
        slot = next(number for number, made in world.driver.slots_made.items() if made.environment)
        world.driver.alive.discard(env)
        world.driver.sink.exited(slot, ExitReport(signal=9))
        held.set()
        assert (await task).status == 200
        assert starts(world, "direct") == 1


async def test_slot_whose_connection_breaks_while_it_is_specialised_costs_the_caller_only_time() -> None:
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.slot_plans.append("lost")
    async with world:
        await world.stocked(1)
        held = asyncio.Event()
        world.driver.specialise_faults.append(held)
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        world.driver.gate("lost").set()
        await world.until(lambda: heard(world, SlotFailed))
        held.set()
        assert (await task).status == 200
        assert starts(world, "direct") == 1


async def test_init_that_fails_in_a_slot_is_the_functions_failure() -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        world.driver.plans.append("init_error")
        answer = await world.call()
        assert json.loads(answer.payload)["errorType"] == "Runtime.ImportModuleError"
        assert [line for line in world.log() if line.startswith("INIT_START")]


# --- who leaves meanwhile ------------------------------------------------------------------------


async def test_caller_that_leaves_while_a_slot_is_specialised_leaves_a_warm_environment() -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        held = asyncio.Event()
        world.driver.specialise_faults.append(held)
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        task.cancel()
        await asyncio.wait([task])
        held.set()
        await world.rested()
        assert (await world.call()).status == 200
        assert len(world.driver.specs) == 1


async def test_revision_that_is_retired_while_a_slot_is_specialised_keeps_nothing() -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        held = asyncio.Event()
        world.driver.specialise_faults.append(held)
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        task.cancel()
        await asyncio.wait([task])
        await world.stocked()
        world.executor.apply([])
        held.set()
        await world.until(lambda: not world.shell._records and not world.shell._slots.records)
        assert world.driver.alive == set()
        assert world.shell.revisions == {}


async def test_drain_in_mid_fill_leaves_nothing() -> None:
    world = ExecutorWorld(slots=True)
    going = asyncio.Event()
    world.driver.fill_faults.append(going)
    async with world:
        await world.until(lambda: world.driver.slots_made)
        draining = asyncio.create_task(world.executor.drain(0.0))
        await world.until(lambda: world.fleet.counts().slots_dropping == 2)
        going.set()
        await draining
        assert (world.driver.alive, world.shell._slots.records) == (set(), {})


async def test_fill_that_does_not_end_is_cancelled_by_the_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "START_PATIENCE_S", 0.02)
    world = ExecutorWorld(slots=True, slots_per_shape=1)
    world.driver.fill_faults.append(asyncio.Event())
    async with world:
        await world.executor.drain(0.0)
        assert world.shell._slots.records == {}


async def test_slot_is_stopped_under_its_own_number_if_the_driver_never_heard_of_its_environment() -> None:
    async with ExecutorWorld(slots=True) as world:
        await world.stocked()
        going = asyncio.Event()
        world.driver.prepare_faults.append(going)
        task = world.begin()
        await world.until(lambda: world.shell._records)
        [record] = world.shell._records.values()
        assert record.slot is not None
        draining = asyncio.create_task(world.executor.drain(0.0))
        assert (await task).status == 503
        going.set()
        await draining
        assert record.slot.number in world.driver.stops
        assert (record.number in world.driver.stops, world.driver.alive) == (False, set())


async def test_failed_drop_is_tried_again() -> None:
    async with ExecutorWorld(slots=True, slots_per_shape=1) as world:
        await world.stocked(1)
        world.driver.stop_faults += [OSError("busy"), RuntimeError("odd")]
        world.executor.apply([])
        await world.until(lambda: [r for r in world.shell._slots.records.values() if r.must_drop])
        assert world.fleet.counts().memory_mb == 64  # it may be there still
        world.skip(5.1)
        await world.until(lambda: world.driver.stops == [1, 1])
        await world.until(lambda: world.shell._slots.records[1].dropper is None)
        await world.shell.reconciler.ring()
        await world.until(lambda: not world.shell._slots.records)
        assert (world.driver.stops, world.fleet.counts().memory_mb) == ([1, 1, 1], 0)


async def test_slot_that_vanished_is_replaced() -> None:
    async with ExecutorWorld(slots=True, slots_per_shape=1) as world:
        await world.stocked(1)
        world.driver.alive.clear()
        await world.shell.reconciler.ring()
        assert world.fleet.counts().slots_ready == 0
        world.skip(2.1)
        await world.stocked(1)


async def test_output_of_a_slot_is_never_a_functions(caplog: pytest.LogCaptureFixture) -> None:
    async with ExecutorWorld(slots=True, slots_per_shape=1) as world:
        await world.stocked(1)
        with caplog.at_level(logging.DEBUG, logger="lockgate.executor"):
            world.driver.sink.printed(1, b"secret\n" * 1000)
        [record] = [record for record in caplog.records if "secret" in record.getMessage()]
        assert (record.levelno, len(record.getMessage()) < 1000) == (logging.DEBUG, True)
        await world.call()
        await world.rested()
        assert "secret" not in "\n".join(world.log())


# --- provisioned and isolated --------------------------------------------------------------------


async def test_provisioned_environments_wait_ready_and_know_what_they_are() -> None:
    async with ExecutorWorld(function("f", provisioned=2), slots=True) as world:
        await world.rested(2)
        variables = [spec.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] for spec in world.driver.specs]
        assert variables == ["provisioned-concurrency"] * 2
        await world.call()
        assert starts(world, "slot") == starts(world, "direct") == 0
        world.driver.exit(world.environment(world.driver.specs[0].environment), ExitReport(signal=9))
        await world.until(lambda: len(world.driver.specs) == 3)
        await world.rested(2)
        world.skip(100_000)
        assert world.fleet.counts().idle == 2


async def test_environment_beyond_the_provisioned_is_on_demand() -> None:
    async with ExecutorWorld(function("f", provisioned=1)) as world:
        await world.rested(1)
        busy = await world.started({"do": "wait", "gate": "a"})
        assert (await world.call()).status == 200
        kinds = [spec.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] for spec in world.driver.specs]
        assert kinds == ["provisioned-concurrency", "on-demand"]
        world.driver.gate("a").set()
        await busy


async def test_provisioned_init_has_130_seconds() -> None:
    world = ExecutorWorld(function("f", provisioned=1))
    world.driver.plans.append("never")
    async with world:
        await world.until(lambda: world.shell._records[1].started_at)
        world.skip(129)
        assert world.fleet.counts().starting == 1
        world.skip(2)
        await world.until(lambda: world.driver.stops == [1])
        assert "Phase: init\tStatus: timeout" in "\n".join(world.log())


@pytest.mark.parametrize("slots", [False, True])
async def test_isolated_call_has_an_environment_of_its_own(slots: bool) -> None:
    async with ExecutorWorld(function("f", isolation="invocation"), slots=slots) as world:
        if slots:
            await world.stocked()
        for number in range(3):
            assert (await world.call({"n": number})).status == 200
            await world.until(lambda: not world.shell._records)
        assert [len(made.events) for made in world.driver.environments_made.values()] == [1, 1, 1]


# --- the reconcile -------------------------------------------------------------------------------


async def test_engine_that_does_not_answer_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        world.driver.alive.clear()
        world.driver.refresh_faults.append(OSError("engine"))
        await world.shell.reconciler.ring()
        assert "the engine does not say" in caplog.text
        assert world.fleet.counts().idle == 1
        await world.shell.reconciler.ring()  # the twin: it answers, and what is not there is lost
        assert world.fleet.counts().idle == 0


async def test_engine_that_takes_too_long_is_asked_at_the_next_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("executor.reconciler.RECONCILE_PATIENCE_S", 0.01)
    async with ExecutorWorld() as world:
        world.driver.refresh_faults.append(asyncio.Event())
        first = world.shell.reconciler.ring()
        assert world.shell.reconciler.ring() is first
        await first
        assert "no answer in time" in caplog.text
