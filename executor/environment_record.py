"""What the shell keeps of one environment: its channel, its log, its tasks, and the invocation it holds."""

import asyncio
from typing import TYPE_CHECKING

from executor.core.environment import INIT_TIMEOUT_S, PROVISIONED_INIT_S
from executor.core.instructions import Meter, MeterStatus, Phase
from executor.invocation import Invocation
from executor.logs.environment_log import EnvironmentLog
from executor.metrics import FunctionMetrics
from executor.revision import Revision
from executor.runtime_api.contract import Channel

if TYPE_CHECKING:
    from executor.slot_keeper import SlotRecord


class EnvironmentRecord:
    """:ivar arn: the function's, unqualified.
    :ivar ready_at: when its runtime first asked for `next`, on the monotonic clock; None until then.
    :ivar is_used: whether an event was ever meant for it.
    :ivar fault_type: the error type that the REPORT line of the present invocation shows.
    :ivar must_stop: it was told to stop, and could not be stopped yet.
    :ivar slot: what it is made from; None: it is made for its function.
    :ivar is_handed_over: the driver was asked to make it from the slot, and speaks of it by its own number since.
    """

    __slots__ = (
        "arn", "asked_at", "channel", "current", "fault_type", "init_reported", "is_handed_over", "is_used", "log",
        "log_stream", "metrics", "must_stop", "number", "phase", "provisioned", "ready_at", "revision", "slot",
        "started_at", "starter", "stopper",
    )  # fmt: skip

    def __init__(
        self,
        *,
        number: int,
        revision: Revision,
        arn: str,
        phase: Phase,
        asked_at: float,
        log: EnvironmentLog,
        log_stream: str,
        metrics: FunctionMetrics,
        provisioned: bool = False,
        slot: "SlotRecord | None" = None,
    ) -> None:
        self.number = number
        self.revision = revision
        self.arn = arn
        self.phase = phase
        self.asked_at = asked_at
        self.log = log
        self.log_stream = log_stream
        self.metrics = metrics
        self.started_at: float | None = None
        self.ready_at: float | None = None
        self.is_used = False
        self.provisioned = provisioned
        self.slot = slot
        self.is_handed_over = False
        self.channel: Channel | None = None if slot is None else slot.channel
        self.current: Invocation | None = None
        self.fault_type: str | None = None
        self.init_reported = False
        self.must_stop = False
        self.starter: asyncio.Task[None] | None = None
        self.stopper: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        held = "" if self.current is None else f" {self.current.id}"
        return f"<EnvironmentRecord {self.number} of {self.revision.config.name}{held}>"

    @property
    def is_still_a_slot(self) -> bool:
        """Whether nothing of its function is in it yet."""
        return self.slot is not None and self.started_at is None

    @property
    def number_at_driver(self) -> int:
        return self.number if self.slot is None or self.is_handed_over else self.slot.number

    def init_s(self, now: float) -> float:
        """How long its init has taken until *now*."""
        return now - (self.asked_at if self.started_at is None else self.started_at)

    def has_overrun(self, now: float) -> bool:
        """Whether its init had its time, which the fleet keeps."""
        if self.started_at is None:
            return False
        timeout_s = self.revision.config.timeout_s
        if self.phase is Phase.INVOKE:
            limit_s = timeout_s
        else:
            limit_s = max(PROVISIONED_INIT_S, timeout_s) if self.provisioned else INIT_TIMEOUT_S
        return self.init_s(now) >= limit_s

    def close_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def report(self, meter: Meter, peak_mb: int) -> None:
        """Write END and REPORT of an invocation, and count it."""
        duration_s = meter.ended - meter.started
        self.log.end(
            meter.inv_id,
            duration_s=duration_s,
            memory_mb=self.revision.config.memory_mb,
            peak_mb=peak_mb,
            init_s=meter.init_s,
            status=meter.status.value,
            error_type=self.fault_type if meter.status is MeterStatus.ERROR else None,
        )
        self.metrics.metered(duration_s, cold=meter.init_s is not None)

    def first_use(self, invocation: Invocation) -> None:
        """Charge its start and init to the invocation that it runs first, if that one waited for it."""
        self.is_used = True
        ready_at = self.ready_at
        if ready_at is None or ready_at < invocation.arrived:
            return
        # Not known yet when its `next` was heard first: then all the time counts as init.
        started_at = self.asked_at if self.started_at is None else min(self.started_at, ready_at)
        invocation.is_cold = True
        invocation.start_kind = "direct" if self.slot is None else "slot"
        invocation.start_s = max(0.0, started_at - max(self.asked_at, invocation.arrived))
        invocation.init_s = max(0.0, ready_at - max(started_at, invocation.arrived))
