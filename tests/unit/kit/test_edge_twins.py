"""Each refused raw request beside its twin: the same bytes but for one thing, and accepted."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from tests.support.edge_wire import PROBE, Edge, Recorder, start_edge

_VECTORS = Path(__file__).parent / "vectors"
REQUESTS = {v["id"]: v for v in json.loads((_VECTORS / "edge_requests.json").read_text())["vectors"]}
TWINS = json.loads((_VECTORS / "edge_twins.json").read_text())["twins"]


def text_of(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


def twin_of(name: str) -> bytes:
    twin = TWINS[name]
    if "vector" in twin:
        return text_of(REQUESTS[twin["vector"]]["raw"]).encode("latin-1")
    text = text_of(REQUESTS[name]["raw"])
    for old, new in twin["change"]:
        assert text_of(old) in text, "the twin differs in nothing"
        text = text.replace(text_of(old), text_of(new))
    return text.encode("latin-1")


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = await start_edge(Recorder(), EdgeLimits(header_s=2, body_s=2))  # nobody waits long for an answer
    yield edge
    await edge.stop()


def test_every_refused_request_has_a_twin() -> None:
    """A new refused request in edge_requests.json needs an entry in edge_twins.json."""
    refused = {name for name, vector in REQUESTS.items() if vector["expect"] != "ok"}
    assert set(TWINS) == refused
    assert all(REQUESTS[twin["vector"]]["expect"] == "ok" for twin in TWINS.values() if "vector" in twin)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, id=f"{twin['requirement'] or 'other'}-{name}") for name, twin in TWINS.items()],
)
async def test_refused_and_twin_accepted(name: str, edge: Edge) -> None:
    vector = REQUESTS[name]
    refused = await edge.connect(text_of(vector["raw"]).encode("latin-1"))
    before = vector.get("requests", 0)
    for _ in range(65 if before is None else before):
        answer = await refused.answer()
        if answer.status != 200:
            break
    else:
        answer = await refused.answer()
    assert answer.status == vector["expect"], vector["why"]
    assert await refused.rest() == b"", "and closed"

    accepted = await edge.connect(twin_of(name))
    for _ in range(TWINS[name].get("answers", 1)):
        assert (await accepted.answer()).status == 200, vector["why"]
    accepted.send(PROBE)
    assert json.loads((await accepted.answer()).body)["path"] == "/probe", "and kept open"


async def test_a_trailer_never_becomes_a_field() -> None:
    """H2: what comes behind a body is dropped; the same field before the body counts."""
    app = Recorder()
    edge = await start_edge(app)
    head = b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    wire = await edge.connect(
        head + b"\r\n3\r\nabc\r\n0\r\nAuthorization: x\r\n\r\n" + head + b"Authorization: x\r\n\r\n0\r\n\r\n"
    )
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert [seen["headers"].get("authorization") for seen in app.seen] == [None, "x"]
    await edge.stop()
