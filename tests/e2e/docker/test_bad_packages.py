"""P1 through a server with containers: packages that no function may have, one of each class, in one reload."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.plain_http import call
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

CODE = str(Path(__file__).parent / "bad_functions" / "code")
APP = b"def handler(event, context):\n    return 1\n"
LINK = stat.S_IFLNK | 0o777

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

Members = Iterator[tuple[str, int, bytes]]


def one(name: str, mode: int = 0o100644, content: bytes = b"x") -> Callable[[], Members]:
    return lambda: iter([(name, mode, content)])


def many() -> Members:
    return ((f"f/{number}", 0o100644, b"") for number in range(100_000))


# What is in the archive beside a good handler, and a part of what is said.
ARCHIVES: dict[str, tuple[Callable[[], Members], str]] = {
    "files": (many, "entries"),
    "slip": (one("../outside"), "../outside"),
    "absolute": (one("/etc/cron.d/outside"), "/etc/cron.d/outside"),
    "bomb": (one("zeros", content=b"\0" * (64 << 20)), "times its size"),
    "link": (one("link", LINK, b"../../outside"), "link"),
    "device": (one("device", stat.S_IFCHR | 0o666), "neither a file nor a folder"),
    "fifo": (one("fifo", stat.S_IFIFO | 0o666), "neither a file nor a folder"),
    "setuid": (one("setuid", 0o104755), "setuid"),
}


def write(path: Path, members: Members) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("app.py", APP)
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def folder_with(path: Path, make: Callable[[Path], None]) -> None:
    path.mkdir()
    (path / "app.py").write_bytes(APP)
    make(path / "bad")


def test_hostile_packages_are_refused_by_name_and_leave_nothing(engine: Engine, tmp_path: Path) -> None:
    """P1, P3: a twin without the bad entry is taken; what is served goes on; nothing is outside and nothing is kept."""
    good = {"code": CODE, "handler": "app.good"}
    options = {"server": {"pull": "never"}, "defaults": {"runtime": "python3.11", "memory": 128}}
    config = write_routes(tmp_path, functions={"good": good}, **options)
    extra, env = ("--driver", "docker"), {"DOCKER_HOST": engine.address}
    with RunningServer(config, tmp_path / "state", extra=extra, env=env) as server:
        assert call(server.gateway_address, "/good", timeout_s=60).status == 200
        before = sorted(os.listdir(server.state / "packages"))
        for name, (members, _) in ARCHIVES.items():
            write(tmp_path / f"{name}.zip", members())
        folder_with(tmp_path / "linked", lambda path: path.symlink_to("/etc"))
        folder_with(tmp_path / "piped", lambda path: os.mkfifo(path))
        bad = {name: {"code": f"{name}.zip", "handler": "app.handler"} for name in ARCHIVES}
        bad |= {name: {"code": name, "handler": "app.handler"} for name in ("linked", "piped")}
        write_routes(tmp_path, functions={"good": good} | bad, **options)

        refused = lockgate("reload", "--state", server.state)

        said = refused.stderr.decode()
        assert refused.returncode == 3
        for name, (_, words) in ARCHIVES.items():
            assert [
                line for line in said.splitlines() if line.startswith(f"functions.{name}: ") and words in line
            ], said
        assert "functions.linked: " in said
        assert "functions.piped: " in said
        assert "functions.good" not in said
        assert sorted(os.listdir(server.state / "packages")) == before
        assert not list(tmp_path.rglob("outside"))
        assert call(server.gateway_address, "/good").status == 200

        write(tmp_path / "slip.zip", iter([("inside", 0o100644, b"x")]))
        write_routes(tmp_path, functions={"good": good, "slip": bad["slip"]}, **options)
        assert lockgate("reload", "--state", server.state).returncode == 0
        assert call(server.gateway_address, "/slip", timeout_s=60).body == b"1"
        assert server.stop() == 0
