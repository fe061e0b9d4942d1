"""A whole executor over the fake driver, whose fleet is checked after each event."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any, Self

from prometheus_client import CollectorRegistry

from executor.core.events import Event, SlotReady
from executor.core.instructions import RefuseReason
from executor.core.limits import NodeLimits
from executor.executor import Executor
from executor.logs.reader import read
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import FunctionConfig, Revision
from kit.invoke import InvokeAnswer, InvokeCall, Invoker
from kit.names import Names
from tests.support.fake_driver import FakeDriver, FakeEnvironment

TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"


def function(name: str = "f", **changes: Any) -> FunctionConfig:
    values = {"runtime": "python3.11", "handler": "app.handler", "memory_mb": 128, "timeout_s": 10.0}
    return FunctionConfig(name=name, **(values | changes))


def call(payload: Any = None, function: str = "f", **changes: Any) -> InvokeCall:
    values = {"budget_ms": 10_000, "trace": TRACE}
    body = payload if isinstance(payload, bytes) else json.dumps(payload or {}).encode()
    return InvokeCall(function=function, payload=body, **(values | changes))


class ExecutorWorld:
    """`async with ExecutorWorld(function("f")) as world:`; fails at its end if an invariant broke.

    :ivar invoker: what calls go through: the executor itself, or a transport in front of it.
    """

    def __init__(
        self, *functions: FunctionConfig, memory_mb: int = 4096, slots: bool = False, **limits: int
    ) -> None:
        self.functions = functions or (function(),)
        self.driver = FakeDriver()
        self.driver.has_slots = slots
        self.registry = CollectorRegistry()
        # Not below pytest's folder: a socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="lg-"))
        self.logs = FunctionLogs(self._folder / "logs", 16)
        self.executor = Executor(
            names=Names(),
            driver=self.driver,
            node=NodeLimits(memory_mb=memory_mb, **limits),
            logs=self.logs,
            metrics=ExecutorMetrics(self.registry),
            socket_root=self._folder / "s" / "e",
        )
        self.invoker: Invoker = self.executor
        self.shell = self.executor.shell
        self.fleet = self.shell.fleet
        self.broken: list[BaseException] = []
        self.events: list[Event] = []
        self._skipped_s = 0.0
        self._handle = self.shell.handle
        self.shell.handle = self._checked_handle  # type: ignore[method-assign]  # every event passes here
        self.shell.now = self.driver.now = lambda: time.monotonic() + self._skipped_s

    async def __aenter__(self) -> Self:
        self.capabilities = await self.executor.open()
        self.executor.apply([Revision.of(config, "package") for config in self.functions])
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:  # asyncio forgets a connection that it is accepting when the listener closes
            await self.until(lambda: not self.driver.connecting)
        await self.executor.close()
        self.logs.close()
        shutil.rmtree(self._folder)
        if kind is None:
            assert self.broken == []
            assert self.shell.invocations == {}

    def _checked_handle(self, event: Event) -> RefuseReason | None:
        self.events.append(event)
        if isinstance(event, SlotReady):
            self.driver.connecting.discard(event.slot)
        refusal = self._handle(event)
        try:
            self.fleet.check(self.shell.now())
            self._check_timer()
        except BaseException as error:  # the shell survives any fault: it would survive this one, too
            self.broken.append(error)
        self.driver.changed.set()
        return refusal

    def _check_timer(self) -> None:
        """One timer, never late."""
        shell, wake_at = self.shell, self.fleet.wake_at()
        assert shell._armed_for <= wake_at or wake_at == inf
        if shell._armed_for > -inf:
            assert (shell._timer is not None) == (shell._armed_for < inf)

    async def call(self, payload: Any = None, function: str = "f", **changes: Any) -> InvokeAnswer:
        return await self.invoker.invoke(call(payload, function, **changes))

    def begin(self, payload: Any = None, function: str = "f", **changes: Any) -> "asyncio.Task[InvokeAnswer]":
        """The same as a task of its own."""
        return asyncio.create_task(self.call(payload, function, **changes), name="caller")

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition; looked at after each event and each word of an environment."""
        while not holds():
            self.driver.changed.clear()
            await self.driver.changed.wait()

    async def started(
        self, payload: Any, function: str = "f", **changes: Any
    ) -> "asyncio.Task[InvokeAnswer]":
        """A call that an environment has begun to work on."""
        before = self.delivered
        task = self.begin(payload, function, **changes)
        await self.until(lambda: self.delivered > before)
        return task

    async def queued(
        self, payload: Any = None, function: str = "f", **changes: Any
    ) -> "asyncio.Task[InvokeAnswer]":
        """A call that waits for an environment."""
        before = self.fleet.counts().queued
        task = self.begin(payload, function, **changes)
        await self.until(lambda: self.fleet.counts().queued > before)
        return task

    async def stocked(self, ready: int = 2) -> None:
        """So many slots wait, and none is in the making."""
        await self.until(
            lambda: self.fleet.counts().slots_ready == ready and not self.fleet.counts().slots_filling
        )

    async def rested(self, idle: int = 1) -> None:
        await self.until(lambda: self.fleet.counts().idle == idle)

    def skip(self, seconds: float) -> None:
        """Let time pass at once, and the timer ring."""
        self._skipped_s += seconds
        if self.shell._timer is not None:
            self.shell._timer.cancel()
        self.shell._tick()

    @property
    def delivered(self) -> int:
        return sum(len(made.events) for made in self.driver.environments_made.values())

    def environment(self, number: int) -> FakeEnvironment:
        return self.driver.environments_made[number]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def log(self, function: str = "f") -> list[str]:
        """What the function's log says, platform lines included."""
        assert self.logs.flush()
        return [record.text for record in read(self._folder / "logs", function)]
