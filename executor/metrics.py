"""Metrics of the executor. Labels are configured function names and words of fixed lists, never what
a caller wrote.

``start`` and ``init`` are observed only for invocations that waited for a new environment, so their counts
say how many did.
"""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter

from executor.core.instructions import Outcome, RejectReason
from executor.tallies import CounterTallies, HistogramTallies, HistogramTally
from kit.invoke import InvokeTimes

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_WAIT_SECONDS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


StartKind = Literal["slot", "direct"]
START_KINDS: tuple[StartKind, ...] = ("slot", "direct")


class ExecutorMetrics:
    """:param registry: where the families are registered; one instance per registry, kept over reloads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._invocations = CounterTallies(
            "lockgate_invocations",
            "Accepted invocations, by how they ended.",
            ("function", "outcome"),
            registry=registry,
        )
        self._throttles = Counter(
            "lockgate_throttles",
            "Invocations that were never accepted, by reason.",
            ("function", "reason"),
            registry=registry,
        )
        self._cold_starts = Counter(
            "lockgate_cold_starts",
            "Invocations that waited for a new environment, by how it was made.",
            ("function", "start"),
            registry=registry,
        )
        self._first_uses = Counter(
            "lockgate_environment_first_uses",
            "Environments that ran their first invocation.",
            ("function",),
            registry=registry,
        )
        self._waits = HistogramTallies(
            "lockgate_invocation_wait_seconds",
            "What an invocation waited for before its handler ran: queue, start, init.",
            ("function", "phase"),
            bounds=_WAIT_SECONDS,
            registry=registry,
        )
        self._duration = HistogramTallies(
            "lockgate_function_duration_seconds",
            "From an event's delivery until the runtime was done with it, as in the REPORT line.",
            ("function",),
            bounds=_SECONDS,
            registry=registry,
        )
        self._functions: dict[str, FunctionMetrics] = {}

    def for_function(self, function: str) -> "FunctionMetrics":
        """The metrics of one configured function; the same object for the same name."""
        found = self._functions.get(function)
        if found is None:
            found = self._functions[function] = FunctionMetrics(
                invocations=self._invocations.children(function, [o.value for o in Outcome]),
                throttles={r.value: self._throttles.labels(function, r.value) for r in RejectReason},
                cold_starts={kind: self._cold_starts.labels(function, kind) for kind in START_KINDS},
                first_uses=self._first_uses.labels(function),
                queue=self._waits.child(function, "queue"),
                start=self._waits.child(function, "start"),
                init=self._waits.child(function, "init"),
                duration=self._duration.child(function),
            )
        return found

    def metered(self, function: str, duration_s: float, *, cold: bool) -> None:
        """One delivered invocation is over. :param cold: it was its environment's first."""
        self.for_function(function).metered(duration_s, cold=cold)


class FunctionMetrics:
    """The children of one function, bound once: no call looks anything up by label."""

    __slots__ = (
        "_cold_starts", "_duration", "_first_uses", "_init", "_invocations", "_queue", "_start", "_throttles",
    )  # fmt: skip

    def __init__(
        self,
        *,
        invocations: dict[str, int],
        throttles: dict[str, Counter],
        cold_starts: dict[StartKind, Counter],
        first_uses: Counter,
        queue: HistogramTally,
        start: HistogramTally,
        init: HistogramTally,
        duration: HistogramTally,
    ) -> None:
        self._invocations = invocations
        self._throttles = throttles
        self._cold_starts = cold_starts
        self._first_uses = first_uses
        self._queue = queue
        self._start = start
        self._init = init
        self._duration = duration

    def completed(self, outcome: str, times: InvokeTimes, *, cold: StartKind | None) -> None:
        """An accepted invocation ended.

        :param outcome: a value of `Outcome`; another is a KeyError, not a new series.
        :param cold: how the new environment was made that it waited for; None: it waited for none.
        """
        self._invocations[outcome] += 1
        self._queue.observe(times.queue_us / 1e6)
        if cold is not None:
            self._cold_starts[cold].inc()
            self._start.observe(times.start_us / 1e6)
            self._init.observe(times.init_us / 1e6)

    def rejected(self, reason: str) -> None:
        """:param reason: a value of `RejectReason`."""
        self._throttles[reason].inc()

    def metered(self, duration_s: float, *, cold: bool) -> None:
        self._duration.observe(duration_s)
        if cold:
            self._first_uses.inc()
