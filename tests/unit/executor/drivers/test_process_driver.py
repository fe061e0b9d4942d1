"""Real environments: that they run, what they see, how their ends are told."""

import asyncio
import os
import signal

import pytest

from executor.driver import ChannelKind, StartError
from tests.support.process_world import ProcessWorld


async def test_runtime_asks_for_its_first_event_on_the_socket_channel(world: ProcessWorld) -> None:
    environment = await world.run("")
    first = await world.asked(environment)
    assert first.startswith(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n")
    assert world.driver.environments() == {environment}


async def test_variables_are_those_of_lambda(world: ProcessWorld) -> None:
    seen = await world.say("dict(os.environ)", environment={"MINE": "1", "PATH": "/mine"})
    expected = {
        "MINE": "1",
        "PATH": "/mine",
        "_HANDLER": "app.handler",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
        "TZ": ":UTC",
        "LC_CTYPE": "C.UTF-8",
        "PWD": "/var/task",
        "SHLVL": "0",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["LANG"] in {"en_US.UTF-8", "C.UTF-8"}
    # Nothing of the server's own environment, nothing of ours.
    assert set(seen) == {*expected, "LANG", "LD_LIBRARY_PATH"}


async def test_working_folder_and_module_path_are_the_package(world: ProcessWorld) -> None:
    folder, path, modules = await world.say(
        "[os.getcwd(), sys.path[0], [m for m in sys.modules if 'lockgate' in m or m in "
        "('executor', 'kit', 'gateway', 'bootstrap', 'zygote')]]"
    )
    assert (folder, path) == ("/var/task", "/var/task")
    assert modules == []


async def test_package_is_read_only(world: ProcessWorld) -> None:
    code = "try:\n open('/var/task/x', 'w')\nexcept OSError as e:\n print(e.errno)"
    assert await world.sink.said_by(await world.run(code)) == 30  # EROFS


async def test_tmp_is_private_and_limited(world: ProcessWorld) -> None:
    code = """
import errno, json, os
open('/tmp/mine', 'w').close()
try:
    with open('/tmp/large', 'wb') as file:
        while True:
            file.write(bytes(1 << 20))
except OSError as problem:
    full = problem.errno == errno.ENOSPC
print(json.dumps([sorted(os.listdir('/tmp')), full, os.path.getsize('/tmp/large') >> 20]))
"""
    for _ in range(2):
        files, full, size_mb = await world.sink.said_by(await world.run(code, storage_mb=16))
        assert files == ["large", "mine"]
        assert full
        assert 14 <= size_mb <= 16


async def test_nothing_of_the_host_is_visible(world: ProcessWorld) -> None:
    paths = [
        str(world.folder),
        "/work",
        "/home",
        "/var/log",
        "/run/dbus",
        "/dev/shm",
        "/dev/sda",
        "/.host/etc",
    ]
    seen, pids = await world.say(
        f"[[p for p in {paths!r} if os.path.exists(p)], [int(p) for p in os.listdir('/proc') if p.isdigit()]]"
    )
    assert seen == []
    assert pids == [1, 2]


async def test_first_process_tells_nothing(world: ProcessWorld) -> None:
    code = "try:\n open('/proc/1/environ').read()\n print('\"read\"')\nexcept OSError as e:\n print(e.errno)"
    assert await world.sink.said_by(await world.run(code)) == 13


async def test_environments_have_uids_of_their_own(world: ProcessWorld, needs_root: None) -> None:
    expression = "[os.getresuid(), os.getresgid(), os.getgroups()]"
    first = await world.say(expression)
    second = await world.say(expression)
    assert first[0] == [200_000] * 3
    assert second[0] == [200_001] * 3
    assert first[1] == second[1]
    assert first[1][0] > 200_001
    assert first[2] == []
    await world.driver.stop(1, 0)
    assert (await world.say(expression))[0] == [200_000] * 3  # the smallest free slot


async def test_rights_are_given_up(world: ProcessWorld) -> None:
    status = await world.say(
        "{l.split(':')[0]: l.split(':')[1].strip() for l in open('/proc/self/status') if l[:3] in ('Cap', 'NoN')}"
    )
    assert status.pop("NoNewPrivs") == "1"
    assert {int(mask, 16) for mask in status.values()} == {0}


async def test_limits_are_those_of_lambda(world: ProcessWorld) -> None:
    code = """
import json, os, resource
names = ["NOFILE", "CORE", "MEMLOCK"]
old = os.umask(0)
print(json.dumps([[resource.getrlimit(getattr(resource, "RLIMIT_" + n))[0] for n in names],
    resource.getrlimit(resource.RLIMIT_STACK)[0], old]))
"""
    limits, stack, umask = await world.sink.said_by(await world.run(code))
    assert limits == [1024, 0, 65536]
    assert stack == 8 << 20
    assert umask == 0o022


async def test_only_standard_streams_are_open(world: ProcessWorld) -> None:
    code = "import os\nprint(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])"
    assert await world.sink.said_by(await world.run(code)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("import sys; sys.exit(3)", {"code": 3}, id="sys.exit"),
        pytest.param("import os; os._exit(0)", {"code": 0}, id="exit-0"),
        pytest.param("import os; os.kill(os.getpid(), 9)", {"signal": 9}, id="kills-itself"),
        pytest.param("import os; os.abort()", {"signal": signal.SIGABRT}, id="abort"),
        pytest.param("import ctypes; ctypes.string_at(0)", {"signal": signal.SIGSEGV}, id="segfault"),
        pytest.param("import os; os.kill(os.getpid(), 15)", {"signal": 15}, id="sigterm"),
    ],
)
async def test_end_is_reported_as_it_was(world: ProcessWorld, code: str, expected: dict[str, int]) -> None:
    environment = await world.run("print('last words')\n" + code)
    report = await world.sink.exit_of(environment)
    assert {"code": report.code, "signal": report.signal} == {"code": None, "signal": None} | expected
    assert not report.out_of_memory
    assert world.sink.output[environment].startswith(b"last words\n")
    assert world.driver.environments() == frozenset()


async def test_end_of_the_function_is_the_end_of_its_children(world: ProcessWorld) -> None:
    environment = await world.run(
        "import os, sys, time\nif os.fork() == 0:\n os.setsid()\n time.sleep(1000)\nos._exit(0)"
    )
    await world.sink.exit_of(environment)  # leaving `world` checks that nothing is left


async def test_out_of_memory_is_told(world: ProcessWorld) -> None:
    if world.capabilities.memory_limit != "cgroup":
        pytest.skip("memory cgroups cannot be used here")
    environment = await world.run("b = bytearray(300 << 20)\nprint(len(b))", memory_mb=64, storage_mb=16)
    report = await world.sink.exit_of(environment)
    assert report.out_of_memory
    assert report.signal == signal.SIGKILL
    assert 60 <= world.driver.peak_memory_mb(environment) <= 81


async def test_peak_memory_is_measured(world: ProcessWorld) -> None:
    environment = await world.run("b = bytearray(100 << 20)\ndel b\nprint(1)", memory_mb=256)
    await world.sink.line_of(environment)
    assert 100 <= world.driver.peak_memory_mb(environment) <= 140


async def test_flush_hands_over_what_was_written(world: ProcessWorld) -> None:
    environment = await world.run("import os\nos.write(1, b'x' * 5000)\nos.write(2, b'y')")
    await world.asked(environment)
    world.sink.keeps_output = True
    world.driver.flush(environment)  # no await between this and the assertion
    assert world.sink.output[environment] == b"x" * 5000 + b"y"


async def test_flood_of_output_is_handed_over_without_being_kept(world: ProcessWorld) -> None:
    import resource

    world.sink.keeps_output = False
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code = "import os\nfor _ in range(1600):\n b = bytes(65536)\n os.write(1, b)\nos._exit(0)"
    environment = await world.run(code)
    await world.sink.exit_of(environment)
    assert world.sink.printed_bytes == 1600 * 65536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 30_000


async def test_flush_of_a_flood_ends(world: ProcessWorld) -> None:
    world.sink.keeps_output = False
    environment = await world.run("import os\nwhile True: os.write(1, bytes(65536))")
    await world.sink.until(lambda: world.sink.printed_bytes > 1 << 20)
    for _ in range(20):
        world.driver.flush(environment)
    await world.driver.stop(environment, 0)


async def test_unknown_runtime_can_never_start(world: ProcessWorld) -> None:
    with pytest.raises(StartError) as failure:
        await world.start(world.spec(world.package({}), runtime="cobol85"))
    assert failure.value.permanent


async def test_lost_zygote_is_replaced_and_its_environments_reported(world: ProcessWorld) -> None:
    environment = await world.run("")
    await world.asked(environment)
    zygote = await world.driver._nursery.zygote("python3.13")
    assert zygote.pid is not None
    os.kill(zygote.pid, signal.SIGKILL)
    report = await world.sink.exit_of(environment)
    assert (report.code, report.signal) == (None, None)
    await world.asked(await world.run(""))


async def test_cancelled_start_leaves_nothing(world: ProcessWorld) -> None:
    spec = world.spec(world.package({"app.py": "print(1)"}))
    await world.driver.prepare(spec.revision)
    address = await world.channel(spec)
    starting = asyncio.create_task(world.driver.start(spec, address))
    while not world.driver.environments():  # noqa: ASYNC110  # the driver has no event for it
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert world.driver.environments() == frozenset()
    assert world.sink.exits == {}


async def test_functions_that_bring_executables_get_a_port(world: ProcessWorld) -> None:
    assert world.driver.channel_kind("provided.al2023") is ChannelKind.PORT
    assert world.driver.channel_kind("python3.12") is ChannelKind.SOCKET


async def test_capabilities_are_those_that_were_tried(world: ProcessWorld, needs_root: None) -> None:
    found = world.capabilities
    assert found.name == "process"
    assert "provided" in found.runtimes
    assert found.private_tmp
    assert found.own_uid
    assert any("network" in sentence for sentence in found.degraded)
