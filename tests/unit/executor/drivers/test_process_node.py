"""Node.js in the process driver: real environments, with and without namespaces of their own."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.driver import ChannelKind, StartError
from executor.drivers.process import cgroup, driver, probing
from executor.languages import find_programs
from tests.support.process_world import ProcessWorld

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")

SEES = """
const fs = require("node:fs");
console.log = (value) => process.stdout.write(JSON.stringify(value) + "\\n");
console.log({
  cwd: process.cwd(), uid: process.getuid(), options: process.execArgv, argv: process.argv[1],
  path: process.env.NODE_PATH.split(":"), tmp: require("node:os").tmpdir(), task: process.env.LAMBDA_TASK_ROOT,
  language: fs.existsSync("/var/lang/bin/node"),
  modules: fs.lstatSync("/node_modules", {throwIfNoEntry: false}) != null,
});
exports.handler = async () => null;
"""


async def say(world: ProcessWorld, **config: object) -> dict[str, object]:
    """What a function sees while it is loaded."""
    settings = {"runtime": "nodejs22.x"} | config
    said: dict[str, object] = await world.sink.said_by(
        await world.start(world.spec(world.package({"app.js": SEES}), **settings))
    )
    return said


async def test_it_asks_for_its_first_event_on_its_socket(world: ProcessWorld) -> None:
    assert world.driver.channel_kind("nodejs22.x") is ChannelKind.SOCKET
    package = world.package({"app.mjs": "export const handler = async () => null;"})
    environment = await world.start(world.spec(package, runtime="nodejs20"))
    assert await world.asked(environment) == (
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
    )


async def test_a_function_sees_lambdas_places(world: ProcessWorld, needs_root: None) -> None:
    said = await say(world, memory_mb=512)
    assert (said["cwd"], said["task"], said["tmp"]) == ("/var/task", "/var/task", "/tmp")
    assert said["options"] == ["--max-old-space-size=460"]
    assert said["argv"] == "/run/runtime/bootstrap.mjs"
    assert said["language"] is said["modules"] is True
    assert said["uid"] == 200_000
    assert said["path"] == [
        f"/opt/nodejs/node{find_programs(None)['nodejs'][0].version[0]}/node_modules",
        *("/opt/nodejs/node_modules", "/var/runtime/node_modules", "/var/runtime", "/var/task"),
    ]


async def test_an_end_is_reported_as_the_function_made_it(world: ProcessWorld) -> None:
    exits = world.package({"app.js": "process.exit(7)"})
    report = await world.sink.exit_of(await world.start(world.spec(exits, runtime="nodejs22.x")))
    assert (report.code, report.signal) == (7, None)
    kills = world.package({"app.js": "process.kill(process.pid, 'SIGSEGV')"})
    report = await world.sink.exit_of(await world.start(world.spec(kills, runtime="nodejs22.x")))
    assert (report.code, report.signal) == (None, 11)


async def test_what_it_leaves_behind_goes_with_it(world: ProcessWorld) -> None:
    code = """
    const { spawn } = require("node:child_process");
    const child = spawn("sleep", ["1000"], {detached: true, stdio: "ignore"});
    process.stdout.write(JSON.stringify(child.pid) + "\\n");
    exports.handler = async () => null;
    """
    environment = await world.start(world.spec(world.package({"app.js": code}), runtime="nodejs22.x"))
    await world.sink.said_by(environment)
    await world.driver.stop(environment, 0)
    assert world.driver.environments() == frozenset()  # leaving `world` looks for processes, too


async def test_a_machine_without_it_can_never_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "find_programs", lambda _: {"nodejs": ()})
    async with ProcessWorld() as world:
        assert not any(runtime.startswith("nodejs") for runtime in world.capabilities.runtimes)
        with pytest.raises(StartError, match=r"nodejs22\.x has no program on this machine") as failure:
            await world.start(world.spec(world.package({}), runtime="nodejs22.x"))
        assert failure.value.permanent


async def test_a_program_that_does_not_start_is_an_exit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = find_programs(None)["nodejs"][0]
    broken = replace(there, path=tmp_path / "absent")
    monkeypatch.setattr(driver, "find_programs", lambda _: {"nodejs": (broken,)})
    async with ProcessWorld() as world:
        environment = await world.start(world.spec(world.package({"app.js": SEES}), runtime="nodejs22.x"))
        assert (await world.sink.exit_of(environment)).code == 127


@pytest.fixture
async def plain_world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessWorld]:
    """Neither namespaces nor cgroups."""
    monkeypatch.setattr(probing, "possible_modes", lambda: ("plain",))
    monkeypatch.setattr(cgroup, "open_cgroups", lambda *_: (None, "tried"))
    async with ProcessWorld() as made:
        yield made


async def test_without_namespaces_it_runs_at_the_hosts_paths(plain_world: ProcessWorld) -> None:
    said = await say(plain_world)
    assert str(said["cwd"]).startswith(str(plain_world.folder))
    assert str(said["argv"]).endswith("executor/runtimes/node/bootstrap.mjs")
    assert said["tmp"] != "/tmp"
