"""The shell and its supervisor against drivers and runtimes that fail in every way."""

import asyncio
import base64
import json
import logging
from typing import cast

import pytest

from executor import tasks
from executor.core.events import DeliveryFailed, EngineListed, EnvironmentGone, InvokeArrived
from executor.driver import ChannelKind, ExitReport, StartError
from executor.reconciler import RECONCILE_EVERY_S
from executor.runtime_api.channel import Line, SocketChannel
from kit.invoke import InvokeAnswer
from tests.support.executor_world import TRACE, ExecutorWorld, function

TAIL = {"x-amz-log-type": "Tail"}


def error_of(answer: InvokeAnswer) -> tuple[str, str]:
    """Type and message without the request id."""
    assert (answer.status, answer.headers["x-amz-function-error"]) == (200, "Unhandled")
    body = json.loads(answer.payload)
    prefix = f"RequestId: {answer.headers['x-amzn-requestid']} Error: "
    return body["errorType"], body["errorMessage"].removeprefix(prefix)


def tail_of(answer: InvokeAnswer) -> str:
    return base64.b64decode(answer.headers["x-amz-log-result"]).decode()


# --- starts --------------------------------------------------------------------------------------

OURS = ("Sandbox.Failure", "The environment could not be started")


@pytest.mark.parametrize("place", ["prepare", "start"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            StartError("no room", permanent=False, error_type="Sandbox.Failure"),
            ("Sandbox.Failure", "no room"),
        ),
        (OSError(36, "name too long", "/run/secret/path"), OURS),
        (RuntimeError("/run/secret/path"), OURS),
    ],
    ids=["StartError", "OSError", "RuntimeError"],
)
async def test_failed_start_answers_its_caller_and_harms_nobody_else(
    place: str, fault: Exception, expected: tuple[str, str]
) -> None:
    async with ExecutorWorld() as world:
        faults = world.driver.prepare_faults if place == "prepare" else world.driver.start_faults
        faults.append(fault)
        assert error_of(await world.call()) == expected
        assert (await world.call()).status == 200
        await world.until(lambda: world.driver.alive == {2})
        assert f"Phase: init\tStatus: error\tError Type: {expected[0]}" in "\n".join(world.log())


async def test_fault_of_ours_at_a_start_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ExecutorWorld() as world:
        world.driver.start_faults.append(RuntimeError("odd"))
        with caplog.at_level(logging.WARNING):
            await world.call()
        [record] = caplog.records
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], RuntimeError)


async def test_fault_before_the_channel_is_there_is_a_failed_start() -> None:
    async with ExecutorWorld() as world:
        world.driver.faults["channel_kind"] = KeyError("python3.11")
        assert error_of(await world.call()) == OURS
        world.driver.faults.clear()
        assert (await world.call()).status == 200


async def test_fault_of_the_shell_at_a_start_is_a_failed_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ExecutorWorld() as world:
        with monkeypatch.context() as patch:
            patch.setattr(world.shell._maker._names.__class__, "function_arn", None)
            assert error_of(await world.call()) == OURS
        assert (await world.call()).status == 200
        await world.until(lambda: world.fleet.counts().stopping == 0)


async def test_permanent_failure_opens_the_circuit() -> None:
    async with ExecutorWorld() as world:
        world.driver.start_faults.append(StartError("no bootstrap", permanent=True))
        assert error_of(await world.call()) == ("Runtime.InvalidEntrypoint", "no bootstrap")
        await world.until(lambda: world.fleet.counts().stopping == 0)
        assert error_of(await world.call()) == ("Runtime.InvalidEntrypoint", "no bootstrap")
        assert len(world.driver.specs) == 1


async def test_init_error_is_passed_on_as_posted() -> None:
    async with ExecutorWorld() as world:
        world.driver.plans.append("init_error")
        answer = await world.call()
        assert answer.payload == (
            b'{"errorMessage":"No module named \'nope\'","errorType":"Runtime.ImportModuleError"}'
        )
        assert (await world.call()).status == 200
        reports = [line for line in world.log() if line.startswith("INIT_REPORT")]
        assert [line.partition("Phase")[2] for line in reports] == [
            ": init\tStatus: error\tError Type: Runtime.ImportModuleError"
        ]


async def test_exit_at_init_is_an_exit_error() -> None:
    async with ExecutorWorld() as world:
        world.driver.plans.append("exit")
        assert error_of(await world.call()) == (
            "Runtime.ExitError",
            "Runtime exited with error: exit status 1",
        )
        assert (await world.call()).status == 200


