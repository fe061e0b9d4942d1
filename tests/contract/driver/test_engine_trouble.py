"""An engine that is slow, gone or behind our back: what the driver says, that each call ends, that nothing is left."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from executor.driver import ChannelKind, StartError
from executor.drivers.docker.engine import client
from executor.drivers.docker.engine.client import EngineClient
from tests.support.docker_world import DockerWorld
from tests.support.engine import Engine
from tests.support.engine_proxy import EngineProxy


@pytest.fixture
async def direct(engine: Engine) -> AsyncIterator[EngineClient]:
    """The engine past the proxy: somebody else who uses it."""
    found = EngineClient(DockerWorld(engine.address, engine.images).address)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
async def proxy(engine: Engine) -> AsyncIterator[EngineProxy]:
    async with EngineProxy(engine.socket) as made:
        yield made


@pytest.fixture
async def world(engine: Engine, proxy: EngineProxy) -> AsyncIterator[DockerWorld]:
    async with DockerWorld(proxy.address, engine.images) as made:
        yield made


def name(world: DockerWorld, number: int) -> str:
    return f"lockgate-{world.names.instance}-{world.names.epoch}-{number}"


async def test_container_that_somebody_else_kills_is_told(world: DockerWorld, direct: EngineClient) -> None:
    environment = await world.start()
    await direct.kill(name(world, environment.number))
    report = await environment.exit()
    assert (report.signal, report.out_of_memory) == (9, False)


async def test_container_that_somebody_else_removes_is_told(world: DockerWorld, direct: EngineClient) -> None:
    environment = await world.start()
    await direct.remove(name(world, environment.number))
    await environment.exit()
    await environment.stop()
    assert world.driver.environments() == frozenset()


async def test_ends_while_the_engine_was_gone_are_told_when_it_is_back(
    world: DockerWorld, direct: EngineClient, proxy: EngineProxy
) -> None:
    killed, removed, stays = await world.start(), await world.start(), await world.start()
    await proxy.go()
    await direct.kill(name(world, killed.number))
    await direct.remove(name(world, removed.number))
    with pytest.raises(OSError, match="unix:"):
        await world.driver.refresh()
    assert {
        killed.number,
        removed.number,
        stays.number,
    } <= world.driver.environments()  # what was known stays
    assert (await killed.exit()).is_lost  # by the kernel's word; why is the engine's to say
    assert (await removed.exit()).is_lost
    await proxy.come()
    assert await stays.does("result = 1") == 1
    assert stays.number not in world.sink.exits


async def test_starts_wait_for_an_engine_that_is_gone_and_stops_are_refused(
    world: DockerWorld, proxy: EngineProxy
) -> None:
    environment = await world.start()
    assert world.driver.trouble == ""
    await proxy.go()
    starting = asyncio.create_task(world.start())
    with pytest.raises(OSError, match="unix:"):
        await environment.stop()
    assert await environment.does("result = 1") == 1  # calls do not need the engine
    assert "engine does not answer" in world.driver.trouble
    assert not starting.done()
    await proxy.come()
    assert await (await starting).does("result = 2") == 2
    assert world.driver.trouble == ""
    await environment.stop()
    await world.driver.stop(environment.number + 1, 0)
    assert world.driver.environments() == frozenset()


async def test_start_that_waits_for_the_engine_can_be_given_up(
    world: DockerWorld, proxy: EngineProxy
) -> None:
    first = await world.start()
    await proxy.go()
    with pytest.raises(OSError, match="unix:"):
        await world.driver.refresh()
    plan = world.spec(world.revision(world.package({"app.py": ""})))
    address = await world.channel(plan.environment, ChannelKind.SOCKET)
    starting = asyncio.create_task(world.driver.start(plan, address))
    with pytest.raises(OSError, match="unix:"):
        await first.stop()
    with pytest.raises(OSError, match="unix:"):
        await world.driver.stop(plan.environment, 0)
    with pytest.raises(StartError, match="engine was gone"):
        await starting
    await proxy.come()
    await world.driver.stop(plan.environment, 0)
    await first.stop()
    assert world.driver.environments() == frozenset()


async def test_engine_that_stalls_ends_each_call_at_its_deadline_and_a_start_is_made_anew(
    world: DockerWorld, proxy: EngineProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for may have happened still: it is removed before the start is made again."""
    environment = await world.start()
    monkeypatch.setattr(client, "START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(client, "REMOVE_TIMEOUT_S", 0.5)
    proxy.stall()
    starting = asyncio.create_task(world.start())
    with pytest.raises(TimeoutError):
        await environment.stop()
    while not world.driver.trouble:  # noqa: ASYNC110  # it is the engine's silence that is waited for
        await asyncio.sleep(0.02)
    monkeypatch.undo()
    proxy.flow()
    assert await (await starting).does("result = 1") == 1
    for number in tuple(world.driver.environments()):
        await world.driver.stop(number, 0)
    await world.driver.refresh()
    assert world.driver.environments() == frozenset()


async def test_container_of_ours_that_nobody_knows_is_listed_and_removed(
    world: DockerWorld, direct: EngineClient
) -> None:
    labels = {"lockgate.instance": world.names.instance, "lockgate.epoch": "1", "lockgate.environment": "77"}
    await direct.create(name(world, 77), {"Image": world.image, "Cmd": ["true"], "Labels": labels})
    await world.driver.refresh()
    assert world.driver.environments() == {77}
    await world.driver.stop(77, 0)
    await world.driver.refresh()
    assert world.driver.environments() == frozenset()


async def test_calls_share_few_connections(world: DockerWorld, proxy: EngineProxy) -> None:
    before = proxy.connections
    for _ in range(10):
        await world.driver.refresh()
    assert proxy.connections - before <= 2
