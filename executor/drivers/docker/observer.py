"""Hears how containers end, from the engine's events and from its list, and tells each end once.

State: containers by the engine's id, and the numbers of ours on the engine that nobody here knows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from executor.driver import DriverSink
from executor.drivers.docker.container import Container
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import NotFound
from executor.drivers.docker.engine.events import ContainerEvent, EventWatch
from executor.drivers.docker.engine.presence import Presence
from executor.drivers.docker.labels import instance_label, read_found
from kit.names import Names

EVENTS_TIMEOUT_S = 10.0
WORD_S = 5.0  # the engine says within milliseconds how a container ended; on a loaded machine it takes longer
LAST_WORD_S = 0.4
OUTPUT_END_S = (
    1.0  # an exit is told within a second, whether the engine has sent the last of the output or not
)
_KILLED = 137

log = logging.getLogger("lockgate.executor")


class Observer:
    """:param containers: of the driver, by number; only read here.
    :ivar presence: whether the engine is there.
    :ivar strangers: numbers of containers of this instance that are not among them.
    """

    def __init__(
        self,
        engine: EngineClient,
        names: Names,
        containers: Mapping[int, Container],
        sink: DriverSink,
    ) -> None:
        self.strangers: frozenset[int] = frozenset()
        self._engine = engine
        self._label = instance_label(names)
        self._containers = containers
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._by_id: dict[str, Container] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._is_lost = asyncio.Event()  # set for a moment, each time the engine is
        self.presence = Presence(engine.ping_anew, self._lost)

    async def open(self, connected: Callable[[], Awaitable[None]]) -> None:
        """:param connected: awaited whenever the engine's events have begun.
        :raises TimeoutError: the engine tells of no events.
        """
        watch = EventWatch(
            lambda since: self._engine.events(label=self._label, since=since),
            self._happened,
            connected,
            lambda fault: self.presence.lose(str(fault)),
        )
        self._watcher = self._loop.create_task(watch.run(), name="events of the engine")
        async with asyncio.timeout(EVENTS_TIMEOUT_S):
            await watch.began.wait()

    async def close(self) -> None:
        tasks = [*self._chores, *([self._watcher] if self._watcher is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.presence.close()

    def died(self, container: Container) -> None:
        """The kernel says that it has ended. Why is the engine's to say, if it is there."""
        if not (container.has_ended or container.is_stopping):
            self.begin(self._await_word(container), f"word on {container.name}")

    async def _await_word(self, container: Container) -> None:
        if not self.presence.trouble:
            with suppress(TimeoutError):
                async with asyncio.timeout(WORD_S):
                    await self._is_lost.wait()
        await asyncio.sleep(LAST_WORD_S)  # an engine that is back may say it still
        self._ended(container, None)

    def _lost(self) -> None:
        self._is_lost.set()
        self._is_lost.clear()

    def made(self, container: Container) -> None:
        assert container.id is not None
        self._by_id[container.id] = container

    def gone(self, container: Container) -> None:
        self._by_id.pop(container.id or "", None)

    def forget_stranger(self, number: int) -> None:
        self.strangers -= {number}

    def begin(self, chore: Coroutine[Any, Any, None], name: str) -> None:
        """A small task that ends with the driver."""
        task = self._loop.create_task(chore, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def refresh(self) -> None:
        """Compare with the engine's list. :raises EngineFault: what was known stays."""
        before = tuple(self._by_id.values())
        listed = [read_found(each) for each in await self._engine.containers(self._label)]
        there = {found.id: found for found in listed}
        for container in before:
            found = there.get(container.id or "")
            if found is None:
                self._ended(container, None)
            elif container.has_started and not found.is_running and not container.has_ended:
                self._ended(container, await self._exit_code(found.id))
        names = {container.name for container in self._containers.values()}
        self.strangers = frozenset(
            each.number for each in listed if each.number is not None and each.name not in names
        )

    async def _exit_code(self, container: str) -> int | None:
        try:
            return int((await self._engine.inspect(container))["State"]["ExitCode"])
        except NotFound:
            return None

    def _happened(self, event: ContainerEvent) -> None:
        container = self._by_id.get(event.container)
        if container is None:
            return
        if event.action == "oom":
            container.oom = True
        else:
            self._ended(container, event.exit_code)

    def _ended(self, container: Container, exit_code: int | None) -> None:
        if not (container.has_ended or container.is_stopping):
            container.has_ended = True
            self.begin(self._tell_end(container, exit_code), f"end of {container.name}")

    async def _tell_end(self, container: Container, exit_code: int | None) -> None:
        """Its last output first."""
        if container.output_ended is not None:
            await asyncio.wait([container.output_ended], timeout=OUTPUT_END_S)
        if exit_code == _KILLED and not container.oom and not self.presence.trouble:
            await self._ask_for_oom(container)
        container.flush()
        report = container.report(exit_code)
        if not container.is_stopping:
            self._sink.exited(container.number, report)

    async def _ask_for_oom(self, container: Container) -> None:
        """The engine's word that memory was the reason may come after the one that it has ended."""
        assert container.id is not None
        try:
            async with asyncio.timeout(OUTPUT_END_S):
                state = (await self._engine.inspect(container.id))["State"]
        except OSError as problem:
            log.debug("%s: %s", container.name, problem)
        else:
            container.oom = container.oom or bool(state.get("OOMKilled"))
