"""Requests that wait for the same answer share one call."""

import asyncio
from typing import Any

import pytest

from gateway.authorizers.function.flights import Flights
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from tests.support.function_door import ALLOW, ARN, DENY, Door, open_door, policy, spec_of, statement
from tests.support.gateway_harness import EdgeDouble, Received, answer_of


class Held:
    """A function that answers when it is let; `ended` tells how its calls ended."""

    def __init__(self, answer: Any = ALLOW) -> None:
        self.answer = answer
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.ended: list[str] = []

    async def __call__(self, call: InvokeCall) -> InvokeAnswer:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")
        if isinstance(self.answer, BaseException):
            raise self.answer
        return answer_of(self.answer)


def _door(held: Held, **more: Any) -> Door:
    return open_door(spec_of(**{"ttl_s": 60, **more}), held, routes=("ANY /a", "ANY /b"))


async def _waiting(door: Door, *requests: dict[str, Any]) -> list[asyncio.Task[Received]]:
    """Requests that all wait for the function."""
    tasks = [asyncio.create_task(door.get(**{"target": "/a", **request})) for request in requests]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def _statuses(tasks: list[asyncio.Task[Received]]) -> list[int]:
    return [received.status for received in await asyncio.gather(*tasks)]


@pytest.mark.parametrize(
    ("answer", "status"), [(ALLOW, 200), (DENY, 403), (True, 500), (BudgetExceeded(), 500)]
)
async def test_equal_requests_at_once_are_one_call(answer: Any, status: int) -> None:
    """J19: whatever it gives, each gets it."""
    held = Held(answer)
    door = _door(held)
    tasks = await _waiting(door, *[{}] * 20)
    assert (door.calls, len(door.authorizer.flights)) == (1, 1)
    held.gate.set()
    assert await _statuses(tasks) == [status] * 20
    assert (door.calls, len(door.authorizer.flights)) == (1, 0)


@pytest.mark.parametrize("other", [{"key": "k2"}, {"target": "/b"}, {"method": "PUT"}])
async def test_requests_that_differ_are_calls_of_their_own(other: dict[str, Any]) -> None:
    """J19: another caller, route or method waits for its own answer."""
    held = Held()
    door = _door(held)
    tasks = await _waiting(door, {}, other)
    assert door.calls == 2
    held.gate.set()
    assert await _statuses(tasks) == [200, 200]


async def test_one_policy_for_all_is_evaluated_for_each() -> None:
    """J19: those that share a call do not share its verdict."""
    held = Held(policy(statement(f"{ARN}/$default/GET/a")))
    door = _door(held, simple_responses=False)
    tasks = await _waiting(door, {}, {"target": "/b"}, {"method": "PUT"})
    assert door.calls == 1
    held.gate.set()
    assert await _statuses(tasks) == [200, 403, 403]


async def _request(door: Door, edge: EdgeDouble) -> Received:
    headers = [("host", "h"), ("x-key", "k1")]
    return await door.harness.request("GET", "/a", headers=headers, edge=edge)


async def test_a_client_that_leaves_does_not_take_the_others_answer() -> None:
    """The first one began the call, and it is the first one that goes."""
    held = Held()
    door = _door(held)
    edge = EdgeDouble()
    first = asyncio.create_task(_request(door, edge))
    await held.begun.wait()
    [second] = await _waiting(door, {})
    edge.leave()
    assert (await first).status == 0
    assert door.record["status"] == 499
    held.gate.set()
    assert (await second).status == 200
    assert (held.ended, door.calls) == (["done"], 1)


@pytest.mark.parametrize("ttl_s", [0, 60])
async def test_the_last_client_that_leaves_ends_the_call(ttl_s: float) -> None:
    held = Held()
    door = _door(held, ttl_s=ttl_s)
    edges = [EdgeDouble(), EdgeDouble()]
    tasks = [asyncio.create_task(_request(door, edge)) for edge in edges]
    await held.begun.wait()
    for edge in edges:
        edge.leave()
    assert await _statuses(tasks) == [0, 0]
    await asyncio.sleep(0)
    assert set(held.ended) == {"cancelled"}
    assert (len(door.authorizer.flights), len(door.authorizer.cache), door.ran) == (0, 0, 0)


async def test_who_comes_after_all_have_left_begins_anew() -> None:
    """The call of those who left is being cancelled and has not ended when the next request comes."""
    held = Held()
    door = _door(held)
    edge = EdgeDouble()
    first = asyncio.create_task(_request(door, edge))
    await held.begun.wait()
    edge.leave()
    await first
    held.gate.set()
    assert await door.status("/a") == 200
    assert door.calls == 2


async def test_a_task_that_is_cancelled_is_not_taken_for_a_client_that_left() -> None:
    """The server's own end passes through."""
    held = Held()
    door = _door(held)
    [task] = await _waiting(door, {})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert held.ended == ["cancelled"]
    assert door.record["status"] == 503


async def test_what_nobody_expected_reaches_all_who_wait() -> None:
    """J19: and none of them passes."""
    held = Held(RuntimeError("broken"))
    door = _door(held)
    tasks = await _waiting(door, {}, {})
    held.gate.set()
    assert await _statuses(tasks) == [500, 500]
    assert (door.calls, door.ran, len(door.authorizer.flights)) == (1, 0, 0)


async def test_flights_of_different_keys_do_not_meet() -> None:
    flights: Flights[int] = Flights("test")

    async def give(number: int) -> int:
        await asyncio.sleep(0)
        return number

    found = await asyncio.gather(
        flights.join(b"a", lambda: give(1)),
        flights.join(b"b", lambda: give(2)),
        flights.join(b"a", lambda: give(3)),
    )
    assert found == [1, 2, 1]
    assert len(flights) == 0


async def test_a_query_that_is_too_long_is_nobody_elses_bad_request() -> None:
    """The first of two callers of one key sent 1,001 pairs; the second joined its call and was told 400, too."""
    held = Held()
    door = _door(held)
    tasks = await _waiting(door, {"target": "/a?" + "&".join(["x=1"] * 1001)}, {})
    held.gate.set()
    assert await _statuses(tasks) == [400, 200]
    assert door.calls == 1
