"""Stops: whenever they come, they end in nothing."""

import asyncio
from contextlib import suppress

from executor.driver import StartError
from tests.support.driver_world import DriverWorld


async def test_stop_is_idempotent(world: DriverWorld) -> None:
    environment = await world.start()
    await asyncio.gather(environment.stop(), environment.stop())
    await environment.stop()
    await world.driver.stop(12345, 0)  # nobody ever heard of it
    assert world.driver.environments() == frozenset()


async def test_stop_of_one_that_has_ended(world: DriverWorld) -> None:
    environment = await world.start()
    environment.dies_of("os._exit(1)")
    await environment.exit()
    await environment.stop()
    assert world.driver.environments() == frozenset()


async def test_stop_while_it_starts(world: DriverWorld) -> None:
    number, beginning = world.upcoming, asyncio.create_task(world.launch())
    await _is_being_made(world, beginning)
    await world.driver.stop(number, 0)
    with suppress(StartError):  # it was too late to be stopped, or it was not
        await beginning
    assert world.driver.environments() == frozenset()
    assert (await (await world.start()).does("result = 1")) == 1


async def test_start_that_is_cancelled(world: DriverWorld) -> None:
    number, beginning = world.upcoming, asyncio.create_task(world.launch())
    await _is_being_made(world, beginning)
    beginning.cancel()
    await asyncio.wait([beginning])
    await world.driver.stop(number, 0)
    assert world.driver.environments() == frozenset()
    assert world.sink.exits == {}


async def _is_being_made(world: DriverWorld, beginning: "asyncio.Task[object]") -> None:
    """The driver knows of it; that is some turns of the loop after the task began."""
    while not world.driver.environments():
        assert not beginning.done()
        await asyncio.sleep(0)


async def test_processes_that_do_not_want_to_end(world: DriverWorld) -> None:
    """C7: one that ignores signals, forks and closes its streams is gone when stop returns."""
    environment = await world.start("import signal; signal.signal(15, signal.SIG_IGN)")
    code = """
import signal
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 1024)
        while True:
            signal.pause()
result = "forked"
"""
    assert await environment.does(code) == "forked"
    await environment.stop()
    assert world.driver.environments() == frozenset()


async def test_fork_bomb_is_stopped_at_its_limit_and_removed(world: DriverWorld) -> None:
    """C1, C7: no more processes than the limit, and none is left."""
    environment = await world.start(memory_mb=2048)
    code = """
import signal
count = 0
try:
    while count < 5000:
        if os.fork() == 0:
            while True:
                signal.pause()
        count += 1
except OSError:
    pass
result = count
"""
    assert 100 < await environment.does(code) < 1100
    await environment.stop()


async def test_function_that_waits_for_ever_is_removed(world: DriverWorld) -> None:
    environment = await world.start()
    environment.dies_of("while True: pass")
    await environment.stop()
    assert world.sink.answers[environment.number] == []
    assert world.sink.exits == {}
