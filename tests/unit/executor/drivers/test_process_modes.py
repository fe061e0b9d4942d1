"""The lesser means: a user namespace without root, and no namespaces at all. Each says what it cannot do."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.driver import StartError
from executor.drivers.process import cgroup, probing
from tests.support.process_world import ProcessWorld

REPOSITORY = Path(__file__).parents[4]
UNPRIVILEGED = """
import asyncio, json, os, sys
from tests.support.process_world import ProcessWorld
async def main():
    async with ProcessWorld() as world:
        found = world.capabilities
        seen = await world.say("[os.getuid(), os.path.exists('/work'), os.listdir('/tmp'), os.getpid()]",
                               runtime="python3.11")
        status = await world.say("[l for l in open('/proc/self/status') if l.startswith('CapEff')]",
                               runtime="python3.11")
        hung = await world.run("import os, time\\nif os.fork() == 0:\\n os.setsid()\\n time.sleep(1000)\\nprint(1)",
                               runtime="python3.11")
        await world.sink.line_of(hung)
        peak = world.driver.peak_memory_mb(hung)
        await world.driver.stop(hung, 0)
        print(json.dumps({"tmp": found.private_tmp, "uid": found.own_uid, "memory": found.memory_limit,
                          "degraded": found.degraded, "seen": seen, "status": status, "peak": peak}))
asyncio.run(main())
"""


def test_without_root_a_user_namespace_makes_it_private(needs_root: None) -> None:
    interpreter = Path("/usr/bin/python3")
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    version = subprocess.run([interpreter, "-V"], capture_output=True, text=True, check=True).stdout
    if f"{sys.version_info.major}.{sys.version_info.minor}." not in version:
        pytest.skip("the system's Python is another one, which cannot load our dependencies")
    run = subprocess.run(
        [interpreter, "-c", UNPRIVILEGED],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{packages}", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        user=pwd.getpwnam("nobody").pw_uid,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["uid"] is False
    assert any("as the user who runs the server" in sentence for sentence in found["degraded"])
    if not found["tmp"]:
        pytest.skip(f"user namespaces are not allowed here: {found['degraded']}")
    assert found["seen"] == [65534, False, [], 2]
    assert found["status"] == ["CapEff:\t0000000000000000\n"]
    assert found["memory"] in {"rlimit", "cgroup"}
    assert 5 <= found["peak"] <= 60


@pytest.fixture
async def plain(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessWorld]:
    """A machine without namespaces and cgroups."""
    monkeypatch.setattr(probing, "possible_modes", lambda: ("plain",))
    monkeypatch.setattr(cgroup, "open_cgroups", lambda *_: (None, "not allowed"))
    async with ProcessWorld() as made:
        yield made


async def test_without_namespaces_it_says_so(plain: ProcessWorld) -> None:
    found = plain.capabilities
    assert (found.private_tmp, found.memory_limit) == (False, "rlimit")
    text = " ".join(found.degraded)
    assert "private namespaces are not allowed here" in text
    assert "cgroups cannot be used here (not allowed)" in text


async def test_without_namespaces_executables_see_the_hosts_paths(plain: ProcessWorld) -> None:
    script = '#!/bin/sh\necho "$LAMBDA_TASK_ROOT|$TMPDIR|$PWD"\ntouch "$TMPDIR/mine"\nexit 4\n'
    package = plain.package({"bootstrap": script}, executable="bootstrap")
    environment = await plain.start(plain.spec(package, runtime="provided"))
    task, temporary, folder = (await plain.sink.line_of(environment)).split("|")
    assert task == folder == str(plain.folder / "packages" / package)
    assert (await plain.sink.exit_of(environment)).code == 4
    assert plain.names.instance in temporary
    await plain.driver.stop(environment, 0)
    assert not os.path.exists(temporary)  # noqa: ASYNC240  # one stat


async def test_without_namespaces_descendants_are_found_and_killed(plain: ProcessWorld) -> None:
    """Double-forked, in a session of its own and with an empty environment: only its ancestry tells."""
    script = "#!/bin/sh\n"
    script += (
        "setsid sh -c 'env -i sleep 1000 & env -i sleep 1001 &' &\nsleep 0.05\necho $$\nwait\nsleep 1000"
    )
    package = plain.package({"bootstrap": script}, executable="bootstrap")
    environment = await plain.start(plain.spec(package, runtime="provided"))
    await plain.sink.line_of(environment)
    first = plain.driver._environments[environment].pid
    assert first is not None
    family = _descendants(first)
    assert len(family) >= 3
    await plain.driver.stop(environment, 0)
    assert [pid for pid in family if _is_there(pid)] == []


async def test_without_namespaces_root_is_given_up_all_the_same(
    plain: ProcessWorld, needs_root: None
) -> None:
    package = plain.package({"bootstrap": "#!/bin/sh\nid -u\nsleep 1000"}, executable="bootstrap")
    environment = await plain.start(plain.spec(package, runtime="provided"))
    assert await plain.sink.line_of(environment) == "200000"


async def test_root_that_must_stay_root_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, needs_root: None
) -> None:
    monkeypatch.setattr(probing, "possible_modes", lambda: ("plain",))
    world = ProcessWorld()
    monkeypatch.setattr(probing, "probe_request", _impossible(probing.probe_request))
    with pytest.raises(StartError, match="No function can be started here"):
        await world.driver.open(world.sink)
    await world.driver.close()
    shutil.rmtree(world.folder)


def _impossible(make: object) -> object:
    return lambda *args, **kwargs: make(*args, **kwargs) | {"gid": -2}  # type: ignore[operator]


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _descendants(root: int) -> list[int]:
    found = []
    queue = [root]
    while queue:
        pid = queue.pop()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found += [int(child) for child in children]
        queue += [int(child) for child in children]
    return found
