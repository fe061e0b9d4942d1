"""Binding, inheriting and draining."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from kit.listener import Listener, ListenError, bind, inherited_sockets
from tests.support.edge_wire import Edge, Recorder, Wire, respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_address_and_url_tell_the_port_that_was_found() -> None:
    edge = await start_edge(Recorder())
    host, port = edge.listener.address
    assert host == "127.0.0.1"
    assert port > 0
    assert edge.listener.url == f"http://127.0.0.1:{port}"
    assert repr(edge.listener) == f"<Listener test http://127.0.0.1:{port} connections=0>"
    await edge.stop()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_ipv6_address() -> None:
    edge = await start_edge(Recorder(), address="[::1]:0")
    assert edge.listener.url == f"http://[::1]:{edge.listener.address[1]}"
    wire = await edge.connect(GET)
    assert (await wire.answer()).status == 200
    await edge.stop()


async def test_unix_socket_serves_and_its_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    edge = await start_edge(Recorder(), address=f"unix:{path}")
    assert edge.listener.url == f"unix:{path}"
    wire = Wire(*await asyncio.open_unix_connection(path))
    wire.send(GET)
    assert (await wire.answer()).status == 200
    await wire.close()
    await edge.stop()
    assert not path.exists()


def test_stale_unix_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    bind(f"unix:{path}").close()
    assert path.is_socket()
    with bind(f"unix:{path}") as live:
        live.listen()
        with pytest.raises(ListenError, match="in use"):
            bind(f"unix:{path}")
        assert path.is_socket()


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "8080",
            ":8080",
            "localhost",
            "a:b:1",
            "::1:80",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:65536",
        ),
        *("[127.0.0.1]:80", "[::1]", "unix:relative", "unix:/" + "a" * 120, "unix:/no/such/folder/s"),
        "no.such.host.invalid:1",
    ],
)
def test_bad_address_is_explained(address: str) -> None:
    with pytest.raises(ListenError) as caught:
        bind(address)
    assert caught.value.why
    assert caught.value.instead.endswith(".")


def test_taken_port_is_explained() -> None:
    with bind("127.0.0.1:0") as taken:
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError) as caught:
            bind(address)
    assert caught.value.what == address
    assert "in use" in caught.value.why


class Held:
    """An application whose requests end when the test lets them."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.began.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        await respond(send, b"done")


async def hold(app: Held, limits: EdgeLimits | None = None) -> tuple[Edge, Wire]:
    edge = await start_edge(app, limits)
    wire = await edge.connect(GET)
    await app.began.wait()
    return edge, wire


async def test_drain_lets_requests_in_flight_end_with_connection_close() -> None:
    """R2"""
    app = Held()
    edge, wire = await hold(app)
    draining = asyncio.create_task(edge.listener.drain(30))
    await edge.until(lambda: edge.state.draining)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*edge.listener.address)
    app.go_on.set()
    answer = await wire.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (200, b"done", "close")
    assert await wire.rest() == b""
    await draining
    assert edge.refused == []
    await wire.close()


async def test_drain_closes_idle_connections_at_once() -> None:
    """R2"""
    edge = await start_edge(Recorder())
    wire = await edge.connect(GET)
    await wire.answer()
    await edge.listener.drain(30)
    assert await wire.rest() == b""
    await wire.close()


async def test_drain_waits_for_a_head_that_is_on_its_way() -> None:
    edge = await start_edge(Recorder())
    wire = await edge.connect(GET[:10])
    await edge.until(lambda: any(c._phase == 2 for c in edge.state.connections))
    draining = asyncio.create_task(edge.listener.drain(30))
    await edge.until(lambda: edge.state.draining)
    wire.send(GET[10:])
    answer = await wire.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    await draining
    await wire.close()


async def test_drain_answers_503_when_the_time_is_over() -> None:
    """R2: its twin is the one that had the time."""
    app = Held()
    edge, wire = await hold(app)
    draining = asyncio.create_task(edge.listener.drain(0.01))
    answer = await wire.answer()
    assert (answer.status, json.loads(answer.body)) == (503, {"message": "Service Unavailable"})
    assert answer.headers["connection"] == "close"
    assert await wire.rest() == b""
    await wire.close()
    await draining
    assert app.cancelled
    assert edge.refused == [("cut_off", 503)]


async def test_drain_aborts_a_stream_that_never_ends() -> None:
    began = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        began.set()
        await asyncio.Event().wait()

    edge = await start_edge(app, EdgeLimits(linger_s=0.05))
    wire = await edge.connect(GET)
    await began.wait()
    await edge.listener.drain(0.01)
    assert b"0\r\n\r\n" not in await wire.rest()
    assert edge.listener.connections == 0
    await wire.close()


async def test_drain_ends_although_a_client_never_sends() -> None:
    edge = await start_edge(Recorder(), EdgeLimits(sweep_s=0.01))
    wire = await edge.connect()
    await edge.until(lambda: edge.listener.connections == 1)
    await edge.listener.drain(30)
    assert await wire.rest() == b""
    await wire.close()


