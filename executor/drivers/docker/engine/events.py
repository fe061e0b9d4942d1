"""What happens to containers, as the engine tells it: a stream that is opened again whenever it ends.

Nothing is missed over a break: the next stream begins where the last one ended, and `connected` lets the owner
compare with the engine's list, because an engine that was restarted has forgotten. State: the last event's time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import orjson

from executor.drivers.docker.engine.errors import EngineFault

_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 2.0

log = logging.getLogger("lockgate.executor")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvent:
    """:param action: ``die``, ``oom`` or ``destroy``. :param exit_code: of a ``die``."""

    container: str
    action: str
    exit_code: int | None


def read_event(line: bytes) -> tuple[ContainerEvent, str] | None:
    """The event and its time (Unix seconds with a fraction); None for what is none."""
    try:
        found = orjson.loads(line)
        attributes = found["Actor"].get("Attributes") or {}
        code = attributes.get("exitCode")
        event = ContainerEvent(
            container=found["Actor"]["ID"],
            action=found["Action"],
            exit_code=int(code) if code is not None else None,
        )
        nanoseconds = int(found["timeNano"]) + 1
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return event, f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


class EventWatch:
    """
    :param open_stream: opens the stream, from a time on or from now.
    :param happened: called with each event. :param connected: awaited each time a stream has begun.
    :param lost: called each time it has broken.
    """

    def __init__(
        self,
        open_stream: Callable[[str | None], AsyncIterator[bytes]],
        happened: Callable[[ContainerEvent], None],
        connected: Callable[[], Awaitable[None]],
        lost: Callable[[EngineFault], None] = lambda _: None,
    ) -> None:
        self._open_stream = open_stream
        self._happened = happened
        self._connected = connected
        self._lost = lost
        self._since: str | None = None
        self._is_lost = False
        self.began = asyncio.Event()

    async def run(self) -> None:
        """For ever; cancel it."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async for line in self._open_stream(self._since):
                    if line:
                        self._heard(line)
                    else:
                        pause_s = _FIRST_PAUSE_S
                        await self._begin()
            except EngineFault as fault:
                self._lost(fault)
                if not self._is_lost:
                    log.warning("the engine's events are lost: %s", fault)
                    self._is_lost = True
            except Exception:  # whoever was told failed: containers still die, and somebody must hear of it
                log.exception("an event of the engine could not be dealt with")
            await asyncio.sleep(pause_s)
            pause_s = min(_LAST_PAUSE_S, pause_s * 2)

    async def _begin(self) -> None:
        if self._is_lost:
            log.warning("the engine's events are back")
            self._is_lost = False
        await self._connected()
        self.began.set()

    def _heard(self, line: bytes) -> None:
        found = read_event(line)
        if found is not None:
            event, self._since = found
            self._happened(event)


__all__ = ["ContainerEvent", "EventWatch", "read_event"]
