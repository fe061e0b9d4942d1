"""The loop of a process: what it is, and how long it waits for threads that compute."""

import asyncio
import sys
from collections.abc import Iterator

import pytest
import uvloop

from lockgate.loop import SWITCH_S, run_loop


@pytest.fixture(autouse=True)
def interval() -> Iterator[float]:
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_loop_waits_shorter_than_others_do(interval: float) -> None:
    async def serving() -> int:
        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
        return round(sys.getswitchinterval() * 1e6)

    assert run_loop(serving()) == round(SWITCH_S * 1e6) < round(interval * 1e6)


def test_error_of_what_runs_is_told() -> None:
    async def serving() -> int:
        raise LookupError("word")

    with pytest.raises(LookupError, match="word"):
        run_loop(serving())
