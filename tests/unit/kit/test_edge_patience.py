"""How long the edge waits with the limits that it has when nobody sets any; time is told to it, not waited for."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from tests.support.edge_wire import PROBE, Edge, Recorder, respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n"


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = await start_edge(Recorder(), EdgeLimits(sweep_s=3600))  # the test is the sweep
    yield edge
    await edge.stop()


async def only(edge: Edge, phase_of: bytes) -> Any:
    """The only connection, when it has been fed *phase_of*."""
    await edge.until(lambda: edge.listener.connections)
    (connection,) = edge.state.connections
    connection.data_received(phase_of)
    return connection


# In time: a second before the limit, so that the time which the test itself takes does not count.
CASES = [
    pytest.param(b"", PROBE, 9.0, 10.1, ("first_byte_timeout", 0), id="H4-first-byte"),
    pytest.param(GET[:-2], GET[-2:], 9.0, 10.1, ("header_timeout", 408), id="H4-head"),
    pytest.param(POST + b"a", b"a" * 29_999, 4.0, 5.1, ("body_too_slow", 408), id="H4-body-rate"),
    pytest.param(POST + b"a" * 20_000, b"a" * 10_000, 29.0, 30.1, ("body_timeout", 408), id="H4-body"),
]


@pytest.mark.parametrize(("begun", "rest", "in_time_s", "late_s", "refused"), CASES)
async def test_late_is_refused(
    edge: Edge, begun: bytes, rest: bytes, in_time_s: float, late_s: float, refused: tuple[str, int]
) -> None:
    wire = await edge.connect()
    connection = await only(edge, begun)
    connection.tick(connection.loop.time() + late_s, 0.0)
    assert edge.refused == [refused]
    if refused[1]:
        assert (await wire.answer()).status == refused[1]
    assert await wire.rest() == b""


@pytest.mark.parametrize(("begun", "rest", "in_time_s", "late_s", "refused"), CASES)
async def test_twin_in_time_is_answered(
    edge: Edge, begun: bytes, rest: bytes, in_time_s: float, late_s: float, refused: tuple[str, int]
) -> None:
    wire = await edge.connect()
    connection = await only(edge, begun)
    connection.tick(connection.loop.time() + in_time_s, 0.0)
    connection.data_received(rest)
    assert (await wire.answer()).status == 200
    assert edge.refused == []


@pytest.mark.parametrize(
    ("rested_s", "is_kept"),
    [pytest.param(64.0, True, id="H4-rested-in-time"), pytest.param(65.1, False, id="H4-rested-too-long")],
)
async def test_a_kept_connection_rests_65_seconds(edge: Edge, rested_s: float, is_kept: bool) -> None:
    wire = await edge.connect(GET)
    await wire.answer()
    (connection,) = edge.state.connections
    connection.tick(connection.loop.time() + rested_s, 0.0)
    assert connection.transport.is_closing() is not is_kept
    if is_kept:
        wire.send(PROBE)
        assert json.loads((await wire.answer()).body)["path"] == "/probe"


@pytest.mark.parametrize(
    ("stalled_s", "is_kept"),
    [pytest.param(29.0, True, id="H4-read-in-time"), pytest.param(30.1, False, id="H4-not-read")],
)
async def test_a_reader_that_does_not_read_is_left(stalled_s: float, is_kept: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"a" * 30_000_000)

    edge = await start_edge(app, EdgeLimits(sweep_s=3600))
    wire = await edge.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    connection = await only(edge, GET)
    await edge.until(connection.transport.get_write_buffer_size)
    now = connection.loop.time()
    connection.tick(now, 0.0)
    connection.tick(now + stalled_s, 0.0)
    assert edge.refused == ([] if is_kept else [("write_stalled", 0)])
    wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
    if is_kept:
        assert len((await wire.answer()).body) == 30_000_000
    await edge.stop()
