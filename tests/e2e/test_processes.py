"""Processes of a server that end, are killed, or are started anew: what callers see of it, and what is left."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from tests.support.leftovers import Watch, new_uid_base
from tests.support.observed import events, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.processes import BACK_S, children, parts, wait_gone, zombies
from tests.support.reload_load import CONNECTIONS, History, Load, write_generation
from tests.support.server import RunningServer, lockgate

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


class Site:
    """A server of a supervisor, an executor and two edges, and a folder for what its functions wait for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uid_base = new_uid_base()
        extra = ("--workers", "2", "--uid-base", str(self.uid_base))
        self.server = RunningServer(write_generation(folder, 0), folder / "state", extra=extra)

    def start(self) -> None:
        self.server.start()
        self.watch = Watch(self.server, self.uid_base)

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def restarts(self, part: str) -> float:
        return metrics(self.server).get(f'lockgate_part_restarts_total{{part="{part}"}}', 0.0)

    def await_ready(self) -> None:
        """All parts are there again."""
        admin = address_of(self.server.endpoints["admin"])

        def is_ready() -> bool:
            try:
                return call(admin, "/ready").status == 200
            except OSError:
                return False

        wait_until(is_ready, "ready again", BACK_S)

    def echo(self) -> Reply:
        return call(self.server.gateway_address, "/echo", method="POST", body=b"x")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        made.start()
        yield made
    finally:
        if made.server.process is not None and made.server.process.poll() is None:
            made.server.kill()


@asynccontextmanager
async def load_on(site: Site) -> AsyncIterator[Load]:
    """64 connections that call all the time; ended and waited for at the end."""
    load = Load(site.server.gateway_address, History(begun={0: 0.0}))
    running = asyncio.create_task(load.run(), name="load")
    try:
        await answers(load, 200)
        yield load
    finally:
        load.stopped = True
        await running


async def answers(load: Load, more: int) -> None:
    """Let so many more requests be answered."""
    wanted = load.answers + more
    async with asyncio.timeout(BACK_S):
        while load.answers < wanted:  # noqa: ASYNC110  # what happens in other processes tells nobody
            await asyncio.sleep(0.01)


async def test_killed_edge_loses_what_was_in_flight_on_it_and_comes_back(site: Site) -> None:
    async with load_on(site) as load:
        os.kill(parts(site.server)["edge-1"], signal.SIGKILL)
        await answers(load, 300)
        await asyncio.to_thread(site.await_ready)
        lost = len(load.failures)
        await answers(load, 300)
    assert len(load.failures) == lost, load.failures[lost:]
    assert lost <= CONNECTIONS
    assert not [failure for failure in load.failures if "answered" in failure]
    assert sum(site.restarts(name) for name in ("edge-1", "edge-2")) == 1
    assert site.restarts("executor") == 0
    assert zombies(site.pid) == []


async def test_killed_executor_answers_500_for_what_was_sent_and_nothing_for_what_was_not(site: Site) -> None:
    """New calls wait, for as long as their route does; what needs no function goes on as if nothing were."""
    async with load_on(site) as load:
        before = parts(site.server)
        os.kill(before["executor"], signal.SIGKILL)
        await asyncio.to_thread(site.await_ready)
        await answers(load, 300)
    after = parts(site.server)
    assert [name for name in after if after[name] != before[name]] == ["executor"]
    assert len(load.failures) <= CONNECTIONS
    assert [
        failure
        for failure in load.failures
        if "/echo answered 500" not in failure and "/aged answered 500" not in failure
    ] == []
    assert site.restarts("executor") == 1
    [resumed] = wait_until(lambda: events(site.server, "executor_ready")[1:], "the second one's word")
    assert (resumed["resumed"], resumed["generation"]) == (True, 1)
    assert zombies(site.pid) == []


async def test_rolling_restart_refuses_nobody(site: Site) -> None:
    """R3: the executor, then each edge, is another process afterwards."""
    async with load_on(site) as load:
        before = parts(site.server)
        os.kill(site.pid, signal.SIGUSR2)
        await asyncio.to_thread(wait_until, lambda: events(site.server, "restarted"), "the restart", BACK_S)
        await answers(load, 300)
    assert load.failures == [], f"{len(load.failures)} of {load.answers}: {load.failures[:5]}"
    wait_gone(list(before.values()))
    assert sorted(parts(site.server)) == sorted(before)
    assert zombies(site.pid) == []


def test_executor_that_comes_back_serves_what_it_served(site: Site) -> None:
    """A save that nobody asked to serve, and that is broken, is not what a crash brings up."""
    write_generation(site.folder, 1)
    assert lockgate("reload", "--state", site.server.state).returncode == 0
    write_generation(site.folder, 2, broken=True)
    os.kill(parts(site.server)["executor"], signal.SIGKILL)
    wait_until(lambda: len(events(site.server, "executor_ready")) == 2, "the executor", BACK_S)
    site.await_ready()
    assert call(site.server.gateway_address, "/state").body == b"1"
    assert site.echo().json()["generation"] == 1
    assert metrics(site.server)["lockgate_generation"] == 2
    assert lockgate("reload", "--state", site.server.state).returncode == 3
    write_generation(site.folder, 3)
    assert lockgate("reload", "--state", site.server.state).returncode == 0
    assert site.echo().json()["generation"] == 3


