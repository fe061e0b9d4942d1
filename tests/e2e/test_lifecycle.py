"""Starts and ends: what they promise to callers, and what of the server is on the machine afterwards."""

import http.client
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from tests.support.good_client import GoodClient
from tests.support.leftovers import Watch, new_uid_base
from tests.support.observed import access_records, events, function_log, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.server import RunningServer, ServerFailed

CONFIG = Path(__file__).parent / "bad_functions" / "lifecycle.yaml"

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


class Machine:
    """One state and its server's life: started, ended and started again."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.uid_base = new_uid_base()
        self.watch: Watch
        self._servers: list[RunningServer] = []

    def start(self, *extra: str, inherited: dict[str, socket.socket] | None = None) -> RunningServer:
        server = RunningServer(
            CONFIG, self.state, extra=("--uid-base", str(self.uid_base), *extra), inherited=inherited
        )
        self._servers.append(server)
        server.start()
        self.watch = Watch(server, self.uid_base)
        return server

    def close(self) -> None:
        """End what a failed test has left."""
        for server in self._servers:
            if server.process is not None and server.process.poll() is None:
                server.kill()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    try:
        yield machine
    finally:
        machine.close()


@contextmanager
def call_in_flight(server: RunningServer, function: str) -> Iterator[list[Reply]]:
    """A call that the function is working on. Leaving waits for its answer, which is then in the list."""
    replies: list[Reply] = []

    def run() -> None:
        try:
            replies.append(call(server.gateway_address, f"/{function}", timeout_s=30))
        except (OSError, http.client.HTTPException):  # a server that is killed answers nobody
            return

    running = f'lockgate_environments{{function="{function}",state="running"}}'
    thread = threading.Thread(target=run, name=f"call of {function}")
    thread.start()
    try:
        wait_until(lambda: metrics(server)[running] == 1, f"{function} at work")
        yield replies
    finally:
        thread.join(30)


def is_refused(server: RunningServer) -> bool:
    try:
        socket.create_connection(server.gateway_address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_finishes_what_is_in_flight(machine: Machine) -> None:
    """SIGHUP before it changes nothing; a kept connection is told to close; the probes tell the truth."""
    server = machine.start()
    assert server.process is not None
    admin = address_of(server.endpoints["admin"])
    server.process.send_signal(signal.SIGHUP)
    [event] = wait_until(lambda: events(server, "reloaded"), "the answer to SIGHUP")
    assert (event["generation"], sum(event["routes"].values()), sum(event["functions"].values())) == (2, 0, 0)
    kept = http.client.HTTPConnection(*server.gateway_address, timeout=10)
    kept.connect()

    with call_in_flight(server, "slow") as replies:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(server), "the end of accepting")
        assert call(admin, "/health").status == 200
        assert call(admin, "/ready").status == 503
        assert call(admin, "/ready").json()["reasons"] == ["draining"]

    assert [(reply.status, sorted(reply.json())) for reply in replies] == [(200, ["id"])]
    assert replies[0].headers["connection"] == "close"
    kept.close()
    assert server.exit_code() == 0
    machine.watch.expect_nothing()
    assert not (machine.state / "endpoints.json").exists()
    assert [record["status"] for record in access_records(server)] == [200]
    assert "finished" in [record.text for record in function_log(server, "slow")]
    assert events(server, "stopped")


def test_signal_right_after_ready_is_not_lost(tmp_path: Path) -> None:
    """A supervisor that reloads or stops as soon as it reads `ready` killed a server that was still collecting."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        state = tmp_path / f"state-{number}"
        command = (
            sys.executable, "-m", "lockgate.cli", "serve", "--driver", "process", "-c", CONFIG, "--state", state,
            "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        )  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            if number == signal.SIGHUP:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.5)
                process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_drain_that_takes_too_long_ends_in_a_clean_503(machine: Machine) -> None:
    server = machine.start("--drain", "0.5")
    assert server.process is not None
    with call_in_flight(server, "endless") as replies:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)

    assert time.monotonic() - began < 5
    assert [(reply.status, reply.body) for reply in replies] == [(503, b'{"message":"Service Unavailable"}')]
    assert replies[0].headers["connection"] == "close"
    assert server.exit_code() == 0
    machine.watch.expect_nothing()


def test_request_that_the_drain_cuts_off_is_in_the_access_log(machine: Machine) -> None:
    server = machine.start("--drain", "0.1")
    assert server.process is not None
    with call_in_flight(server, "endless") as replies:
        server.process.send_signal(signal.SIGTERM)

    assert server.exit_code() == 0
    assert [reply.status for reply in replies] == [503]
    assert [record["status"] for record in access_records(server)] == [503]


