"""`image:` functions run as they are: their own words unless one is overridden, their own client, our limits."""

import io
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.driver import StartError
from executor.drivers.docker.probe import ProbeFailed
from executor.revision import ImageConfig
from tests.contract.driver.conftest import MakeWorld
from tests.support.docker_world import DockerWorld
from tests.support.engine import Engine

CLIENT = b"""
import json, os, sys, urllib.request as r
print("started", flush=True)
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with r.urlopen(api + "next") as event:
        number, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    print("event", body, flush=True)
    answer = [sys.argv[1:], os.environ["_HANDLER"], os.getcwd(), os.getuid(), os.environ.get("FROM_IMAGE")]
    if "code" in body:
        scope = {}
        exec(body["code"], scope)
        answer = scope["result"]
    r.urlopen(r.Request(api + number + "/response", json.dumps(answer).encode(), method="POST")).read()
"""


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    """An image with a runtime client of its own, made without a registry."""
    client = engine.client()
    container = client.containers.create(engine.images["python3.11"], ["true"])
    try:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            entry = tarfile.TarInfo("client.py")
            entry.size, entry.mode = len(CLIENT), 0o644
            tar.addfile(entry, io.BytesIO(CLIENT))
        container.put_archive("/srv", packed.getvalue())
        conf = {
            "Entrypoint": ["python3", "/srv/client.py"],
            "Cmd": ["app.handler"],
            "WorkingDir": "/srv",
            "User": "0",
            "Env": ["FROM_IMAGE=1", "PATH=/usr/bin:/bin"],
        }
        made = container.commit(conf=conf)
        yield str(made.id)
        client.images.remove(made.id, force=True)
    finally:
        container.remove(force=True)
        client.close()


@pytest.fixture(scope="module")
def make_world(engine: Engine) -> MakeWorld:
    return lambda **options: DockerWorld(engine.address, engine.images, **options)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(ImageConfig(), [["app.handler"], "app.handler", "/srv"], id="as-it-is"),
        pytest.param(ImageConfig(command=("my.other",)), [["my.other"], "my.other", "/srv"], id="command"),
        pytest.param(
            ImageConfig(entry_point=("/usr/bin/python3", "-u", "/srv/client.py"), working_directory="/usr"),
            [["app.handler"], "app.handler", "/usr"],
            id="entrypoint-and-folder",
        ),
    ],
)
async def test_image_runs_with_its_own_words(
    world: DockerWorld, image: str, config: ImageConfig, expected: list[object]
) -> None:
    revision = world.revision("", image=image, runtime="image", image_config=config)
    environment = await (await world.begin(revision)).ready()
    answer = await environment.invoke({"a": 1})
    # USER is ignored, as on Lambda.
    assert answer.body == bytes(str([*expected, 200_000, "1"]).replace("'", '"'), "utf-8")
    world.driver.flush(environment.number)
    assert environment.output.splitlines() == ["started", "event {'a': 1}"]


@pytest.fixture(scope="module")
def image_with_volumes(engine: Engine, image: str) -> Iterator[str]:
    """One whose VOLUME lines make folders that everybody may write to."""
    client = engine.client()
    container = client.containers.create(image, ["true"])
    try:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            folder = tarfile.TarInfo("data")
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
            entry = tarfile.TarInfo("data/seed")
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"seed"))
        container.put_archive("/srv", packed.getvalue())
        made = container.commit(conf={"Volumes": {"/srv/data": {}, "/tmp": {}}})
        yield str(made.id)
        client.images.remove(made.id, force=True)
    finally:
        container.remove(force=True, v=True)
        client.close()


WRITES = """
import json
result = []
for path in ("/srv/data/x", "/tmp/x"):
    try:
        open(path, "w").write("x")
        result.append("written")
    except OSError as error:
        result.append(error.strerror)
result.append(open("/srv/data/seed").read())
"""


async def test_volumes_of_an_image_are_read_only(world: DockerWorld, image_with_volumes: str) -> None:
    """C1: a folder that its VOLUME declares is no way to the machine's disk; /tmp is what it always is."""
    environment = await (
        await world.begin(world.revision("", image=image_with_volumes, runtime="image"))
    ).ready()
    assert await environment.does(WRITES) == ["Read-only file system", "written", "seed"]


async def test_image_that_is_not_there(world: DockerWorld) -> None:
    """C10: by its content, never by a name that might be another one tomorrow."""
    revision = world.revision("", image="sha256:" + "0" * 64, runtime="image")
    with pytest.raises(StartError, match="is not on the engine") as caught:
        await world.begin(revision)
    assert caught.value.permanent


async def test_entrypoint_that_does_not_exist(world: DockerWorld, image: str) -> None:
    config = ImageConfig(entry_point=("/no/such/program",))
    environment = await world.begin(world.revision("", image=image, runtime="image", image_config=config))
    assert (await environment.exit()).code == 127


@pytest.fixture(scope="module")
def bare_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One program and nothing else: no shell, no library."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("bare")
    source, program = folder / "p.c", folder / "p"
    source.write_text(
        '#include <stdio.h>\nint main(){for(int i=0;i<500;i++)printf("line %d\\n",i);return 3;}\n'
    )
    subprocess.run([compiler, "-static", "-o", program, source], check=True)
    packed = _tar(program)
    client = engine.client()
    name = "lockgate-test-bare:t"
    client.api.import_image_from_data(
        packed, repository="lockgate-test-bare", tag="t", changes=['CMD ["/p"]']
    )
    yield str(client.images.get(name).id)
    client.images.remove(name, force=True)
    client.close()


def _tar(program: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, arcname="p")
    return packed.getvalue()


async def test_output_of_an_image_without_a_shell_comes_whole(world: DockerWorld, bare_image: str) -> None:
    """By attach, opened before the start; the end is told after the last of it."""
    environment = await world.begin(world.revision("", image=bare_image, runtime="image"))
    assert (await environment.exit()).code == 3
    assert environment.output.splitlines() == [f"line {number}" for number in range(500)]


async def test_runtime_image_without_a_shell_is_refused_at_once(engine: Engine, bare_image: str) -> None:
    with pytest.raises(ProbeFailed, match="cannot run /bin/sh of its image"):
        async with DockerWorld(engine.address, {"python3.11": bare_image}):
            pass


async def test_volumes_of_a_killed_instance_go(engine: Engine) -> None:
    """Its containers are gone, and what was made for them by name is not: the next start removes it."""
    client = engine.client()
    own, other = secrets.token_hex(4), secrets.token_hex(4)
    try:
        for instance in (own, other):
            client.volumes.create(f"lockgate-{instance}-1-1-0", labels={"lockgate.instance": instance})
        async with DockerWorld(engine.address, engine.images, instance=own, epoch=2):
            names = {str(volume.name) for volume in client.volumes.list()}
        assert f"lockgate-{own}-1-1-0" not in names
        assert f"lockgate-{other}-1-1-0" in names
    finally:
        client.volumes.get(f"lockgate-{other}-1-1-0").remove()
        client.close()
