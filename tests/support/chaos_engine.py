"""A Docker engine of a test's own, to be killed, stopped and started again: with its own data, socket and containers.

It sets no firewall rules, so that those of the machine's engine stay as they are. Its base image is a copy of the
machine's engine's.
"""

import functools
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import NO_CONTENT, OK
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import orjson

from executor.drivers.docker import kernel
from tests.support.observed import wait_until
from tests.support.processes import children

START_S = 60.0  # it restores and kills what ran before
END_S = 60.0
ANSWER_S = 30.0
LOAD_S = 90.0  # half a gigabyte, on a machine that does other things too


def _labelled(label: str) -> str:
    return quote(orjson.dumps({"label": [label]}))


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket; one that cannot be connected leaves no descriptor behind."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class EngineView:
    """An engine as somebody else sees it who has its socket. :param address: as in ``DOCKER_HOST``."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """:returns: status and parsed JSON. :raises OSError: it is not there."""
        connection = _Connection(self.address.removeprefix("unix://"))
        try:
            connection.request(method, f"/v1.41{path}")
            response = connection.getresponse()
            body = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, orjson.loads(body) if is_json and body else None

    def kill(self, container: str) -> bool:
        """As ``docker kill``. :returns: whether it ran."""
        try:
            return self.ask("POST", f"/containers/{container}/kill")[0] == NO_CONTENT
        except OSError:
            return False

    def containers(self, label: str = "lockgate.instance") -> list[dict[str, Any]]:
        """What carries the label, running or not, as the engine lists it."""
        status, found = self.ask("GET", f"/containers/json?all=1&filters={_labelled(label)}")
        assert status == OK, found
        return list(found)

    def networks(self, label: str = "lockgate.instance") -> list[str]:
        status, found = self.ask("GET", f"/networks?filters={_labelled(label)}")
        assert status == OK, found
        return [str(each["Name"]) for each in found]

    def shims(self) -> list[int]:
        """Processes that hold a container each, where all of them are one test's; else none."""
        return []


class ChaosEngine(EngineView):
    """:param folder: short, because the engine's sockets lie in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "engine.sock"
        super().__init__(f"unix://{self.socket}")
        self.moments: list[tuple[float, float]] = []  # of restarts: asked for, serves again (monotonic)
        self._process: subprocess.Popen[bytes] | None = None
        self._bridge = f"lgc-{secrets.token_hex(4)}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> docker.DockerClient:
        """Close it after use."""
        return docker.DockerClient(base_url=self.address, timeout=ANSWER_S)

    def start(self) -> None:
        self._make_bridge()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd", "--host", self.address, "--pidfile", str(self.folder / "pid"),
                    "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
                    "--bridge", self._bridge, "--iptables=false", "--ip6tables=false", "--ip-masq=false",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(self._answers, f"an engine; its log is {self.folder / 'log'}", START_S)

    def _make_bridge(self) -> None:
        """Its default network, which must not be `none`: an engine without one removes the machine's ``docker0``."""
        if (Path("/sys/class/net") / self._bridge).exists():
            return
        run = functools.partial(subprocess.run, check=True, timeout=END_S)
        address = f"10.{secrets.randbelow(50) + 200}.{secrets.randbelow(256)}.1/24"
        run(["ip", "link", "add", self._bridge, "type", "bridge"])
        run(["ip", "address", "add", address, "dev", self._bridge])
        run(["ip", "link", "set", self._bridge, "up"])

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
        if not self.socket.exists():
            return False
        try:
            return self.ask("GET", "/_ping")[0] == OK
        except OSError:
            return False

    def end(self, number: int = signal.SIGTERM) -> None:
        """SIGTERM ends its containers; SIGKILL leaves them running until the next start, which ends them."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(END_S)
        # A killed engine's containerd dies with it. Where nobody reaps it, the next engine would take it for alive.
        (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)

    def restart(self, number: int) -> None:
        begun = time.monotonic()
        self.end(number)
        self.start()
        self.moments.append((begun, time.monotonic()))

    def load(self, source: str, image: str) -> None:
        """Copy an image. :param source: address of the engine that has it."""
        saving = subprocess.Popen(["docker", "-H", source, "save", image], stdout=subprocess.PIPE)
        try:
            subprocess.run(
                ["docker", "-H", self.address, "load", "--quiet"],
                stdin=saving.stdout, stdout=subprocess.DEVNULL, check=True, timeout=LOAD_S,
            )  # fmt: skip
            assert saving.wait(LOAD_S) == 0
        finally:
            assert saving.stdout is not None
            saving.stdout.close()
            if saving.poll() is None:
                saving.kill()
                saving.wait()

    def shims(self) -> list[int]:
        word = str(self.folder).encode()
        found = []
        for entry in os.listdir("/proc"):
            with suppress(OSError, ValueError):
                line = Path(f"/proc/{int(entry)}/cmdline").read_bytes()
                if b"containerd-shim" in line and word in line and children(int(entry)):
                    found.append(int(entry))
        return found

    def destroy(self) -> None:
        """End it and all that it has, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.end()
        for pid in self.shims():
            os.kill(pid, signal.SIGKILL)
        for point in kernel.mounts_below(self.folder.resolve()):
            kernel.unmount(point)
        if (Path("/sys/class/net") / self._bridge).exists():
            subprocess.run(["ip", "link", "delete", self._bridge], check=True, timeout=END_S)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def chaos_engine(source: str, image: str) -> Iterator[ChaosEngine]:
    """One that runs and has the image. :param source: address of the engine to copy it from."""
    made = ChaosEngine(Path(tempfile.mkdtemp(prefix="lg")).resolve())
    try:
        made.start()
        made.load(source, image)
        yield made
    finally:
        made.destroy()
