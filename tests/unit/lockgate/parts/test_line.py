"""Both sides ask and tell; what is lost is told to whoever waits; what is no frame ends the line."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from lockgate.errors import ConfigurationError
from lockgate.parts.line import MAX_FRAME_BYTES, Handler, Line, LineLost


async def streams() -> tuple[tuple[asyncio.StreamReader, asyncio.StreamWriter], socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return await asyncio.open_connection(sock=ours), theirs


@asynccontextmanager
async def pair(
    here: Mapping[str, Handler] | None = None, there: Mapping[str, Handler] | None = None
) -> AsyncIterator[tuple[Line, Line]]:
    one, other = socket.socketpair()
    lines = [
        Line(*await asyncio.open_connection(sock=end), handlers)
        for end, handlers in ((one, here), (other, there))
    ]
    tasks = [asyncio.create_task(line.run()) for line in lines]
    try:
        yield lines[0], lines[1]
    finally:
        for line in lines:
            line.close()
        await asyncio.gather(*tasks)


async def twice(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"twice": 2 * value["number"]}


async def test_both_sides_are_answered() -> None:
    async with pair({"twice": twice}, {"twice": twice}) as (one, other):
        assert await one.ask("twice", {"number": 4}, timeout_s=5) == {"twice": 8}
        assert await other.ask("twice", {"number": 5}, timeout_s=5) == {"twice": 10}


async def test_answers_come_as_they_are_done() -> None:
    gate = asyncio.Event()

    async def slow(_: Mapping[str, Any]) -> None:
        await gate.wait()

    async with pair(there={"slow": slow, "twice": twice}) as (one, _):
        waiting = asyncio.create_task(one.ask("slow", timeout_s=5))
        assert await one.ask("twice", {"number": 1}, timeout_s=5) == {"twice": 2}
        assert not waiting.done()
        gate.set()
        assert await waiting == {}


async def test_what_is_told_arrives_and_is_not_answered() -> None:
    told: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()

    async def take(value: Mapping[str, Any]) -> None:
        told.set_result(value)

    async with pair(there={"news": take}) as (one, _):
        one.tell("news", {"a": 1})
        assert await told == {"a": 1}


async def test_mistake_of_the_operator_crosses_in_its_words() -> None:
    async def refuse(_: Mapping[str, Any]) -> None:
        raise ConfigurationError("GET /x: there is no file page.html")

    async with pair(there={"prepare": refuse}) as (one, _):
        with pytest.raises(ConfigurationError, match=r"no file page\.html"):
            await one.ask("prepare", timeout_s=5)


@pytest.mark.parametrize("verb", ["broken", "unknown"])
async def test_fault_of_the_other_side_is_told_without_its_words(
    verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Mapping[str, Any]) -> None:
        raise RuntimeError("secret inside")

    async with pair(there={"broken": fail, "twice": twice}) as (one, _):
        with pytest.raises(LineLost) as caught:
            await one.ask(verb, timeout_s=5)
        assert "secret" not in str(caught.value)
        assert f"{verb} failed" in caplog.text
        assert await one.ask("twice", {"number": 1}, timeout_s=5) == {"twice": 2}


async def test_end_of_the_other_side_is_told_to_all_who_wait() -> None:
    async def never(_: Mapping[str, Any]) -> None:
        await asyncio.Event().wait()

    async with pair(there={"never": never}) as (one, other):
        waiting = [asyncio.create_task(one.ask("never", timeout_s=60)) for _ in range(3)]
        await asyncio.sleep(0)
        other.close()
        for each in waiting:
            with pytest.raises(LineLost):
                await each
        assert one.is_lost
        with pytest.raises(LineLost):
            await one.ask("never", timeout_s=60)
        one.tell("never")  # to nobody


async def test_who_answers_too_late_is_not_listened_to_any_more() -> None:
    async def never(_: Mapping[str, Any]) -> None:
        await asyncio.Event().wait()

    async with pair(there={"never": never}) as (one, _):
        with pytest.raises(LineLost, match="no answer"):
            await one.ask("never", timeout_s=0.01)
        assert one.is_lost


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(struct.pack(">I", MAX_FRAME_BYTES + 1), id="too-long"),
        pytest.param(struct.pack(">I", 3) + b"{x}", id="no-json"),
        pytest.param(struct.pack(">I", 2) + b"{}", id="no-frame"),
        pytest.param(struct.pack(">I", 9) + b"{", id="cut-off"),
    ],
)
async def test_what_is_no_frame_ends_the_line(frame: bytes) -> None:
    (reader, writer), peer = await streams()
    with peer:
        line = Line(reader, writer)
        peer.send(frame)
        peer.shutdown(socket.SHUT_WR)
        await line.run()
        assert line.is_lost
        assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""


async def test_answer_to_nothing_is_passed_over() -> None:
    (reader, writer), peer = await streams()
    with peer:
        line = Line(reader, writer)
        data = orjson.dumps({"answer": 77, "value": {}})
        peer.send(struct.pack(">I", len(data)) + data)
        peer.shutdown(socket.SHUT_WR)
        await line.run()


async def test_kernel_says_who_is_there() -> None:
    async with pair() as (one, _):
        assert one.peer == (os.getpid(), os.geteuid())
