"""What every `Invoker` is tested in. A further transport is one more parameter of `transport`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from executor.revision import FunctionConfig
from tests.support.executor_world import ExecutorWorld, function

World = AbstractAsyncContextManager[ExecutorWorld]
MakeWorld = Callable[..., World]


@asynccontextmanager
async def in_process(*functions: FunctionConfig, **limits: int) -> AsyncIterator[ExecutorWorld]:
    """The executor itself."""
    async with ExecutorWorld(*functions, **limits) as world:
        yield world


@pytest.fixture(params=[pytest.param(in_process, id="in-process")])
def make_world(request: pytest.FixtureRequest) -> MakeWorld:
    made: MakeWorld = request.param
    return made


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[ExecutorWorld]:
    """One function ``f``, for as many environments as it takes, and ``one`` that never gets a second place."""
    async with make_world(function("f"), function("one", reserved=1)) as made:
        yield made