def test_second_sigterm_ends_at_once_and_the_next_start_is_sound(machine: Machine) -> None:
    server = machine.start()
    assert server.process is not None
    assert call(server.gateway_address, "/daemon").status == 200
    with call_in_flight(server, "endless") as replies:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: events(server, "draining"), "the drain")
        server.process.send_signal(signal.SIGTERM)
        assert server.exit_code() == 128 + signal.SIGTERM
        wait_until(lambda: not machine.watch.processes(), "the end of its processes", 2)
    assert replies == []

    again = machine.start()
    assert call(again.gateway_address, "/good").status == 200
    assert again.stop() == 0
    machine.watch.expect_nothing()


def test_killed_server_leaves_no_process_and_the_next_start_cleans_up(machine: Machine) -> None:
    server = machine.start()
    for path in ("/good", "/daemon"):  # the daemon has neither our marker nor a parent of ours
        assert call(server.gateway_address, path).status == 200
    instance = machine.watch.instance
    with call_in_flight(server, "endless") as replies:
        assert len(machine.watch.processes()) >= 4
        server.kill()
        wait_until(lambda: not machine.watch.processes(), "the end of its processes", 2)
    assert replies == []

    again = machine.start()
    assert machine.watch.instance == instance
    before = machine.watch.look()
    assert not any(name.split("/")[-1].startswith("1.") for name in before.cgroups)  # the first epoch's
    assert not [name for name in before.sockets if name.endswith("api.sock")]
    assert call(again.gateway_address, "/good").status == 200
    assert again.stop() == 0
    machine.watch.expect_nothing()


def test_restart_with_inherited_sockets_refuses_nobody(machine: Machine) -> None:
    """As systemd restarts: the sockets stay, the old server drains, connections wait for the new one."""
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in ("gateway", "control", "admin")}
    gateway = sockets["gateway"].getsockname()
    try:
        server = machine.start(inherited=sockets)
        assert server.gateway_address == gateway
        with GoodClient(gateway, longest_s=25) as first, GoodClient(gateway, longest_s=25):
            for _ in range(2):
                wait_until(lambda count=first.count: first.count > count + 10, "calls")
                assert server.stop() == 0
                machine.watch.expect_nothing()
                server = machine.start(inherited=sockets)
            wait_until(lambda count=first.count: first.count > count + 10, "calls")
        assert server.stop() == 0
    finally:
        for sock in sockets.values():
            sock.close()
    machine.watch.expect_nothing()


def test_state_is_for_its_owner_only(machine: Machine) -> None:
    machine.state.mkdir(mode=0o755)
    server = machine.start()
    assert call(server.gateway_address, "/good").status == 200
    with pytest.raises(ServerFailed, match=r"(?s)exit 5.*Another Lockgate server uses the state folder"):
        RunningServer(CONFIG, machine.state).start()
    assert call(server.gateway_address, "/good").status == 200
    assert server.stop() == 0

    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700
    files = [path for path in machine.state.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"credentials.json", "instance.json"}
    secret = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert [path.name for path in secret if path.name in ("credentials.json", "instance.json")] == []
    (machine.state / "credentials.json").chmod(0o640)
    with pytest.raises(ServerFailed, match=r"(?s)exit 5.*credentials\.json can be read by other users"):
        machine.start()
    machine.watch.expect_nothing()


def test_taken_port_is_named(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerFailed, match=rf"(?s)exit 5.*127\.0\.0\.1:{port}.*in use.*port 0"):
            machine.start("--gateway", f"127.0.0.1:{port}")
    assert not machine.state.exists()


@pytest.fixture
def machine_with_small_disk(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    machine = Machine(folder)
    try:
        yield machine
    finally:
        machine.close()
        subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk_costs_log_lines_and_no_request(machine_with_small_disk: Machine) -> None:
    machine = machine_with_small_disk
    server = machine.start()
    filler = machine.state.parent / "filler"
    dropped = 'lockgate_log_dropped_records_total{log="functions"}'

    assert call(server.gateway_address, "/good").status == 200
    wait_until(lambda: "platform.report" in [r.type for r in function_log(server, "good")], "the log")
    known = len(function_log(server, "good"))
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * (8 << 20))
    replies = [call(server.gateway_address, "/good").status for _ in range(200)]
    wait_until(lambda: metrics(server)[dropped] > 0, "lost lines")
    assert replies == [200] * 200

    filler.unlink()
    assert call(server.gateway_address, "/good").status == 200
    said = wait_until(
        lambda: [r for r in function_log(server, "good")[known:] if r.type == "platform.logsDropped"],
        "word of the lost lines",
    )
    assert "No space left on device" in said[0].text
    assert server.stop() == 0
    assert orjson.loads((machine.state / "instance.json").read_bytes())["epoch"] == 1
    shutil.rmtree(machine.state)
