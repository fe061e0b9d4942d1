"""A Python slot becomes a function that cannot tell it from one started directly."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.runtime_process import BOOTSTRAP
from tests.support.slot_wire import NEXT, outcome, start_process

PYTHON = os.path.realpath(sys.executable)
COMMAND = [PYTHON, "-s", os.fspath(BOOTSTRAP)]

# What a function sees of its process. Module list, /proc/self/environ and descriptors differ, and are looked at apart.
MIRROR = """
import asyncio, datetime, gc, locale, logging, os, random, resource, signal, sys, threading, time

LOADED_AS = __name__

def handler(event, context):
    return {
        "environ": dict(os.environ), "path": sys.path, "flags": str(sys.flags), "argv": sys.argv,
        "orig_argv": sys.orig_argv, "cwd": os.getcwd(), "main": sys.modules["__main__"].__file__,
        "umask": os.umask(0o022), "tz": time.tzname, "noon": datetime.datetime(2026, 7, 1, 12).astimezone().isoformat(),
        "locale": locale.setlocale(locale.LC_CTYPE), "encodings": [sys.getfilesystemencoding(),
        locale.getpreferredencoding(), sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors],
        "lines": [sys.stdout.line_buffering, sys.stderr.line_buffering, sys.stdin.read()],
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "threads": [thread.name for thread in threading.enumerate()], "gc": [gc.isenabled(), gc.get_threshold()],
        "limits": [resource.getrlimit(kind) for kind in range(10)], "warnings": sys.warnoptions,
        "logging": [logging.getLevelName(logging.getLogger().level), len(logging.getLogger().handlers)],
        "name": LOADED_AS, "bootstrap": [name for name in sys.modules if "bootstrap" in name and "lib" not in name],
        "hooks": [str(sys.excepthook), sys.getrecursionlimit(), sys.dont_write_bytecode, sys.getswitchinterval()],
        "group": os.getpgid(0) == os.getpgid(os.getppid()),
    }
"""


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


def write(folder: Path, source: str, name: str = "app.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def variables(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.fspath(folder / "runtime"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_RUNTIME_DIR": os.fspath(folder / "runtime"),
        "LAMBDA_TASK_ROOT": os.fspath(folder / "task"),
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
    } | more


def slot_variables(folder: Path) -> dict[str, str]:
    """What a slot is started with: the defaults of every environment, and something that must not stay."""
    kept = ("PATH", "LANG", "LC_CTYPE", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    every = variables(folder)
    return {name: every[name] for name in kept} | {"LOCKGATE_MARK": "of the slot", "SLOT_ONLY": "1"}


async def run(folder: Path, work: Path, mode: str, own: dict[str, str], payload: bytes = b"{}") -> Any:
    """What the function answers to one event, started in `mode`."""
    place = work / mode
    place.mkdir()
    wanted = variables(folder, **own)
    if mode == "direct":
        async with start_process(in_the_functions_folder(folder), wanted, place, slot=False) as process:
            peer = await process.peer()
            assert (await peer.request()).line == NEXT
            return outcome(await peer.invoke(payload))
    async with start_process(COMMAND, slot_variables(folder), place, slot=True) as process:
        peer = await process.become(mode, wanted, folder / "task")
        assert (await peer.request()).line == NEXT
        return outcome(await peer.invoke(payload))


def in_the_functions_folder(folder: Path) -> list[str]:
    """A direct start begins in the function's folder."""
    return ["/usr/bin/env", "-C", os.fspath(folder / "task"), *COMMAND]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "task", MIRROR)
    (tmp_path / "runtime").mkdir()
    return tmp_path


@pytest.mark.parametrize("mode", ["warm", "exec"])
async def test_a_function_sees_the_process_of_a_direct_start(folder: Path, work: Path, mode: str) -> None:
    direct = await run(folder, work, "direct", {"MINE": "gräßlich"})
    assert direct["environ"]["MINE"] == "gräßlich"
    assert "SLOT_ONLY" not in direct["environ"]
    assert await run(folder, work, mode, {"MINE": "gräßlich"}) == direct


