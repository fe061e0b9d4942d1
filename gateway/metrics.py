"""Metrics of the gateway. Labels come from configuration or from fixed lists only, so no request can add a
series.

Requests only add to plain integers of their route, on the loop's thread; the families are made of them at a
scrape. ``queue``, ``start`` and ``init`` are observed only for requests that had them, so their counts say
how many did.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.errors import DenialReason
from gateway.route_key import METHODS
from kit.invoke import InvokeTimes

# The label of all requests that matched no route.
NO_ROUTE = "-"
_OTHER_METHOD = "other"

_REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BOUNDS_US = [round(bound * 1e6) for bound in _REQUEST_BUCKETS]
_BOUND_LABELS = [*(floatToGoString(bound) for bound in _REQUEST_BUCKETS), "+Inf"]  # type: ignore[no-untyped-call]  # theirs


class GatewayMetrics(Collector):
    """:param registry: where the families are registered; one instance per registry, kept over reloads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._routes: dict[str, RouteMetrics] = {}
        self.unmatched = self.route(NO_ROUTE)
        registry.register(self)

    def route(self, key: str) -> "RouteMetrics":
        """The metrics of one configured route; the same object for the same key."""
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = RouteMetrics()
        return found

    def describe(self) -> Iterable[Metric]:
        return _families()

    def collect(self) -> Iterator[Metric]:
        requests, seconds, function_seconds, denials = _families()
        for key, route in list(self._routes.items()):  # a copy: a deployment may be built on another thread
            for (method, status_class), count in route.requests.items():
                requests.add_metric((key, method, f"{status_class}xx"), count)
            route.latency.add_to(seconds, (key,))
            for reason, count in route.denials.items():
                denials.add_metric((key, reason), count)
            for phase, tally in route.phases.items():
                tally.add_to(function_seconds, (key, phase))
        yield from (requests, seconds, function_seconds, denials)


class Tally:
    """A histogram of microseconds, with buckets up to each of `_BOUNDS_US` and one for all beyond."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS_US) + 1)
        self.sum_us = 0

    def add_to(self, family: HistogramMetricFamily, labels: tuple[str, ...]) -> None:
        """Add the sample in seconds. Prometheus counts in each bucket also what is below it."""
        buckets, below = [], 0
        for label, count in zip(_BOUND_LABELS, self.counts, strict=True):
            below += count
            buckets.append((label, float(below)))
        family.add_metric(labels, buckets, self.sum_us / 1e6)


class RouteMetrics:
    """The numbers of one route: at most 8 methods × 4 classes, the denial reasons, and 5 histograms.

    :ivar requests: (method, first digit of the status) → count.
    """

    __slots__ = ("denials", "latency", "phases", "requests")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.latency = Tally()
        self.phases: dict[str, Tally] = {}
        self.denials: dict[DenialReason, int] = {}

    def observe(self, method: str, status: int, latency_us: int, times: InvokeTimes | None) -> None:
        """:param times: of the function call, if there was one."""
        kind = (method if method in METHODS else _OTHER_METHOD, status // 100)
        self.requests[kind] = self.requests.get(kind, 0) + 1
        latency = self.latency
        latency.counts[bisect_left(_BOUNDS_US, latency_us)] += 1
        latency.sum_us += latency_us
        if times is None:
            return
        self._observe_phase("handler", times.handler_us)
        if times.queue_us:
            self._observe_phase("queue", times.queue_us)
        if times.start_us:
            self._observe_phase("start", times.start_us)
        if times.init_us:
            self._observe_phase("init", times.init_us)

    def deny(self, reason: DenialReason) -> None:
        self.denials[reason] = self.denials.get(reason, 0) + 1

    def _observe_phase(self, phase: str, us: int) -> None:
        tally = self.phases.get(phase)
        if tally is None:
            tally = self.phases[phase] = Tally()
        tally.counts[bisect_left(_BOUNDS_US, us)] += 1
        tally.sum_us += us


def _families() -> tuple[
    CounterMetricFamily, HistogramMetricFamily, HistogramMetricFamily, CounterMetricFamily
]:
    return (
        CounterMetricFamily(
            "lockgate_gateway_requests",
            "Requests answered, by route, method and status class.",
            labels=("route", "method", "status"),
        ),
        HistogramMetricFamily(
            "lockgate_gateway_request_seconds",
            "From the request's arrival to its answer.",
            labels=("route",),
        ),
        HistogramMetricFamily(
            "lockgate_gateway_function_seconds",
            "Where the time of function calls went: queue, start, init, handler.",
            labels=("route", "phase"),
        ),
        CounterMetricFamily(
            "lockgate_gateway_denials",
            "Requests refused by an authorizer or a throttle, by route and reason.",
            labels=("route", "reason"),
        ),
    )
