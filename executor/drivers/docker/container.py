"""One container as the driver sees it, from before it is made until nothing of it is left. Values; no policy."""

import asyncio
from typing import Protocol

from executor.driver import ExitReport
from executor.drivers.docker.cgroup import ContainerGroup
from executor.drivers.docker.gate import Gate
from executor.drivers.docker.life import Life
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.profile import cpu_quota_us
from executor.drivers.docker.workspace import Folder
from executor.revision import FunctionConfig

PEAK_LIFETIME_S = 0.1  # peak memory is asked for with every call
_SIGKILL = 9
_SIGNALS = 128  # a shell's and an init's way to say that a signal ended the process
_LAST_SIGNAL = 64


class Output(Protocol):
    def flush(self) -> None: ...

    def close(self) -> None: ...


class Container:
    """:ivar number: the environment's, or the slot's while it is one.
    :ivar uid_slot: of the numbers of which uids are made; given back at the end.
    :ivar id: the engine's; None until it is made.
    :ivar volumes: of its image's, names of those that go with it.
    :ivar memory_mb: that the function may use; 0 for a slot.
    :ivar cpu_quota_us: of ``cpu: strict``, once it is ready.
    :ivar is_gated: its program waits until networks were joined.
    :ivar is_waiting: its start waits for an engine that is gone.
    :ivar oom: the engine has told of a process that was killed for memory.
    """

    def __init__(self, *, number: int, name: str, uid_slot: int, uid: int, gid: int) -> None:
        self.number = number
        self.name = name
        self.uid_slot = uid_slot
        self.uid = uid
        self.gid = gid
        self.id: str | None = None
        self.volumes: tuple[str, ...] = ()
        self.folder: Folder | None = None
        self.plan: NetworkPlan | None = None
        self.is_gated = False
        self.gate: Gate | None = None
        self.output: Output | None = None
        self.output_ended: asyncio.Future[None] | None = None
        self.group: ContainerGroup | None = None
        self.life: Life | None = None
        self.making: asyncio.Task[float] | None = None
        self.removal: asyncio.Task[None] | None = None
        self.memory_mb = 0
        self.cpu_quota_us: int | None = None
        self.is_slot = False
        self.is_stopping = False
        self.is_waiting = False
        self.has_started = False
        self.has_ended = False
        self.oom = False
        self._peak_mb = 0
        self._peak_read_at = float("-inf")

    def __repr__(self) -> str:
        states = ("stopping", self.is_stopping), ("ended", self.has_ended), ("running", self.has_started)
        state = next((word for word, holds in states if holds), "starting")
        return f"<Container {self.name} {'slot' if self.is_slot else 'environment'} {self.number} {state}>"

    def is_for(self, config: FunctionConfig) -> None:
        self.memory_mb = config.memory_mb
        self.cpu_quota_us = cpu_quota_us(config.memory_mb) if config.cpu == "strict" else None

    def report(self, exit_code: int | None) -> ExitReport:
        report = read_exit(exit_code, out_of_memory=self.oom or self._was_killed_for_memory())
        if report.out_of_memory:  # it died of its limit; the file that would say so is gone with its cgroup
            self._peak_mb = max(self._peak_mb, self.memory_mb)
        return report

    def _was_killed_for_memory(self) -> bool:
        return self.group is not None and self.group.oom_kills() > 0

    def peak_mb(self, now: float) -> int:
        if self.group is not None and now - self._peak_read_at >= PEAK_LIFETIME_S:
            self._peak_read_at = now
            self._peak_mb = max(self._peak_mb, self.group.peak_mb())
        return self._peak_mb

    def flush(self) -> None:
        if self.output is not None:
            self.output.flush()

    def close(self) -> None:
        """Let go of its descriptors; what it has printed is handed over first. Idempotent."""
        if self.output is not None:
            self.output.close()
            self.output = None
        if self.gate is not None:
            self.gate.close()
            self.gate = None
        if self.life is not None:
            self.life.close()
            self.life = None
        if self.group is not None:
            self.peak_mb(float("inf"))
            self.group.close()
            self.group = None


def read_exit(exit_code: int | None, *, out_of_memory: bool) -> ExitReport:
    """From the engine's exit code. Only a process that was killed can have been killed for memory."""
    if exit_code is None:
        return ExitReport()
    if _SIGNALS < exit_code <= _SIGNALS + _LAST_SIGNAL:
        signal = exit_code - _SIGNALS
        return ExitReport(signal=signal, out_of_memory=out_of_memory and signal == _SIGKILL)
    return ExitReport(code=exit_code)