async def test_what_acts_at_process_start_acts_in_exec_mode_only(folder: Path, work: Path) -> None:
    own = {"PYTHONOPTIMIZE": "2"}
    direct = await run(folder, work, "direct", own)
    assert "optimize=2" in direct["flags"]
    assert await run(folder, work, "exec", own) == direct
    assert "optimize=0" in (await run(folder, work, "warm", own))["flags"]


async def test_a_zone_and_a_path_that_come_with_the_function_hold_in_a_warm_start(
    folder: Path, work: Path
) -> None:
    own = {"TZ": "Asia/Tokyo", "PYTHONPATH": "/extra/one:/extra/two", "LC_CTYPE": "C"}
    direct = await run(folder, work, "direct", own | {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    warm = await run(folder, work, "warm", own)
    assert warm["noon"] == direct["noon"] == "2026-07-01T12:00:00+09:00"
    assert warm["path"] == direct["path"]
    assert warm["locale"] == direct["locale"] == "C"


async def test_a_locale_that_is_not_there_is_no_failure(folder: Path, work: Path) -> None:
    warm = await run(folder, work, "warm", {"LC_CTYPE": "xx_XX.UTF-8"})
    assert warm["locale"] == "C.UTF-8"


async def test_only_the_channel_is_open_beside_the_three_streams(folder: Path, work: Path) -> None:
    write(
        folder / "task",
        "import os\ndef handler(event, context):\n"
        "    return sorted(int(name) for name in os.listdir('/proc/self/fd'))[:-1]\n",
    )
    assert await run(folder, work, "direct", {}) == [0, 1, 2, 3]
    assert await run(folder, work, "warm", {}) == [0, 1, 2, 3]
    assert await run(folder, work, "exec", {}) == [0, 1, 2, 3]


async def test_two_slots_have_their_own_randomness(folder: Path, work: Path) -> None:
    write(
        folder / "task",
        "import random\nFIRST = random.random()\ndef handler(event, context): return [FIRST, hash('x')]",
    )
    first = await run(folder, work, "warm", {})
    (work / "again").mkdir()
    second = await run(folder, work / "again", "warm", {})
    assert first[0] != second[0]
    assert first[1] != second[1]


async def test_a_warm_start_has_the_common_modules_already(folder: Path, work: Path) -> None:
    write(
        folder / "task",
        "import sys\nBEFORE = set(sys.modules)\n"
        "def handler(event, context): return [name in BEFORE for name in ('ssl', 'asyncio', 'email.utils')]",
    )
    assert await run(folder, work, "warm", {}) == [True] * 3
    assert await run(folder, work, "direct", {}) == [False] * 3


@pytest.mark.parametrize("mode", ["direct", "warm", "exec"])
async def test_a_module_of_the_function_hides_one_that_the_slot_had_imported(
    folder: Path, work: Path, mode: str
) -> None:
    write(folder / "task", "OURS = True", "secrets.py")
    write(folder / "task", "OURS = True", "html/__init__.py")
    (folder / "task" / "asyncio").mkdir()  # no package: the standard library's is found
    write(
        folder / "task",
        "import secrets, html, asyncio, queue\n"
        "def handler(event, context):\n"
        "    return [secrets.OURS, html.OURS, callable(asyncio.run), callable(queue.Queue)]",
    )
    assert await run(folder, work, mode, {}) == [True] * 4


async def test_code_that_came_after_the_start_of_the_slot_is_found(tmp_path: Path, work: Path) -> None:
    """The import system remembers folders that were not there."""
    (tmp_path / "runtime").mkdir()
    async with start_process(COMMAND, slot_variables(tmp_path), work, slot=True) as process:
        peer = await process.ready()
        write(tmp_path / "task", "import brought\ndef handler(event, context): return brought.VALUE")
        write(tmp_path / "runtime", "VALUE = 'late'", "brought.py")
        peer.specialise("warm", variables(tmp_path), os.fspath(tmp_path / "task"))
        assert (await peer.request()).line == NEXT
        assert outcome(await peer.invoke()) == "late"


@pytest.mark.parametrize("mode", ["warm", "exec"])
async def test_an_init_error_is_posted_and_ends_the_process(folder: Path, work: Path, mode: str) -> None:
    write(folder / "task", "raise ValueError('no settings')")
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.become(mode, variables(folder), folder / "task")
        posted = await peer.request()
        peer.answer(b'{"status":"OK"}\n', status="202 Accepted")
        assert "/runtime/init/error " in posted.line
        assert outcome(posted)["errorMessage"] == "no settings"
        assert await process.exit_code() == 1


async def test_a_slot_that_is_not_needed_ends_quietly(folder: Path, work: Path) -> None:
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.ready()
        peer.close()
        assert await process.exit_code() == 0
        assert process.output() == ""


async def test_a_slot_that_is_refused_says_so(folder: Path, work: Path) -> None:
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.ready()
        peer.answer(b'{"errorType":"InvalidStateTransition"}', status="403 Forbidden")
        assert await process.exit_code() == 1
        assert "The Runtime API answered 403 to a slot" in process.output()


async def test_a_wrapper_gets_the_interpreter_and_its_arguments(folder: Path, work: Path) -> None:
    wrapper = write(
        folder / "task", '#!/bin/sh\necho "wrapped: $*"\nexport FROM_WRAPPER=1\nexec "$@"\n', "wrapper"
    )
    wrapper.chmod(0o755)
    own = {"AWS_LAMBDA_EXEC_WRAPPER": os.fspath(wrapper)}
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.become("exec", variables(folder, **own), folder / "task")
        assert (await peer.request()).line == NEXT
        seen = outcome(await peer.invoke())
        assert seen["environ"]["FROM_WRAPPER"] == "1"
        assert f"wrapped: {' '.join(COMMAND)}\n" in process.output()
        assert not [name for name in seen["environ"] if name.startswith("LOCKGATE_")]


async def test_a_wrapper_ends_at_a_broken_pipe_as_any_program_does(folder: Path, work: Path) -> None:
    """The interpreter ignores SIGPIPE, and an ignored signal outlives exec."""
    wrapper = write(folder / "task", '#!/bin/sh\ngrep SigIgn /proc/self/status\nexec "$@"\n', "wrapper")
    wrapper.chmod(0o755)
    own = {"AWS_LAMBDA_EXEC_WRAPPER": os.fspath(wrapper)}
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.become("exec", variables(folder, **own), folder / "task")
        await peer.request()
        [line] = [line for line in process.output().splitlines() if line.startswith("SigIgn")]
        assert int(line.split()[1], 16) & (1 << 12) == 0


@pytest.mark.parametrize(
    ("make", "code", "why"),
    [
        pytest.param(None, 127, "No such file or directory", id="missing"),
        pytest.param("#!/bin/sh\n", 126, "Permission denied", id="not-executable"),
    ],
)
async def test_a_wrapper_that_cannot_be_run_is_an_exit_status(
    folder: Path, work: Path, make: str | None, code: int, why: str
) -> None:
    wrapper = folder / "task" / "wrapper"
    if make is not None:
        wrapper.write_text(make)
        wrapper.chmod(0o644)
    own = {"AWS_LAMBDA_EXEC_WRAPPER": os.fspath(wrapper)}
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        peer = await process.ready()
        peer.specialise("exec", variables(folder, **own), os.fspath(folder / "task"))
        assert await process.exit_code() == code
        assert process.output() == f"{wrapper}: {why}\n"
        assert await peer.is_closed()


async def test_exec_mode_closes_the_slots_connection_and_makes_one_anew(folder: Path, work: Path) -> None:
    async with start_process(COMMAND, slot_variables(folder), work, slot=True) as process:
        old = await process.ready()
        # Not even a function that calls a variable of its own like the slot's becomes a slot again.
        own = variables(folder, LOCKGATE_SLOT="1")
        old.specialise("exec", own, os.fspath(folder / "task"))
        new = await process.peer()
        assert (await new.request()).line == NEXT
        assert await asyncio.wait_for(old.is_closed(), 10)
