"""What the connections of one listener share: limits, the open connections, the date, one sweep timer."""

import asyncio
import time
from email.utils import formatdate
from typing import Any, Protocol

from uvicorn.server import ServerState

from kit.edge_backlog import Backlog
from kit.edge_limits import EdgeLimits, OnRefused, Peer, RefusalReason
from kit.edge_peers import PeerTable
from kit.networks import LOCAL_PEER, Networks

_AT_ONCE = 12  # connections a turn: refusing one takes some 20 µs, and ending its request several times that


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
        self.trusted = Networks(limits.trusted_proxies)
        self.peers = PeerTable()
        self.backlog = Backlog(limits.unsent_bytes)
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

    def is_trusted(self, peer: Peer) -> bool:
        """Say whether *peer* is a front proxy of ours; a unix socket's counts as 127.0.0.1."""
        return (LOCAL_PEER if peer is None else peer[0]) in self.trusted

    def crowded(self, of_peer: int) -> tuple[RefusalReason, bool] | None:
        """Return why a connection that has just come is one too many, None if it is not.

        :param of_peer: open connections of its peer; 0 for one without a cap.
        :returns: the reason, and whether those that read their 503 are already a flood of their own.
        """
        total, limits = len(self.connections), self.limits
        if total > limits.connections:
            return "too_many_connections", total > limits.connections * 5 // 4
        if of_peer > limits.peer_cap:
            return "too_many_of_peer", of_peer > limits.peer_cap * 5 // 4
        return None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        # The next round is set first: a fault in one connection must not end the sweep of the others.
        self._timer = loop.call_later(self.limits.sweep_s, self._sweep, loop)
        elapsed, self._swept_at = now - self._swept_at, now
        self._tell_date()
        self._tick(loop, list(self.connections), now, elapsed)

    def _tick(
        self, loop: asyncio.AbstractEventLoop, connections: list[Any], now: float, elapsed: float
    ) -> None:
        """Look at some of *connections* and leave the others to later turns of the loop.

        Thousands of slow clients come to their end in one sweep: refusing them all at once held up everybody
        else (`benchmarks/slow_clients.py` shows it).
        """
        if len(connections) > _AT_ONCE:
            loop.call_soon(self._tick, loop, connections[_AT_ONCE:], now, elapsed)
        for connection in connections[:_AT_ONCE]:
            if connection in self.connections:
                connection.tick(now, elapsed)

    def _tell_date(self) -> None:
        seconds = int(time.time())
        if seconds != self._date_s:
            self._date_s = seconds
            self.date = formatdate(seconds, usegmt=True).encode()
