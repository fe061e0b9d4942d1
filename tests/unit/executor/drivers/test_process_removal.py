"""`stop` removes whatever a function has done to stay, and nothing piles up."""

import asyncio
import contextlib
import errno
import os
import signal
import time
from pathlib import Path

import pytest

from executor.driver import StartError
from executor.drivers.process import cgroup, nursery
from executor.drivers.process.reap import marked_processes
from executor.drivers.process.zygotes import process_identity
from tests.support.process_world import HANDLER, ProcessWorld

DAEMON = """
import os, signal, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(1000)
        os._exit(0)
while len([p for p in os.listdir("/proc") if p.isdigit()]) < 5:
    time.sleep(0.001)
print(1)
"""
STUBBORN = """
import signal, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print(1)
while True:
    pass
"""
BOMB = """
import os, time
count = 0
while True:
    try:
        if os.fork() == 0:
            while True: time.sleep(1000)
        count += 1
    except OSError:
        break
print(count)
time.sleep(1000)
"""


@pytest.mark.parametrize(
    "code", [pytest.param(DAEMON, id="daemons"), pytest.param(STUBBORN, id="ignores-signals")]
)
async def test_stop_removes_everything_at_once(world: ProcessWorld, code: str) -> None:
    environment = await world.run(code)
    await world.sink.line_of(environment)
    assert len(_processes_of(world, environment)) >= 2
    began = time.monotonic()
    await world.driver.stop(environment, 0)
    assert time.monotonic() - began < 2
    assert _processes_of(world, environment) == []
    assert world.driver.environments() == frozenset()
    assert world.sink.exits == {}  # a stop is not reported


async def test_number_of_processes_is_limited(world: ProcessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "MAX_PROCESSES", 40)
    environment = await world.run(BOMB)
    assert 30 <= await world.sink.said_by(environment) <= 40
    await world.driver.stop(environment, 0)
    assert _processes_of(world, environment) == []


async def test_stop_is_idempotent_and_knows_no_strangers(world: ProcessWorld) -> None:
    environment = await world.run("print(1)")
    await asyncio.gather(*(world.driver.stop(environment, 0) for _ in range(3)))
    await world.driver.stop(environment, 0)
    await world.driver.stop(12345, 0)
    assert world.driver.environments() == frozenset()


async def test_output_before_a_stop_is_handed_over(world: ProcessWorld) -> None:
    environment = await world.run("import os\nos.write(1, b'z' * 60000)")
    await world.asked(environment)
    await world.driver.stop(environment, 0)
    assert bytes(world.sink.output[environment]) == b"z" * 60000


async def test_fifty_environments_leave_nothing(world: ProcessWorld) -> None:
    await world.driver.stop(await world.run(""), 0)
    await world.close_channels()
    await _quiet(world)
    before = _facts(world)
    for _ in range(5):
        started = await asyncio.gather(*(world.run("") for _ in range(10)))
        for environment in started:
            await world.asked(environment)
        assert len(world.driver.environments()) == 10
        await asyncio.gather(*(world.driver.stop(environment, 0) for environment in started))
    await world.close_channels()
    await _quiet(world)
    after = await _facts_like(world, before)
    assert {name: after[name] - before[name] for name in before} == dict.fromkeys(before, 0)


def _processes_of(world: ProcessWorld, environment: int) -> list[int]:
    """Processes whose /var/task or memory cgroup is this environment's; its zygote and spares are not."""
    there = world.driver._environments.get(environment)
    if there is None:
        return [pid for pid in marked_processes(world.names.instance) if not _is_waiting(world, pid)]
    first = there.pid
    return [pid for pid in _all_processes() if pid == first or _has_ancestor(pid, first)]


def _is_waiting(world: ProcessWorld, pid: int) -> bool:
    zygotes = {task.result().pid for task in world.driver._nursery._zygotes.values() if task.done()}
    environments = {each.pid for each in world.driver._environments.values()}
    spares = {p for p in _all_processes() if _parent(p) in zygotes} - environments
    return pid in zygotes or pid in spares or _parent(pid) in spares


