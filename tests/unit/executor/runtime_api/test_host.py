"""Channels under secret names on one listener: who is let in, and that everything else is not."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from executor.core.instructions import RefuseReason
from executor.runtime_api.host import UNNAMED_BYTES, UNNAMED_PER_ADDRESS, HostChannel, Hosts
from executor.runtime_api.server import RuntimeApi
from tests.support.runtime_wire import INVOCATION, REQUEST_ID, RawClient, Sink, delivery


class Door:
    """A listener on 127.0.0.1 and clients from any loopback address."""

    def __init__(self, sink: Sink, *, unnamed_s: float = 10.0) -> None:
        self.hosts = Hosts(sink, unnamed_s=unnamed_s)
        self.clients: list[RawClient] = []

    async def connect(self, source: str = "127.0.0.1") -> RawClient:
        streams = await asyncio.open_connection("127.0.0.1", self.hosts.port, local_addr=(source, 0))
        self.clients.append(RawClient(*streams))
        return self.clients[-1]

    async def ask(self, *lines: str, source: str = "127.0.0.1") -> RawClient:
        client = await self.connect(source)
        client.send(head(*lines))
        return client


def head(*lines: str, target: str = f"{INVOCATION}/next", method: str = "GET") -> bytes:
    return "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", *lines, "")).encode()


def host(channel: HostChannel) -> str:
    return f"Host: {channel.name}:{channel.port}"


async def refused(client: RawClient) -> bool:
    """403 in the words of the contract, then the end."""
    reply = await client.reply()
    assert (reply.status, b"UnknownEnvironment" in reply.body) == (403, True)
    return await client.ended()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def door(sink: Sink) -> AsyncIterator[Door]:
    made = Door(sink)
    await made.hosts.listen("127.0.0.1", 0)
    yield made
    made.hosts.close()
    for client in made.clients:
        await client.close()


async def test_name_is_128_random_bits_and_serves_its_environment(door: Door, sink: Sink) -> None:
    """C5: the channel's identity is its name."""
    first, second = door.hosts.open(1), door.hosts.open(2)
    assert re.fullmatch(r"[0-9a-f]{32}\.runtime", first.name)
    assert first.name != second.name
    client = await door.ask(host(second))
    assert await sink.wait_for("next_asked") == ("next_asked", 2)
    assert not first.deliver(delivery())
    assert second.deliver(delivery(b"[2]"))
    assert (await client.reply()).body == b"[2]"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Host: {foreign}"], id="foreign-name"),
        pytest.param(["Host: {name}"], id="without-port"),
        pytest.param(["Host: {name}:1"], id="other-port"),
        pytest.param([], id="no-host"),
        pytest.param(["Host: {own}", "Host: {own}"], id="twice-the-same"),
        pytest.param(["Host: {own}", "Host: {other}"], id="two-names"),
        pytest.param(["Host: {own}, {own}"], id="list"),
        pytest.param(["Host: "], id="empty"),
        pytest.param(["X-Host: {own}"], id="other-field"),
    ],
)
async def test_any_other_name_is_403_and_closed(door: Door, sink: Sink, lines: list[str]) -> None:
    """C5: from a channel that belongs to nobody 403. The twin says its own name, once."""
    own, other = door.hosts.open(1), door.hosts.open(2)
    words = {
        "own": f"{own.name}:{own.port}",
        "other": f"{other.name}:{other.port}",
        "name": own.name,
        "foreign": f"{'0' * 32}.runtime:{own.port}",
    }
    assert await refused(await door.ask(*[line.format(**words) for line in lines]))
    assert sink.calls == []
    await door.ask(host(own))
    assert await sink.wait_for("next_asked") == ("next_asked", 1)


async def test_right_name_from_another_address_is_refused(door: Door, sink: Sink) -> None:
    """C5: a name that leaked opens nothing to another container. The twin comes from the admitted address."""
    channel = door.hosts.open(1)
    channel.admit_peer("127.0.0.2")
    assert await refused(await door.ask(host(channel), source="127.0.0.3"))
    assert sink.calls == []
    await door.ask(host(channel), source="127.0.0.2")
    assert await sink.wait_for("next_asked") == ("next_asked", 1)