async def test_runtime_that_never_asks_is_started_once_more_within_the_call() -> None:
    async with ExecutorWorld() as world:
        world.driver.plans.append("never")
        task = world.begin(budget_ms=60_000)
        await world.until(lambda: 1 in world.driver.environments_made)
        await world.until(lambda: world.shell._records[1].started_at)
        world.skip(10.5)
        assert (await task).status == 200
        assert "Phase: init\tStatus: timeout" in "\n".join(world.log())
        await world.until(lambda: world.driver.alive == {2})


async def test_environment_on_a_port_is_served() -> None:
    async with ExecutorWorld() as world:
        world.driver.kind = ChannelKind.PORT
        assert (await world.call()).status == 200


# --- stops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [OSError("busy"), TimeoutError("still there"), RuntimeError("odd")], ids=repr
)
async def test_failed_stop_is_tried_again(fault: Exception) -> None:
    async with ExecutorWorld(function("f", idle_timeout_s=60.0)) as world:
        await world.call()
        await world.rested()
        world.driver.stop_faults.append(fault)
        world.skip(61)
        await world.until(lambda: world.shell._records[1].must_stop)
        assert world.fleet.counts().memory_mb == 128  # it may be there still
        world.skip(6)
        await world.until(lambda: not world.shell._records)
        assert world.driver.stops == [1, 1]
        assert world.fleet.counts().memory_mb == 0


async def test_stop_is_said_again_while_it_runs_and_done_once() -> None:
    async with ExecutorWorld(function("f", idle_timeout_s=60.0)) as world:
        await world.call()
        await world.rested()
        going = asyncio.Event()
        world.driver.stop_faults.append(going)
        world.skip(61)
        await world.until(lambda: world.driver.stops)
        world.skip(6)
        world.skip(6)
        going.set()
        await world.until(lambda: not world.shell._records)
        assert world.driver.stops == [1]


async def test_stop_waits_for_the_start_before_it() -> None:
    async with ExecutorWorld() as world:
        going = asyncio.Event()
        world.driver.start_faults.append(going)
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        draining = asyncio.create_task(world.executor.drain(0.0))
        assert (await task).status == 503
        assert world.driver.stops == []
        going.set()
        await draining
        assert (world.driver.stops, world.driver.alive, world.driver.cancelled_starts) == ([1], set(), 0)


async def test_start_that_does_not_end_is_cancelled_by_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "START_PATIENCE_S", 0.02)
    async with ExecutorWorld() as world:
        world.driver.start_faults.append(asyncio.Event())
        task = world.begin()
        await world.until(lambda: world.driver.specs)
        await world.executor.drain(0.0)
        assert (await task).status == 503
        assert (world.driver.cancelled_starts, world.driver.stops) == (1, [1])


async def test_stop_before_the_driver_was_asked_makes_no_environment() -> None:
    async with ExecutorWorld() as world:
        going = asyncio.Event()
        world.driver.prepare_faults.append(going)
        task = world.begin()
        await world.until(lambda: 1 in world.shell._records)
        draining = asyncio.create_task(world.executor.drain(0.0))
        assert (await task).status == 503
        going.set()
        await draining
        assert world.driver.specs == []


# --- what the engine says ------------------------------------------------------------------------


async def test_vanished_environment_is_replaced() -> None:
    async with ExecutorWorld(function("f", timeout_s=600.0)) as world:
        task = await world.started({"do": "wait", "gate": "a"})
        world.driver.alive.discard(1)
        await world.shell.reconciler.ring()
        assert error_of(await task) == ("Sandbox.Failure", "The environment vanished")
        assert (await world.call()).status == 200
        await world.until(lambda: 1 not in world.shell._records)


async def test_vanished_environment_that_cannot_be_stopped_is_tried_at_the_next_reconcile() -> None:
    """The fleet forgot it at once, so nobody but the reconcile would ever stop it again."""
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        world.driver.alive.discard(1)
        world.driver.stop_faults.append(OSError("busy"))
        await world.shell.reconciler.ring()
        await world.until(lambda: world.shell._records[1].must_stop)
        await world.shell.reconciler.ring()
        await world.until(lambda: not world.shell._records)
        assert world.driver.stops == [1, 1]


async def test_environment_that_nobody_knows_is_stopped_once(caplog: pytest.LogCaptureFixture) -> None:
    async with ExecutorWorld() as world:
        going = asyncio.Event()
        world.driver.stop_faults += [RuntimeError("odd"), going]
        world.driver.alive.add(99)
        await world.shell.reconciler.ring()
        await world.until(lambda: world.driver.stops == [99])
        await world.until(lambda: not world.shell._supervisor._orphans or caplog.records)
        await asyncio.wait(
            world.shell._supervisor._orphans.values() or [asyncio.create_task(asyncio.sleep(0))]
        )
        assert "which nobody knows" in caplog.text
        await world.shell.reconciler.ring()
        await world.shell.reconciler.ring()
        await world.until(lambda: world.driver.stops == [99, 99])
        going.set()
        await world.until(lambda: EnvironmentGone(99) in world.events)
        assert world.driver.alive == set()
        assert world.driver.stops == [99, 99]


