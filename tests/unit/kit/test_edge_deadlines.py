"""Deadlines, rates and memory: what a slow or endless client gets."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from tests.support.edge_wire import PROBE, Edge, Recorder, respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
FAR = 60.0


def limits(**changes: Any) -> EdgeLimits:
    """Limits that nobody reaches in a test, but for *changes*; swept every 5 ms."""
    base: dict[str, Any] = {
        "first_byte_s": FAR,
        "header_s": FAR,
        "body_s": FAR,
        "body_grace_s": FAR,
        "idle_s": FAR,
        "stall_s": FAR,
        "sweep_s": 0.005,
    }
    return EdgeLimits(**(base | changes))


@pytest.fixture
async def edges() -> AsyncIterator[list[Edge]]:
    started: list[Edge] = []
    yield started
    for edge in started:
        await edge.stop()


async def start(edges: list[Edge], bounds: EdgeLimits, app: Any = None) -> Edge:
    edges.append(await start_edge(app or Recorder(), bounds))
    return edges[-1]


async def test_silent_client_is_closed_without_an_answer(edges: list[Edge]) -> None:
    edge = await start(edges, limits(first_byte_s=0.02))
    wire = await edge.connect()
    assert await wire.rest() == b""
    assert edge.refused == [("first_byte_timeout", 0)]


@pytest.mark.parametrize("data", [b"G", b"GET /p HTTP/1.1\r\n", GET[:-2], GET[:-1]])
async def test_half_a_head_gets_408(edges: list[Edge], data: bytes) -> None:
    edge = await start(edges, limits(header_s=0.02, first_byte_s=0.02))
    wire = await edge.connect(data)
    answer = await wire.answer()
    assert (answer.status, json.loads(answer.body)) == (408, {"message": "Request Timeout"})
    assert await wire.rest() == b""
    assert edge.refused == [("header_timeout", 408)]


async def test_dripping_a_head_does_not_move_its_deadline(edges: list[Edge]) -> None:
    edge = await start(edges, limits(header_s=0.05))
    wire = await edge.connect(b"GET /p HTTP/1.1\r\nHost: a\r\n")

    state = edge.state
    while not edge.refused:  # a field a sweep, far more often than the deadline
        wire.send(b"X: y\r\n")
        await edge.until(partial(lambda swept: edge.refused or state._swept_at > swept, state._swept_at))
    assert (await wire.answer()).status == 408
    assert edge.refused == [("header_timeout", 408)]


@pytest.mark.parametrize("header_s", [pytest.param(0.02, id="H1-late"), pytest.param(FAR, id="H1-in-time")])
async def test_the_rest_of_a_refused_request_is_not_read(edges: list[Edge], header_s: float) -> None:
    """H1: the end of a head that comes after its 408 would be a request that the client was told is none."""
    app = Recorder()
    edge = await start(edges, limits(header_s=header_s), app)
    wire = await edge.connect(GET[:-2])
    await edge.until(lambda: edge.refused or header_s == FAR)
    is_late = bool(edge.refused)
    await edge.until(lambda: edge.listener.connections)
    (connection,) = edge.state.connections
    connection.data_received(GET[-2:] + GET if is_late else b"")
    assert not edge.state.tasks
    if is_late:
        assert (await wire.answer()).status == 408
    else:
        wire.send(GET[-2:] + GET)
        assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert len(app.seen) == (0 if is_late else 2)


async def test_idle_connection_is_closed_quietly_after_idle_s(edges: list[Edge]) -> None:
    edge = await start(edges, limits(idle_s=0.02))
    wire = await edge.connect(GET)
    assert (await wire.answer()).status == 200
    assert await wire.rest() == b""
    assert edge.refused == []


async def test_trusted_peer_rests_longer(edges: list[Edge]) -> None:
    edge = await start(
        edges, limits(idle_s=0.001, trusted_idle_s=FAR, trusted_proxies=(ip_network("127.0.0.0/8"),))
    )
    wire = await edge.connect(GET)
    await wire.answer()
    swept = edge.state._swept_at
    await edge.until(lambda: edge.state._swept_at > swept + 0.01)
    wire.send(PROBE)
    assert (await wire.answer()).status == 200


async def test_slow_body_gets_408_before_the_total_time(edges: list[Edge]) -> None:
    edge = await start(edges, limits(body_grace_s=0.02, body_rate=1e6))
    wire = await edge.connect(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    assert (await wire.answer()).status == 408
    assert edge.refused == [("body_too_slow", 408)]


async def test_body_has_a_total_time(edges: list[Edge]) -> None:
    edge = await start(edges, limits(body_s=0.02))
    wire = await edge.connect(b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    assert (await wire.answer()).status == 408
    assert edge.refused == [("body_timeout", 408)]


async def test_application_that_does_not_read_costs_the_client_nothing(edges: list[Edge]) -> None:
    """The application looks at something else for longer than body_s, while 64 KiB are buffered."""
    go_on = asyncio.Event()
    recorder = Recorder()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await recorder(scope, receive, send)

    edge = await start(edges, limits(body_s=0.05, body_grace_s=0.01), app)
    body = b"a" * 300_000
    wire = await edge.connect(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    connections = edge.state.connections
    await edge.until(lambda: any(c.flow.read_paused for c in connections))
    paused_at = edge.state._swept_at
    await edge.until(lambda: edge.state._swept_at > paused_at + 0.1)
    go_on.set()
    assert (await wire.answer()).status == 200


async def test_client_waits_for_100_without_running_out_of_time(edges: list[Edge]) -> None:
    go_on = asyncio.Event()
    recorder = Recorder()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await recorder(scope, receive, send)

    edge = await start(edges, limits(body_s=0.2), app)
    wire = await edge.connect(
        b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    await edge.until(lambda: bool(edge.state.tasks))
    begun = edge.state._swept_at
    await edge.until(lambda: edge.state._swept_at > begun + 0.3)
    go_on.set()
    assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"abc")
    assert json.loads((await wire.answer()).body)["body"] == "abc"


async def test_reader_that_does_not_read_is_aborted(edges: list[Edge]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"a" * 30_000_000)

    edge = await start(edges, limits(stall_s=0.1, body_rate=1e9), app)
    wire = await edge.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.send(GET)
    await edge.until(lambda: bool(edge.refused))
    assert edge.refused == [("write_stalled", 0)]
    await edge.until(lambda: edge.listener.connections == 0)


async def test_endless_header_is_refused_in_bounded_memory(edges: list[Edge]) -> None:
    """A stock server took 149 MB of one header and grew by 220 MB."""
    edge = await start(edges, limits())
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wire = await edge.connect(b"GET /p HTTP/1.1\r\nHost: a\r\nX: ")
    sent, block = 0, b"a" * 65536
    try:
        while sent < 149_000_000:
            wire.send(block)
            sent += len(block)
            await wire.writer.drain()
    except ConnectionError:
        pass
    assert edge.refused == [("fields_too_large", 431)]
    assert sent < 16_000_000, "kernel buffers on both sides hold some; the server took no more"
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb < 20_000


@pytest.mark.parametrize(
    "start_of_flood",
    [
        pytest.param(b"GET /p HTTP/1.1\r\nHost: a\r\nX: ", id="field"),
        pytest.param(b"GET /p HTTP/1.1\r\nHost: a\r\nX", id="name"),
        pytest.param(b"GET /", id="target"),
        pytest.param(
            b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", id="trailer"
        ),
        pytest.param(
            b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;", id="chunk-extension"
        ),
    ],
)
async def test_bytes_taken_before_a_refusal_stay_below_one_mebibyte(
    edges: list[Edge], start_of_flood: bytes
) -> None:
    """Fed to the connection directly, so that no kernel buffer blurs the count."""
    edge = await start(edges, limits())
    wire = await edge.connect()
    await edge.until(lambda: edge.listener.connections == 1)
    (connection,) = edge.state.connections
    connection.data_received(start_of_flood)
    taken = 0
    while not edge.refused:
        connection.data_received(b"a" * 16384)
        taken += 16384
    assert taken < 65536
    assert (await wire.answer()).status in (414, 431)


async def test_refused_client_may_send_on_only_for_a_moment(edges: list[Edge]) -> None:
    """Time to read the answer, but no free upload."""
    edge = await start(edges, limits(linger_s=0.02))
    wire = await edge.connect(b"BAD\r\n\r\n")
    assert (await wire.answer()).status == 400
    await edge.until(lambda: edge.listener.connections == 0)


async def test_refused_client_that_sends_on_is_not_read(edges: list[Edge]) -> None:
    """Nor reset before its time: in the middle of an upload a proxy takes a reset for a 502, and never sees the 413."""
    edge = await start(edges, limits(linger_s=FAR, linger_bytes=1000))
    wire = await edge.connect(b"BAD\r\n\r\n")
    assert (await wire.answer()).status == 400
    (connection,) = edge.state.connections
    wire.send(b"a" * 10_000_000)
    await edge.until(lambda: not connection.transport.is_reading())
    assert connection._unaccounted < 1_000_000
    connection._deadline = 0
    await edge.until(lambda: edge.listener.connections == 0)


async def test_thousands_of_deadlines_do_not_hold_up_others(edges: list[Edge]) -> None:
    """R5: all are past their deadline in one sweep; a turn of the loop takes on a few of them, in the end all."""
    edge = await start(edges, limits(sweep_s=FAR))
    for _ in range(150):
        await edge.connect(GET[:10])
    await edge.until(lambda: edge.listener.connections == 150)
    await edge.until(lambda: all(connection._phase == 2 for connection in edge.state.connections))
    edge.state._tick(asyncio.get_running_loop(), list(edge.state.connections), 1e12, 0.0)
    assert 0 < len(edge.refused) < 150
    await edge.until(lambda: len(edge.refused) == 150)
    assert set(edge.refused) == {("header_timeout", 408)}
