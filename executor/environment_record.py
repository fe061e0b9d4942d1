"""What the shell keeps of one environment: its channel, its log, and the invocation it holds."""

import asyncio

from executor.core.instructions import Phase
from executor.invocation import Invocation
from executor.logs.environment_log import EnvironmentLog
from executor.revision import Revision
from executor.runtime_api.contract import Channel


class EnvironmentRecord:
    """:ivar ready_at: when its runtime first asked for `next`, on the monotonic clock; None until then.
    :ivar fault_type: the error type that the REPORT line of the present invocation shows.
    """

    __slots__ = (
        "asked_at", "channel", "current", "fault_type", "init_reported", "log", "log_stream", "number", "phase",
        "ready_at", "revision", "started_at", "starter", "stopper",
    )  # fmt: skip

    def __init__(
        self,
        *,
        number: int,
        revision: Revision,
        phase: Phase,
        asked_at: float,
        log: EnvironmentLog,
        log_stream: str,
    ) -> None:
        self.number = number
        self.revision = revision
        self.phase = phase
        self.asked_at = asked_at
        self.log = log
        self.log_stream = log_stream
        self.started_at: float | None = None
        self.ready_at: float | None = None
        self.channel: Channel | None = None
        self.current: Invocation | None = None
        self.fault_type: str | None = None
        self.init_reported = False
        self.starter: asyncio.Task[None] | None = None
        self.stopper: asyncio.Task[None] | None = None

    def init_s(self, now: float) -> float:
        """How long its init has taken until *now*."""
        return now - (self.asked_at if self.started_at is None else self.started_at)