def test_edge_that_comes_back_serves_what_is_served_now(site: Site) -> None:
    """A hang-up of the supervisor is a reload."""
    write_generation(site.folder, 1)
    os.kill(site.pid, signal.SIGHUP)
    wait_until(lambda: events(site.server, "reloaded"), "the reload")
    for name, pid in parts(site.server).items():
        if name != "executor":
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(events(site.server, "part_ready")) == 2, "both edges", BACK_S)
    site.await_ready()
    assert call(site.server.gateway_address, "/state").body == b"1"


def test_sigterm_finishes_what_is_in_flight_and_leaves_nothing(site: Site) -> None:
    """R2."""
    assert site.echo().status == 200
    kept = http.client.HTTPConnection(*site.server.gateway_address, timeout=10)
    kept.connect()
    pids = [site.pid, *parts(site.server).values()]
    replies: list[Reply] = []
    threads = [threading.Thread(target=lambda: replies.append(site.echo())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert site.server.stop() == 0
    kept.close()
    assert [reply.status for reply in replies] == [200] * 8
    wait_gone(pids)
    site.watch.expect_nothing()
    assert not (site.server.state / "endpoints.json").exists()
    assert [event.get("part") for event in events(site.server, "stopped")][-2:] == ["executor", None]


def test_second_signal_ends_at_once(site: Site) -> None:
    connection = http.client.HTTPConnection(*site.server.gateway_address, timeout=10)
    connection.putrequest("POST", "/echo")
    connection.putheader("content-length", "10")
    connection.endheaders(b"half")  # a request that keeps the drain waiting
    pids = [site.pid, *parts(site.server).values()]
    assert site.server.process is not None
    site.server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: events(site.server, "draining"), "the drain")
    site.server.process.send_signal(signal.SIGTERM)
    assert site.server.exit_code() == 128 + signal.SIGTERM
    connection.close()
    wait_gone(pids)
    wait_until(lambda: not site.watch.processes(), "the end of environments", BACK_S)


def test_supervisor_that_is_killed_takes_all_with_it(site: Site) -> None:
    assert site.echo().status == 200
    below = list(parts(site.server).values())
    site.server.kill()
    wait_gone(below)
    wait_until(lambda: not site.watch.processes(), "the end of environments", BACK_S)
    site.start()
    assert site.echo().status == 200
    assert site.server.stop() == 0
    site.watch.expect_nothing()


def test_second_server_on_one_state_is_refused(site: Site) -> None:
    """And the first one's processes are its parts and nothing else."""
    assert sorted(children(site.pid)) == sorted(parts(site.server).values())
    words = ("--driver", "process", "--state", site.server.state, "-c", site.server.config)
    ports = ("--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    for more in ((), ("--workers", "1")):
        done = lockgate("serve", *words, *ports, *more)
        assert (done.returncode, b"Another Lockgate server" in done.stderr) == (5, True)
    assert site.echo().status == 200


class ByHand:
    """The same parts without a supervisor, as service managers start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = write_generation(folder, 0)
        self.url = f"unix:{folder}/x.sock"
        self.state = folder / "state"
        self._processes: list[subprocess.Popen[bytes]] = []

    def executor(self) -> subprocess.Popen[bytes]:
        return self._start(
            "executor", "--socket", self.url, "--driver", "process", "-c", self.config, "--state", self.state,
            "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0",
        )  # fmt: skip

    def edge(self, port: int) -> subprocess.Popen[bytes]:
        where = f"127.0.0.1:{port}"
        return self._start("serve", "--executor-url", self.url, "--gateway", where, "--state", self.state)

    def _start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr.log").open("ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "lockgate.cli", *map(str, words)],
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[ByHand]:
    made = ByHand(tmp_path)
    try:
        yield made
    finally:
        made.close()


def said_ready(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == b"ready\n"


def test_parts_that_are_started_by_hand_find_each_other_in_any_order(by_hand: ByHand) -> None:
    edge = by_hand.edge(0)
    executor = by_hand.executor()
    assert said_ready(executor)
    assert said_ready(edge)
    done = lockgate("env", "--json", "--state", by_hand.state)
    gateway = address_of(orjson.loads(done.stdout)["gateway"])
    assert call(gateway, "/echo", method="POST", body=b"x").status == 200

    write_generation(by_hand.folder, 1)
    assert lockgate("reload", "--state", by_hand.state).returncode == 0
    assert call(gateway, "/state").body == b"1"

    executor.kill()
    executor.wait(10)
    write_generation(by_hand.folder, 2)
    replies: list[Reply] = []
    waiting = threading.Thread(
        target=lambda: replies.append(call(gateway, "/echo", method="POST", body=b"x", timeout_s=30))
    )
    waiting.start()
    again = by_hand.executor()
    assert said_ready(again)
    waiting.join(30)
    assert replies[0].status in (200, 500)  # 500: it was on its way to the one that was killed
    wait_until(lambda: call(gateway, "/state").body == b"2", "what the new executor read", BACK_S)
    assert call(gateway, "/echo", method="POST", body=b"x").json()["generation"] == 2
    for process in (edge, again):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
