"""A server of several processes serves as one does: calls, reloads, explanations, numbers, throttles, the log."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.observed import events, log_lines, metrics, wait_until
from tests.support.plain_http import act, address_of, call, invoke
from tests.support.processes import parts
from tests.support.reload_load import History, Load, reload_often, write_generation
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, ServerFailed, lockgate
from tests.support.sockets_of import listening

pytestmark = pytest.mark.timeout(60)

HANDLER = """
import json, os
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"secret": len(os.environ["SECRET"])})}
"""


def declare(folder: Path) -> Path:
    (folder / "code").mkdir()
    (folder / "code" / "app.py").write_text(HANDLER)
    (folder / "page.html").write_text("page")
    return write_routes(
        folder,
        functions={
            "tells": {"code": "code", "handler": "app.handler", "environment": {"SECRET": "${env:CANARY}"}}
        },
        routes={
            "GET /tells": {"public": True, "function": "tells"},
            "GET /page": {"public": True, "respond": {"file": "page.html"}},
            "GET /rare": {
                "public": True,
                "respond": {"body": "rare"},
                "throttle": {"rate": 0.002, "burst": 6},
            },
        },
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("workers")
    started = RunningServer(
        declare(folder), folder / "state", extra=("--workers", "2"), env={"CANARY": "canary-in-a-variable"}
    )
    with started as server:
        yield server


def test_calls_are_answered_by_functions_and_by_the_gateway(server: RunningServer) -> None:
    told = call(server.gateway_address, "/tells").json()
    assert told["secret"] == len("canary-in-a-variable")
    assert call(server.gateway_address, "/page").body == b"page"
    assert call(server.gateway_address, "/nothing").status == 404
    assert json.loads(invoke(server.endpoints, "tells").body)["statusCode"] == 200


def test_parts_are_a_small_supervisor_an_executor_and_the_edges(server: RunningServer) -> None:
    assert sorted(parts(server)) == ["edge-1", "edge-2", "executor"]
    [started] = wait_until(lambda: events(server, "executor_ready"), "the executor's word")
    assert started["generation"] == 1
    [ready] = wait_until(lambda: events(server, "ready"), "the server's word")
    assert (ready["gateway"], ready["control"]) == (server.gateway, server.endpoints["control"])


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_edges_hold_no_socket_but_their_own(server: RunningServer) -> None:
    """Who faces the Internet can accept neither control nor admin connections, nor calls of other edges."""
    pids = parts(server)
    held = {name: listening(pid) for name, pid in pids.items()}
    assert len(held["executor"]) == 4  # control, admin, calls, edges
    assert len(held["edge-1"]) == 1
    assert held["edge-1"] == held["edge-2"]
    assert not held["edge-1"] & held["executor"]


def test_numbers_of_edges_carry_their_name(server: RunningServer) -> None:
    for _ in range(8):
        assert call(server.gateway_address, "/page").status == 200
    seen = metrics(server)
    total = 'lockgate_gateway_requests_total{worker="%s",method="GET",route="GET /page",status="2xx"}'
    assert sum(seen.get(total % name, 0.0) for name in ("edge-1", "edge-2")) >= 8
    assert seen["lockgate_generation"] >= 1
    assert seen['lockgate_part_restarts_total{part="executor"}'] == 0
    assert seen["process_resident_memory_bytes"] > 0
    assert seen['process_resident_memory_bytes{worker="edge-1"}'] > 0


def test_exposition_has_each_family_and_each_series_once(server: RunningServer) -> None:
    text = call(address_of(server.endpoints["admin"]), "/metrics").body.decode().splitlines()
    helps = [line.split()[2] for line in text if line.startswith("# HELP")]
    series = [line.rpartition(" ")[0] for line in text if not line.startswith("#")]
    assert len(helps) == len(set(helps))
    assert len(series) == len(set(series))


def test_live_explanation_comes_from_an_edge(server: RunningServer) -> None:
    done = lockgate("explain", "GET", "/page", "--live", "--json", "--state", server.state)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["source"], answer["verdict"]) == (0, "live", "allowed")
    assert answer["generation"] == metrics(server)["lockgate_generation"]
    assert act(server.endpoints, "explain", b'{"method": 7}').status == 400


def test_ready_needs_all_parts(server: RunningServer) -> None:
    assert call(address_of(server.endpoints["admin"]), "/ready").status == 200


def test_throttle_is_shared_out(server: RunningServer) -> None:
    """A burst of 6 is 3 on each of two edges: both together never let more through."""
    passed = [call(server.gateway_address, "/rare").status for _ in range(24)].count(200)
    assert 3 <= passed <= 6


def test_mistake_is_refused_and_nothing_changes(server: RunningServer) -> None:
    """P3: one that `check` finds, and one that only building the routes finds."""
    before = server.config.read_text()
    try:
        server.config.write_text(before.replace('"function": "tells"', '"function": "nobody"'))
        done = lockgate("reload", "--state", server.state)
        assert (done.returncode, b"nobody" in done.stderr) == (3, True)
    finally:
        server.config.write_text(before)
    assert call(server.gateway_address, "/tells").status == 200
    assert lockgate("reload", "--state", server.state).returncode == 0
    assert call(server.gateway_address, "/tells").status == 200


def test_variables_of_functions_do_not_cross_to_the_edges(server: RunningServer) -> None:
    """C9: an edge that is taken over has no secret of a function to give."""
    call(server.gateway_address, "/tells")
    pids = parts(server)
    assert holds(pids["executor"], b"canary-in-a-variable")
    for name in ("edge-1", "edge-2"):
        assert not holds(pids[name], b"canary-in-a-variable")
        assert b"CANARY" not in Path(f"/proc/{pids[name]}/environ").read_bytes()


def holds(pid: int, secret: bytes) -> bool:
    """Whether it stands anywhere in the writable memory of a process."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split()
            if not words[1].startswith("rw") or words[-1].startswith("[v"):
                continue
            start, end = (int(each, 16) for each in words[0].split("-"))
            memory.seek(start)
            if secret in (memory.read(end - start) or b""):
                return True
    return False


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_reloads_under_load_lose_nothing(tmp_path: Path) -> None:
    """R3: 64 connections over two edges; each answer is of a generation that was current meanwhile."""
    history = History(begun={0: 0.0})
    extra = ("--workers", "2")
    with RunningServer(write_generation(tmp_path, 0), tmp_path / "state", extra=extra) as server:
        load = Load(server.gateway_address, history)
        running = asyncio.create_task(load.run(), name="load")
        try:
            await reload_often(tmp_path, server.endpoints, history, times=20)
        finally:
            load.stopped = True
            await running
        assert load.failures == [], f"{len(load.failures)} of {load.answers}: {load.failures[:5]}"
        assert load.answers > 300
        wait_until(lambda: len(events(server, "reloaded")) == 18, "the log")
        wait_until(lambda: metrics(server)["lockgate_pools"] == 2, "the end of old pools")
        assert log_lines(server)  # each a whole JSON object, whoever wrote it


def test_start_that_fails_in_a_part_is_the_servers_failure(tmp_path: Path) -> None:
    config = declare(tmp_path)
    os.mkfifo(tmp_path / "code" / "pipe")
    server = RunningServer(config, tmp_path / "state", extra=("--workers", "1"), env={"CANARY": "x"})
    with pytest.raises(ServerFailed, match="exit 3 before ready"):
        server.start()
    assert "functions.tells" in server.stderr()
