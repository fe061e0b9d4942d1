"""What the connections of one listener share: limits, the open connections, the date, one sweep timer."""

import asyncio
import time
from email.utils import formatdate
from ipaddress import ip_address
from typing import Protocol

from uvicorn.server import ServerState

from kit.edge_limits import EdgeLimits, OnRefused, Peer


class Swept(Protocol):
    """A connection, as the sweep sees it."""

    def tick(self, now: float, elapsed: float) -> None:
        """Act on deadlines that passed. Times are of the loop's clock, in seconds."""
        ...


class EdgeState(ServerState):
    """State of one listener. `date` is the Date value of the current second, as bytes."""

    def __init__(self, limits: EdgeLimits, on_refused: OnRefused) -> None:
        super().__init__()
        self.limits = limits
        self.refused = on_refused
        self.draining = False
        self.changed = asyncio.Event()
        self.date = b""
        self._date_s = 0
        self._swept_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the sweep; it runs until `stop`."""
        self._swept_at = loop.time()
        self._sweep(loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def idle_s(self, peer: Peer) -> float:
        """Return how long a kept connection of *peer* may rest."""
        limits = self.limits
        if peer is None or not limits.trusted_proxies:
            return limits.idle_s
        address = ip_address(peer[0].partition("%")[0])
        trusted = any(address in network for network in limits.trusted_proxies)
        return limits.trusted_idle_s if trusted else limits.idle_s

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        # The next round is set first: a fault in one connection must not end the sweep of the others.
        self._timer = loop.call_later(self.limits.sweep_s, self._sweep, loop)
        elapsed, self._swept_at = now - self._swept_at, now
        self._tell_date()
        for connection in list(self.connections):
            connection.tick(now, elapsed)  # type: ignore[union-attr]  # only EdgeProtocol enters this set

    def _tell_date(self) -> None:
        seconds = int(time.time())
        if seconds != self._date_s:
            self._date_s = seconds
            self.date = formatdate(seconds, usegmt=True).encode()
