"""A server that dies leaves nothing; what it could leave is found by its mark, and nobody else's is touched."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.drivers.process.reap import marked_processes, reap_processes
from executor.drivers.process.zygotes import process_identity, remember
from tests.support.process_world import ProcessWorld

REPOSITORY = Path(__file__).parents[4]
SERVER = """
import asyncio, sys
from tests.support.process_world import ProcessWorld
CODE = '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
print(1)
'''
async def main():
    world = ProcessWorld(instance=sys.argv[1])
    await world.driver.open(world.sink)
    for _ in range(2):
        await world.sink.line_of(await world.run(CODE))
    script = world.package({"bootstrap": "#!/bin/sh\\necho 1\\nexec sleep 1000"}, executable="bootstrap")
    await world.sink.line_of(await world.start(world.spec(script, runtime="provided")))
    print(world.folder, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_killed_server_leaves_no_process() -> None:
    instance = os.urandom(4).hex()
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, instance, cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    folder = Path((await server.stdout.readline()).decode().strip())
    processes = marked_processes(instance)
    assert len(processes) >= 8  # two zygotes, three environments with two processes and more
    server.kill()
    await server.wait()
    await _until(lambda: not marked_processes(instance))
    await _check_that_the_next_start_cleans_up(instance, folder)


async def _check_that_the_next_start_cleans_up(instance: str, folder: Path) -> None:
    async with ProcessWorld(instance=instance, epoch=2) as world:
        groups = world.driver._cgroups
        assert groups is None or groups.leftovers() == set()
    assert list((folder / "state").glob("zygote-*"))  # its notes are in its own state
    assert reap_processes(instance, folder / "state") == 0
    assert list((folder / "state").glob("zygote-*")) == []
    shutil.rmtree(folder)


async def test_opening_kills_what_carries_the_instances_mark() -> None:
    mine, other = os.urandom(4).hex(), os.urandom(4).hex()
    left = _sleeper(f"{mine}/1/7")
    strangers = [_sleeper(f"{other}/1/7"), _sleeper(f"{mine}0/1/7"), _sleeper("")]
    try:
        async with ProcessWorld(instance=mine, epoch=2):
            assert left.wait(5) == -signal.SIGKILL
            assert [stranger.poll() for stranger in strangers] == [None] * 3
    finally:
        for process in (left, *strangers):
            process.kill()
            process.wait()


async def test_two_instances_leave_each_other_alone() -> None:
    async with ProcessWorld() as first:
        environment = await first.run("")
        await first.asked(environment)
        async with ProcessWorld() as second:
            await second.asked(await second.run(""))
        assert first.driver.environments() == {environment}
        assert await first.say("1") == 1
        assert first.sink.exits == {}


def test_noted_zygote_is_killed_only_if_it_is_the_same_process(tmp_path: Path) -> None:
    zygote, stranger = _sleeper(""), _sleeper("")
    try:
        remember(tmp_path, zygote.pid)
        note = remember(tmp_path, stranger.pid)
        note.write_text(json.dumps({"pid": stranger.pid, "identity": "an earlier boot 1"}))
        (tmp_path / "zygote-1.json").write_text("torn")
        assert reap_processes(os.urandom(4).hex(), tmp_path) == 1
        assert zygote.wait(5) == -signal.SIGKILL
        assert stranger.poll() is None
        assert list(tmp_path.iterdir()) == []
    finally:
        for process in (zygote, stranger):
            process.kill()
            process.wait()


def test_identity_tells_processes_apart() -> None:
    process = _sleeper("")
    assert process_identity(process.pid) == process_identity(process.pid) != process_identity(os.getpid())
    process.kill()
    process.wait()
    assert process_identity(process.pid) is None


def _sleeper(mark: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["/bin/sleep", "1000"], env={"LOCKGATE_MARK": mark})
    while b"sleep" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():  # execve is still under way
        os.sched_yield()
    return process


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # processes of a dead server tell nobody
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _only_with_proc() -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("there is no /proc here")
