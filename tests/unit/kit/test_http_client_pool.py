"""Who gets which connection, with connections that are only names."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from kit.http_client_connection import Connection
from kit.http_client_errors import ClientClosed, ConnectFailed, NoConnection
from kit.http_client_pool import Pool


class Fake:
    """As much of a connection as the pool needs."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.deadline = float("inf")
        self.open = True
        self.failed: Exception | None = None
        self.expired = asyncio.Event()

    def is_open(self) -> bool:
        return self.open

    def fail(self, error: Exception) -> None:
        self.open, self.failed = False, error

    def expire(self) -> None:
        self.open = False
        self.expired.set()


class World:
    def __init__(self, **limits: Any) -> None:
        self.made: list[Fake] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.pool = Pool(self._connect, **({"places": 2, "waiting": 10, "idle_s": 30.0} | limits))

    async def _connect(self, _deadline: float) -> Connection:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.made.append(Fake(len(self.made) + 1))
        return cast(Connection, self.made[-1])

    async def take(self, wait_s: float = 10.0) -> Fake:
        pool = self.pool
        found = pool.take_rested() or await pool.take(asyncio.get_running_loop().time() + wait_s)
        return cast(Fake, found)

    def begin(self, wait_s: float = 10.0) -> "asyncio.Task[Fake]":
        return asyncio.create_task(self.take(wait_s), name="taker")

    def rest(self, fake: Fake) -> None:
        self.pool.rested(cast(Connection, fake))

    def lose(self, fake: Fake) -> None:
        fake.open = False
        self.pool.lost(cast(Connection, fake))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.pool.close()


async def turn() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_most_recently_used_connection_is_taken_first(world: World) -> None:
    first, second = await world.take(), await world.take()
    world.rest(second)
    world.rest(first)
    assert await world.take() is first
    assert await world.take() is second
    assert len(world.made) == 2


async def test_waiters_are_served_in_order_and_nobody_overtakes(world: World) -> None:
    first, second = await world.take(), await world.take()
    waiting = [world.begin() for _ in range(3)]
    await turn()
    world.rest(first)
    late = world.begin()
    await turn()
    assert [task.done() for task in (*waiting, late)] == [True, False, False, False]
    world.rest(second)
    world.rest(first)
    await turn()
    assert [task.done() for task in (*waiting, late)] == [True, True, True, False]
    assert waiting[0].result() is first
    assert waiting[1].result() is second
    late.cancel()


async def test_place_of_a_dead_connection_goes_to_who_waits_longest(world: World) -> None:
    first, _ = await world.take(), await world.take()
    waiting = [world.begin() for _ in range(2)]
    await turn()
    world.lose(first)
    await turn()
    assert [task.done() for task in waiting] == [True, False]
    assert waiting[0].result().number == 3
    waiting[1].cancel()


async def test_failed_attempt_gives_its_place_on(world: World) -> None:
    await world.take()
    world.gate = asyncio.Event()
    connecting, waiting = world.begin(), None
    await turn()
    waiting = world.begin()
    await turn()
    world.error = ConnectFailed("nobody")
    world.gate.set()
    for task in (connecting, waiting):
        with pytest.raises(ConnectFailed):
            await task
    world.error = None
    assert (await world.take()).number == 2


async def test_cancelled_attempt_gives_its_place_back(world: World) -> None:
    await world.take()
    world.gate = asyncio.Event()
    connecting = world.begin()
    await turn()
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    world.gate.set()
    assert (await world.take()).number == 2


@pytest.mark.parametrize("dead", [False, True], ids=["connection", "place"])
async def test_waiter_who_leaves_in_the_moment_of_its_turn_passes_it_on(world: World, dead: bool) -> None:
    """Cancelled between being served and waking up: what it was given is not lost."""
    first, _ = await world.take(), await world.take()
    leaving, next_one = world.begin(), world.begin()
    await turn()
    if dead:
        world.lose(first)
    else:
        world.rest(first)
    leaving.cancel()
    await turn()
    assert leaving.cancelled()
    assert next_one.done()
    assert (next_one.result() is first) is not dead


async def test_connection_that_dies_on_the_way_to_its_waiter_keeps_the_waiters_place(world: World) -> None:
    first, second = await world.take(), await world.take()
    unlucky, other = world.begin(), world.begin()
    await turn()
    world.rest(first)
    first.open = False
    await turn()
    assert not unlucky.done()
    world.rest(second)
    await turn()
    assert unlucky.done()
    assert not other.done()
    other.cancel()


async def test_dead_rested_connections_are_passed_over(world: World) -> None:
    first, second = await world.take(), await world.take()
    world.rest(second)
    world.rest(first)
    first.open = False
    assert await world.take() is second


async def test_waiting_ends_at_its_deadline_and_at_its_bound() -> None:
    world = World(places=1, waiting=1)
    busy = await world.take()
    with pytest.raises(NoConnection, match="in time"):
        await world.take(0.01)
    waiting = world.begin()
    await turn()
    with pytest.raises(NoConnection, match="1 requests wait"):
        await world.take()
    world.rest(busy)
    assert await waiting is busy
    world.pool.close()


async def test_connections_expire_when_their_deadline_passes() -> None:
    world = World(idle_s=0.02)
    first = await world.take()
    first.deadline = asyncio.get_running_loop().time() + 0.05
    world.pool.due(first.deadline)
    second = await world.take()
    world.rest(second)
    await first.expired.wait()
    await second.expired.wait()
    world.pool.close()


async def test_close_fails_everybody(world: World) -> None:
    first, second = await world.take(), await world.take()
    waiting = world.begin()
    await turn()
    world.pool.close()
    with pytest.raises(ClientClosed):
        await waiting
    with pytest.raises(ClientClosed):
        await world.take()
    assert isinstance(first.failed, ClientClosed)
    assert isinstance(second.failed, ClientClosed)
