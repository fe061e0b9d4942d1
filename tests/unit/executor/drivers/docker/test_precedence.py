"""What is made ahead waits for starts from slots, and not for ever."""

import asyncio

import pytest

from executor.drivers.docker import precedence
from executor.drivers.docker.precedence import Precedence


async def turns() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_has_precedence_at_first() -> None:
    async with asyncio.timeout(5):
        await Precedence(lambda: 0.0).clear()


async def test_waits_until_every_start_has_ended() -> None:
    found = Precedence(lambda: 0.0)
    found.begin(1)
    found.begin(2)
    waiter = asyncio.create_task(found.clear())
    await turns()
    found.end(1)
    found.end(1)
    await turns()
    assert not waiter.done()
    found.end(2)
    async with asyncio.timeout(5):
        await waiter


async def test_one_that_begins_meanwhile_has_precedence_too() -> None:
    found = Precedence(lambda: 0.0)
    found.begin(1)
    waiter = asyncio.create_task(found.clear())
    await turns()
    found.begin(2)
    found.end(1)
    await turns()
    assert not waiter.done()
    found.end(2)
    async with asyncio.timeout(5):
        await waiter


async def test_a_long_init_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_S", 0.01)
    found = Precedence(asyncio.get_running_loop().time)
    found.begin(1)
    async with asyncio.timeout(5):
        await found.clear()
    async with asyncio.timeout(5):
        await found.clear()


async def test_several_may_wait() -> None:
    found = Precedence(lambda: 0.0)
    found.begin(1)
    waiters = [asyncio.create_task(found.clear()) for _ in range(2)]
    await turns()
    found.end(1)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiters)
