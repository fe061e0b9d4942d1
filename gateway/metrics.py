"""Metrics of the gateway. Labels come from configuration or from fixed lists only, so no request can add a
series.

``queue``, ``start`` and ``init`` are observed only for requests that had them, so their counts say how many
did.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.route_key import METHODS
from kit.invoke import InvokeTimes

# The label of all requests that matched no route.
NO_ROUTE = "-"
_OTHER_METHOD = "other"

_REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class GatewayMetrics:
    """:param registry: where the families are registered; one instance per registry, kept over reloads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "lockgate_gateway_requests",
            "Requests answered, by route, method and status class.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "lockgate_gateway_request_seconds",
            "From the request's arrival to its answer.",
            ("route",),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._function_seconds = Histogram(
            "lockgate_gateway_function_seconds",
            "Where the time of function calls went: queue, start, init, handler.",
            ("route", "phase"),
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._routes: dict[str, RouteMetrics] = {}
        self.unmatched = self.route(NO_ROUTE)

    def route(self, key: str) -> "RouteMetrics":
        """The metrics of one configured route; the same object for the same key."""
        found = self._routes.get(key)
        if found is None:
            found = RouteMetrics(key, self._requests, self._seconds, self._function_seconds)
            self._routes[key] = found
        return found


class RouteMetrics:
    """The children of one route. They are bound on first use: at most 8 methods × 4 classes and 5
    histograms.
    """

    __slots__ = ("_counters", "_function_seconds", "_key", "_phases", "_requests", "_seconds")

    def __init__(self, key: str, requests: Counter, seconds: Histogram, function_seconds: Histogram) -> None:
        self._key = key
        self._requests = requests
        self._function_seconds = function_seconds
        self._seconds: Histogram = seconds.labels(key)
        self._counters: dict[tuple[str, int], Counter] = {}
        self._phases: dict[str, Histogram] = {}

    def observe(self, method: str, status: int, seconds: float, times: InvokeTimes | None) -> None:
        """:param times: of the function call, if there was one."""
        counter = self._counters.get((method, status // 100))
        if counter is None:
            counter = self._bind_counter(method, status // 100)
        counter.inc()
        self._seconds.observe(seconds)
        if times is None:
            return
        self._phase("handler").observe(times.handler_us / 1e6)
        if times.queue_us:
            self._phase("queue").observe(times.queue_us / 1e6)
        if times.start_us:
            self._phase("start").observe(times.start_us / 1e6)
        if times.init_us:
            self._phase("init").observe(times.init_us / 1e6)

    def _bind_counter(self, method: str, status_class: int) -> Counter:
        label = method if method in METHODS else _OTHER_METHOD
        counter: Counter = self._requests.labels(self._key, label, f"{status_class}xx")
        if (
            label != _OTHER_METHOD
        ):  # unknown methods are never cached: a client could fill the cache with them
            self._counters[method, status_class] = counter
        return counter

    def _phase(self, phase: str) -> Histogram:
        found = self._phases.get(phase)
        if found is None:
            found = self._phases[phase] = self._function_seconds.labels(self._key, phase)
        return found
