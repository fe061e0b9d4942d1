"""Whether the engine is there: who needs it waits here while it is gone, and it is asked until it answers again.

State: why it is taken for gone, and the task that asks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from executor.drivers.docker.engine.errors import EngineBusy, EngineError, EngineFault, EngineGone

ASK_EVERY_S = 0.25  # no event tells that an engine listens again
SERVER_ERROR = 500  # what an engine answers while it ends, and what it answers when it cannot do something

log = logging.getLogger("lockgate.executor")


class Presence:
    """:param ping: asks the engine on a connection of its own: one that ends serves the old ones for a while.
    :param lost: called when it is taken for gone.
    :ivar trouble: why it is; empty while it is there.
    """

    def __init__(self, ping: Callable[[], Awaitable[None]], lost: Callable[[], None]) -> None:
        self.trouble = ""
        self._ping = ping
        self._lost = lost
        self._there = asyncio.Event()
        self._there.set()
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Presence {self.trouble or 'there'}>"

    async def wait(self) -> None:
        """Until it is there."""
        await self._there.wait()

    def lose(self, why: str) -> None:
        """It broke a connection, or did not answer in time."""
        if self.trouble:
            return
        self.trouble = why
        self._there.clear()
        log.warning("the engine is taken for gone: %s", why)
        self._lost()
        self._asking = asyncio.get_running_loop().create_task(self._ask(), name="wait for the engine")

    async def explains(self, problem: Exception) -> bool:
        """Whether *problem* came about because the engine is gone, or is going just now."""
        if isinstance(problem, EngineGone | EngineBusy):
            self.lose(str(problem))
            return True
        cause = problem if isinstance(problem, EngineError) else problem.__cause__
        if not isinstance(cause, EngineError) or cause.status < SERVER_ERROR:
            return False
        try:
            await self._ping()
        except EngineFault as fault:
            self.lose(str(fault))
            return True
        return False

    async def _ask(self) -> None:
        while True:
            try:
                await self._ping()
            except EngineFault:
                await asyncio.sleep(ASK_EVERY_S)
            else:
                break
        log.warning("the engine is there again")
        self.trouble = ""
        self._there.set()

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
