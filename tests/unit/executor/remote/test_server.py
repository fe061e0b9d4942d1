"""The executor's socket: who may come in, what is run, and what is cut off."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from executor.remote.connection import HEAD_BYTES
from executor.remote.server import InvokeServer
from kit.invoke import InvokeAnswer, InvokeCall
from kit.remote_wire import GREETING, PAYLOAD_BYTES
from tests.support.runtime_wire import RawClient

PATH = "/2015-03-31/functions/f/invocations"


def request(
    payload: bytes = b"{}", *lines: str, start: str = f"POST {PATH} HTTP/1.1", length: Any = None
) -> bytes:
    lines = (
        start,
        f"content-length: {len(payload) if length is None else length}",
        "lockgate-budget-ms: 9000",
        *lines,
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + payload


class Stub:
    """Answers with the payload; fails, or waits for its gate, when told to."""

    def __init__(self) -> None:
        self.calls: list[InvokeCall] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        self.cancelled = asyncio.Event()
        self.begun = asyncio.Event()

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.calls.append(call)
        self.begun.set()
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return InvokeAnswer(status=200, headers={"x-amzn-requestid": "1"}, payload=call.payload)


class Door:
    def __init__(self, folder: Path, **options: Any) -> None:
        self.stub = Stub()
        self.path = folder / "s"
        self.server = InvokeServer(self.stub, lambda _: None, **options)
        self.clients: list[RawClient] = []

    async def open(self) -> "Door":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        await self.server.listen(listener)
        return self

    async def connect(self) -> RawClient:
        self.clients.append(RawClient(*await asyncio.open_unix_connection(str(self.path))))
        return self.clients[-1]

    async def greeted(self) -> RawClient:
        client = await self.connect()
        assert await client.reader.readexactly(len(GREETING)) == GREETING
        return client

    async def close(self) -> None:
        await self.server.close()
        for client in self.clients:
            await client.close()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = await Door(tmp_path).open()
    yield made
    await made.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_other_user_is_refused_before_a_byte_is_read(tmp_path: Path, loop: Any) -> None:
    """C2: only processes of the instance speak to the executor. The twin may come in."""

    async def main() -> None:
        stranger = await Door(tmp_path, uids=[os.geteuid() + 1]).open()
        client = await stranger.connect()
        client.send(request())
        assert await client.ended()
        assert stranger.stub.calls == []
        await stranger.close()
        stranger.path.unlink()

        own = await Door(tmp_path, uids=[os.geteuid()]).open()
        client = await own.greeted()
        client.send(request(b"[1]"))
        assert (await client.reply()).body == b"[1]"
        await own.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


async def test_own_user_and_root_come_in_by_default(door: Door) -> None:
    assert door.server.admits(os.geteuid())
    assert door.server.admits(0)
    assert not door.server.admits(os.geteuid() + 1)
    assert not door.server.admits(None)


async def test_connection_carries_one_call_after_another(door: Door) -> None:
    client = await door.greeted()
    for number in range(3):
        client.send(request(b"%d" % number))
        reply = await client.reply()
        assert (reply.status, reply.body) == (200, b"%d" % number)


async def test_call_in_single_bytes_is_a_call(door: Door) -> None:
    client = await door.greeted()
    for byte in request(b"[1]", "x-amz-log-type: Tail"):
        client.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await client.reply()).body == b"[1]"
    assert door.stub.calls[0].headers == {"x-amz-log-type": "Tail"}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(request(start=f"GET {PATH} HTTP/1.1"), id="get"),
        pytest.param(request(start="POST / HTTP/1.1"), id="other-path"),
        pytest.param(request(start=f"POST {PATH}?{'x' * 5000} HTTP/1.1"), id="long-target"),
        pytest.param(request(b"{}", "content-length: 2"), id="two-lengths"),
        pytest.param(request(b"{}", "lockgate-budget-ms: 1"), id="two-budgets"),
        pytest.param(request(b"{}", "transfer-encoding: chunked"), id="length-and-chunked"),
        pytest.param(request(b"{}", "lockgate-generation: new"), id="generation"),
        pytest.param(request().replace(b"lockgate-budget-ms: 9000\r\n", b""), id="no-budget"),
        pytest.param(request().replace(b"content-length: 2\r\n", b""), id="no-length"),
        pytest.param(request(b"{}", "x: a\0b"), id="nul"),
        pytest.param(request(b"{}", "connection: upgrade", "upgrade: h2c"), id="upgrade"),
        pytest.param(
            request(b"{}", *[f"x{n}: {'y' * 1000}" for n in range(HEAD_BYTES // 1000 + 2)]), id="long-head"
        ),
        pytest.param(request(b"x" * (PAYLOAD_BYTES + 1)), id="long-payload"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"x" * (2 * HEAD_BYTES), id="noise"),
    ],
)
async def test_what_no_process_of_ours_sends_is_cut_off_and_not_run(door: Door, raw: bytes) -> None:
    client = await door.greeted()
    client.send(raw)
    assert await client.ended()
    assert door.stub.calls == []
    twin = await door.greeted()
    twin.send(request())
    assert (await twin.reply()).status == 200


async def test_largest_payload_reaches_the_executor_whole(door: Door) -> None:
    """It is one byte more than the executor takes, which says so itself."""
    client = await door.greeted()
    client.send(request(b"x" * PAYLOAD_BYTES))
    assert len((await client.reply()).body) == PAYLOAD_BYTES


async def test_second_call_behind_a_running_one_is_cut_off(door: Door) -> None:
    door.stub.gate = asyncio.Event()
    client = await door.greeted()
    client.send(request(b"1"))
    await door.stub.begun.wait()
    client.send(request(b"2"))
    assert await client.ended()
    await door.stub.cancelled.wait()
    assert [call.payload for call in door.stub.calls] == [b"1"]


async def test_half_a_call_is_never_run(door: Door) -> None:
    client = await door.greeted()
    client.send(request(b"half", length=5))
    client.writer.write_eof()
    assert await client.ended()
    assert door.stub.calls == []


async def test_caller_who_closes_is_gone(door: Door) -> None:
    door.stub.gate = asyncio.Event()
    client = await door.greeted()
    client.send(request())
    await door.stub.begun.wait()
    await client.close()
    await door.stub.cancelled.wait()


async def test_fault_of_ours_is_500_without_a_word_about_the_inside(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.stub.error = RuntimeError("the inside")
    client = await door.greeted()
    client.send(request())
    reply = await client.reply()
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (500, "ServiceException")
    assert b"inside" not in reply.body
    assert "the inside" in caplog.text
    door.stub.error = None
    client.send(request())
    assert (await client.reply()).status == 200


async def test_connections_are_bounded(tmp_path: Path) -> None:
    door = await Door(tmp_path, connections=1).open()
    first = await door.greeted()
    late = await door.connect()
    assert await late.ended()
    first.send(request())
    assert (await first.reply()).status == 200
    await door.close()


async def test_drain_answers_what_runs_and_says_goodbye_to_the_rest(door: Door) -> None:
    """R2: what was accepted is finished, and nothing else is begun."""
    busy, rested, half = await door.greeted(), await door.greeted(), await door.greeted()
    door.stub.gate = asyncio.Event()
    busy.send(request(b"busy"))
    half.send(request(b"half", length=5))
    await door.stub.begun.wait()
    draining = asyncio.create_task(door.server.drain(), name="drain")
    goodbye = await rested.reply()
    assert (goodbye.status, goodbye.headers["lockgate-outcome"]) == (503, "not-run")
    rested.send(request(b"too late"))
    assert await rested.ended()
    half.send(b"!")
    assert (await half.reply()).headers["lockgate-outcome"] == "not-run"
    assert not draining.done()
    door.stub.gate.set()
    answer = await busy.reply()
    assert (answer.body, answer.headers["connection"]) == (b"busy", "close")
    assert await busy.ended()
    await draining
    assert [call.payload for call in door.stub.calls] == [b"busy"]


async def test_socket_of_a_server_that_closes_stays_where_it_is(door: Door) -> None:
    """It may be a supervisor's: whoever connects waits for the next server."""
    await door.server.close()
    assert door.path.exists()


async def test_who_connects_meanwhile_is_served_by_the_next_server(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen(8)
    first, second = Door(tmp_path), Door(tmp_path)
    await first.server.listen(listener.dup())
    await first.server.close()
    client = await first.connect()
    client.send(request(b"[1]"))
    await second.server.listen(listener)
    assert await client.reader.readexactly(len(GREETING)) == GREETING
    assert (await client.reply()).body == b"[1]"
    assert (len(first.stub.calls), len(second.stub.calls)) == (0, 1)
    await second.server.close()
    await client.close()
