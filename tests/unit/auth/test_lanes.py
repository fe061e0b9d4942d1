"""Work off the event loop: so many at once, so many who wait, and no longer than so."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from auth.errors import Unavailable
from auth.lanes import Lane


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("test", threads=1, waiting=1, deadline_s=5)
    yield lane
    lane.close()


async def test_work_is_bounded(lane: Lane) -> None:
    """B8: one at work, one who waits, and the next is told at once. Twin: when there is room again."""
    begin = threading.Event()
    both = [asyncio.create_task(lane.run(begin.wait, 5)) for _ in range(2)]
    await asyncio.sleep(0)  # both are in the lane
    assert lane.busy == 2
    with pytest.raises(Unavailable):
        await lane.run(threading.get_ident)
    begin.set()
    assert await asyncio.gather(*both) == [True, True]
    assert await lane.run(threading.get_ident) != threading.get_ident()
    assert lane.refused == 1


async def test_a_caller_waits_no_longer_than_the_deadline() -> None:
    """R4: the work goes on, its place is taken until it ends."""
    lane, end = Lane("test", threads=1, waiting=0, deadline_s=0.02), threading.Event()
    with pytest.raises(Unavailable):
        await lane.run(end.wait, 5)
    assert lane.busy == 1
    end.set()
    lane.close()
    assert lane.busy == 0
