"""How much of a body is taken, from whom, and that it goes on as it came."""

import asyncio
import base64
import gzip
from typing import Any

import pytest

from gateway.errors import Forbidden
from gateway.exchange import Authorization, Exchange
from gateway.integrations.function import MAX_EVENT_BYTES, FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.pipeline import MAX_BODY_BYTES
from tests.support.gateway_harness import EdgeDouble, build

ECHO = FunctionTarget(function="echo")
TEXT = [("host", "a"), ("content-type", "text/plain")]
# What an event holds beside its body here is less than this.
REST = 4096


@pytest.mark.parametrize(
    ("size", "is_declared", "status"),
    [
        pytest.param(MAX_EVENT_BYTES + 1, True, 413, id="H6-declared-too-large"),
        pytest.param(MAX_EVENT_BYTES + 1, False, 413, id="H6-arrived-too-large"),
        pytest.param(MAX_EVENT_BYTES - REST, True, 200, id="H6-twin-declared"),
        pytest.param(MAX_EVENT_BYTES - REST, False, 200, id="H6-twin-arrived"),
    ],
)
async def test_what_a_function_is_given_at_most(size: int, is_declared: bool, status: int) -> None:
    harness = build({"$default": ECHO})
    body = b"a" * size
    edge = EdgeDouble(body, size if is_declared else None)
    if is_declared and status == 413:
        edge.body = b""  # it must not even be looked at
    assert (await harness.request("POST", "/", headers=TEXT, edge=edge)).status == status
    assert len(harness.invoker.calls) == (status == 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("host", "a")], 413, id="H6-too-large-as-base64"),
        pytest.param(TEXT, 200, id="H6-twin-as-text"),
    ],
)
async def test_the_event_is_measured_too(headers: list[tuple[str, str]], status: int) -> None:
    harness = build({"$default": ECHO})
    body = b"a" * (MAX_EVENT_BYTES * 3 // 4 + 10)
    received = await harness.request("POST", "/", headers=headers, edge=EdgeDouble(body, len(body)))
    assert received.status == status
    assert len(harness.invoker.calls) == (status == 200)


@pytest.mark.parametrize(
    ("chunks", "status"),
    [pytest.param(7, 413, id="H6-endless"), pytest.param(5, 200, id="H6-twin-that-ends")],
)
async def test_chunks_are_counted_as_they_come(chunks: int, status: int) -> None:
    """H6: an endless body is cut off one chunk behind the limit."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        if taken > chunks:
            await asyncio.Event().wait()  # the client waits for its answer
        return {
            "type": "http.request",
            "body": bytes(1024 * 1024),
            "more_body": chunks == 7 or taken < chunks,
        }

    harness = build({"$default": RespondTarget(body="ok")})
    harness.gateway.deployment.routes.match("POST", [""]).value.integration.body_limit = MAX_EVENT_BYTES
    assert (await harness.request("POST", "/", receive=receive)).status == status
    assert taken == chunks


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param(MAX_BODY_BYTES + 1, 413, id="H6-more-than-anybody-may-send"),
        pytest.param(MAX_BODY_BYTES, 200, id="H6-twin-of-just-so-much"),
    ],
)
async def test_a_body_that_nobody_reads_has_a_limit(length: int, status: int) -> None:
    harness = build({"$default": RespondTarget(body="ok")})
    received = await harness.request("POST", "/", edge=EdgeDouble(content_length=length))
    assert received.status == status


@pytest.mark.parametrize(
    "is_let_in", [pytest.param(False, id="H6-refused"), pytest.param(True, id="H6-twin-let-in")]
)
async def test_a_body_is_read_only_for_those_let_in(is_let_in: bool) -> None:
    """H6: nothing is buffered for a caller who is refused."""
    read = 0

    class Guard:
        async def authorize(self, exchange: Exchange) -> Authorization:
            assert (exchange.body, read) == (b"", 0)
            if not is_let_in:
                raise Forbidden("no")
            return Authorization(v2={}, v1={})

    class Counting(EdgeDouble):
        def body_now(self) -> bytes | None:
            nonlocal read
            read += 1
            return b"abc"

    harness = build({"$default": ECHO}, authorizer=Guard())
    received = await harness.request("POST", "/", headers=TEXT, edge=Counting(content_length=3))
    assert (received.status, read) == ((200, 1) if is_let_in else (403, 0))


@pytest.mark.parametrize("encoding", [pytest.param("gzip", id="H6-gzip"), pytest.param("br", id="H6-br")])
async def test_an_encoded_body_goes_on_as_it_came(encoding: str) -> None:
    """A small body that would inflate to a large one costs the gateway nothing."""
    harness = build({"$default": ECHO})
    body = gzip.compress(bytes(5_000_000))
    headers = [("host", "a"), ("content-encoding", encoding)]
    assert (await harness.request("POST", "/", headers=headers, body=body)).status == 200
    event = harness.invoker.event
    assert base64.b64decode(event["body"]) == body
    assert event["headers"]["content-encoding"] == encoding
