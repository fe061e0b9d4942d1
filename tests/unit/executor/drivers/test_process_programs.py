"""The three ways to become a function: forked, a fresh interpreter, an executable. And volumes."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from executor.driver import StartError
from tests.support.process_world import HANDLER, ProcessWorld

SCRIPT = """#!/bin/sh
echo "$AWS_LAMBDA_RUNTIME_API|$_HANDLER|$LAMBDA_TASK_ROOT|$PWD|$(id -u)|$PYTHONPATH"
exec sleep 1000
"""
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
int main(void) {
    struct sigaction pipe;
    sigaction(SIGPIPE, 0, &pipe);
    printf("%s %d\n", getenv("_HANDLER"), pipe.sa_handler == SIG_DFL);
    fflush(stdout);
    return 7;
}
"""


async def test_executable_is_run_with_its_variables(world: ProcessWorld, needs_root: None) -> None:
    package = world.package({"bootstrap": SCRIPT}, executable="bootstrap")
    spec = world.spec(package, runtime="provided.al2023")
    environment = await world.start(spec)
    api, handler, task, folder, uid, path = (await world.sink.line_of(environment)).split("|")
    host, port = api.split(":")
    assert (host, int(port) > 1024) == ("127.0.0.1", True)
    assert (handler, task, folder, uid, path) == ("app.handler", "/var/task", "/var/task", "200000", "")


