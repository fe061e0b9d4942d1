"""An engine that is slow, gone or behind our back: what the driver says, that each call ends, that nothing is left."""

from collections.abc import AsyncIterator

import pytest

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
    await proxy.come()
    assert (await killed.exit()).signal == 9
    await removed.exit()
    assert await stays.does("result = 1") == 1
    assert stays.number not in world.sink.exits


async def test_engine_that_is_gone_fails_starts_and_stops_until_it_is_back(
    world: DockerWorld, proxy: EngineProxy
) -> None:
    environment = await world.start()
    await proxy.go()
    with pytest.raises(OSError, match="unix:"):
        await world.begin(world.revision(world.package({"app.py": ""})))
    with pytest.raises(OSError, match="unix:"):
        await environment.stop()
    assert await environment.does("result = 1") == 1  # calls do not need the engine
    await proxy.come()
    await environment.stop()
    await world.driver.stop(environment.number + 1, 0)
    assert world.driver.environments() == frozenset()


async def test_engine_that_stalls_ends_each_call_at_its_deadline(
    world: DockerWorld, proxy: EngineProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for may happen still: `stop` removes what came of it."""
    environment = await world.start()
    proxy.stall()
    monkeypatch.setattr(client, "START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(client, "REMOVE_TIMEOUT_S", 0.5)
    with pytest.raises(TimeoutError):
        await world.begin(world.revision(world.package({"app.py": ""})))
    with pytest.raises(TimeoutError):
        await environment.stop()
    monkeypatch.undo()
    proxy.flow()
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