def _all_processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _has_ancestor(pid: int, ancestor: int | None) -> bool:
    while pid > 1:
        pid = _parent(pid)
        if pid == ancestor:
            return True
    return False


async def _quiet(world: ProcessWorld) -> None:
    """Until each zygote that keeps a spare has made it, so that counts can be compared."""
    async with asyncio.timeout(5):
        while len(marked_processes(world.names.instance)) != 3:  # noqa: ASYNC110  # the zygote, and a spare's two processes
            await asyncio.sleep(0.005)


def _facts(world: ProcessWorld) -> dict[str, int]:
    zygote = next(iter(world.driver._nursery._zygotes.values())).result()
    groups = world.driver._cgroups
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(marked_processes(world.names.instance)),
        "mounts here": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "mounts in the zygote": len(Path(f"/proc/{zygote.pid}/mountinfo").read_text().splitlines()),
        "descriptors of the zygote": len(os.listdir(f"/proc/{zygote.pid}/fd")),
        "groups": len(groups.leftovers()) if groups else 0,
        "environments leaving": len(world.driver._leaving),
    }


async def _facts_like(world: ProcessWorld, before: dict[str, int]) -> dict[str, int]:
    """The facts once they are as before: a spare's pipes close a moment after its processes are there."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while _facts(world) != before:  # noqa: ASYNC110  # the kernel tells nobody
                await asyncio.sleep(0.005)
    return _facts(world)


async def test_start_that_finds_its_zygote_just_dead_fails_and_leaves_nothing(world: ProcessWorld) -> None:
    """Its end is heard through the failed write and not through the loop: nobody tells of that environment later."""
    spec = world.spec(world.package({"app.py": HANDLER}))
    await world.driver.prepare(spec.revision)
    channel = await world.channel(spec)
    zygote = await world.driver._nursery.zygote(spec.revision.config.runtime)
    assert zygote.pid is not None
    os.kill(zygote.pid, signal.SIGKILL)
    while process_identity(zygote.pid) is not None:  # without the loop, which must not hear of it
        pass

    with pytest.raises(StartError):
        async with asyncio.timeout(5):
            await world.driver.start(spec, channel)

    assert world.driver.environments() == frozenset()
    await world.driver.stop(spec.environment, 0)
    assert await world.say("1") == 1


async def test_zygote_that_cannot_be_noted_works(
    world: ProcessWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk: its mark finds it at the next start."""

    def no_room(folder: Path, pid: int) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(nursery, "remember", no_room)

    assert await world.say("1") == 1
    assert await world.say("2") == 2

    assert "No space left" in caplog.text
    assert len(marked_processes(f"{world.names.instance}/1/zygote")) <= 1 + len(world.driver.environments())


@pytest.mark.usefixtures("needs_root")
async def test_output_can_be_opened_by_its_name(world: ProcessWorld) -> None:
    """Shell scripts write to /dev/stderr; another user's pipe could not be opened."""
    environment = await world.run(
        "open('/dev/stdout', 'w').write('1\\n')\nopen('/dev/stderr', 'w').write('2\\n')"
    )
    await world.sink.until(lambda: world.sink.output[environment] == b"1\n2\n")


async def test_what_kept_a_start_from_being_asked_for_is_said_in_the_log_only(
    world: ProcessWorld, caplog: pytest.LogCaptureFixture
) -> None:
    spec = world.spec("no-such-package")
    world.driver._packages = _missing

    with pytest.raises(StartError) as failure:
        await world.start(spec)

    assert "/secret" not in str(failure.value)
    assert "/secret/packages" in caplog.text
    assert world.driver.environments() == frozenset()


def _missing(digest: str) -> Path:
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"/secret/packages/{digest}")
