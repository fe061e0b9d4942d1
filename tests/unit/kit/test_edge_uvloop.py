"""Where uvloop differs from asyncio: leaving clients, slow readers, sockets that are handed on."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kit.edge_limits import EdgeLimits
from kit.listener import Listener, bind
from tests.support.edge_wire import Recorder, Wire, respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
Scenario = Callable[[Path], Coroutine[Any, Any, None]]


class Leaving:
    """An application that answers when its client has left."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"]["lockgate"].on_gone(self.gone.set)
        self.began.set()
        await self.gone.wait()
        await respond(send, b"late")


async def half_closed_client_gets_its_answer(_: Path) -> None:
    edge = await start_edge(Leaving())
    wire = await edge.connect(GET)
    wire.writer.write_eof()
    assert (await wire.answer()).body == b"late"
    assert await wire.rest() == b""
    await edge.stop()


async def reset_client_is_noticed(_: Path) -> None:
    app = Leaving()
    edge = await start_edge(app)
    wire = await edge.connect(GET)
    await app.began.wait()
    wire.writer.transport.abort()
    await app.gone.wait()
    await edge.until(lambda: edge.listener.connections == 0)
    await edge.stop()


async def slow_reader_is_aborted(_: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"a" * 30_000_000)

    edge = await start_edge(app, EdgeLimits(stall_s=0.1, body_rate=1e9, sweep_s=0.01))
    wire = await edge.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.send(GET)
    await edge.until(lambda: edge.refused)
    assert edge.refused == [("write_stalled", 0)]
    await edge.stop()


async def large_answer_arrives_whole(_: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"a" * 6_000_000)

    edge = await start_edge(app)
    wire = await edge.connect(GET + GET)
    assert [len((await wire.answer()).body) for _ in range(2)] == [6_000_000] * 2
    await edge.stop()


async def slow_readers_of_one_answer_share_its_memory(_: Path) -> None:
    """400 clients that asked for the same 5 MB and read nothing: their answers took 1.7 GB."""
    if sys.platform != "linux":
        pytest.skip("no /proc to read the resident memory from")
    content = b"a" * 8_000_000
    clients = 30

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, content)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    edge = await start_edge(app)
    before = resident()
    for _ in range(clients):
        wire = await edge.connect()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(GET)
    await edge.until(lambda: sum(c.flow.write_paused for c in edge.state.connections) == clients)
    waiting = sum(connection.unsent() for connection in edge.state.connections)
    assert waiting > clients * len(content) // 3  # the rest is the kernel's
    assert resident() - before < waiting // 4
    await edge.stop()


async def drain_cuts_off_with_503(_: Path) -> None:
    edge = await start_edge(Leaving())
    wire = await edge.connect(GET)
    await edge.until(lambda: edge.state.tasks)
    draining = asyncio.create_task(edge.listener.drain(0.01))
    assert (await wire.answer()).status == 503
    await wire.close()
    await draining


async def inherited_socket_stays_open(_: Path) -> None:
    with bind("127.0.0.1:0") as sock:
        for name in ("first", "second"):
            listener = Listener(name, Recorder(), sock, inherited=True)
            wire = None
            if name == "second":  # connects while nobody serves
                wire = Wire(*await asyncio.open_connection(*listener.address))
                wire.send(GET)
            await listener.start()
            if wire is not None:
                assert (await wire.answer()).status == 200
                await wire.close()
            await listener.drain(1)


async def inherited_unix_socket_keeps_its_file(folder: Path) -> None:
    path = folder / "s"
    with bind(f"unix:{path}") as sock:
        listener = Listener("edge", Recorder(), sock, inherited=True)
        await listener.start()
        wire = Wire(*await asyncio.open_unix_connection(path))
        wire.send(GET)
        assert (await wire.answer()).status == 200
        await wire.close()
        await listener.drain(1)
        assert path.is_socket()


async def unix_socket_file_goes(folder: Path) -> None:
    path = folder / "s"
    edge = await start_edge(Recorder(), address=f"unix:{path}")
    await edge.stop()
    assert not path.exists()


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=scenario.__name__)
        for scenario in (
            half_closed_client_gets_its_answer,
            reset_client_is_noticed,
            slow_reader_is_aborted,
            large_answer_arrives_whole,
            slow_readers_of_one_answer_share_its_memory,
            drain_cuts_off_with_503,
            inherited_socket_stays_open,
            inherited_unix_socket_keeps_its_file,
            unix_socket_file_goes,
        )
    ],
)
def test_on_uvloop(scenario: Scenario, tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario(tmp_path))
