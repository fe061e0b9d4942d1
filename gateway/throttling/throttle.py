"""A throttle."""

from gateway.exchange import Exchange
from gateway.throttling.spec import ThrottleSpec


class Throttle:
    def __init__(self, spec: ThrottleSpec) -> None:
        self.spec = spec

    def take(self, exchange: Exchange) -> None:
        """:raises TooManyRequests: the bucket is empty."""
