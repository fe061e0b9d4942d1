"""A Ruby slot becomes a function that cannot tell it from one started directly."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from executor.runtimes.ruby.language import BOOTSTRAP
from tests.support.slot_wire import NEXT, outcome, start_process

PROGRAM = os.path.realpath(shutil.which("ruby") or "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="ruby is not installed")
COMMAND = [PROGRAM, os.fspath(BOOTSTRAP)]

MIRROR = """
def handler(event:, context:)
  {
    environ: ENV.to_h, path: $LOAD_PATH, program: $0, arguments: ARGV, cwd: Dir.pwd, umask: File.umask,
    noon: Time.new(2026, 7, 1, 12).to_s, encodings: [Encoding.default_external, Encoding.default_internal],
    streams: [$stdout.sync, $stderr.sync, $stdin.read], threads: Thread.list.size, gems: Gem.path,
    signals: Signal.list.keys.grep(/TERM|INT|PIPE|CHLD/).to_h { |name| [name, trap(name, 'DEFAULT').to_s] },
    loaded: Gem.loaded_specs.keys.sort, verbose: $VERBOSE,
    descriptors: Dir.children('/proc/self/fd').map(&:to_i).select { |fd| File.exist?("/proc/self/fd/#{fd}") }.sort
  }
end
"""


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    return write(tmp_path / "task", MIRROR)


def write(folder: Path, source: str, name: str = "app.rb") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return folder


def variables(task: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "HOME": "/nonexistent",
        "RUBYLIB": "/opt/ruby/lib",
        "GEM_PATH": f"{task}/vendor/bundle/ruby/3.1.0:/opt/ruby/gems/3.1.0",
        "LAMBDA_TASK_ROOT": os.fspath(task),
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
    } | more


def slot_variables(task: Path) -> dict[str, str]:
    """What a slot is started with: the defaults of every environment, and something that must not stay."""
    every = variables(task)
    kept = ("PATH", "LANG", "TZ", "HOME", "RUBYLIB", "GEM_PATH")
    return {name: every[name] for name in kept} | {"LOCKGATE_MARK": "of the slot", "SLOT_ONLY": "1"}


async def run(task: Path, work: Path, mode: str, **own: str) -> Any:
    """What the function answers to one event, started in `mode`."""
    place = work / mode
    place.mkdir()
    wanted = variables(task, **own)
    if mode == "direct":
        command = ["/usr/bin/env", "-C", os.fspath(task), *COMMAND]
        async with start_process(command, wanted, place, slot=False) as process:
            peer = await process.peer()
            assert (await peer.request()).line == NEXT
            return outcome(await peer.invoke())
    async with start_process(COMMAND, slot_variables(task), place, slot=True) as process:
        peer = await process.become(mode, wanted, task)
        assert (await peer.request()).line == NEXT
        return outcome(await peer.invoke())


@pytest.mark.parametrize("mode", ["warm", "exec"])
async def test_a_function_sees_the_process_of_a_direct_start(task: Path, work: Path, mode: str) -> None:
    direct = await run(task, work, "direct", MINE="gräßlich")
    assert direct["environ"]["MINE"] == "gräßlich"
    assert "SLOT_ONLY" not in direct["environ"]
    assert await run(task, work, mode, MINE="gräßlich") == direct


async def test_zone_and_library_path_come_with_the_function(task: Path, work: Path) -> None:
    own = {"TZ": "Asia/Tokyo", "RUBYLIB": "/extra/one:/extra/two"}
    direct = await run(task, work, "direct", **own)
    assert direct["noon"].endswith("+0900")
    assert await run(task, work, "warm", **own) == direct


async def test_options_of_the_interpreter_make_a_warm_start_a_fresh_one(task: Path, work: Path) -> None:
    direct = await run(task, work, "direct", RUBYOPT="-W2")
    assert direct["verbose"] is True
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        old = await process.become("warm", variables(task, RUBYOPT="-W2"), task)
        new = await process.peer()
        assert await old.is_closed()
        assert (await new.request()).line == NEXT
        assert outcome(await new.invoke())["verbose"] is True


async def test_gems_that_the_function_brings_newer_make_a_warm_start_a_fresh_one(
    task: Path, work: Path
) -> None:
    """RubyGems has activated the slot's own versions, and refuses another one after that."""
    bundle = task / "vendor" / "bundle" / "ruby" / "3.1.0"
    spec = "Gem::Specification.new { |s| s.name = 'json'; s.version = '99.0.0'; s.summary = 's'; s.authors = ['a'] }"
    write(bundle, spec, "specifications/json-99.0.0.gemspec")
    write(bundle, "load File.join(RbConfig::CONFIG['rubylibdir'], 'json.rb')", "gems/json-99.0.0/lib/json.rb")
    write(task, "gem 'json', '>= 99'\ndef handler(event:, context:) = Gem.loaded_specs['json'].version.to_s")
    direct = await run(task, work, "direct")
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        await process.become("warm", variables(task), task)
        new = await process.peer()
        assert (await new.request()).line == NEXT
        assert outcome(await new.invoke()) == direct == "99.0.0"


