"""What the engine is asked when containers are to go: those that a dead server left, and one that runs."""

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from executor.drivers.docker.engine.client import EngineClient
from tests.support.fake_engine import FakeEngine, answering


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    async with FakeEngine() as made:
        yield made


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[EngineClient]:
    made = EngineClient(engine.address)
    await made.open()
    yield made
    await made.close()


def query(engine: FakeEngine) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(engine.calls[-1].target).query).items()}


async def test_what_was_left_is_found_by_its_label_whether_it_runs_or_not(
    engine: FakeEngine, client: EngineClient
) -> None:
    """C7: one that was made and never started has a network, a disk and a name, too."""
    engine.say(answering(200, [{"Id": "c0ffee"}]))
    assert await client.containers("lockgate.instance=1a2b3c4d") == [{"Id": "c0ffee"}]
    asked = query(engine)
    assert json.loads(asked["filters"]) == {"label": ["lockgate.instance=1a2b3c4d"]}
    assert asked["all"] == "1"


async def test_container_is_killed_and_removed_in_one_step(engine: FakeEngine, client: EngineClient) -> None:
    """C7: the engine's SIGKILL; nothing waits for the function's consent."""
    engine.say(answering(204))
    await client.remove("c0ffee")
    assert (engine.calls[-1].method, query(engine)) == ("DELETE", {"force": "1", "v": "1"})
