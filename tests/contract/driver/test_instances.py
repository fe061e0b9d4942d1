"""Several servers on one machine, and what a dead one left."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.driver.conftest import MakeWorld
from tests.support.docker_world import DockerWorld
from tests.support.driver_world import DriverWorld


@pytest.fixture
def folder() -> Iterator[Path]:
    """Of a server that is killed and started again. Short: a socket's path has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="lg")).resolve()
    yield made
    shutil.rmtree(made)


async def test_what_a_killed_server_left_is_removed_before_ready(make_world: MakeWorld, folder: Path) -> None:
    """C7: by its label, with its mounts; and not what another instance has."""
    instance = os.urandom(4).hex()
    async with make_world() as other:
        stays = await other.start()
        await _kill_one(other, instance, folder)
        async with make_world(instance=instance, epoch=2, folder=folder) as world:
            assert world.driver.environments() == frozenset()
            assert sorted(await world.leftovers()) == sorted(await _own(world))
            assert await (await world.start()).does("result = 1") == 1
        assert await stays.does("result = 2") == 2


async def _kill_one(like: DriverWorld, instance: str, folder: Path) -> None:
    """Have a server of that instance start environments, and kill it."""
    arguments = ["process", instance, str(folder)]
    if isinstance(like, DockerWorld):
        arguments = ["docker", instance, str(folder), str(like.address), json.dumps(dict(like.images))]
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.driver_victim", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    try:
        assert await victim.stdout.readline() == b"ready\n"
    finally:
        victim.send_signal(signal.SIGKILL)
        await victim.wait()


async def _own(world: DriverWorld) -> list[str]:
    """What an open driver has of its own although it has no environment: networks, the mount for later ones."""
    return [
        text
        for text in await world.leftovers()
        if text.startswith(("network", "mount")) and "/e/" not in text
    ]


async def test_two_instances_do_not_touch_each_other(make_world: MakeWorld) -> None:
    async with make_world() as first, make_world() as second:
        one, two = await first.start(), await second.start()
        assert one.number == two.number
        await one.stop()
        assert await two.does("result = 1") == 1
        await second.driver.refresh()
        assert second.driver.environments() == {two.number}
        assert first.driver.environments() == frozenset()
        assert second.sink.exits == {}
