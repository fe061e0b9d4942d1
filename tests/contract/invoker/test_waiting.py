"""Callers that wait, go, come in crowds, or come too late."""

import asyncio
import json

import pytest

from kit.invoke import BudgetExceeded, InvokeAnswer
from tests.contract.invoker.conftest import MakeWorld
from tests.support.executor_world import ExecutorWorld, function


def reason(answer: InvokeAnswer) -> str:
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (429, "TooManyRequestsException")
    assert int(answer.headers["retry-after"]) >= 1
    body = json.loads(answer.payload)
    assert (body["Type"], body["message"]) == ("User", "Rate Exceeded.")
    return str(body["Reason"])


async def test_budget_of_a_running_call_ends_the_wait_and_not_the_function(world: ExecutorWorld) -> None:
    await world.call()  # the budget must not pass while the environment starts
    await world.rested()
    with pytest.raises(BudgetExceeded):
        await world.call({"do": "wait", "gate": "a"}, budget_ms=40)
    world.driver.gate("a").set()
    await world.rested()
    assert world.driver.stops == []
    assert (await world.call()).status == 200


async def test_function_timeout_is_an_answer(make_world: MakeWorld) -> None:
    async with make_world(function("f", timeout_s=0.05)) as world:
        answer = await world.call({"do": "wait", "gate": "never"})
        request_id = answer.headers["x-amzn-requestid"]
        assert (answer.status, answer.headers["x-amz-function-error"]) == (200, "Unhandled")
        assert json.loads(answer.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {request_id} Error: Task timed out after 0.05 seconds",
        }


async def test_call_that_waits_longer_than_its_budget_is_throttled(make_world: MakeWorld) -> None:
    async with make_world(function("f"), memory_mb=128) as world:
        busy = await world.started({"do": "wait", "gate": "a"})
        late = await world.queued(budget_ms=40)
        assert reason(await late) == "CallerRateLimitExceeded"
        world.driver.gate("a").set()
        assert (await busy).status == 200
        assert world.delivered == 1


async def test_caller_who_goes_while_queued_is_never_run(make_world: MakeWorld) -> None:
    async with make_world(function("f"), memory_mb=128) as world:
        busy = await world.started({"do": "wait", "gate": "a"})
        gone = await world.queued()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        await world.until(lambda: world.fleet.counts().queued == 0)
        world.driver.gate("a").set()
        assert (await busy).status == 200
        assert (await world.call()).status == 200
        assert world.delivered == 2


async def test_caller_who_goes_while_it_runs_leaves_the_function_running(world: ExecutorWorld) -> None:
    gone = await world.started({"do": "wait", "gate": "a"}, function="one")
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert reason(await world.call(function="one")).startswith("Reserved")
    world.driver.gate("a").set()
    await world.rested()
    assert (await world.call(function="one")).status == 200
    assert world.driver.stops == []


async def test_reserved_concurrency_rejects_with_its_reason(world: ExecutorWorld) -> None:
    busy = await world.started({"do": "wait", "gate": "a"}, function="one")
    assert reason(await world.call(function="one")) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (await world.call(function="f")).status == 200
    world.driver.gate("a").set()
    assert (await busy).status == 200


async def test_reserved_concurrency_0_runs_nothing(make_world: MakeWorld) -> None:
    async with make_world(function("f", reserved=0)) as world:
        assert reason(await world.call()) == "ReservedFunctionConcurrentInvocationLimitExceeded"


async def test_account_concurrency_rejects_with_its_reason(make_world: MakeWorld) -> None:
    async with make_world(function("f"), concurrency=1) as world:
        busy = await world.started({"do": "wait", "gate": "a"})
        assert reason(await world.call()) == "ConcurrentInvocationLimitExceeded"
        world.driver.gate("a").set()
        assert (await busy).status == 200


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_full_queue_rejects(make_world: MakeWorld) -> None:
    """A thousand calls take their time on a busy machine: budgets are longer than that."""
    async with make_world(function("f", timeout_s=60.0), memory_mb=128, concurrency=2000) as world:
        busy = await world.started({"do": "wait", "gate": "a"}, budget_ms=80_000)
        waiting = [world.begin(budget_ms=80_000) for _ in range(1000)]
        await world.until(lambda: world.fleet.counts().queued == 1000)
        assert reason(await world.call()) == "QueueFull"
        world.driver.gate("a").set()
        assert {answer.status for answer in await asyncio.gather(busy, *waiting)} == {200}


async def test_draining_server_refuses_new_calls_and_ends_old_ones(world: ExecutorWorld) -> None:
    busy = await world.started({"do": "wait", "gate": "a"})
    draining = asyncio.create_task(world.executor.drain(10.0), name="drain")
    await world.until(lambda: world.fleet.counts().draining)
    late = await world.call()
    assert (late.status, late.headers["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
    assert int(late.headers["retry-after"]) >= 1
    world.driver.gate("a").set()
    assert (await busy).status == 200
    await draining
    assert world.driver.alive == set()


async def test_end_of_the_drain_answers_running_and_waiting_calls(make_world: MakeWorld) -> None:
    async with make_world(function("f"), memory_mb=128) as world:
        running = await world.started({"do": "wait", "gate": "a"})
        waiting = await world.queued()
        await world.executor.drain(0.0)
        for answer in await asyncio.gather(running, waiting):
            assert (answer.status, answer.headers["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
            assert json.loads(answer.payload)["Type"] == "Service"
        assert world.driver.alive == set()


async def test_many_parallel_calls_each_get_their_own_answer(make_world: MakeWorld) -> None:
    async with make_world(function("f"), function("g"), memory_mb=128 * 6) as world:
        work = [world.call({"number": number}, function="g" if number % 3 else "f") for number in range(200)]
        answers = await asyncio.gather(*work)
        assert [json.loads(answer.payload) for answer in answers] == [{"number": n} for n in range(200)]
        assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == 200


async def test_failures_and_answers_of_a_crowd_do_not_mix(make_world: MakeWorld) -> None:
    async with make_world(function("f"), memory_mb=128 * 4) as world:
        verbs = [
            {"do": "echo"},
            {"do": "error", "type": "Function.Odd"},
            {"do": "exit", "code": 2},
            {"do": "half"},
        ]
        events = [verbs[number % 4] | {"number": number} for number in range(60)]
        answers = await asyncio.gather(*(world.call(event) for event in events))
        for event, answer in zip(events, answers, strict=True):
            assert ("x-amz-function-error" in answer.headers) == (event["do"] != "echo")
            if event["do"] == "echo":
                assert json.loads(answer.payload) == event
            elif event["do"] != "error":
                assert answer.headers["x-amzn-requestid"] in json.loads(answer.payload)["errorMessage"]