async def test_driver_that_cannot_list_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async with ExecutorWorld() as world:
        world.driver.faults["environments"] = RuntimeError("odd")
        await world.shell.reconciler.ring()
        assert "could not list" in caplog.text
        assert not [event for event in world.events if isinstance(event, EngineListed)]
        assert world.shell.reconciler._timer is not None
        assert (
            world.shell.reconciler._timer.when() > asyncio.get_running_loop().time() + RECONCILE_EVERY_S - 5
        )


async def test_exit_while_idle_costs_no_caller_anything() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.rested()
        world.driver.exit(world.environment(1), ExitReport(signal=9))
        assert (await world.call()).status == 200
        await world.until(lambda: world.driver.stops == [1])


# --- deliveries ----------------------------------------------------------------------------------


async def deaf_environment(world: ExecutorWorld) -> None:
    """One environment is idle, and its connection is gone."""
    world.driver.plans.append("deaf")
    nobody = await world.queued()
    nobody.cancel()
    await asyncio.wait([nobody])
    await world.rested()
    channel = cast(SocketChannel, world.shell._records[1].channel)
    gone, disconnected = asyncio.Event(), channel.disconnected

    def watch(line: Line) -> None:
        disconnected(line)
        gone.set()

    channel.disconnected = watch  # type: ignore[method-assign]
    world.driver.heard.set()
    await gone.wait()


async def test_event_of_which_nothing_was_written_goes_to_another_environment() -> None:
    async with ExecutorWorld() as world:
        await deaf_environment(world)
        answer = await world.call({"do": "echo"}, headers=TAIL)
        assert (answer.status, answer.payload) == (200, b'{"do": "echo"}')
        assert [type(event) for event in world.events].count(DeliveryFailed) == 1
        assert tail_of(answer).count("START") == 1
        await world.until(lambda: world.driver.stops == [1])
        assert len([line for line in world.log() if line.startswith("END")]) == 1


async def test_undelivered_call_that_waits_too_long_was_never_run() -> None:
    async with ExecutorWorld() as world:
        await deaf_environment(world)
        world.driver.start_faults.append(asyncio.Event())
        answer = await world.call(budget_ms=50, headers=TAIL)
        assert (answer.status, "x-amz-log-result" in answer.headers) == (429, False)
        assert (answer.times, world.delivered) == (None, 0)


async def test_instructions_of_a_failed_delivery_follow_those_before_it() -> None:
    """Re-entrancy: DeliveryFailed is told while its Deliver is performed, with another Deliver behind it."""
    async with ExecutorWorld() as world:
        await deaf_environment(world)
        performed: list[str] = []
        depth = 0
        for kind, perform in list(world.shell._perform.items()):

            def watch(instruction: object, perform: object = perform) -> None:
                nonlocal depth
                depth += 1
                assert depth == 1
                performed.append(type(instruction).__name__)
                perform(instruction)  # type: ignore[operator]
                depth -= 1

            world.shell._perform[kind] = watch
        assert (await world.call()).status == 200
        assert performed[:3] == ["Deliver", "StopEnvironment", "StartEnvironment"]


