"""The executor whole, over a driver without processes: who waits, who leaves, what a reload and an end do."""

import asyncio
import logging
from uuid import UUID

import pytest

from executor import executor as module
from executor.core.events import Ticked
from executor.driver import ChannelAddress, StartError, StartSpec
from executor.revision import FunctionConfig, Revision
from kit.invoke import BudgetExceeded, InvokeAnswer
from tests.support.executor_world import ExecutorWorld, call, function


def revision(package: str = "package", config: FunctionConfig | None = None) -> Revision:
    return Revision.of(config or function(), package)


async def cancelled(task: "asyncio.Task[InvokeAnswer]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --- who waits and who leaves --------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["unstarted", "starting", "queued", "running", "answered", "held"])
async def test_caller_may_go_at_any_moment(stage: str) -> None:
    """`invoke` has one await; what differs is what happened before it and what will after it."""
    async with ExecutorWorld(memory_mb=128) as world:
        headers = {"x-amz-log-type": "Tail"} if stage == "held" else {}
        event = {"queued": {}, "running": {"do": "wait", "gate": "a"}, "held": {"do": "no_next"}}.get(
            stage, {}
        )
        other = await world.started({"do": "wait", "gate": "b"}) if stage == "queued" else None
        task = world.begin(event, headers=headers)
        if stage == "starting":
            await world.until(lambda: world.fleet.counts().starting)
        elif stage == "queued":
            await world.until(lambda: world.fleet.counts().queued)
        elif stage == "running":
            await world.until(lambda: world.delivered)
        elif stage == "answered":  # the answer is set, and the caller has not run since
            await world.until(lambda: world.fleet.counts().responded or world.fleet.counts().idle)
            assert not task.done()
        elif stage == "held":
            await world.until(lambda: world.fleet.counts().responded)
        await cancelled(task)
        assert world.fleet.counts().queued == 0
        for gate in ("a", "b"):
            world.driver.gate(gate).set()
        if other is not None:
            assert (await other).status == 200
        if stage == "held":
            world.skip(11)  # it never asks again: its timeout frees the only place
        assert (await world.call()).status == 200
        assert world.shell.invocations == {}


async def test_budget_and_queue_deadline_are_one_answer_whichever_timer_is_first() -> None:
    async with ExecutorWorld(memory_mb=128) as world:
        busy = await world.started({"do": "wait", "gate": "a"})
        by_budget, by_queue = await world.queued(), await world.queued(budget_ms=60_000)
        waiting = world.shell.invocations
        [first] = [each for each in waiting.values() if each.call.budget_ms == 10_000 and not each.delivered]
        world.executor._budget_passed(first)
        world._skipped_s += 60
        world.shell.handle(Ticked())
        answers = await asyncio.gather(by_budget, by_queue)
        assert [(each.status, b"CallerRateLimitExceeded" in each.payload) for each in answers] == [
            (429, True)
        ] * 2
        labels = {"function": "f", "outcome": "queue_timeout"}
        assert world.metric("lockgate_invocations_total", **labels) == 2
        await asyncio.wait([busy])


async def test_late_budget_changes_nothing() -> None:
    """The timer may have been taken from the loop already when the answer comes."""
    async with ExecutorWorld() as world:
        task = await world.started({"do": "wait", "gate": "a"})
        [invocation] = world.shell.invocations.values()
        world.driver.gate("a").set()
        answer = await task
        world.executor._budget_passed(invocation)
        assert answer.status == 200


async def test_answer_after_the_budget_is_dropped() -> None:
    async with ExecutorWorld() as world:
        await world.call()  # the budget must not pass while the environment starts
        await world.rested()
        with pytest.raises(BudgetExceeded):
            await world.call({"do": "wait", "gate": "a"}, budget_ms=30)
        world.driver.gate("a").set()
        await world.rested()
        assert world.metric("lockgate_invocations_total", function="f", outcome="success") == 2


async def test_cold_start_counts_for_one_of_those_who_waited() -> None:
    async with ExecutorWorld(memory_mb=128) as world:
        answers = await asyncio.gather(*(world.call() for _ in range(5)))
        cold = [answer for answer in answers if answer.times and answer.times.start_us + answer.times.init_us]
        assert len(cold) == 1
        assert world.metric("lockgate_cold_starts_total", function="f", start="direct") == 1
        await world.rested()
        assert world.metric("lockgate_environment_first_uses_total", function="f") == 1


async def test_cold_start_counts_when_the_runtime_is_faster_than_the_drivers_word() -> None:
    async with ExecutorWorld() as world:
        start = world.driver.start

        async def start_late(spec: StartSpec, channel: ChannelAddress) -> float:
            existed_at = await start(spec, channel)
            await world.driver.gate("said").wait()
            return existed_at

        world.driver.start = start_late  # type: ignore[method-assign]
        times = (await world.call()).times
        assert times is not None
        assert (times.start_us, times.init_us > 0) == (0, True)
        assert world.metric("lockgate_cold_starts_total", function="f", start="direct") == 1
        world.driver.gate("said").set()


async def test_call_that_finds_an_unused_environment_is_not_cold() -> None:
    async with ExecutorWorld() as world:
        await cancelled(await world.queued())
        await world.rested()
        times = (await world.call()).times
        assert times is not None
        assert (times.start_us, times.init_us) == (0, 0)
        assert world.metric("lockgate_cold_starts_total", function="f", start="direct") == 0


async def test_call_that_is_over_leaves_no_timer() -> None:
    """Its budget may be minutes, and the timer holds its payload."""
    async with ExecutorWorld() as world:
        for event in ({}, {"do": "error", "type": "Function.Odd"}):
            await world.call(event, budget_ms=600_000)
        await cancelled(await world.started({"do": "wait", "gate": "a"}, budget_ms=600_000))
        loop = asyncio.get_running_loop()
        left = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        assert [timer for timer in left if timer.when() > loop.time() + 500] == []


async def test_rejections_are_counted() -> None:
    """C12: 429, and when to come again."""
    async with ExecutorWorld(function(reserved=0)) as world:
        answer = await world.call()
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert world.metric("lockgate_throttles_total", function="f", reason=reason) == 1


async def test_ids_are_random_uuids() -> None:
    async with ExecutorWorld() as world:
        ids = [UUID(world.executor._new_id()) for _ in range(2000)]
        assert {(each.version, each.variant) for each in ids} == {(4, "specified in RFC 4122")}
        assert len(set(ids)) == 2000
        seen_or, seen_and = 0, (1 << 128) - 1
        for each in ids:
            seen_or, seen_and = seen_or | each.int, seen_and & each.int
        assert (seen_or ^ seen_and).bit_count() == 122  # every bit but version and variant is random


# --- reload --------------------------------------------------------------------------------------


async def test_unchanged_revision_keeps_its_warm_environment() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        world.executor.apply([revision()])
        await world.call()
        assert (len(world.driver.specs), world.driver.stops) == (1, [])


async def test_changed_revision_replaces_the_pool() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        world.executor.apply([revision("changed")])
        await world.call()
        assert [spec.revision.package for spec in world.driver.specs] == ["package", "changed"]
        await world.until(lambda: world.driver.alive == {2})
        await world.until(lambda: list(world.shell.revisions) == [revision("changed").digest])


async def test_retired_revision_lives_until_its_last_call_is_over() -> None:
    async with ExecutorWorld(memory_mb=128) as world:
        running = await world.started({"do": "wait", "gate": "a"})
        waiting = await world.queued()
        world.executor.apply([])
        assert revision().digest in world.shell.revisions
        assert (await world.call()).status == 404
        world.driver.gate("a").set()
        assert [answer.status for answer in await asyncio.gather(running, waiting)] == [200, 200]
        await world.until(lambda: not world.shell.revisions)
        assert world.driver.alive == set()


async def test_revision_that_comes_back_while_it_retires_is_the_same_pool() -> None:
    async with ExecutorWorld() as world:
        running = await world.started({"do": "wait", "gate": "a"})
        world.executor.apply([])
        world.executor.apply([revision()])
        world.driver.gate("a").set()
        assert (await running).status == 200
        await world.rested()
        assert (await world.call()).status == 200
        assert len(world.driver.specs) == 1


async def test_call_under_an_earlier_generation_runs_its_own_revision_until_that_is_released() -> None:
    """A request reads its body while the file changes its function and takes another away; then it calls both."""
    async with ExecutorWorld(function("f"), function("g")) as world:
        executor = world.executor
        [before] = executor.catalog.in_use
        after = executor.generation([revision("changed")])
        assert (await after.invoke(call())).status == 404  # its pools open when it is adopted
        executor.adopt(after)
        assert (await world.call(function="g")).status == 404
        for generation, name in ((before, "f"), (before, "g"), (after, "f"), (executor, "f")):
            assert (await generation.invoke(call(function=name))).status == 200
        started = [(spec.revision.config.name, spec.revision.package) for spec in world.driver.specs]
        assert list(dict.fromkeys(started)) == [("f", "package"), ("g", "package"), ("f", "changed")]
        executor.release(before)
        await world.until(lambda: list(world.shell.revisions) == [revision("changed").digest])
        assert (await before.invoke(call())).status == 200
        assert (await before.invoke(call(function="g"))).status == 404


async def test_revision_of_two_generations_goes_with_the_last_of_them() -> None:
    async with ExecutorWorld() as world:
        [first] = world.executor.catalog.in_use
        others = [world.executor.generation(each) for each in ([revision("other")], [revision()], [])]
        for generation in others:
            world.executor.adopt(generation)
        world.executor.release(first)
        assert (await others[1].invoke(call())).status == 200
        assert set(world.shell.revisions) == {revision().digest, revision("other").digest}
        world.executor.release(others[1])
        await world.until(lambda: set(world.shell.revisions) == {revision("other").digest})


async def test_reservation_is_that_of_the_newest_generation() -> None:
    """Going back to a revision that is still in use takes its reservation back, too."""
    async with ExecutorWorld(function("f", reserved=2)) as world:
        world.executor.adopt(world.executor.generation([revision(config=function("f", reserved=1))]))
        task = await world.started({"do": "wait", "gate": "a"})
        assert (await world.call()).status == 429
        world.executor.adopt(world.executor.generation([revision(config=function("f", reserved=2))]))
        assert (await world.call()).status == 200
        world.driver.gate("a").set()
        assert (await task).status == 200


async def test_prepare_goes_on_when_a_revision_cannot(caplog: pytest.LogCaptureFixture) -> None:
    async with ExecutorWorld(function("a"), function("b"), function("c")) as world:
        world.driver.prepare_faults += [
            StartError("no such interpreter", permanent=True),
            RuntimeError("odd"),
        ]
        with caplog.at_level(logging.WARNING):
            await world.executor.prepare(revision(config=each) for each in world.functions)
        assert [record.getMessage() for record in caplog.records] == [
            "function a cannot be started: no such interpreter", "function b could not be prepared",
        ]  # fmt: skip
        assert (await world.call(function="c")).status == 200


# --- the end -------------------------------------------------------------------------------------


async def test_close_answers_whoever_waits_and_leaves_nothing() -> None:
    async with ExecutorWorld(memory_mb=128) as world:
        running = await world.started({"do": "wait", "gate": "a"})
        waiting = await world.queued()
        await world.executor.close()
        assert [answer.status for answer in await asyncio.gather(running, waiting)] == [503, 503]
        assert (await world.call()).status == 503
        assert world.driver.is_closed
        assert not world.executor._socket_root.parent.exists()
        await world.executor.close()


async def test_close_cancels_a_start_under_way() -> None:
    async with ExecutorWorld() as world:
        world.driver.start_faults.append(asyncio.Event())
        waiting = world.begin()
        await world.until(lambda: world.driver.specs)
        await world.executor.close()
        assert (await waiting).status == 503
        assert world.driver.cancelled_starts == 1


async def test_drain_ends_although_an_environment_cannot_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_WAIT_S", 0.05)
    async with ExecutorWorld() as world:
        await world.call()
        world.driver.stop_faults.append(asyncio.Event())
        await world.executor.drain(0.0)
        assert world.driver.alive == {1}
        await world.executor.close()
        assert world.driver.alive == set()


async def test_drain_waits_for_calls_that_have_no_environment() -> None:
    """There is no room for one and nothing runs: the drain must not take that for the end."""
    async with ExecutorWorld(memory_mb=64) as world:
        waiting = await world.queued()
        await world.executor.drain(0.05)
        await asyncio.wait([waiting], timeout=0)
        assert waiting.result().status == 503


async def test_sockets_of_a_killed_server_are_removed() -> None:
    world = ExecutorWorld()
    left = world.executor._socket_root / "77"
    left.mkdir(parents=True)
    async with world:
        assert not left.exists()
