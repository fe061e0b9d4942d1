"""A Node.js slot becomes a function that cannot tell it from one started directly."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from executor.runtimes.node.language import BOOTSTRAP, NODE, heap_options
from tests.support.node_runtime import NODE as PROGRAM
from tests.support.node_runtime import PEERS
from tests.support.slot_wire import NEXT, outcome, start_process

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Node.js")

# From npm, because which Node.js a machine has decides whether it has `process.execve`.
CAN_EXEC = PEERS / "node-can-exec/bin/node"
CANNOT_EXEC = PEERS / "node-cannot-exec/bin/node"
needs_both = pytest.mark.skipif(not CAN_EXEC.is_file(), reason="npm has not installed tests/node")

HEAP = heap_options(256)

# What a function sees of its process.
MIRROR = """
const os = require("node:os");
const fs = require("node:fs");
exports.handler = async () => ({
  environ: {...process.env}, cwd: process.cwd(), argv: process.argv.slice(1), options: process.execArgv,
  paths: require("node:module").globalPaths, lookup: module.paths.length, noon: String(new Date(2026, 6, 1, 12)),
  home: os.homedir(), umask: process.umask(0o022), title: process.title.split("/").at(-1),
  console: String(console.log), listeners: process.eventNames().map(String).sort(), main: require.main?.filename,
  heap: require("node:v8").getHeapStatistics().heap_size_limit, stdin: fs.fstatSync(0).isCharacterDevice(),
  handles: process.getActiveResourcesInfo?.().filter((name) => name !== "PipeWrap"),
});
"""


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "task/app.js", MIRROR)
    write(tmp_path / "runtime/node_modules/brought/index.js", "exports.by = 'the runtime folder';")
    return tmp_path


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


def variables(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        "NODE_PATH": os.fspath(folder / "runtime/node_modules"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "LAMBDA_TASK_ROOT": os.fspath(folder / "task"),
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
    } | more


SLOT_VARIABLES = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
    "LOCKGATE_MARK": "of the slot",
    "SLOT_ONLY": "1",
}


async def run(
    folder: Path, work: Path, mode: str, own: dict[str, str], program: str | Path | None = PROGRAM
) -> Any:
    """What the function answers to one event, started in `mode`."""
    place = work / mode
    place.mkdir()
    wanted = variables(folder, **own)
    assert program is not None
    command = [os.fspath(program), *HEAP, os.fspath(BOOTSTRAP)]
    if mode == "direct":
        command = ["/usr/bin/env", "-C", os.fspath(folder / "task"), *command]
        async with start_process(command, wanted, place, slot=False) as process:
            peer = await process.peer()
            assert (await peer.request()).line == NEXT
            return outcome(await peer.invoke())
    async with start_process(command, SLOT_VARIABLES, place, slot=True) as process:
        peer = await process.become(mode, wanted, folder / "task")
        assert (await peer.request()).line == NEXT
        return outcome(await peer.invoke())


async def test_a_function_sees_the_process_of_a_direct_start(folder: Path, work: Path) -> None:
    direct = await run(folder, work, "direct", {"MINE": "gräßlich"})
    assert direct["environ"]["MINE"] == "gräßlich"
    assert [name for name in direct["environ"] if name.startswith(("LOCKGATE_", "SLOT_"))] == []
    assert await run(folder, work, "warm", {"MINE": "gräßlich"}) == direct


@needs_both
async def test_a_slot_replaced_by_a_fresh_process_sees_what_acts_at_start(folder: Path, work: Path) -> None:
    own = {"NODE_OPTIONS": "--stack-trace-limit=3", "TZ": "Asia/Tokyo"}
    direct = await run(folder, work, "direct", own, CAN_EXEC)
    assert "GMT+0900" in direct["noon"]
    assert await run(folder, work, "exec", own, CAN_EXEC) == direct


@needs_both
@pytest.mark.parametrize("mode", [None, 0o644, 0o755])
async def test_a_wrapper_takes_the_slots_place(folder: Path, work: Path, mode: int | None) -> None:
    wrapper = folder / "wrapper"
    if mode is not None:
        write(wrapper, '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n')
        wrapper.chmod(mode)
    wanted = variables(folder, AWS_LAMBDA_EXEC_WRAPPER=os.fspath(wrapper))
    async with start_process(
        [os.fspath(CAN_EXEC), *HEAP, os.fspath(BOOTSTRAP)], SLOT_VARIABLES, work, slot=True
    ) as process:
        if mode == 0o755:
            peer = await process.become("exec", wanted, folder / "task")
            assert (await peer.request()).line == NEXT
            assert outcome(await peer.invoke())["environ"]["WRAPPED"] == "yes"
            return
        peer = await process.ready()
        peer.specialise("exec", wanted, os.fspath(folder / "task"))
        assert await process.exit_code() == (127 if mode is None else 126)


@needs_both
async def test_a_slot_that_cannot_be_replaced_ends_and_says_why(folder: Path, work: Path) -> None:
    command = [os.fspath(CANNOT_EXEC), os.fspath(BOOTSTRAP)]
    async with start_process(command, SLOT_VARIABLES, work, slot=True) as process:
        peer = await process.ready()
        peer.specialise("exec", variables(folder), os.fspath(folder / "task"))
        assert await process.exit_code() == 1
        assert "cannot replace itself: 22.15 and 23.11 can" in process.output()


@pytest.mark.parametrize("handler", ["cjs.handler", "esm.handler"])
async def test_the_runtime_folder_is_found_by_a_slot(folder: Path, work: Path, handler: str) -> None:
    write(folder / "task/cjs.js", "const {by} = require('brought'); exports.handler = async () => by;")
    write(
        folder / "task/esm.mjs",
        "import brought from 'brought'; export const handler = async () => brought.by;",
    )
    assert await run(folder, work, "warm", {"_HANDLER": handler}) == "the runtime folder"
    assert await run(folder, work, "direct", {"_HANDLER": handler}) == "the runtime folder"


async def test_a_package_of_the_function_wins_over_the_runtime_folder(folder: Path, work: Path) -> None:
    write(
        folder / "task/esm.mjs",
        "import brought from 'brought'; export const handler = async () => brought.by;",
    )
    write(folder / "task/node_modules/brought/index.js", "exports.by = 'the package';")
    assert await run(folder, work, "warm", {"_HANDLER": "esm.handler"}) == "the package"


async def test_what_is_nowhere_is_missed_by_who_asked(folder: Path, work: Path) -> None:
    write(folder / "task/esm.mjs", "import absent from 'absent'; export const handler = async () => absent;")
    assert PROGRAM is not None
    async with start_process([PROGRAM, os.fspath(BOOTSTRAP)], SLOT_VARIABLES, work, slot=True) as process:
        peer = await process.become("warm", variables(folder, _HANDLER="esm.handler"), folder / "task")
        request = await peer.request()
        assert request.line == "POST /2018-06-01/runtime/init/error HTTP/1.1"
        assert json.loads(request.body)["errorMessage"] == (
            f"Cannot find package 'absent' imported from {folder}/task/esm.mjs"
        )


async def test_a_slot_waits_without_an_end_and_without_work(folder: Path, work: Path) -> None:
    """Its event loop is empty but for the connection: it must neither end nor answer for a function."""
    assert PROGRAM is not None
    async with start_process([PROGRAM, os.fspath(BOOTSTRAP)], SLOT_VARIABLES, work, slot=True) as process:
        peer = await process.ready()
        peer.close()  # nobody needs it
        assert await process.exit_code() == 0
        assert process.output() == ""


def test_the_heap_of_a_slot_is_that_of_its_memory_class() -> None:
    assert heap_options(128) == ["--max-old-space-size=115"]
    assert heap_options(1769) == ["--max-old-space-size=1592"]
    assert heap_options(32) == ["--max-old-space-size=64"]


@pytest.mark.parametrize(
    ("runtime", "can"),
    [("nodejs18.x", False), ("nodejs20.x", False), ("nodejs22", True), ("nodejs24.x", True)],
)
def test_which_runtimes_can_replace_a_slots_process(runtime: str, can: bool) -> None:
    assert NODE.can_exec(runtime) is can
