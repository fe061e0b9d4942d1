"""A disk that is full: the server's, with its packages, logs and the disks of functions; and the engine's."""

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.drivers.docker import kernel
from tests.support.bad_containers import ContainerWatch
from tests.support.chaos_engine import ChaosEngine
from tests.support.engine import Engine
from tests.support.leftovers import new_uid_base
from tests.support.observed import log_lines, wait_until
from tests.support.plain_http import call, invoke
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate
from tests.support.toolchains import build_c

CODE = str(Path(__file__).parent / "bad_functions" / "code")
LONG_S = 60.0
DISK_MB = 192
IMAGE = "lockgate-test/tiny:1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(150),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk"),
]


@contextmanager
def small_disk(folder: Path, name: str = "disk") -> Iterator[Path]:
    """A file system of its own."""
    image, place = folder / f"{name}.img", folder / name
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True, timeout=30)
    kernel.mount_image(image, place)
    try:
        yield place
    finally:
        kernel.unmount(place)


def fill(disk: Path) -> Path:
    """:returns: the file that takes all the room there was."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"b" * size)
            except OSError:
                continue
    return ballast


def test_servers_disk_that_is_full(engine: Engine, tmp_path: Path) -> None:
    """R7: warm functions serve on, new environments are errors in Lambda's words, the log says why; with room again
    everything is as before.
    """
    common = {"code": CODE, "handler": "app.good", "memory": 128}
    config = write_routes(
        tmp_path,
        functions={"warm": common, "cold": common},
        server={"pull": "never", "limits": {"slots": 0}},
        defaults={"runtime": "python3.11"},
    )
    client = engine.client()
    with small_disk(tmp_path) as disk:
        uid_base = new_uid_base()
        extra = ("--driver", "docker", "--uid-base", str(uid_base))
        server = RunningServer(config, disk / "state", extra=extra, env={"DOCKER_HOST": engine.address})
        server.stderr_path = tmp_path / "stderr.log"
        with server:
            watch = ContainerWatch(server, client, uid_base)
            gateway = server.gateway_address
            assert call(gateway, "/warm", timeout_s=LONG_S).status == 200
            ballast = fill(disk)

            invoked = invoke(server.endpoints, "cold", timeout_s=LONG_S)
            assert invoked.json()["errorType"] == "Sandbox.Failure"
            assert "device" not in invoked.json()["errorMessage"]  # the reason is the operator's
            assert call(gateway, "/cold", timeout_s=LONG_S).status == 500
            refused = lockgate("reload", "--state", server.state)
            assert refused.returncode != 0
            assert b"functions.cold: No space left on device" in refused.stderr
            for _ in range(5):
                assert call(gateway, "/warm").status == 200
            wait_until(lambda: "No space left on device" in str(log_lines(server)), "the reason, in the log")

            ballast.unlink()
            wait_until(lambda: call(gateway, "/cold", timeout_s=LONG_S).status == 200, "room again", LONG_S)
            watch.settle()
            assert server.stop() == 0
        watch.expect_nothing()
    client.close()


def tiny_image(engine: ChaosEngine, folder: Path) -> str:
    """A shell and a function in C, a few megabytes: all that fits on a small disk."""
    package = folder / "package"
    package.mkdir()
    build_c("languages/c", package)
    listed = subprocess.run(
        ["ldd", package / "bootstrap", "/bin/sh"], capture_output=True, text=True, check=True
    )
    words = {word for word in listed.stdout.split() if word.startswith("/lib")}
    names = {path.removeprefix("/"): Path(path) for path in {*words, "/bin/sh"}}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, path in {**names, "bootstrap": package / "bootstrap"}.items():
            tar.add(path.resolve(), name)
    client = engine.client()
    try:
        client.api.import_image_from_data(packed.getvalue(), repository="lockgate-test/tiny", tag="1")
    finally:
        client.close()
    return IMAGE


def warnings(server: RunningServer) -> str:
    """All of them, in lower case; logs are written behind a queue."""
    lines = [str(line["message"]) for line in log_lines(server) if line.get("level") == "warning"]
    return "\n".join(lines).lower()


def test_engines_disk_that_is_full(tmp_path: Path) -> None:
    """R7: a new container is an error in Lambda's words, the log has the engine's; what runs goes on."""
    place = Path(tempfile.mkdtemp(prefix="lg")).resolve()
    own = ChaosEngine(place)
    try:
        with small_disk(place, "data") as disk:
            own.start()
            image = tiny_image(own, tmp_path)
            common = {"image": image, "entry_point": ["/bootstrap"], "memory": 128}
            config = write_routes(
                tmp_path,
                functions={"warm": common, "cold": common},
                server={"pull": "never", "limits": {"slots": 0}},
            )
            uid_base = new_uid_base()
            extra = ("--driver", "docker", "--uid-base", str(uid_base))
            server = RunningServer(config, tmp_path / "state", extra=extra, env={"DOCKER_HOST": own.address})
            with server:
                client = own.client()
                watch = ContainerWatch(server, client, uid_base)
                gateway = server.gateway_address
                assert call(gateway, "/warm", timeout_s=LONG_S).status == 200
                ballast = fill(disk)

                invoked = invoke(server.endpoints, "cold", timeout_s=LONG_S)
                assert invoked.json()["errorType"] == "Sandbox.Failure"
                assert call(gateway, "/cold", timeout_s=LONG_S).status == 500
                for _ in range(5):
                    assert call(gateway, "/warm").status == 200
                wait_until(
                    lambda: "no space left" in warnings(server), "the engine's words in the log", LONG_S
                )

                ballast.unlink()
                wait_until(
                    lambda: call(gateway, "/cold", timeout_s=LONG_S).status == 200, "room again", LONG_S
                )
                watch.settle()
                assert server.stop() == 0
            watch.expect_nothing()
            client.close()
            own.end()
    finally:
        own.destroy()