async def test_compiled_program_is_run(world: ProcessWorld, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("CI has a C compiler")
        pytest.skip("there is no C compiler")
    program = await asyncio.to_thread(_compile, compiler, tmp_path)
    package = world.package({"bootstrap": program}, executable="bootstrap")
    environment = await world.start(world.spec(package, runtime="provided"))
    assert (await world.sink.exit_of(environment)).code == 7
    assert world.sink.output[environment] == b"app.handler 1\n"


def _compile(compiler: str, folder: Path) -> bytes:
    (folder / "main.c").write_text(PROGRAM)
    subprocess.run([compiler, "-o", folder / "bootstrap", folder / "main.c"], check=True)
    return (folder / "bootstrap").read_bytes()


@pytest.mark.parametrize(
    ("files", "executable", "message"),
    [
        pytest.param(
            {"other": ""},
            "",
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
            id="missing",
        ),
        pytest.param(
            {"bootstrap/x": ""},
            "",
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
            id="a-folder",
        ),
        pytest.param(
            {"bootstrap": SCRIPT}, "", "fork/exec /var/task/bootstrap: permission denied", id="not-executable"
        ),
        pytest.param(
            {"bootstrap": "#!/no/such/shell\n"},
            "bootstrap",
            "fork/exec /var/task/bootstrap: no such file or directory",
            id="no-interpreter",
        ),
        pytest.param(
            {"bootstrap": "echo no first line"},
            "bootstrap",
            "fork/exec /var/task/bootstrap: exec format error",
            id="no-format",
        ),
    ],
)
async def test_bad_entry_point_is_told_in_lambdas_words(
    world: ProcessWorld, files: dict[str, str], executable: str, message: str
) -> None:
    package = world.package(files, executable=executable)
    with pytest.raises(StartError) as failure:
        await world.start(world.spec(package, runtime="provided"))
    assert str(failure.value) == message
    assert failure.value.permanent
    assert failure.value.error_type == "Runtime.InvalidEntrypoint"
    assert world.driver.environments() == frozenset()
    assert world.sink.exits == {}


@pytest.mark.parametrize(
    ("environment", "expression", "expected"),
    [
        pytest.param({"PYTHONPATH": "/var/task/vendor"}, "__import__('brought').X", 5, id="PYTHONPATH"),
        pytest.param({"PYTHONHASHSEED": "0"}, "sys.flags.hash_randomization", 0, id="PYTHONHASHSEED"),
        pytest.param({"TZ": "Asia/Tokyo"}, "__import__('time').localtime(0).tm_hour", 9, id="TZ"),
        pytest.param({"MALLOC_ARENA_MAX": "1"}, "os.environ['MALLOC_ARENA_MAX']", "1", id="MALLOC"),
    ],
)
async def test_variables_that_act_at_start_get_a_fresh_interpreter(
    world: ProcessWorld, environment: dict[str, str], expression: str, expected: object
) -> None:
    code = (
        f"import json, os, sys\nprint(json.dumps([{expression}, sys.path[0], callable(exit), os.getcwd()]))"
    )
    package = world.package({"app.py": code + HANDLER, "vendor/brought.py": "X = 5"})
    number = await world.start(world.spec(package, environment=environment))
    assert await world.sink.said_by(number) == [expected, "/var/task", True, "/var/task"]
    assert (await world.asked(number)).startswith(b"GET /2018-06-01/runtime/invocation/next")


async def test_shared_library_in_the_package_is_found(world: ProcessWorld) -> None:
    """``lib/`` is on LD_LIBRARY_PATH, which the loader reads once, when a process starts."""
    library = _some_library()
    code = "import ctypes\nprint(ctypes.CDLL('libbrought.so.1')._name.__len__())"
    package = world.package({"app.py": code + HANDLER, "lib/libbrought.so.1": library})
    assert await world.sink.said_by(await world.start(world.spec(package))) == len("libbrought.so.1")


def _some_library() -> bytes:
    library = next(Path("/usr/lib").glob("*/libm.so.6"), None)
    if library is None:
        pytest.skip("there is no libm here")
    return library.read_bytes()


async def test_wrapper_gets_the_runtimes_command(world: ProcessWorld) -> None:
    wrapper = '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'
    code = "import json, os\nprint(json.dumps(os.environ['WRAPPED']))"
    package = world.package({"app.py": code + HANDLER, "wrapper": wrapper}, executable="wrapper")
    spec = world.spec(package, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"})
    assert await world.sink.said_by(await world.start(spec)) == "yes"


async def test_missing_wrapper_ends_with_status_127(world: ProcessWorld) -> None:
    spec = world.spec(world.package({"x": ""}), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})
    environment = await world.start(spec)
    assert (await world.sink.exit_of(environment)).code == 127
    assert b"/opt/wrapper" in world.sink.output[environment]


async def test_volume_is_shared_by_environments_and_stays(world: ProcessWorld) -> None:
    """SQLite makes its files 0644: the second environment can write only if it has the same uid."""
    code = """
import os, sqlite3
folder = os.environ["DATA"]
connection = sqlite3.connect(folder + "/rows.db")
connection.execute("create table if not exists rows (x)")
connection.execute("insert into rows values (1)")
connection.commit()
print([folder, connection.execute("select count(*) from rows").fetchone()[0]].__repr__().replace("'", '"'))
"""
    volume = world.folder / "data"
    for count in (1, 2):
        environment = await world.run(code, volumes={"DATA": str(volume)})
        assert await world.sink.said_by(environment) == ["/mnt/DATA", count]
    assert (volume / "rows.db").stat().st_uid != 0


async def test_volume_belongs_to_its_function_only(world: ProcessWorld) -> None:
    await world.run("", volumes={"DATA": str(world.folder / "data")})
    assert await world.say("os.listdir('/mnt')") == []


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
async def test_every_version_has_its_interpreter(world: ProcessWorld, version: str) -> None:
    if f"python{version}" not in world.capabilities.runtimes:
        pytest.skip(f"there is no python{version} here")
    found = await world.say("'%d.%d' % sys.version_info[:2]", runtime=f"python{version}")
    assert found == version


async def test_nearest_interpreter_runs_a_version_that_is_missing(world: ProcessWorld) -> None:
    newest = world.capabilities.runtimes[0].removeprefix("python")
    assert await world.say("'%d.%d' % sys.version_info[:2]", runtime="python3.99") == newest


@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize("deep", [False, True])
async def test_volume_that_became_a_link_is_refused_and_its_target_untouched(
    world: ProcessWorld, deep: bool
) -> None:
    """A function that may write into `data` replaces the volume of another, which lies in it, by a link."""
    victim = world.folder / "victim"
    (victim / "inner").mkdir(parents=True)
    (world.folder / "data").mkdir()
    (world.folder / "data" / "sub").symlink_to("../victim")
    volume = world.folder / "data" / "sub" / ("inner" if deep else "")
    before = [(each.stat().st_gid, each.stat().st_mode) for each in (victim, victim / "inner")]

    with pytest.raises(StartError):
        await world.run("", volumes={"DATA": str(volume)})

    assert [(each.stat().st_gid, each.stat().st_mode) for each in (victim, victim / "inner")] == before
