"""`Throttle`: lets a request pass or refuses it, by the bucket of its caller or by one for all.

Its limiter holds the buckets, and `gateway.services` keeps a throttle over reloads for as long as its place and
its spec stay the same.
"""

import time
from math import isfinite

from gateway.errors import DeploymentError, TooManyRequests
from gateway.exchange import Exchange
from gateway.throttling.bucket import BucketRule
from gateway.throttling.caller import NOBODY, Reader, caller_reader
from gateway.throttling.limiter import CallerLimiter, ClockNs, CommonLimiter, Limiter, Room
from gateway.throttling.spec import ThrottleSpec


class Throttle:
    """:param clock_ns: monotonic (R6). Not the loop's: uvloop's stands still within a round of the loop.
    :param limiter: holds the buckets; None: one of this process.
    :raises DeploymentError: no bucket can have this rate or burst.
    """

    def __init__(
        self, spec: ThrottleSpec, *, clock_ns: ClockNs = time.monotonic_ns, limiter: Limiter | None = None
    ) -> None:
        if not (isfinite(spec.rate) and spec.rate > 0 and spec.burst >= 1):
            raise DeploymentError(
                f"throttle: rate {spec.rate} and burst {spec.burst} must be above 0, and burst a whole number"
            )
        self.spec = spec
        self._limiter = _limiter(spec, clock_ns) if limiter is None else limiter
        self._caller: Reader = _nobody if spec.by is None else caller_reader(spec.by)
        self._detail = f"throttled: {_text(spec)}"

    def __repr__(self) -> str:
        return f"<Throttle {_text(self.spec)}>"

    def take(self, exchange: Exchange) -> None:
        """:raises TooManyRequests: the bucket has no whole token; it says when it will have one."""
        wait_s = self._limiter.take(self._caller(exchange))
        if wait_s:
            raise TooManyRequests(self._detail, retry_after_s=wait_s)

    def peek(self, exchange: Exchange) -> Room:
        """What `take` would find; takes nothing."""
        return self._limiter.peek(self._caller(exchange))

    @property
    def text(self) -> str:
        """Its limits, as ``rate 20, burst 40, by source_ip``."""
        return _text(self.spec)


def _limiter(spec: ThrottleSpec, clock_ns: ClockNs) -> Limiter:
    rule = BucketRule(spec.rate, spec.burst)
    return CommonLimiter(rule, clock_ns) if spec.by is None else CallerLimiter(rule, clock_ns)


def _nobody(exchange: Exchange) -> bytes:  # noqa: ARG001  # the shape of a reader
    return NOBODY


def _text(spec: ThrottleSpec) -> str:
    limits = f"rate {spec.rate:g}, burst {spec.burst}"
    return (
        limits if spec.by is None else f"{limits}, by {'.'.join(filter(None, (spec.by.kind, spec.by.name)))}"
    )
