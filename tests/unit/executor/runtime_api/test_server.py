"""Channels over real sockets: unix sockets and loopback ports."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from executor.runtime_api.connection import RuntimeConnection
from executor.runtime_api.server import RuntimeApi
from tests.support.runtime_wire import NEXT, REQUEST_ID, RawClient, Sink, delivery, response


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def api(sink: Sink, tmp_path: Path) -> RuntimeApi:
    return RuntimeApi(sink, tmp_path / "e")


@pytest.fixture
async def clients() -> AsyncIterator[list[RawClient]]:
    opened: list[RawClient] = []
    yield opened
    for client in opened:
        await client.close()


async def test_socket_serves_one_environment(api: RuntimeApi, sink: Sink, clients: list[RawClient]) -> None:
    channel = await api.open_socket(3)
    client = RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock"))
    clients.append(client)
    client.send(NEXT)
    assert await sink.wait_for("next_asked") == ("next_asked", 3)
    assert channel.deliver(delivery(b"[1]"))
    assert (await client.reply()).body == b"[1]"
    client.send(response(b"[2]") + NEXT)
    assert (await client.reply()).status == 202
    assert await sink.wait_for("response_ended") == ("response_ended", 3, REQUEST_ID, b"[2]", True)
    await sink.wait_for("next_asked", 2)
    channel.close()


async def test_port_serves_one_environment(api: RuntimeApi, sink: Sink, clients: list[RawClient]) -> None:
    channel = await api.open_port(4)
    client = RawClient(*await asyncio.open_connection("127.0.0.1", channel.port))
    clients.append(client)
    client.send(NEXT)
    assert await sink.wait_for("next_asked") == ("next_asked", 4)
    assert channel.deliver(delivery())
    assert (await client.reply()).headers["lambda-runtime-aws-request-id"] == REQUEST_ID
    channel.close()
    assert await client.ended()


@pytest.mark.skipif(sys.platform != "linux", reason="whose a connection is, Linux tells")
async def test_port_lets_in_only_the_environments_user(
    api: RuntimeApi, sink: Sink, clients: list[RawClient]
) -> None:
    """C5: every process of the machine reaches a port; its twin is the environment's own user."""
    channel = await api.open_port(4)
    channel.admit(os.getuid() + 1)
    stranger = RawClient(*await asyncio.open_connection("127.0.0.1", channel.port))
    clients.append(stranger)
    stranger.send(NEXT)
    assert await stranger.ended()
    assert sink.calls == []

    channel.admit(os.getuid())
    own = RawClient(*await asyncio.open_connection("127.0.0.1", channel.port))
    clients.append(own)
    own.send(NEXT)
    assert await sink.wait_for("next_asked") == ("next_asked", 4)
    channel.close()


async def test_channels_do_not_hear_each_other(api: RuntimeApi, sink: Sink, clients: list[RawClient]) -> None:
    first, second = await api.open_socket(1), await api.open_socket(2)
    client = RawClient(*await asyncio.open_unix_connection(second.folder / "api.sock"))
    clients.append(client)
    client.send(NEXT)
    assert await sink.wait_for("next_asked") == ("next_asked", 2)
    assert not first.deliver(delivery())
    first.close()
    assert second.deliver(delivery())
    second.close()


async def test_large_event_and_large_response_pass_whole(
    api: RuntimeApi, sink: Sink, clients: list[RawClient]
) -> None:
    channel = await api.open_socket(1)
    client = RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock"))
    clients.append(client)
    client.send(NEXT)
    await sink.wait_for("next_asked")
    body = os.urandom(6 * 1024 * 1024)
    assert channel.deliver(delivery(body))
    assert (await client.reply()).body == body
    client.send(response(body) + NEXT)
    ended = await sink.wait_for("response_ended")
    assert ended[3] == body
    channel.close()


async def test_socket_folder_is_private_and_gone_after_close(api: RuntimeApi) -> None:
    """C5: whoever may enter the folder may talk; the driver lets in one group."""
    channel = await api.open_socket(5)
    assert stat.S_IMODE(channel.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((channel.folder / "api.sock").stat().st_mode) == 0o666
    channel.close()
    assert not channel.folder.exists()
    channel.close()


async def test_close_ends_connections_and_listener(
    api: RuntimeApi, sink: Sink, clients: list[RawClient]
) -> None:
    channel = await api.open_port(1)
    client = RawClient(*await asyncio.open_connection("127.0.0.1", channel.port))
    clients.append(client)
    client.send(NEXT)
    await sink.wait_for("next_asked")
    channel.close()
    assert await client.ended()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", channel.port)
    assert sink.names() == ["next_asked"]


async def test_connections_are_bounded(api: RuntimeApi, clients: list[RawClient]) -> None:
    """C5, C12: what one environment can open."""
    channel = await api.open_socket(1)
    for _ in range(9):
        clients.append(RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock")))
    assert await clients[8].ended()
    clients[0].send(b"GET /ping HTTP/1.1\r\n\r\n")
    assert (await clients[0].reply()).body == b"pong"
    channel.close()


async def test_answers_that_nobody_reads_do_not_pile_up(api: RuntimeApi, clients: list[RawClient]) -> None:
    channel = await api.open_socket(1)
    client = RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock", limit=1024))
    clients.append(client)
    pings = b"GET /ping HTTP/1.1\r\n\r\n" * 4000
    client.send(pings)
    assert (await client.reply()).body == b"pong"
    [line] = channel._lines
    assert isinstance(line, RuntimeConnection)
    transport = line._transport
    assert transport is not None
    for _ in range(200):
        if not transport.is_reading():
            break
        client.send(pings)
        await asyncio.sleep(0)
    assert not transport.is_reading()
    while not transport.is_reading():
        await client.reader.read(65536)
    channel.close()


async def test_folder_of_a_dead_server_is_replaced(api: RuntimeApi, tmp_path: Path) -> None:
    stale = tmp_path / "e" / "9"
    stale.mkdir(parents=True)
    (stale / "api.sock").write_text("stale")
    channel = await api.open_socket(9)
    assert stat.S_ISSOCK((channel.folder / "api.sock").stat().st_mode)
    channel.close()


async def test_path_that_no_socket_can_have_is_an_os_error(sink: Sink, tmp_path: Path) -> None:
    root = tmp_path / ("d" * 100)
    with pytest.raises(OSError, match="too long"):
        await RuntimeApi(sink, root).open_socket(1)
    assert not root.exists()


def test_production_loop_serves_as_well(tmp_path: Path) -> None:
    """`serve` runs on uvloop, whose transports are its own: the whole life of a channel once more."""

    async def life() -> list[str]:
        sink = Sink()
        channel = await RuntimeApi(sink, tmp_path / "e").open_socket(1)
        client = RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock"))
        client.send(NEXT)
        await sink.wait_for("next_asked")
        event = os.urandom(3 * 1024 * 1024)
        assert channel.deliver(delivery(event))
        assert (await client.reply()).body == event
        client.send(response(b"x" * 10)[:-3])
        await sink.wait_for("response_started")
        client.writer.write_eof()
        assert (await client.reply()).status == 400
        assert await client.ended()
        await client.close()
        again = RawClient(*await asyncio.open_unix_connection(channel.folder / "api.sock"))
        again.send(NEXT)
        await sink.wait_for("next_asked", 2)
        channel.close()
        assert await again.ended()
        await again.close()
        assert not channel.folder.exists()
        return sink.names()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        names = runner.run(life())
    assert names == ["next_asked", "response_started", "response_ended", "next_asked"]
