"""The edge's own framing rules, without the parser, which refuses most of this before they are asked.

They are the second fence: a parser that became lenient, or another one, must not open the first.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.edge_head import HeadRefusedError
from tests.support.edge_wire import Edge, Recorder, start_edge

HOST = (b"Host", b"a.example")
CHUNKED = (b"Transfer-Encoding", b"chunked")
LENGTH = (b"Content-Length", b"3")


class LenientParser:
    """Reports whatever it is told."""

    def get_http_version(self) -> str:
        return "1.1"

    def get_method(self) -> bytes:
        return b"POST"

    def should_keep_alive(self) -> bool:
        return True

    def should_upgrade(self) -> bool:
        return False


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = await start_edge(Recorder())
    yield edge
    await edge.stop()


async def tell(edge: Edge, *fields: tuple[bytes, bytes]) -> Any:
    """Tell a new connection a head field by field; give it back when it has taken the request."""
    await edge.connect()
    await edge.until(lambda: edge.listener.connections)
    (connection,) = edge.state.connections
    connection.parser = LenientParser()
    connection.on_message_begin()
    connection.on_url(b"/p")
    for field in fields:
        connection.on_header(*field)
    connection.on_headers_complete()
    return connection


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([HOST, CHUNKED, LENGTH], id="H1-both"),
        pytest.param([HOST, LENGTH, LENGTH], id="H1-two-lengths"),
        pytest.param([HOST, CHUNKED, CHUNKED], id="H1-two-codings"),
        pytest.param([HOST, (b"Content-Length", b"3, 3")], id="H1-list-of-lengths"),
        pytest.param([HOST, (b"Content-Length", b"+3")], id="H1-sign"),
        pytest.param([HOST, (b"Content-Length", b"")], id="H1-empty-length"),
        pytest.param([HOST, (b"Transfer-Encoding", b"gzip, chunked")], id="H1-list-of-codings"),
    ],
)
async def test_ambiguous_framing_is_refused(edge: Edge, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(HeadRefusedError) as caught:
        await tell(edge, *fields)
    assert (caught.value.reason, caught.value.status) == ("framing", 400)


@pytest.mark.parametrize(
    "field", [pytest.param(LENGTH, id="H1-length"), pytest.param(CHUNKED, id="H1-coding")]
)
async def test_twin_with_one_framing_field_is_accepted(edge: Edge, field: tuple[bytes, bytes]) -> None:
    connection = await tell(edge, HOST, field)
    assert connection.active.content_length == (3 if field is LENGTH else None)
