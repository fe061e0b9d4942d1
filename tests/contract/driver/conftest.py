"""The same tests for every driver: they get a world whose driver is open."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.support.docker_world import DockerWorld
from tests.support.driver_world import DriverWorld
from tests.support.engine import Engine, engine
from tests.support.process_contract_world import ProcessContractWorld

__all__ = ["engine"]

DRIVERS = ("process", "docker")
MakeWorld = Callable[..., DriverWorld]


def _maker(driver: str, request: pytest.FixtureRequest) -> MakeWorld:
    if driver == "process":
        return ProcessContractWorld
    found: Engine = request.getfixturevalue("engine")
    return lambda **options: DockerWorld(found.address, found.images, **options)


@pytest.fixture(params=DRIVERS, scope="module")
def make_world(request: pytest.FixtureRequest) -> MakeWorld:
    """Makes worlds of one driver; their instances are different unless it is said."""
    return _maker(request.param, request)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_world(make_world: MakeWorld) -> AsyncIterator[DriverWorld]:
    """Opening a driver tries the engine out and makes networks: once for all tests of a module."""
    async with make_world() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared_world: DriverWorld) -> AsyncIterator[DriverWorld]:
    """Without environments at the beginning and at the end."""
    yield shared_world
    await shared_world.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "contract/driver" in str(item.path):
            item.add_marker(pytest.mark.timeout(120))
            if isinstance(item, pytest.Function) and "shared_world" in item.fixturenames:
                item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