async def test_connection_from_elsewhere_is_cut_off_when_the_address_is_known(door: Door, sink: Sink) -> None:
    """C5: what came before `admit_peer` does not stay. The twin from the right address does."""
    first, second = door.hosts.open(1), door.hosts.open(2)
    stranger = await door.ask(host(first), source="127.0.0.3")
    own = await door.ask(host(second), source="127.0.0.2")
    await sink.wait_for("next_asked", 2)
    first.admit_peer("127.0.0.2")
    second.admit_peer("127.0.0.2")
    assert await stranger.ended()
    assert second.deliver(delivery(b"[2]"))
    assert (await own.reply()).body == b"[2]"


async def test_connection_cannot_change_its_name(door: Door, sink: Sink) -> None:
    """C5: one environment's connection never speaks for another. The twin keeps its name."""
    first, second = door.hosts.open(1), door.hosts.open(2)
    ping = {"target": "/ping"}
    client = await door.connect()
    client.send(head(host(first), **ping))
    assert (await client.reply()).body == b"pong"
    client.send(head(host(second)))
    assert await refused(client)
    assert sink.calls == []

    twin = await door.connect()
    twin.send(head(host(first), **ping))
    assert (await twin.reply()).body == b"pong"
    twin.send(head(host(first)))
    assert await sink.wait_for("next_asked") == ("next_asked", 1)


async def test_name_cannot_change_within_one_read(door: Door, sink: Sink) -> None:
    """C5: the same where both requests come at once."""
    first, second = door.hosts.open(1), door.hosts.open(2)
    client = await door.connect()
    client.send(head(host(first), target="/ping") + head(host(second)))
    assert (await client.reply()).body == b"pong"
    assert await refused(client)
    assert sink.calls == []


async def test_request_behind_a_pending_next_gets_no_answer_that_could_be_an_event(
    door: Door, sink: Sink
) -> None:
    first, second = door.hosts.open(1), door.hosts.open(2)
    client = await door.ask(host(first))
    await sink.wait_for("next_asked")
    client.send(head(host(second)))
    assert await client.ended()


async def test_host_in_a_trailer_changes_nothing(door: Door, sink: Sink) -> None:
    channel = door.hosts.open(1)
    client = await door.connect()
    target = f"{INVOCATION}/{REQUEST_ID}/response"
    client.send(
        head(host(channel), "Transfer-Encoding: chunked", target=target, method="POST")
        + b"2\r\n{}\r\n0\r\nHost: elsewhere\r\n\r\n"
    )
    assert (await client.reply()).status == 202
    assert await sink.wait_for("response_ended") == ("response_ended", 1, REQUEST_ID, b"{}", True)
    client.send(head(host(channel), target="/ping"))
    assert (await client.reply()).body == b"pong"


async def test_foreign_request_id_is_refused_as_on_other_channels(door: Door, sink: Sink) -> None:
    """C5: a request id that is not this channel's current one is 400. The twin is its own."""
    channel = door.hosts.open(1)
    target = f"{INVOCATION}/{REQUEST_ID}/response"
    post = head(host(channel), "Content-Length: 2", target=target, method="POST") + b"{}"
    sink.refuse["response_started"] = RefuseReason.INVALID_REQUEST_ID
    client = await door.connect()
    client.send(post)
    assert (await client.reply()).status == 400
    sink.refuse.clear()
    client.send(post)
    assert (await client.reply()).status == 202


async def test_closed_channel_is_nobodys_name(door: Door, sink: Sink) -> None:
    channel = door.hosts.open(1)
    client = await door.ask(host(channel))
    await sink.wait_for("next_asked")
    channel.close()
    assert await client.ended()
    assert await refused(await door.ask(host(channel)))
    assert len(sink.calls) == 1
    assert "0 names" in repr(door.hosts)


