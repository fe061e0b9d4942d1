"""What the driver says of itself once, for those who watch many servers."""

from prometheus_client import CollectorRegistry, Gauge

from executor.driver import Capabilities


class DriverMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._isolated = Gauge(
            "lockgate_functions_isolated", "1 where functions run in containers.", registry=registry
        )

    def opened(self, capabilities: Capabilities) -> None:
        self._isolated.set(capabilities.isolated)
