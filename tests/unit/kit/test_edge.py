"""The table of raw requests, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kit.edge_answers import MESSAGES
from kit.edge_limits import REFUSAL_REASONS, EdgeLimits
from tests.support.edge_wire import PROBE, Answer, Edge, Recorder, Wire, start_edge

VECTORS = json.loads((Path(__file__).parent / "vectors" / "edge_requests.json").read_text())["vectors"]


def raw_bytes(parts: list[Any]) -> bytes:
    return b"".join(
        (part if isinstance(part, str) else part[0] * part[1]).encode("latin-1") for part in parts
    )


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture
async def edge(app: Recorder) -> AsyncIterator[Edge]:
    edge = await start_edge(app)
    yield edge
    await edge.stop()


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in VECTORS])
async def test_raw_request(vector: dict[str, Any], edge: Edge, app: Recorder) -> None:
    await check_vector(vector, edge, app)


def test_whole_table_on_uvloop() -> None:
    """Production runs on uvloop, whose transports differ in closing, half closing and buffering."""

    async def run() -> None:
        for vector in VECTORS:
            app = Recorder()
            edge = await start_edge(app)
            await check_vector(vector, edge, app)
            await edge.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


# Answers come between the bytes: 100 Continue is sent where it else is not, and no queue grows.
DEPENDS_ON_ONE_WRITE = {"expect-with-body", "expect-upper", "pipeline-66"}
SHORT = [
    v for v in VECTORS if all(isinstance(p, str) for p in v["raw"]) and v["id"] not in DEPENDS_ON_ONE_WRITE
]


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in SHORT])
async def test_raw_request_byte_by_byte(vector: dict[str, Any], edge: Edge, app: Recorder) -> None:
    """Where the network cuts a request must not matter. The application answers in between."""
    await check_vector(vector, edge, app, bytewise=True)


async def send_bytewise(edge: Edge, wire: Wire, raw: bytes) -> None:
    await edge.until(lambda: edge.listener.connections == 1)
    (connection,) = edge.state.connections
    for byte in raw:
        if edge.listener.connections:
            connection.data_received(bytes((byte,)))
            await asyncio.sleep(0)


async def check_vector(vector: dict[str, Any], edge: Edge, app: Recorder, *, bytewise: bool = False) -> None:
    accepted = vector["expect"] == "ok"
    requests = vector.get("requests", 1 if accepted else 0)
    wire = await edge.connect(b"" if bytewise else raw_bytes(vector["raw"]))
    if bytewise:
        await send_bytewise(edge, wire, raw_bytes(vector["raw"]))
    if vector.get("head"):
        await check_head(wire)
        return
    for _ in range(requests or 0):
        assert (await wire.answer()).status == 200, vector["why"]
    if not accepted:
        answer = await wire.answer()
        while requests is None and answer.status == 200:
            answer = await wire.answer()
        assert answer.status == vector["expect"], vector["why"]
        check_refusal(answer)
        counted = [refused for refused in edge.refused if refused[1]]
        assert [status for _, status in counted] == [answer.status]
        assert counted[0][0] in REFUSAL_REASONS
    if vector["closes"]:
        assert await wire.rest() == b"", "nothing may follow the last answer"
    else:
        wire.send(PROBE)
        assert json.loads((await wire.answer()).body)["path"] == "/probe"
    if requests is not None:
        assert len(app.seen) == requests
    assert all("smuggled" not in seen["path"] for seen in app.seen)
    check_seen(vector.get("see", {}), app)


def check_refusal(answer: Answer) -> None:
    assert json.loads(answer.body) == {"message": MESSAGES[answer.status]}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert len(answer.headers["apigw-requestid"]) == 16
    assert answer.headers["apigw-requestid"].endswith("=")
    assert answer.headers["date"].endswith(" GMT")
    assert "server" not in answer.headers


async def check_head(wire: Wire) -> None:
    """A HEAD answer has a length and no body: the next bytes are the next answer's."""
    wire.send(b"GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
    head, _, rest = (await wire.rest()).partition(b"\r\n\r\n")
    assert b"content-length: " in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def check_seen(see: dict[str, Any], app: Recorder) -> None:
    for key, value in see.items():
        place = app.seen[0] if key in ("method", "path", "query", "body") else app.seen[0]["headers"]
        assert place.get(key) == value, key


def test_table_is_large_and_covers_both_sides() -> None:
    accepted = [v for v in VECTORS if v["expect"] == "ok"]
    assert len(VECTORS) >= 120
    assert len(accepted) >= 60


async def test_one_connection_too_many_gets_503_and_a_flood_is_cut_off() -> None:
    """A client that opened a thousand connections left no descriptor for anybody, nor for health."""
    edge = await start_edge(Recorder(), EdgeLimits(connections=4))
    held = [await edge.connect(b"") for _ in range(4)]
    await edge.until(lambda: edge.listener.connections == 4)
    late = await edge.connect(PROBE)
    check_refusal(await late.answer())
    flood = await edge.connect(PROBE)
    assert await flood.rest() == b""
    assert edge.refused == [("too_many_connections", 503), ("too_many_connections", 0)]
    held[0].send(PROBE)
    assert (await held[0].answer()).status == 200
    await edge.stop()