async def test_connection_that_never_says_its_name_is_closed(sink: Sink) -> None:
    """C5: a slowloris costs little and not for long. The twin has said its name, and waits for as long as it takes."""
    door = Door(sink, unnamed_s=0.05)
    await door.hosts.listen("127.0.0.1", 0)
    channel = door.hosts.open(1)
    twin = await door.ask(host(channel))
    await sink.wait_for("next_asked")
    silent, half = await door.connect(), await door.connect()
    half.send(f"GET / HTTP/1.1\r\n{host(channel)}\r\n".encode())
    assert await silent.ended()
    assert await half.ended()
    assert channel.deliver(delivery(b"[1]"))
    assert (await twin.reply()).body == b"[1]"
    door.hosts.close()
    for client in door.clients:
        await client.close()


async def test_one_address_has_few_connections_without_a_name(door: Door, sink: Sink) -> None:
    """C5: no container can lock out the others. The twin comes from another address."""
    channel = door.hosts.open(1)
    crowd = [await door.connect("127.0.0.3") for _ in range(UNNAMED_PER_ADDRESS)]
    late = await door.connect("127.0.0.3")
    assert await late.ended()
    await door.ask(host(channel), source="127.0.0.2")
    assert await sink.wait_for("next_asked") == ("next_asked", 1)
    await crowd[0].close()
    crowd[1].send(head("Host: nobody"))
    assert await refused(crowd[1])


async def test_named_connections_take_no_place_of_unnamed_ones(door: Door, sink: Sink) -> None:
    channels = [door.hosts.open(number) for number in range(UNNAMED_PER_ADDRESS + 3)]
    for channel in channels:
        await door.ask(host(channel))
    await sink.wait_for("next_asked", len(channels))
    assert "0 unnamed" in repr(door.hosts)


async def test_long_head_is_for_those_who_said_their_name_first(door: Door, sink: Sink) -> None:
    """Official clients put a stack of up to 1 MiB into one field, behind Host."""
    channel = door.hosts.open(1)
    long = "X-Long: " + "x" * (UNNAMED_BYTES + 65_536)
    stranger = await door.connect()
    stranger.send(f"GET / HTTP/1.1\r\n{long}".encode())
    assert (await stranger.reply()).status == 431
    await door.ask(host(channel), long)
    assert await sink.wait_for("next_asked") == ("next_asked", 1)


async def test_channel_takes_only_so_many_connections(door: Door, sink: Sink) -> None:
    channel = door.hosts.open(1)
    ping = head(host(channel), target="/ping")
    for _ in range(8):
        client = await door.connect()
        client.send(ping)
        assert (await client.reply()).status == 200
    late = await door.connect()
    late.send(ping)
    assert await refused(late)


async def test_own_bootstraps_words_are_nothing_special_here(door: Door, sink: Sink) -> None:
    """They are read at a glance elsewhere, and say ``Host: runtime``."""
    channel = door.hosts.open(1)
    client = await door.ask(host(channel))
    await sink.wait_for("next_asked")
    channel.deliver(delivery())
    await client.reply()
    usual = (
        f"POST {INVOCATION}/{REQUEST_ID}/response HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
        f"Content-Length: 2\r\n\r\n{{}}GET {INVOCATION}/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
    )
    client.send(usual.encode())
    assert await refused(client)
    assert sink.names() == ["next_asked"]


async def test_runtime_api_opens_listeners_once_and_all_on_one_port(sink: Sink) -> None:
    api = RuntimeApi(sink, socket_root=__file__)  # type: ignore[arg-type]  # no socket is opened
    port, again = await asyncio.gather(api.listen_hosts("127.0.0.1", 0), api.listen_hosts("127.0.0.1", 0))
    assert port == again
    assert await api.listen_hosts("127.0.0.2", port) == port
    with pytest.raises(ValueError, match="already"):
        await api.listen_hosts("127.0.0.3", port + 1)
    channel = await api.open_host(5)
    assert channel.port == port
    streams = await asyncio.open_connection("127.0.0.2", port)
    client = RawClient(*streams)
    client.send(head(host(channel)))
    assert await sink.wait_for("next_asked") == ("next_asked", 5)
    channel.close()
    await client.close()
    api.close()


async def test_address_that_is_not_here_is_an_error(sink: Sink) -> None:
    hosts = Hosts(sink)
    with pytest.raises(OSError, match="assign"):
        await hosts.listen("192.0.2.1", 0)
