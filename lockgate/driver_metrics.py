"""What the driver says of itself once, for those who watch many servers."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from executor.driver import Capabilities


class DriverMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._isolated = Gauge(
            "lockgate_functions_isolated", "1 where functions run in containers.", registry=registry
        )

        self._up = Gauge(
            "lockgate_engine_up", "1 while environments of functions can be made.", registry=registry
        )

    def opened(self, capabilities: Capabilities, trouble: Callable[[], str]) -> None:
        """:param trouble: why none can be made now; empty: they can."""
        self._isolated.set(capabilities.isolated)
        self._up.set_function(lambda: not trouble())
