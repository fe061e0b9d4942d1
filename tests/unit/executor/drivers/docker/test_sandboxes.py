from typing import Any, cast

import pytest

from executor.driver import StartError
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.sandboxes import Sandboxes


class Told:
    """An engine that only says which runtimes it has."""

    def __init__(self, *names: str) -> None:
        self.runtimes = dict.fromkeys(names)
        self.asked = 0

    async def info(self) -> dict[str, Any]:
        self.asked += 1
        return {"Runtimes": self.runtimes}


def sandboxes(engine: Told) -> Sandboxes:
    return Sandboxes(cast(EngineClient, engine))


async def test_runtime_that_the_engine_lacks_is_named_with_those_it_has() -> None:
    with pytest.raises(StartError, match=r'no runtime "runsc": it has crun, runc') as caught:
        await sandboxes(Told("runc", "crun")).check("runsc")
    assert caught.value.permanent


async def test_runtime_that_was_found_is_not_asked_for_again() -> None:
    engine = Told("runc", "runsc")
    found = sandboxes(engine)
    await found.check("runsc")
    await found.check("runsc")
    assert engine.asked == 1


async def test_runtime_that_came_meanwhile_is_found() -> None:
    engine = Told("runc")
    found = sandboxes(engine)
    with pytest.raises(StartError):
        await found.check("runsc")
    engine.runtimes["runsc"] = None
    await found.check("runsc")


@pytest.mark.parametrize("name", [None, "io.containerd.runsc.v1"])
async def test_what_the_engine_does_not_list_is_not_asked_for(name: str | None) -> None:
    engine = Told()
    await sandboxes(engine).check(name)
    assert engine.asked == 0
