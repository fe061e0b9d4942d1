"""One environment as the driver sees it, from its start until it is gone. Values and waiting; no policy."""

import asyncio
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from executor.driver import ExitReport, StartError
from executor.drivers.process.cgroup import Group
from executor.drivers.process.output import OutputPipe
from executor.drivers.process.wire import Message
from executor.drivers.process.zygotes import ZygoteProcess, ZygoteRefused, process_identity

PEAK_LIFETIME_S = 0.1  # peak memory is asked for with every call
_SIGKILL = 9
_DEATH_TRIES = 100  # a zygote's death is its environments' death, by the kernel and within milliseconds
_DEATH_PAUSE_S = 0.01


@dataclass(slots=True, kw_only=True, eq=False)
class Environment:
    """:param temporary: its own folder on the host, where it has no private ``/tmp``.
    :param started: done with the monotonic time at which the function's process ran, or fails with StartError.
    :param gone: done when none of its processes is left.
    :param pid: its first process, in the server's numbering.
    """

    number: int
    slot: int
    zygote: ZygoteProcess
    output: OutputPipe
    started: asyncio.Future[float]
    gone: asyncio.Future[None]
    group: Group | None = None
    temporary: Path | None = None
    pid: int | None = None
    is_stopping: bool = False
    is_running: bool = False
    ending: Message = field(default_factory=dict)
    cleanup: asyncio.Task[None] | None = None
    _peak_mb: int = 0
    _peak_read_at: float = float("-inf")

    def send_start(self, request: Message) -> None:
        """:raises ZygoteRefused: the zygote is gone. :raises OSError: the cgroup is."""
        if request["uid"] is not None:  # or it could not open its own /dev/stderr
            os.fchown(self.output.writing, request["uid"], -1)
        joins = self.group.open_join() if self.group is not None else []
        try:
            self.zygote.send(request, [self.output.writing, *joins])
        finally:
            self.output.close_writing()
            for fd in joins:
                os.close(fd)

    def send_stop(self) -> None:
        with suppress(ZygoteRefused):  # its end was the environment's, too
            self.zygote.send({"do": "stop", "number": self.number})

    def set_started(self, pid: int, at_mono: float) -> None:
        self.pid = pid
        self.is_running = True
        if not self.started.done():
            self.started.set_result(at_mono)

    def set_failed(self, error: StartError) -> None:
        if not self.started.done():
            self.started.set_exception(error)
            self.started.exception()  # it is looked at only if somebody still waits

    def set_gone(self) -> None:
        self.set_failed(StartError("The environment vanished", permanent=False, error_type="Sandbox.Failure"))
        if not self.gone.done():
            self.gone.set_result(None)

    def report(self) -> ExitReport:
        """How it ended; read before its cgroup is removed."""
        code, signal = self.ending.get("code"), self.ending.get("signal")
        killed = signal == _SIGKILL or (code is None and signal is None)
        out_of_memory = killed and self.group is not None and self.group.oom_kills() > 0
        return ExitReport(code=code, signal=signal, out_of_memory=out_of_memory)

    def peak_mb(self, now: float) -> int:
        if now - self._peak_read_at >= PEAK_LIFETIME_S:
            self._peak_read_at = now
            measured = self.group.peak_mb() if self.group is not None else resident_peak_mb(self.pid)
            self._peak_mb = max(self._peak_mb, measured)
        return self._peak_mb

    def last_peak_mb(self) -> int:
        """The peak as it is now, whenever it was read before."""
        return self.peak_mb(float("inf"))

    async def clean_up(self) -> bool:
        """Remove what is left outside of its processes. False: its cgroup could not be removed."""
        if not self.zygote.is_alive and self.pid is not None:
            await _until_dead(self.pid)  # nobody has waited for it
        if self.temporary is not None:
            await asyncio.to_thread(shutil.rmtree, self.temporary, ignore_errors=True)
        return self.group is None or await self.group.remove()

    def __repr__(self) -> str:
        state = "gone" if self.gone.done() else "running" if self.is_running else "starting"
        return f"<Environment {self.number} slot={self.slot} {state}>"


async def _until_dead(pid: int) -> None:
    identity = process_identity(pid)
    for _ in range(_DEATH_TRIES):
        if identity is None or process_identity(pid) != identity:
            return
        await asyncio.sleep(_DEATH_PAUSE_S)


def resident_peak_mb(first_process: int | None) -> int:
    """Where no cgroup counts: the largest peak of the environment's own processes, from /proc."""
    if first_process is None:
        return 0
    return -(-max((_high_water_kb(pid) for pid in _children(first_process)), default=0) // 1024)


def _children(pid: int) -> Iterable[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # gone, or a system without it
        return []


def _high_water_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
