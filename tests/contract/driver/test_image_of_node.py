"""An image with Node's unmodified aws-lambda-ric, as people build them: nothing of ours is in it."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.revision import ImageConfig
from tests.contract.driver.conftest import MakeWorld
from tests.support.docker_world import DockerWorld
from tests.support.engine import Engine

CLIENT = Path(__file__).parents[2] / "node" / "node_modules" / "aws-lambda-ric"
HANDLERS = b"""
export const handler = async (event, context) => {
  console.log('event', event.a);
  return { got: event, name: context.functionName, memory: context.memoryLimitInMB, uid: process.getuid() };
};
export const fails = async () => { throw new RangeError('no'); };
"""


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    if not (CLIENT / "dist" / "rapid-client.node").is_file():
        pytest.skip("aws-lambda-ric is not built: make .venv/node")
    client = engine.client()
    container = client.containers.create(engine.images["nodejs18"], ["true"])
    try:
        container.put_archive("/srv", _packed())
        made = container.commit(
            conf={
                "Entrypoint": ["node", "/srv/node_modules/aws-lambda-ric/bin/index.mjs"],
                "Cmd": ["app.handler"],
                "WorkingDir": "/srv",
            }
        )
        yield str(made.id)
        client.images.remove(made.id, force=True)
    finally:
        container.remove(force=True)
        client.close()


def _packed() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("package.json", "bin", "dist"):
            tar.add(CLIENT / name, arcname=f"node_modules/aws-lambda-ric/{name}")
        entry = tarfile.TarInfo("app.mjs")
        entry.size, entry.mode = len(HANDLERS), 0o644
        tar.addfile(entry, io.BytesIO(HANDLERS))
    return packed.getvalue()


@pytest.fixture(scope="module")
def make_world(engine: Engine) -> MakeWorld:
    return lambda **options: DockerWorld(engine.address, engine.images, **options)


async def test_it_answers_as_its_own_user_with_our_limits(world: DockerWorld, image: str) -> None:
    revision = world.revision("", image=image, runtime="image")
    environment = await (await world.begin(revision)).ready()
    for number in (1, 2):
        answer = json.loads((await environment.invoke({"a": number})).body)
        assert answer == {
            "got": {"a": number},
            "name": revision.config.name,
            "memory": str(revision.config.memory_mb),
            "uid": 200_000,
        }


async def test_what_it_throws_is_the_answer(world: DockerWorld, image: str) -> None:
    revision = world.revision(
        "", image=image, runtime="image", image_config=ImageConfig(command=("app.fails",))
    )
    environment = await (await world.begin(revision)).ready()
    answer = await environment.invoke({})
    told = json.loads(answer.body)
    assert (answer.error, told["errorType"], told["errorMessage"]) == ("Function.Unknown", "RangeError", "no")
