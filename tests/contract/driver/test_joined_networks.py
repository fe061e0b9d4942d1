"""A container that joins networks of the engine: guarded there before it runs, and there before its program looks."""

import io
import socket
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from executor.drivers.docker.network import NetworkPlan
from executor.revision import NetworkConfig
from tests.contract.driver.conftest import MakeWorld
from tests.support.docker_world import DockerWorld
from tests.support.engine import Engine
from tests.support.isolation_network import SERVE

# An image's own shell that does not wait for anything: it knocks at the machine all the time.
EARLY_SHELL = """#!/bin/bash
for knock in {1..3000}; do
  (exec 3<>/dev/tcp/$MACHINE && echo reached >>/tmp/early) 2>/dev/null
done &
exec /bin/dash "$@"
"""
CLIENT = b"""
import json, os, urllib.request as r
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with r.urlopen(api + "next") as event:
        number = event.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = [os.path.exists("/tmp/early"), os.path.exists("/tmp/database")]
    r.urlopen(r.Request(api + number + "/response", json.dumps(answer).encode(), method="POST")).read()
"""
MAIN = b"""
import os, runpy, socket
with socket.create_connection((os.environ["DATABASE"], 5432)) as connection:
    if connection.recv(4) == b"here":
        open("/tmp/database", "w").close()
runpy.run_path("/srv/client.py")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """:param machine: HOST/PORT of a server on this machine, as it is reached from the network."""

    image: str
    network: str
    machine: str
    database: str


@pytest.fixture(scope="module")
def make_world(engine: Engine) -> MakeWorld:
    return lambda **options: DockerWorld(engine.address, engine.images, **options)


@pytest.fixture(scope="module")
def site(engine: Engine) -> Iterator[Site]:
    client = engine.client()
    plain = engine.images["python3.11"]
    network = client.networks.create(f"lgtest-joined-{id(client)}")
    listener = socket.create_server(("0.0.0.0", 0))
    made = [client.containers.create(plain, ["true"])]
    try:
        network.reload()
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        machine = f"{gateway}/{listener.getsockname()[1]}"
        database = client.containers.run(
            plain, SERVE, detach=True, init=True, network=network.name, name=f"lgtest-db-{id(client)}"
        )
        made.append(database)
        reach = ["bash", "-c", f"exec 3<>/dev/tcp/{machine} && echo reached"]
        assert client.containers.run(plain, reach, network=network.name, remove=True) == b"reached\n"
        made[0].put_archive("/", _tar({"srv/client.py": CLIENT, "srv/main.py": MAIN}))
        made[0].put_archive("/usr/bin", _tar({"sh": EARLY_SHELL.encode()}))
        image = made[0].commit(conf={"Entrypoint": ["python3", "/srv/main.py"], "Env": ["PATH=/usr/bin"]})
        yield Site(
            image=str(image.id), network=str(network.name), machine=machine, database=str(database.name)
        )
        client.images.remove(image.id, force=True)
    finally:
        listener.close()
        for container in made:
            container.remove(force=True)
        network.remove()
        client.close()


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("egress", ["none", "internet"])
async def test_joined_network_is_guarded_before_anything_runs(
    world: DockerWorld, site: Site, egress: Literal["internet", "none"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C4: the machine is not reached from a joined network, not even by what runs first; the database is, at once.

    A container without rules, on the same network, has reached the machine (see `site`).
    """
    if not world.driver.is_guarded:
        pytest.skip("no rules can be set here")
    networks, states = world.driver._networks, list[str]()
    attached = networks.attached

    async def watched(plan: NetworkPlan, endpoints: Mapping[str, Mapping[str, Any]]) -> None:
        states.append(await world.state(world.upcoming - 1))
        assert site.network in endpoints
        await attached(plan, endpoints)

    monkeypatch.setattr(networks, "attached", watched)
    network = NetworkConfig(egress=egress, join=(site.network,))
    variables = {"MACHINE": site.machine, "DATABASE": site.database}
    revision = world.revision("", image=site.image, runtime="image", network=network, environment=variables)
    environment = await (await world.begin(revision)).ready()
    assert (await environment.invoke({})).body == b"[false, true]"
    assert (states, await world.state(environment.number)) == (["paused"], "running")


async def test_program_that_ends_before_it_has_joined(world: DockerWorld, site: Site) -> None:
    """Its end is told as any other's: it is no fault of the start."""
    revision = world.revision(
        "",
        image=site.image,
        runtime="image",
        network=NetworkConfig(join=(site.network,)),
        environment={"MACHINE": site.machine},
    )
    environment = await world.begin(revision)
    assert (await environment.exit()).code == 1  # it has no DATABASE
