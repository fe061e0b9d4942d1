"""H5: how many connections there may be, of one peer too, and how many requests on one connection."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from kit.edge_peers import PeerTable, peer_key
from kit.listener import Listener, bind
from kit.networks import Networks, plain_address
from tests.support.edge_wire import Edge, Recorder, Wire, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
async def edges() -> AsyncIterator[list[Edge]]:
    started: list[Edge] = []
    yield started
    for edge in started:
        await edge.stop()


async def start(edges: list[Edge], address: str = "127.0.0.1:0", **limits: Any) -> Edge:
    edges.append(await start_edge(Recorder(), EdgeLimits(**limits), address))
    return edges[-1]


async def connect_from(edge: Edge, source: str, data: bytes = b"") -> Wire:
    wire = Wire(*await asyncio.open_connection(*edge.listener.address, local_addr=(source, 0)))
    edge._wires.append(wire)
    wire.send(data)
    return wire


async def test_one_address_cannot_take_all(edges: list[Edge]) -> None:
    """H5: the connection over the cap of its peer gets 503; over a quarter more, nothing."""
    edge = await start(edges, peer_connections=4)
    for _ in range(4):
        await connect_from(edge, "127.0.0.5")
    await edge.until(lambda: edge.listener.connections == 4)
    turned_away = await connect_from(edge, "127.0.0.5", GET)
    answer = await turned_away.answer()
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert await (await connect_from(edge, "127.0.0.5")).rest() == b""
    assert edge.refused == [("too_many_of_peer", 503), ("too_many_of_peer", 0)]


async def test_another_address_is_served_beside_it(edges: list[Edge]) -> None:
    """H5, twin: it differs in the peer's address only."""
    edge = await start(edges, peer_connections=4)
    for _ in range(4):
        await connect_from(edge, "127.0.0.5")
    await edge.until(lambda: edge.listener.connections == 4)
    assert (await (await connect_from(edge, "127.0.0.6", GET)).answer()).status == 200
    assert edge.refused == []


async def test_who_leaves_makes_room(edges: list[Edge]) -> None:
    edge = await start(edges, peer_connections=2)
    first, _ = await connect_from(edge, "127.0.0.5"), await connect_from(edge, "127.0.0.5")
    await edge.until(lambda: edge.listener.connections == 2)
    await first.close()
    await edge.until(lambda: edge.listener.connections == 1)
    assert (await (await connect_from(edge, "127.0.0.5", GET)).answer()).status == 200


async def test_table_of_peers_empties(edges: list[Edge]) -> None:
    """H5: it is bounded by the open connections; also those that were refused have left it."""
    edge = await start(edges, peer_connections=1, connections=4)
    wires = [await connect_from(edge, f"127.0.0.{number}", GET) for number in (2, 2, 3, 4, 5, 6, 7)]
    await edge.until(lambda: len(edge.refused) >= 3)
    assert len(edge.state.peers) <= 5
    for wire in wires:
        await wire.close()
    await edge.until(lambda: not edge.listener.connections)
    assert len(edge.state.peers) == 0


async def test_trusted_proxy_has_no_cap(edges: list[Edge]) -> None:
    """H5, H9: it brings everybody's requests over its own address."""
    edge = await start(edges, peer_connections=1, requests=2, trusted_proxies=LOOPBACK)
    wires = [await edge.connect(GET * 3) for _ in range(4)]
    for wire in wires:
        answers = [await wire.answer() for _ in range(3)]
        assert [answer.headers.get("connection") for answer in answers] == [None] * 3
    assert edge.refused == []


async def test_trusted_proxy_may_keep_an_unused_connection(edges: list[Edge]) -> None:
    """H9: closed before its first request, it would cost a client a 502."""
    edge = await start(
        edges, first_byte_s=0.001, idle_s=0.001, trusted_idle_s=60, sweep_s=0.005, trusted_proxies=LOOPBACK
    )
    wire = await edge.connect()
    await edge.until(lambda: edge.listener.connections)
    begun = edge.state._swept_at
    await edge.until(lambda: edge.state._swept_at > begun + 0.02)
    wire.send(GET)
    assert (await wire.answer()).status == 200


async def test_proxies_can_be_named_later(edges: list[Edge]) -> None:
    edge = await start(edges, peer_connections=1)
    await edge.connect()
    await edge.until(lambda: edge.listener.connections == 1)
    assert await (await edge.connect(GET)).rest() == b""
    edge.listener.trust(LOOPBACK)
    assert (await (await edge.connect(GET)).answer()).status == 200


async def test_connection_ends_after_so_many_requests(edges: list[Edge]) -> None:
    """H5: the last answer says so; the twin is any request before it."""
    edge = await start(edges, requests=3)
    wire = await edge.connect(GET * 4)
    answers = [await wire.answer() for _ in range(3)]
    assert [answer.headers.get("connection") for answer in answers] == [None, None, "close"]
    assert await wire.rest() == b""
    assert (await (await edge.connect(GET)).answer()).status == 200


async def test_unix_peers_have_no_cap(tmp_path: Any) -> None:
    listener = Listener("test", Recorder(), bind(f"unix:{tmp_path / 's'}"), EdgeLimits(peer_connections=1))
    await listener.start()
    for _ in range(3):
        wire = Wire(*await asyncio.open_unix_connection(listener.address[0]))
        wire.send(GET)
        assert (await wire.answer()).status == 200
        await wire.close()
    await listener.drain(1)


def test_default_is_an_eighth_and_never_nothing() -> None:
    assert EdgeLimits().peer_cap == 1250
    assert EdgeLimits(connections=512).peer_cap == 64
    assert EdgeLimits(connections=16).peer_cap == 16
    assert EdgeLimits(peer_connections=3).peer_cap == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", True, id="ipv4"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="another-ipv4"),
        pytest.param("2001:db8::1", "2001:db8::ffff:1:2:3", True, id="one-64"),
        pytest.param("2001:db8:0:1::1", "2001:db8:0:2::1", False, id="another-64"),
    ],
)
def test_what_counts_as_one_peer(one: str, other: str, same: bool) -> None:
    assert (peer_key(one) == peer_key(other)) is same


def test_table_counts() -> None:
    table = PeerTable()
    assert [table.enter("a"), table.enter("a"), table.enter("b")] == [1, 2, 1]
    table.leave("a")
    table.leave("b")
    assert len(table) == 1


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("no:address", "no:address"),
    ],
)
def test_addresses_are_written_in_one_way(text: str, plain: str) -> None:
    assert plain_address(text) == plain


def test_networks() -> None:
    networks = Networks([ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])
    inside = ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "2001:db8::1%eth0"]
    outside = ["11.1.2.3", "2001:db9::1", "", "name", "10.1.2.3.4", "::ffff:11.1.2.3"]
    assert [address in networks for address in inside] == [True] * 4
    assert [address in networks for address in outside] == [False] * 6
    assert not any(address in Networks() for address in inside)


def test_networks_remember_a_bounded_number() -> None:
    networks = Networks([ip_network("10.0.0.0/8")])
    for number in range(5000):
        assert f"10.0.{number // 250}.{number % 250}" in networks
    assert len(networks._known) <= 1024