async def test_drain_before_start_and_twice() -> None:
    listener = Listener("test", Recorder(), bind("127.0.0.1:0"))
    await listener.drain(1)
    edge = await start_edge(Recorder())
    await edge.listener.drain(1)
    await edge.listener.drain(1)


async def test_inherited_socket_queues_connections_for_the_next_server() -> None:
    with bind("127.0.0.1:0") as sock:
        first = Listener("first", Recorder(), sock, inherited=True)
        await first.start()
        await first.drain(1)
        wire = Wire(*await asyncio.open_connection(*first.address))
        wire.send(GET)
        second = Listener("second", Recorder(), sock, inherited=True)
        await second.start()
        assert (await wire.answer()).status == 200
        await wire.close()
        await second.drain(1)


CHILD = """
import json, os, sys
from kit.listen_sockets import ListenError, inherited_sockets
environ = dict(os.environ)
if environ.pop("FOR_ME") == "yes":
    environ["LISTEN_PID"] = str(os.getpid())
try:
    found = inherited_sockets(environ, pid=os.getpid())
except ListenError as exc:
    print(json.dumps({"error": str(exc)}))
else:
    seen = {n: [s.getsockname()[1], s.get_inheritable(), s.getblocking()] for n, s in found.items()}
    print(json.dumps(seen))
"""


async def run_child(count: int, names: str | None, *, for_me: bool = True, listening: bool = True) -> Any:
    """Run a process that gets *count* sockets from descriptor 3 on, as a service manager passes them."""
    sockets = [bind("127.0.0.1:0") for _ in range(2)]
    for sock in sockets:
        if listening:
            sock.listen()
    environ = {**os.environ, "LISTEN_FDS": str(count), "LISTEN_PID": "1", "FOR_ME": "yes" if for_me else "no"}
    if names is not None:
        environ["LISTEN_FDNAMES"] = names
    # The child's shell moves them to 3 and 4; the copies of ours are above that, so none is overwritten.
    moves = [os.dup2(sock.fileno(), 50 + index) for index, sock in enumerate(sockets)]
    script = 'exec 3<&50 4<&51 50<&- 51<&-; exec "$0" -c "$1"'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, sys.executable, CHILD,
        env=environ, pass_fds=moves, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    out, _ = await process.communicate()
    for fd in moves:
        os.close(fd)
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return json.loads(out), ports


async def test_sockets_of_a_service_manager_come_by_name() -> None:
    found, ports = await run_child(2, "gateway:auth")
    assert found == {"gateway": [ports[0], False, False], "auth": [ports[1], False, False]}


async def test_unnamed_sockets_are_called_by_descriptor() -> None:
    found, ports = await run_child(2, None)
    assert found == {"fd3": [ports[0], False, False], "fd4": [ports[1], False, False]}


async def test_sockets_for_another_process_are_left_alone() -> None:
    assert (await run_child(2, "gateway:auth", for_me=False))[0] == {}


async def test_two_sockets_of_one_name_are_refused() -> None:
    assert "FileDescriptorName=" in (await run_child(2, "a:a"))[0]["error"]


async def test_descriptor_that_is_not_there_is_refused() -> None:
    assert "descriptor 5" in (await run_child(3, "a:b:c"))[0]["error"]


async def test_socket_that_does_not_listen_is_refused() -> None:
    assert "not a listening stream socket" in (await run_child(1, "a", listening=False))[0]["error"]


def test_number_of_sockets_must_be_a_number() -> None:
    with pytest.raises(ListenError, match="not a number"):
        inherited_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "many"}, pid=7)


def test_no_service_manager_no_sockets() -> None:
    assert inherited_sockets({}, pid=os.getpid()) == {}


async def test_drain_cuts_off_half_a_head_without_an_answer() -> None:
    edge = await start_edge(Recorder())
    wire = await edge.connect(GET[:10])
    await edge.until(lambda: any(c._phase == 2 for c in edge.state.connections))
    await edge.listener.drain(0.01)
    assert await wire.rest() == b""
    await wire.close()


async def test_drain_leaves_queued_requests_behind_when_the_time_is_over() -> None:
    app = Held()
    edge = await start_edge(app)
    wire = await edge.connect(GET * 3)
    await app.began.wait()
    draining = asyncio.create_task(edge.listener.drain(0.01))
    assert (await wire.answer()).status == 503
    assert await wire.rest() == b""
    await wire.close()
    await draining


async def test_drain_answers_what_was_queued_when_there_is_time() -> None:
    app = Held()
    edge = await start_edge(app)
    wire = await edge.connect(GET * 3)
    await app.began.wait()
    draining = asyncio.create_task(edge.listener.drain(30))
    await edge.until(lambda: edge.state.draining)
    app.go_on.set()
    answers = [await wire.answer() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [answer.headers.get("connection") for answer in answers] == [None, None, "close"]
    await draining
    await wire.close()
