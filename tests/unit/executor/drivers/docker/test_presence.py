"""Waiting for an engine that is gone: what is taken for a sign of it, and what is not."""

import asyncio

import pytest

from executor.driver import StartError
from executor.drivers.docker.engine.errors import EngineBusy, EngineError, EngineGone, NotFound
from executor.drivers.docker.engine.presence import Presence


class Engine:
    """Answers pings while it is `there`."""

    def __init__(self, *, there: bool) -> None:
        self.there = asyncio.Event()
        if there:
            self.there.set()
        self.losses = 0
        self.presence = Presence(self.ping, self.lost)

    async def ping(self) -> None:
        if not self.there.is_set():
            raise EngineGone("nobody listens")

    def lost(self) -> None:
        self.losses += 1


def refused(cause: Exception) -> StartError:
    error = StartError("The environment could not be started", permanent=False)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("problem", "listens", "is_gone"),
    [
        pytest.param(EngineGone("broken off"), True, True, id="broken-off"),
        pytest.param(EngineBusy("no answer"), True, True, id="no-answer"),
        pytest.param(EngineError(500, "no containerd"), False, True, id="it-ends"),
        pytest.param(EngineError(500, "no space left on device"), True, False, id="its-own-failure"),
        pytest.param(refused(EngineError(500, "context canceled")), False, True, id="start-while-it-ends"),
        pytest.param(refused(EngineError(500, "bad network")), True, False, id="start-that-fails"),
        pytest.param(NotFound(404, "no such image"), False, False, id="no-image"),
        pytest.param(refused(EngineError(400, "bad entrypoint")), False, False, id="refused"),
        pytest.param(StartError("limits", permanent=False), False, False, id="not-the-engine's"),
    ],
)
async def test_signs_of_an_engine_that_is_gone(problem: Exception, listens: bool, is_gone: bool) -> None:
    engine = Engine(there=listens)
    try:
        assert await engine.presence.explains(problem) is is_gone
        assert bool(engine.presence.trouble) is is_gone
        assert engine.losses == int(is_gone)
    finally:
        await engine.presence.close()


async def test_who_waits_goes_on_when_it_answers_again() -> None:
    engine = Engine(there=False)
    engine.presence.lose("it was killed")
    engine.presence.lose("again")  # said once
    waiting = asyncio.create_task(engine.presence.wait())
    await asyncio.sleep(0)
    assert (waiting.done(), engine.presence.trouble, engine.losses) == (False, "it was killed", 1)
    engine.there.set()
    await waiting
    assert engine.presence.trouble == ""
    await engine.presence.close()