async def test_event_that_cannot_be_written_fails_its_caller_and_is_not_retried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A trace header with half a surrogate pair: every environment would be killed for it, one after another."""
    async with ExecutorWorld() as world:
        answer = await world.call(trace="Root=\ud800")
        assert error_of(answer) == ("Sandbox.Failure", "The invocation failed")
        assert "Deliver could not be performed" in caplog.text
        assert (await world.call(trace=TRACE)).status == 200
        assert len(world.driver.specs) == 2


# --- runtimes that break the rules ---------------------------------------------------------------


async def test_next_before_the_answer_is_refused_and_changes_nothing() -> None:
    async with ExecutorWorld() as world:
        answer = await world.call({"do": "early_next"})
        assert (answer.status, "x-amz-function-error" in answer.headers) == (200, False)
        await world.rested()
        assert [reply.status for reply in world.environment(1).replies] == [403, 202]


async def test_answer_for_another_invocation_is_refused_and_leaves_no_trace() -> None:
    """C5, C6: the request id of an answer is that of the call, from end to end."""
    async with ExecutorWorld() as world:
        answer = await world.call({"do": "foreign"})
        assert answer.payload == b'{"do": "foreign"}'
        await world.rested()
        assert [reply.status for reply in world.environment(1).replies] == [400, 400, 202]
        assert "Error Type" not in "\n".join(world.log())


async def test_error_for_another_invocation_is_not_the_error_of_this_one() -> None:
    async with ExecutorWorld() as world:
        task = await world.started({"do": "foreign", "gate": "never"})
        await world.until(lambda: len(world.environment(1).replies) == 2)
        world.driver.alive.discard(1)
        await world.shell.reconciler.ring()
        assert error_of(await task) == ("Sandbox.Failure", "The environment vanished")
        [report] = [line for line in world.log() if line.startswith("REPORT")]
        assert "Status: error" in report
        assert "Function.Foreign" not in report


async def test_runtime_that_dies_in_its_answer_shows_how_it_died() -> None:
    async with ExecutorWorld() as world:
        task = await world.started({"do": "vanish"})
        await world.until(lambda: world.fleet.counts().responding)
        world.driver.gate("half").set()
        message = "Runtime exited with error: signal: segmentation fault"
        assert error_of(await task) == ("Runtime.ExitError", message)


# --- logs and measures ---------------------------------------------------------------------------


async def test_tail_of_a_runtime_that_asks_no_further_is_held_50_ms() -> None:
    async with ExecutorWorld() as world:
        loop = asyncio.get_running_loop()
        task = await world.started({"do": "no_next"}, headers=TAIL)
        await world.until(lambda: world.fleet.counts().responded)
        held = world.shell._records[1].current
        assert held is not None
        assert held.timer is not None
        assert 0.0 < held.timer.when() - loop.time() <= 0.05
        assert not held.future.done()
        answer = await task
        assert "START" in tail_of(answer)
        assert "REPORT" not in tail_of(answer)


async def test_answer_without_a_tail_is_held_by_nothing() -> None:
    async with ExecutorWorld() as world:
        answer = await world.call({"do": "no_next"})
        assert answer.status == 200
        assert world.fleet.counts().responded == 1


async def test_tail_has_what_was_printed_after_the_answer() -> None:
    async with ExecutorWorld() as world:
        answer = await world.call({"do": "chatty", "text": "late\n"}, headers=TAIL)
        assert "late\nEND" in tail_of(answer)


@pytest.mark.parametrize("method", ["flush", "peak_memory_mb"])
async def test_driver_that_cannot_measure_costs_nobody_an_answer(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ExecutorWorld() as world:
        world.driver.faults[method] = RuntimeError("odd")
        answer = await world.call(headers=TAIL)
        assert answer.status == 200
        assert "Max Memory Used: 0 MB" in tail_of(answer)
        assert "could not be measured" in caplog.text
        exited = await world.call({"do": "exit", "code": 2})
        assert error_of(exited)[0] == "Runtime.ExitError"


async def test_answer_that_cannot_be_rendered_is_raised_at_its_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ExecutorWorld() as world:
        answered = world.shell._ended

        def broken(*_: object) -> None:
            raise RuntimeError("odd")

        world.shell._ended = broken
        with pytest.raises(RuntimeError, match="odd"):
            await world.call()
        world.shell._ended = answered
        assert (await world.call()).status == 200
        assert "could not be answered" in caplog.text


# --- the timer -----------------------------------------------------------------------------------


async def test_there_is_one_timer_and_it_moves_only_forward_in_urgency() -> None:
    async with ExecutorWorld(memory_mb=128) as world:
        armed: list[float] = []
        arm = world.shell._arm

        def watch(wake_at: float) -> None:
            armed.append(wake_at)
            arm(wake_at)

        world.shell._arm = watch  # type: ignore[method-assign]
        await world.call(budget_ms=20_000)
        await world.rested()
        count = len(armed)
        for _ in range(50):
            await world.call(budget_ms=20_000)
            await world.rested()
        assert len(armed) == count  # a warm call moves no timer
        busy = await world.started({"do": "wait", "gate": "a"})
        waiting = await world.queued(budget_ms=1_000)
        assert len(armed) == count + 1
        world.driver.gate("a").set()
        await asyncio.gather(busy, waiting)


async def test_closed_shell_arms_no_timer() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        await world.shell.close()
        world.shell.handle(InvokeArrived("late", "nothing", world.shell.now() + 1))
        assert world.shell._timer is None or world.shell._timer.cancelled()


async def test_everyone_who_waits_for_the_end_hears_of_it() -> None:
    async with ExecutorWorld() as world:
        await world.call()
        waiting = [asyncio.create_task(world.shell.emptied()) for _ in range(2)]
        await world.executor.drain(0.0)
        await asyncio.gather(*waiting)
        assert repr(world.shell._records) == "{}"
