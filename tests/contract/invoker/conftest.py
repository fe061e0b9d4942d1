"""What every `Invoker` is tested in. A further transport is one more parameter of `transport`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from executor.revision import FunctionConfig
from tests.support.executor_world import ExecutorWorld, function
from tests.support.remote_door import RemoteDoor

World = AbstractAsyncContextManager[ExecutorWorld]
MakeWorld = Callable[..., World]


@asynccontextmanager
async def in_process(*functions: FunctionConfig, **limits: int) -> AsyncIterator[ExecutorWorld]:
    """The executor itself."""
    async with ExecutorWorld(*functions, **limits) as world:
        yield world


@asynccontextmanager
async def over_socket(*functions: FunctionConfig, **limits: int) -> AsyncIterator[ExecutorWorld]:
    """The executor behind its unix socket, as edge processes reach it."""
    async with ExecutorWorld(*functions, **limits) as world, RemoteDoor(world) as door:
        world.invoker = door.invoker
        yield world


@pytest.fixture(params=[pytest.param(in_process, id="in-process"), pytest.param(over_socket, id="socket")])
def make_world(request: pytest.FixtureRequest) -> MakeWorld:
    made: MakeWorld = request.param
    return made


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[ExecutorWorld]:
    """One function ``f``, for as many environments as it takes, and ``one`` that never gets a second place."""
    async with make_world(function("f"), function("one", reserved=1)) as made:
        yield made
