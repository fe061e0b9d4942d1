"""The gateway behind the real edge on a loopback socket: what ASGI doubles cannot show."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.integrations.function import FunctionTarget
from kit.invoke import InvokeAnswer, InvokeCall
from kit.listener import Listener, bind
from tests.support.gateway_harness import Harness, answer_of, build

ROUTES = {"ANY /echo/{proxy+}": FunctionTarget(function="echo")}


@asynccontextmanager
async def _served(harness: Harness) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve the gateway and give one client connection."""
    listener = Listener("gateway", harness.gateway, bind("127.0.0.1:0"))  # type: ignore[arg-type]
    await listener.start()
    reader, writer = await asyncio.open_connection(*listener.address)
    try:
        yield reader, writer
    finally:
        writer.close()
        await listener.drain(1)


async def _read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [line[16:] for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    return head, await reader.readexactly(int(length))


async def test_answer_over_a_socket() -> None:
    harness = build(ROUTES, answer=answer_of({"statusCode": 201, "cookies": ["a=1", "b=2"], "body": "hi"}))
    async with _served(harness) as (reader, writer):
        writer.write(
            b"POST /echo/caf%C3%A9?x=1 HTTP/1.1\r\nhost: localhost\r\n"
            b"x_dropped: 1\r\nx-forwarded-for: 6.6.6.6\r\n"
            b"content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )
        head, body = await _read_answer(reader)
    event = harness.invoker.event
    assert head.startswith(b"HTTP/1.1 201 ")
    assert head.count(b"set-cookie: ") == 2
    assert b"apigw-requestid: " + event["requestContext"]["requestId"].encode() in head
    assert body == b"hi"
    assert (event["rawPath"], event["pathParameters"]) == ("/echo/café", {"proxy": "café"})
    assert (event["body"], event["headers"]["content-length"]) == ("abc", "3")
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert not {"x_dropped", "transfer-encoding"} & set(event["headers"])


async def test_bad_path_keeps_the_connection() -> None:
    async with _served(build(ROUTES)) as (reader, writer):
        writer.write(b"GET /echo/%2e%2e/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head, body = await _read_answer(reader)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body) == {"message": "Bad Request"}
        writer.write(b"GET /echo/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head, _ = await _read_answer(reader)
        assert head.startswith(b"HTTP/1.1 200 ")


async def test_closed_socket_cancels_the_invocation() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(call: InvokeCall) -> InvokeAnswer:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    harness = build(ROUTES, answer=hang)
    async with _served(harness) as (_, writer):
        writer.write(b"GET /echo/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await started.wait()
        writer.close()
        await cancelled.wait()
    assert [record["status"] for record in harness.records] == [499]
