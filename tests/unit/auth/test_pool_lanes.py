"""A lane for each pool: what one pool waits for holds up no other."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from auth import lanes as module
from auth.errors import Unavailable
from auth.lanes import PoolLanes


@pytest.fixture
def lanes() -> Iterator[PoolLanes]:
    lanes = PoolLanes("test", threads=1, waiting=0, deadline_s=10)
    yield lanes
    lanes.close()


async def test_a_full_pool_is_full_for_itself_only(lanes: PoolLanes) -> None:
    begin = threading.Event()
    waiting = asyncio.create_task(lanes.of("one").run(begin.wait, 10))
    await asyncio.sleep(0)  # it is in its lane
    with pytest.raises(Unavailable):
        await lanes.of("one").run(threading.get_ident)
    assert await lanes.of("two").run(lambda: 2) == 2
    assert (lanes.busy, lanes.refused) == (1, 1)
    begin.set()
    assert await waiting


def test_there_are_so_many_and_no_more(lanes: PoolLanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POOL_LANES", 2)
    first, second = lanes.of("one"), lanes.of("two")
    assert first is lanes.of("one")
    assert second is not first
    assert lanes.of("three") is lanes.of("four") is lanes.of("")
