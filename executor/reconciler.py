"""Compares what the fleet knows with what the engine has, now and then: events for speed, this for truth.

Off the call path. An engine that does not answer changes nothing.
"""

import asyncio
import logging
from typing import Protocol

from executor.core.events import EngineListed, Event
from executor.driver import Driver

RECONCILE_EVERY_S = 30.0
RECONCILE_PATIENCE_S = 10.0  # an engine that takes longer to say what it has is asked again at the next time

log = logging.getLogger("lockgate.executor")


class Reconciled(Protocol):
    def handle(self, event: Event) -> object: ...

    def now(self) -> float: ...

    def try_again(self) -> None:
        """Whatever could not be done before."""
        ...


class Reconciler:
    def __init__(self, owner: Reconciled, driver: Driver) -> None:
        self._owner = owner
        self._driver = driver
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(RECONCILE_EVERY_S, self.ring)

    def ring(self) -> "asyncio.Task[None]":
        """Compare now, and again in half a minute. :returns: the comparison, of which there is one at a time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(RECONCILE_EVERY_S, self.ring)
        self._owner.try_again()
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._compare(), name="reconcile with the engine")
        return self._task

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _compare(self) -> None:
        asked_at = self._owner.now()
        try:
            async with asyncio.timeout(RECONCILE_PATIENCE_S):
                await self._driver.refresh()
            existing = self._driver.environments()
        except OSError as error:  # a TimeoutError is one
            log.warning("the engine does not say what it has: %s", str(error) or "no answer in time")
        except Exception:
            log.exception("the driver could not list its environments")
        else:
            self._owner.handle(EngineListed(existing, asked_at))
