"""What belongs to one connection ends at the edge, and a client cannot use that to take away what is ours."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.edge_wire import Edge, Recorder, respond, start_edge


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture
async def edge(app: Recorder) -> AsyncIterator[Edge]:
    edge = await start_edge(app)
    yield edge
    await edge.stop()


async def seen(edge: Edge, app: Recorder, *fields: str) -> dict[str, str]:
    """Send a request with these fields and give the header fields that the application saw."""
    lines = "".join(f"{field}\r\n" for field in fields)
    wire = await edge.connect(f"GET /p HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    assert (await wire.answer()).status == 200
    headers: dict[str, str] = app.seen[-1]["headers"]
    return headers


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"H11-{name}")
        for name in (
            "keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "proxy-authenticate", "proxy-connection",
        )
    ],
)  # fmt: skip
async def test_a_field_of_the_connection_ends_here(edge: Edge, app: Recorder, name: str) -> None:
    """H11: hop-by-hop fields of a request."""
    assert name not in await seen(edge, app, f"{name}: trailers")
    assert (await seen(edge, app, f"x-{name}: trailers"))[f"x-{name}"] == "trailers", "its twin goes on"


async def test_a_field_that_connection_names_ends_here(edge: Edge, app: Recorder) -> None:
    """H11: and without that name it goes on."""
    assert "x-mine" not in await seen(edge, app, "Connection: X-Mine", "X-Mine: 1")
    assert (await seen(edge, app, "Connection: X-Other", "X-Mine: 1"))["x-mine"] == "1"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"H11-{name}")
        for name in (
            "authorization", "cookie", "content-type", "content-encoding", "origin", "forwarded", "x-real-ip",
            "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert",
        )
    ],
)  # fmt: skip
async def test_connection_cannot_take_away_what_identifies_the_caller(
    edge: Edge, app: Recorder, name: str
) -> None:
    """H11: naming a field in Connection removes it only if it says nothing about the caller."""
    assert (await seen(edge, app, f"Connection: {name}", f"{name}: 1"))[name] == "1"


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [
        pytest.param("x_user", False, id="H12-underscore"),
        pytest.param("x-user", True, id="H12-twin-with-a-hyphen"),
        pytest.param("x-forwarded_for", False, id="H12-one-underscore"),
    ],
)
async def test_a_name_with_an_underscore_is_dropped_and_counted(
    edge: Edge, app: Recorder, name: str, is_kept: bool
) -> None:
    """H12: it would be the same name as one with a hyphen in many runtimes."""
    assert (name in await seen(edge, app, f"{name}: root")) is is_kept
    assert edge.refused == ([] if is_kept else [("header_with_underscore", 0)])


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("h2c", id="H11-h2c"),
        pytest.param("websocket", id="H11-websocket"),
        pytest.param("x", id="H11-x"),
    ],
)
async def test_no_protocol_is_switched_to(edge: Edge, app: Recorder, token: str) -> None:
    """H11: the request is answered in HTTP/1.1 and the connection stays one of HTTP/1.1, body and all."""
    head = f"POST /p HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {token}\r\nContent-Length: 3\r\n\r\nabc"
    wire = await edge.connect(head.encode() + b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert "upgrade" not in app.seen[0]["headers"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"H11-{name}")
        for name in (
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
            "proxy-connection",
        )
    ],
)
async def test_an_applications_field_of_the_connection_ends_here(name: str) -> None:
    """H11: and of an answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"ok", headers=[(name.encode(), b"chunked"), (b"x-" + name.encode(), b"kept")])

    edge = await start_edge(app)
    wire = await edge.connect(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    headers = (await wire.answer()).headers
    assert name not in headers
    assert headers[f"x-{name}"] == "kept"
    await edge.stop()
