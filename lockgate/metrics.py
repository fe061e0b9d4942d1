"""The server's registry and what is read at the moment of a scrape: the process, the fleet, listeners, logs.

Counters that the parts keep themselves are in ``gateway/metrics.py`` and ``executor/metrics.py``.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from executor.catalog import Catalog
from executor.core.counts import FleetCounts, PoolCounts
from executor.core.fleet import Fleet
from kit.edge_limits import REFUSAL_REASONS, OnRefused, Peer, RefusalReason

STATES = ("starting", "idle", "running", "responding", "responded", "stopping")
SLOT_STATES = ("filling", "ready", "dropping")


def new_registry() -> CollectorRegistry:
    """A registry with the process's own metrics (memory, CPU, descriptors; Linux only) and the build's."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter, read by nobody
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    build = Gauge("lockgate_build_info", "Always 1.", ("version", "python"), registry=registry)
    build.labels(version("lockgate"), platform.python_version()).set(1)
    return registry


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSnapshot:
    """:param functions: name → counts of its current pool. Names come from the configuration."""

    fleet: FleetCounts
    functions: Mapping[str, PoolCounts]


def snapshot_of(fleet: Fleet, catalog: Catalog) -> FleetSnapshot:
    """Read the counters of *fleet* for the functions that *catalog* has now."""
    functions = {}
    for name in catalog.names():
        revision = catalog.latest(name)
        counts = None if revision is None else fleet.pool_counts(revision.digest)
        if counts is not None:
            functions[name] = counts
    return FleetSnapshot(fleet=fleet.counts(), functions=functions)


class FleetCollector(Collector):
    """Gauges of the fleet; register it. :param snapshot: called at each scrape, on the loop's thread."""

    def __init__(self, snapshot: Callable[[], FleetSnapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        return self._families().values()

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot()
        families = self._families()
        for function, counts in snapshot.functions.items():
            for state in STATES:
                families["environments"].add_metric((function, state), getattr(counts, state))
            families["queued"].add_metric((function,), counts.queued)
            families["failures"].add_metric((function,), counts.failures)
            families["circuit"].add_metric((function,), counts.state == "circuit")
        fleet = snapshot.fleet
        for state in SLOT_STATES:
            families["slots"].add_metric((state,), getattr(fleet, f"slots_{state}"))
        families["memory"].add_metric((), fleet.memory_mb * 2**20)
        families["accepted"].add_metric((), fleet.accepted)
        families["pools"].add_metric((), fleet.pools)
        families["draining"].add_metric((), fleet.draining)
        yield from families.values()

    @staticmethod
    def _families() -> dict[str, GaugeMetricFamily]:
        return {
            "environments": GaugeMetricFamily(
                "lockgate_environments",
                "Environments of a function's current revision, by state.",
                labels=("function", "state"),
            ),
            "queued": GaugeMetricFamily(
                "lockgate_queued_invocations",
                "Invocations that wait for an environment.",
                labels=("function",),
            ),
            "failures": GaugeMetricFamily(
                "lockgate_init_failures_in_a_row",
                "Failed starts since the last good one.",
                labels=("function",),
            ),
            "circuit": GaugeMetricFamily(
                "lockgate_circuit_open", "1 while failed starts keep new ones back.", labels=("function",)
            ),
            "slots": GaugeMetricFamily(
                "lockgate_slots",
                "Prepared environments that have no function yet, by state.",
                labels=("state",),
            ),
            "memory": GaugeMetricFamily(
                "lockgate_environments_memory_bytes", "Memory that all environments may use together."
            ),
            "accepted": GaugeMetricFamily("lockgate_accepted_invocations", "Invocations queued or running."),
            "pools": GaugeMetricFamily(
                "lockgate_pools", "Pools of environments, retired revisions included."
            ),
            "draining": GaugeMetricFamily("lockgate_draining", "1 while the server shuts down."),
        }


class EdgeMetrics:
    """What the listeners refused before any application saw it, and their connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "lockgate_edge_refused",
            "Requests, fields and connections that a listener refused, by reason.",
            ("listener", "reason"),
            registry=registry,
        )
        self._connections = Gauge(
            "lockgate_edge_connections", "Open connections.", ("listener",), registry=registry
        )

    def on_refused(self, listener: str) -> OnRefused:
        """What a listener of that name is to call. :param listener: one of a fixed few."""
        children = {reason: self._refused.labels(listener, reason) for reason in REFUSAL_REASONS}

        def count(reason: RefusalReason, status: int, peer: Peer) -> None:  # noqa: ARG001  # OnRefused
            children[reason].inc()

        return count

    def watch(self, listener: str, connections: Callable[[], int]) -> None:
        self._connections.labels(listener).set_function(connections)


class ReloadMetrics:
    """How often the configuration was read again, and which generation of it is served."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reloads = Counter(
            "lockgate_reloads", "Reloads, by outcome: applied, refused.", ("outcome",), registry=registry
        )
        self._generation = Gauge(
            "lockgate_generation", "1 at start, one more with each reload.", registry=registry
        )
        for outcome in ("applied", "refused"):
            self._reloads.labels(outcome)
        self._generation.set(1)

    def resumed(self, generation: int) -> None:
        """What is served was served before this process began."""
        self._generation.set(generation)

    def applied(self, generation: int) -> None:
        self._reloads.labels("applied").inc()
        self._generation.set(generation)

    def refused(self) -> None:
        self._reloads.labels("refused").inc()


class LogCollector(Collector):
    """Log records that were dropped; register it. :param dropped: name of the log → how many until now."""

    def __init__(self, dropped: Mapping[str, Callable[[], int]]) -> None:
        self._dropped = dropped

    def describe(self) -> Iterable[Metric]:
        return (self._family(),)

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for log, dropped in self._dropped.items():
            family.add_metric((log,), dropped())
        yield family

    @staticmethod
    def _family() -> CounterMetricFamily:
        return CounterMetricFamily(
            "lockgate_log_dropped_records", "Log records that found no room or no disk.", labels=("log",)
        )


class PartMetrics(Collector):
    """How often processes of the server were started again. :param restarts: name of the process → how often."""

    def __init__(self, registry: CollectorRegistry, restarts: Callable[[], Mapping[str, int]]) -> None:
        self._restarts = restarts
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return (self._family(),)

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for part, restarts in self._restarts().items():
            family.add_metric((part,), restarts)
        yield family

    @staticmethod
    def _family() -> CounterMetricFamily:
        return CounterMetricFamily(
            "lockgate_part_restarts", "Starts of a process of the server after its first.", labels=("part",)
        )
