"""Images as the engine tells of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from executor.driver import StartError
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.images import Images, read_image
from kit.names import Names
from tests.support.fake_engine import FakeEngine, answering

FOUND = {
    "Id": "sha256:1",
    "Architecture": "amd64",
    "Config": {"Entrypoint": ["/e"], "Cmd": ["a.b"], "Env": ["PATH=/bin", "X=1=2"]},
}


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    async with FakeEngine() as made:
        yield made


@pytest.fixture
async def images(engine: FakeEngine) -> AsyncIterator[Images]:
    client = EngineClient(engine.address)
    await client.open()
    found = Images(client, Names())
    found.arch = "amd64"
    yield found
    await client.close()


def test_what_an_image_says_of_itself() -> None:
    image = read_image(FOUND)
    assert (image.entrypoint, image.command, image.variables) == (("/e",), ("a.b",), {"PATH", "X"})
    bare = read_image({"Id": "sha256:2", "Config": None})
    assert (bare.entrypoint, bare.command, bare.variables) == ((), (), frozenset())
    assert read_image({"Id": "sha256:3", "Config": {"Volumes": {"/b": {}, "/a": {}}}}).volumes == ("/a", "/b")


async def test_image_is_asked_for_once(engine: FakeEngine, images: Images) -> None:
    engine.say(answering(200, FOUND))
    assert await images.get("sha256:1", "python3.12") is await images.get("sha256:1", "python3.12")
    images.forget("sha256:1")
    engine.say(answering(200, FOUND))
    await images.get("sha256:1", "python3.12")
    assert [call.target for call in engine.calls[1:]] == ["/v1.48/images/sha256:1/json"] * 2


async def test_missing_image_is_said_with_what_to_do(engine: FakeEngine, images: Images) -> None:
    """C10"""
    with pytest.raises(StartError, match="pull or build it first") as caught:
        await images.get("sha256:9", "python3.12")
    assert caught.value.permanent
    with pytest.raises(StartError, match=r"No image runs python3\.12"):
        await images.get(None, "python3.12")


async def test_image_for_another_machine_is_refused(engine: FakeEngine, images: Images) -> None:
    engine.say(answering(200, FOUND | {"Architecture": "arm64"}))
    with pytest.raises(StartError, match="made for arm64, and this machine is amd64") as caught:
        await images.get("sha256:1", "python3.12")
    assert caught.value.permanent


@pytest.mark.parametrize(("status", "has_shell"), [(200, True), (404, False)])
async def test_shell_is_looked_for_in_image_functions(
    engine: FakeEngine, images: Images, status: int, has_shell: bool
) -> None:
    engine.say(answering(200, FOUND), answering(201, {"Id": "c"}), answering(status), answering(204))
    assert (await images.get("sha256:1", "image")).has_shell is has_shell
    assert [call.method for call in engine.calls[1:]] == ["GET", "POST", "HEAD", "DELETE"]


async def test_two_first_looks_at_once_are_one(engine: FakeEngine, images: Images) -> None:
    """Two slots of one image were filled at the same time, and the second container of that name was a 409."""
    engine.say(answering(200, FOUND), answering(201, {"Id": "c"}), answering(200), answering(204))
    first, second = await asyncio.gather(*(images.get("sha256:1", "image") for _ in range(2)))
    assert first is second
    assert [call.method for call in engine.calls[1:]] == ["GET", "POST", "HEAD", "DELETE"]
