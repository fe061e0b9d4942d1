"""What a function sees: its variables, its files, its folder for temporary files, its user."""

import os

import pytest

from executor.driver import StartError
from executor.variables import function_variables
from tests.support.driver_world import RUNTIME, DriverWorld


async def test_environment_variables_are_exactly_the_declared_ones(
    world: DriverWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: nothing of the server's own environment, of the image or of the engine."""
    monkeypatch.setenv("LOCKGATE_TEST_SECRET", "planted")
    revision = world.revision(world.package({"app.py": "CODE"}), environment={"MINE": "1", "HOME": "/tmp"})
    declared = function_variables(revision, world.names, log_stream="stream", version="$LATEST")
    environment = await world.start(environment={"MINE": "1", "HOME": "/tmp"})
    seen = await environment.does("result = dict(os.environ)")
    expected = declared | {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LC_CTYPE": "C.UTF-8",
        "LD_LIBRARY_PATH": (
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
        ),
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": "/var/task",
        "SHLVL": "0",
        "TZ": ":UTC",
    }
    assert seen.pop("LANG") in {"C.UTF-8", "en_US.UTF-8"}
    assert seen.pop("PYTHONPATH", "/var/runtime") == "/var/runtime"
    assert seen.pop("_X_AMZN_TRACE_ID").startswith("Root=")
    assert seen == expected
    names = "open('/proc/self/environ').read()"
    assert "planted" not in await environment.does(f"result = {names}")


async def test_code_is_there_and_read_only(world: DriverWorld) -> None:
    environment = await world.start()
    assert await environment.does("result = [os.getcwd(), sorted(os.listdir('.'))[0]]") == [
        "/var/task",
        "app.py",
    ]
    for path in ("/var/task/x", "/opt/x", "/etc/x", "/x", "/usr/x"):
        code = f"try:\n  open({path!r}, 'w')\nexcept OSError as e:\n  result = e.errno"
        assert await environment.does(code) in {13, 30}, path  # EACCES, EROFS


async def test_tmp_is_the_environments_own_and_limited(world: DriverWorld) -> None:
    """C1: it is empty, nobody else sees it, it is full at its size, and it keeps what was written."""
    first = await world.start(storage_mb=16)
    code = """
import errno
result = [os.listdir("/tmp")]
try:
    with open("/tmp/large", "wb") as file:
        while True:
            file.write(bytes(1 << 16))
except OSError as problem:
    result += [problem.errno == errno.ENOSPC, os.path.getsize("/tmp/large") >> 20]
"""
    files, full, size_mb = await first.does(code)
    assert (files, full) == ([], True)
    assert 14 <= size_mb <= 18
    second = await world.start(storage_mb=16)
    assert await second.does("result = os.listdir('/tmp')") == []
    assert await first.does("os.unlink('/tmp/large'); result = os.listdir('/tmp')") == []
    code = """
with open("/tmp/x", "w") as file:
    file.write("#!/bin/sh\\necho ran")
os.chmod("/tmp/x", 0o755)
result = os.popen("/tmp/x").read()
"""
    assert await second.does(code) == "ran\n"  # as on Lambda, programs may run from there


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_users_are_unprivileged_and_their_own(world: DriverWorld) -> None:
    """C1: not root, no capability, none to be had."""
    first, second = await world.start(), await world.start()
    uids = [(await each.does("result = list(os.getresuid() + os.getresgid())")) for each in (first, second)]
    assert uids[0][:3] == [200_000] * 3
    assert uids[1][:3] == [200_001] * 3
    status = await first.does(
        "result = {l.split(':')[0]: l.split()[1] for l in open('/proc/self/status') if l[:3] in ('Cap', 'NoN')}"
    )
    assert status.pop("NoNewPrivs") == "1"
    assert {int(mask, 16) for mask in status.values()} == {0}
    await first.stop()
    assert (await (await world.start()).does("result = os.getuid()")) == 200_000  # the smallest free number


async def test_open_files_are_limited(world: DriverWorld) -> None:
    """C1"""
    environment = await world.start()
    code = "import resource; result = [resource.getrlimit(n) for n in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)]"
    assert await environment.does(code) == [[1024, 1024], [0, 0]]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_volume_is_shared_by_the_functions_environments(world: DriverWorld) -> None:
    volume = world.folder / "shared"
    first = await world.start(volumes={"DATA": str(volume)})
    code = "import sqlite3\nc = sqlite3.connect(os.environ['DATA'] + '/d')\n"
    assert await first.does(code + "c.execute('create table t (x)'); c.commit(); result = 1") == 1
    second = await world.start(volumes={"DATA": str(volume)})
    assert await second.does(code + "c.execute('insert into t values (1)'); c.commit(); result = 1") == 1
    assert await first.does(code + "result = c.execute('select count(*) from t').fetchone()[0]") == 1
    assert (volume / "d").stat().st_uid == 199_999


async def test_volume_behind_a_link_is_refused(world: DriverWorld) -> None:
    """A function could have put it there, and its target would be opened to functions."""
    (world.folder / "real").mkdir()
    link, number = world.folder / "link", world.upcoming
    link.symlink_to(world.folder / "real")
    with pytest.raises((StartError, OSError)):
        await world.launch(volumes={"DATA": str(link)})
    assert (world.folder / "real").stat().st_mode & 0o020 == 0
    await world.driver.stop(number, 0)


async def test_fresh_process_for_what_acts_at_its_start(world: DriverWorld) -> None:
    environment = await world.start(environment={"PYTHONHASHSEED": "1", "TZ": "Europe/Berlin"})
    assert await environment.does("result = hash('a')") == await environment.does("result = hash('a')")
    assert await environment.does("result = os.environ['PYTHONHASHSEED']") == "1"


async def test_bootstrap_of_the_functions_own(world: DriverWorld) -> None:
    """`provided`: any executable, which finds the Runtime API by host and port."""
    script = """#!/bin/sh
exec python3 - <<'PY'
import json, os, urllib.request as r
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with r.urlopen(api + "next") as event:
        number, body = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    answer = json.dumps([body, os.environ["_HANDLER"], os.getcwd()]).encode()
    r.urlopen(r.Request(api + number + "/response", answer, method="POST")).read()
PY
"""
    package = world.package({"bootstrap": script}, executable="bootstrap")
    environment = await world.begin(world.revision(package, runtime="provided.al2023"))
    await environment.ready()
    assert (await environment.invoke({"a": 1})).body == b'[{"a": 1}, "app.handler", "/var/task"]'


async def test_package_without_a_bootstrap_can_never_start(world: DriverWorld) -> None:
    revision, number = world.revision(world.package({"app.py": ""}), runtime="provided"), world.upcoming
    with pytest.raises(StartError) as caught:
        await world.begin(revision)
    assert caught.value.permanent
    assert caught.value.error_type == "Runtime.InvalidEntrypoint"
    await world.driver.stop(number, 0)
    assert RUNTIME in world.capabilities.runtimes
