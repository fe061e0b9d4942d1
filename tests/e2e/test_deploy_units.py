"""The systemd units: their commands run as they stand there, are restarted under load, and are killed."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.observed import wait_until
from tests.support.plain_http import call
from tests.support.units import UNITS, UnitProcess, command_of, read_unit

FILE = """\
version: 1
defaults: {runtime: python3.11}
server: {pull: never}
functions:
  hello: {code: hello, handler: app.handler}
routes:
  GET /: {function: hello, public: true}
"""
APP = "def handler(event, context):\n    return 'hello'\n"
CALLERS = 4


class Site:
    """Both services of the units, with the paths of a test and the caller's own user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hello").mkdir()
        (folder / "hello/app.py").write_text(APP)
        (folder / "routes.yaml").write_text(FILE)
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.address = self.sock.getsockname()[:2]
        replaced = {
            "/opt/lockgate/bin/lockgate": str(Path(sys.executable).with_name("lockgate")),
            "unix:/run/lockgate/executor.sock": f"unix:{folder}/executor.sock",
            "/var/lib/lockgate": f"{folder}/state",
            "/var/lib/lockgate-gateway": f"{folder}/gateway-state",
            "lockgate": str(os.geteuid()),  # the user of --edge-user
        }
        ports = ["--control", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.executor = UnitProcess([*command_of("lockgate-executor.service", replaced), *ports], folder)
        gateway = command_of("lockgate.service", replaced)
        name = read_unit("lockgate.socket")["Socket"]["FileDescriptorName"]
        self.gateway = UnitProcess(gateway, folder, {name: self.sock})

    def call(self) -> int:
        return call(self.address, "/", timeout_s=60).status

    def close(self) -> None:
        self.gateway.end()
        self.executor.end()
        self.sock.close()


@pytest.fixture
def site(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    # Sockets have short paths.
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    site = Site(folder)
    try:
        site.executor.start()
        site.gateway.start()
        yield site
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)


class Load:
    """Callers that open a connection for each request, one after the other, until told to stop."""

    def __init__(self, site: Site) -> None:
        self.outcomes: Counter[object] = Counter()
        self._site = site
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def _call(self) -> None:
        while not self._done.is_set():
            try:
                self.outcomes[self._site.call()] += 1
            except OSError as error:
                self.outcomes[type(error).__name__] += 1

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def await_more(self) -> None:
        before = self.outcomes[200]
        wait_until(lambda: self.outcomes[200] > before + 20, "more calls answered", 60.0)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_services_serve_are_restarted_under_load_and_come_back_after_kill(site: Site) -> None:
    assert site.call() == 200
    with Load(site) as load:
        load.await_more()
        assert site.gateway.stop() == 0
        site.gateway.start()
        load.await_more()
    assert dict(load.outcomes) == {200: load.outcomes[200]}
    site.gateway.kill()
    site.gateway.start()
    assert site.call() == 200
    site.executor.kill()
    site.executor.start()
    assert site.call() == 200


def test_executor_has_no_public_socket_and_the_gateway_no_rights() -> None:
    """C2: the engine's socket is out of the reach of what faces the Internet."""
    gateway = read_unit("lockgate.service")["Service"]
    assert gateway["User"] == "lockgate"
    assert gateway["CapabilityBoundingSet"] == ""
    assert "-/run/docker.sock" in gateway["InaccessiblePaths"].split()
    assert read_unit("lockgate.socket")["Socket"]["Service"] == "lockgate.service"
    assert "--gateway" not in read_unit("lockgate-executor.service")["Service"]["ExecStart"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.s[eo]*")))
def test_systemd_takes_each_unit(unit: str, tmp_path: Path) -> None:
    """With the program where it is here, because its place on the target is checked, too."""
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/lockgate/bin/lockgate", "/bin/true")
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit)], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, "")
