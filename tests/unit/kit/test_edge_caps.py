"""How many connections there may be, of everybody and of one, and how many requests on each."""

from ipaddress import ip_network

import pytest

from kit.edge_limits import EdgeLimits
from tests.support.edge_wire import PROBE, Recorder, start_edge


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(EdgeLimits(connections=4, peer_connections=99), "too_many_connections", id="H5-of-all"),
        pytest.param(EdgeLimits(peer_connections=4), "too_many_of_peer", id="H5-of-one-peer"),
        pytest.param(EdgeLimits(peer_connections=5), None, id="H5-twin"),
        pytest.param(
            EdgeLimits(peer_connections=4, trusted_proxies=(ip_network("127.0.0.1"),)),
            None,
            id="H5-twin-behind-a-proxy-of-ours",
        ),
    ],
)
async def test_one_connection_too_many_is_told_so(limits: EdgeLimits, reason: str | None) -> None:
    """H5: accepted, answered 503 and closed, so that nobody waits for an accept; the others go on."""
    edge = await start_edge(Recorder(), limits)
    held = [await edge.connect() for _ in range(4)]
    await edge.until(lambda: edge.listener.connections == 4)
    late = await edge.connect(PROBE)
    assert (await late.answer()).status == (503 if reason else 200)
    assert edge.refused == ([(reason, 503)] if reason else [])
    held[0].send(PROBE)
    assert (await held[0].answer()).status == 200
    if reason:
        await held[0].close()
        await late.close()
        await edge.until(lambda: edge.listener.connections == 3)
        assert (await (await edge.connect(PROBE)).answer()).status == 200, "a place is free again"
    await edge.stop()


async def test_a_connection_has_so_many_requests() -> None:
    """H5: the last one says so, and is answered like the others."""
    edge = await start_edge(Recorder(), EdgeLimits(requests=2))
    wire = await edge.connect(PROBE)
    first = await wire.answer()
    wire.send(PROBE)
    last = await wire.answer()
    assert [answer.status for answer in (first, last)] == [200, 200]
    assert [answer.headers.get("connection") for answer in (first, last)] == [None, "close"]
    assert await wire.rest() == b""
    await edge.stop()