async def test_a_slot_that_is_not_needed_ends_quietly(task: Path, work: Path) -> None:
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        (await process.ready()).close()
        assert await process.exit_code() == 0
        assert process.output() == ""


async def test_a_slot_that_is_refused_says_so(task: Path, work: Path) -> None:
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        (await process.ready()).answer(b"{}", status="403 Forbidden")
        assert await process.exit_code() == 1
        assert "The Runtime API answered 403 to a slot" in process.output()


async def test_two_slots_have_their_own_randomness(task: Path, work: Path) -> None:
    write(task, "FIRST = rand\ndef handler(event:, context:) = FIRST")
    (work / "again").mkdir()
    assert await run(task, work, "warm") != await run(task, work / "again", "warm")


async def test_an_init_error_of_a_slot_is_posted_on_its_connection(task: Path, work: Path) -> None:
    write(task, "raise 'no settings'")
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        peer = await process.become("warm", variables(task), task)
        posted = await peer.request()
        peer.answer(b"{}", status="202 Accepted")
        assert "/runtime/init/error " in posted.line
        assert outcome(posted)["errorType"] == "Init<RuntimeError>"
        assert await process.exit_code() == 1


async def test_a_wrapper_gets_the_interpreter_and_its_script(task: Path, work: Path) -> None:
    wrapper = task / "wrapper"
    wrapper.write_text('#!/bin/sh\necho "wrapped: $*"\nexport FROM_WRAPPER=1\nexec "$@"\n')
    wrapper.chmod(0o755)
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        own = variables(task, AWS_LAMBDA_EXEC_WRAPPER=os.fspath(wrapper))
        peer = await process.become("exec", own, task)
        assert (await peer.request()).line == NEXT
        assert outcome(await peer.invoke())["environ"]["FROM_WRAPPER"] == "1"
        assert f"wrapped: {' '.join(COMMAND)}\n" in process.output()


@pytest.mark.parametrize(
    ("make", "code", "why"),
    [
        pytest.param(None, 127, "No such file or directory", id="missing"),
        pytest.param("#!/bin/sh\n", 126, "Permission denied", id="not-executable"),
    ],
)
async def test_a_wrapper_that_cannot_be_run_is_an_exit_status(
    task: Path, work: Path, make: str | None, code: int, why: str
) -> None:
    wrapper = task / "wrapper"
    if make is not None:
        wrapper.write_text(make)
        wrapper.chmod(0o644)
    async with start_process(COMMAND, slot_variables(task), work, slot=True) as process:
        peer = await process.ready()
        peer.specialise("exec", variables(task, AWS_LAMBDA_EXEC_WRAPPER=os.fspath(wrapper)), os.fspath(task))
        assert await process.exit_code() == code
        assert process.output() == f"{wrapper}: {why}\n"
