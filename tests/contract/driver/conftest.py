"""The same tests for every driver: they get a world whose driver is open."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.docker_world import DockerWorld
from tests.support.driver_world import DriverWorld
from tests.support.engine import Engine, engine
from tests.support.process_contract_world import ProcessContractWorld

__all__ = ["engine"]

DRIVERS = ("process", "docker")
MakeWorld = Callable[..., DriverWorld]


@pytest.fixture(params=DRIVERS)
def make_world(request: pytest.FixtureRequest) -> MakeWorld:
    """Makes worlds of one driver; their instances are different unless it is said."""
    if request.param == "process":
        return ProcessContractWorld
    found: Engine = request.getfixturevalue("engine")
    return lambda **options: DockerWorld(found.address, found.images, **options)


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[DriverWorld]:
    async with make_world() as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "contract/driver" in str(item.path):
            item.add_marker(pytest.mark.timeout(120))
