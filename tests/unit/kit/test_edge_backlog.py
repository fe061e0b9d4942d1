"""Answers that nobody reads must not fill the memory: the slowest readers are cut off, others get theirs whole."""

import asyncio
import sys
from typing import Any

import pytest

from kit.edge_backlog import Backlog
from kit.edge_limits import EdgeLimits
from tests.support.edge_wire import respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


class Reader:
    def __init__(self, size: int) -> None:
        self.size = size

    def unsent(self) -> int:
        return self.size


def test_below_the_limit_nobody_is_cut_off() -> None:
    backlog = Backlog(100)
    assert list(backlog.add(Reader(60), 0.0)) == []
    assert list(backlog.add(Reader(40), 0.0)) == []


def test_the_slowest_is_cut_off_first() -> None:
    backlog = Backlog(100)
    slow, quick = Reader(50), Reader(50)
    backlog.add(slow, 0.0)
    backlog.add(quick, 0.0)
    slow.size, quick.size = 49, 45
    assert list(backlog.add(Reader(20), 1.0)) == [slow], "nor the new one, which has had no time yet"
    assert len(backlog) == 2


def test_of_equals_the_oldest_goes() -> None:
    backlog = Backlog(100)
    readers = [Reader(40) for _ in range(3)]
    given_up = [victim for now, reader in enumerate(readers) for victim in backlog.add(reader, float(now))]
    assert given_up == readers[:2]


def test_sizes_are_looked_at_again_before_anybody_is_cut_off() -> None:
    backlog = Backlog(100)
    read = Reader(90)
    backlog.add(read, 0.0)
    read.size = 5
    assert list(backlog.add(Reader(50), 1.0)) == []


def test_who_has_left_does_not_count() -> None:
    backlog = Backlog(100)
    gone = Reader(90)
    backlog.add(gone, 0.0)
    backlog.remove(gone)
    backlog.remove(gone)
    assert list(backlog.add(Reader(90), 0.0)) == []


async def serve(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, b"a" * 20 * MB)


@pytest.mark.parametrize("reads", [True, False], ids=["reads", "never-reads"])
async def test_memory_for_slow_readers_is_bounded(reads: bool) -> None:
    """R5: eight that never read hold 20 MB each; the limit is 50 MB; one that reads gets its 20 MB beside them."""
    edge = await start_edge(serve, EdgeLimits(unsent_bytes=50 * MB))
    for _ in range(8):
        wire = await edge.connect()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(GET)
        await edge.until(lambda: not edge.state.tasks)
        assert sum(connection.unsent() for connection in edge.state.connections) <= 50 * MB
    assert edge.refused
    assert set(edge.refused) == {("unsent_too_much", 0)}
    if reads:
        good = await edge.connect(GET)
        assert len((await good.answer()).body) == 20 * MB
    await edge.stop()
    await asyncio.sleep(0)
    assert len(edge.state.backlog) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="how much the kernel takes is another matter elsewhere")
async def test_kernel_takes_little_of_an_answer_that_nobody_reads() -> None:
    """R5: copying megabytes for each of a thousand such clients would hold up everybody else."""
    edge = await start_edge(serve)
    wire = await edge.connect()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.send(GET)
    await edge.until(lambda: any(connection.flow.write_paused for connection in edge.state.connections))
    (connection,) = edge.state.connections
    assert connection.unsent() > 19 * MB
    await edge.stop()
