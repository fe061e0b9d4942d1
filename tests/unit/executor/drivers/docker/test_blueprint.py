"""What is mounted into containers, and what of a function's words reaches the profile."""

from dataclasses import replace
from pathlib import Path

import pytest

from executor.driver import ChannelAddress, ChannelKind, EnvironmentShape, SlotSpec, StartSpec
from executor.drivers.docker.blueprint import Materials, function_container, slot_container
from executor.drivers.docker.container import Container
from executor.drivers.docker.images import Image
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.probe import Findings
from executor.drivers.docker.profile import ContainerSpec
from executor.drivers.docker.workspace import Delivery, Workspace
from executor.revision import FunctionConfig, Revision
from kit.names import Names

NAMES = Names(instance="1a2b3c4d", epoch=7)
WORKSPACE = Workspace(Path("/w"))
FINDINGS = Findings(fifo=True, delivery=Delivery.LINKED, disk=True, cgroups=None, degraded=())
MATERIALS = Materials(names=NAMES, workspace=WORKSPACE, findings=FINDINGS)
IMAGE = Image(id="sha256:1", entrypoint=("/e",), command=(), variables=frozenset(), arch="amd64")
PLAN = NetworkPlan(egress="none", mode="none", endpoints={})
SOCKET = ChannelAddress(kind=ChannelKind.SOCKET, folder=Path("/run/l/e/3"))
CONFIG = FunctionConfig(name="notes", runtime="python3.13", handler="app.handler", environment={"A": "1"})
SHAPE = EnvironmentShape(runtime="python3.13", storage_mb=64)


def container() -> Container:
    made = Container(number=3, name="lockgate-1a2b3c4d-7-3", uid_slot=0, uid=200_000, gid=200_000)
    made.folder = WORKSPACE.folder("3")
    return made


def function(
    config: FunctionConfig = CONFIG, *, shape: EnvironmentShape = SHAPE, findings: Findings = FINDINGS
) -> ContainerSpec:
    spec = StartSpec(
        environment=3,
        mark="m",
        shape=shape,
        revision=Revision.of(config, "" if config.runtime == "image" else "p", IMAGE.id),
        variables=config.environment,
    )
    return function_container(
        spec,
        container(),
        SOCKET,
        materials=replace(MATERIALS, findings=findings),
        image=IMAGE,
        plan=PLAN,
        package=None if config.runtime == "image" else Path("/packages/p"),
        runtime_folder=None if config.runtime == "image" else Path("/runtimes/python"),
    )


def slot() -> ContainerSpec:
    return slot_container(
        SlotSpec(slot=3, mark="m", shape=SHAPE),
        container(),
        SOCKET,
        materials=MATERIALS,
        image=IMAGE,
        plan=PLAN,
        runtime_folder=Path("/runtimes/python"),
    )


def binds(spec: ContainerSpec) -> dict[str, tuple[str, bool]]:
    """Path in the container → folder of this machine, and whether it may be written."""
    assert len({bind.target for bind in spec.binds}) == len(spec.binds)
    return {bind.target: (str(bind.source), bind.writable) for bind in spec.binds}


OURS = {
    "/opt": ("/w/skeleton/opt", False),
    "/run/lockgate/channel": ("/run/l/e/3", False),
    "/run/lockgate/runtime": ("/w/runtimes/python", False),
    "/var/runtime": ("/runtimes/python", False),
    "/tmp": ("/w/e/3/tmp", True),
}


def test_function_sees_its_code_its_channel_the_runtime_and_its_own_tmp() -> None:
    """C1: nothing else of this machine, and only /tmp can be written."""
    assert binds(function()) == OURS | {"/var/task": ("/packages/p", False)}


def test_slot_sees_the_same_and_no_code_yet() -> None:
    """C1, C6: what a slot waits with is of no function."""
    spec = slot()
    assert binds(spec) == OURS | {"/var/task": ("/w/e/3/task", False)}
    assert "lockgate.function" not in spec.labels
    assert "A" not in spec.variables


def test_folder_that_the_file_names_can_be_written_and_no_other() -> None:
    """C1: `volumes:` beside what every function has."""
    found = binds(function(replace(CONFIG, volumes={"DATA": "/srv/data"})))
    assert found == OURS | {"/var/task": ("/packages/p", False), "/mnt/DATA": ("/srv/data", True)}


def test_image_function_has_no_folder_of_ours_but_the_one_for_its_output() -> None:
    """C1"""
    config = FunctionConfig(name="notes", runtime="image", handler="")
    channel, temporary = (OURS[path] for path in ("/run/lockgate/channel", "/tmp"))
    assert binds(function(config)) == {"/run/lockgate/channel": channel, "/tmp": temporary}


def test_without_a_disk_tmp_is_memory_of_the_size_that_the_function_has() -> None:
    """C1: `storage:` bounds /tmp either way."""
    spec = function(findings=replace(FINDINGS, disk=False))
    assert (spec.tmpfs_mb, "/tmp" in binds(spec)) == (64, False)
    assert function().tmpfs_mb is None


@pytest.mark.parametrize("sandbox", [None, "runsc"])
@pytest.mark.parametrize("runtime", ["python3.13", "image"])
def test_sandbox_of_a_function_is_that_of_its_container(runtime: str, sandbox: str | None) -> None:
    """C3: `sandbox: runsc`, and its twin without."""
    config = replace(CONFIG, runtime=runtime, sandbox=sandbox)
    assert function(config, shape=replace(SHAPE, sandbox=sandbox)).sandbox == sandbox


def test_function_runs_as_its_containers_user_in_its_own_memory() -> None:
    """C1: the uid that no other environment has now; a slot has little memory until it has a function."""
    spec = function()
    assert (spec.uid, spec.gid, spec.memory_mb) == (200_000, 200_000, 256)
    assert slot().memory_mb == 128


def test_container_is_made_of_the_images_id() -> None:
    """C10: a tag may mean another image in the meantime."""
    assert function().image == slot().image == "sha256:1"
