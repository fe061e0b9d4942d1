"""Which connection a request gets: a rested one, a new one, or its turn when one comes free.

Nobody overtakes: who waits is served in order, also where a connection dies and its place is what comes free. The
most recently used connection is taken first, so that the others come of age and go. One timer for all deadlines.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf

from kit.http_client_connection import Connection
from kit.http_client_errors import ClientClosed, ConnectFailed, NoConnection

Connect = Callable[[float], Awaitable[Connection]]


class Pool:
    """:param connect: makes a connection before a deadline; `adopt` is called for each by whoever made it."""

    def __init__(self, connect: Connect, *, places: int, waiting: int, idle_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect = connect
        self._places = places
        self._waiting_limit = waiting
        self._idle_s = idle_s
        self._taken = 0  # places: connections, and attempts at one
        self._rested: dict[Connection, None] = {}  # the last one was used last
        self._all: set[Connection] = set()
        self._attached: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = inf
        self._closed = False

    def __repr__(self) -> str:
        return f"<Pool {self._taken} of {self._places}, {len(self._rested)} rested, {self._waiting} waiting>"

    @property
    def waiting(self) -> int:
        return self._waiting

    # --- its user --------------------------------------------------------------------------------

    def take_rested(self) -> Connection | None:
        """A connection that is there now. None: ask `take`."""
        rested = self._rested
        while rested:
            connection = rested.popitem()[0]
            if connection.is_open():
                return connection
        return None

    async def take(self, deadline: float) -> Connection:
        """Wait for a connection.

        :param deadline: on the loop's clock.
        :raises NoConnection: too many wait, or the deadline passed.
        :raises ConnectFailed: there was a place, and nobody at the other end.
        """
        if self._closed:
            raise ClientClosed("the client is closed")
        at_front = False
        while True:
            connection = self.take_rested()
            if connection is None and self._taken >= self._places:
                connection = await self._turn(deadline, at_front=at_front)
            elif connection is None:
                self._taken += 1
            if connection is None:
                return await self._fill_place(deadline)
            if connection.is_open():
                return connection
            at_front = True  # it died between being handed over and being used

    def attach(self, connection: Connection) -> None:
        """Look after a connection that takes no place."""
        self._attached.add(connection)

    @property
    def attached(self) -> int:
        return len(self._attached)

    def close(self) -> None:
        """End everything now: requests under way fail. Idempotent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_for = -inf
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(ClientClosed("the client was closed"))
        self._waiters.clear()
        for connection in (*self._all, *self._attached):
            connection.fail(ClientClosed("the client was closed"))

    # --- the connections' calls ------------------------------------------------------------------

    def rested(self, connection: Connection) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
            return
        self._rested[connection] = None
        connection.deadline = self._loop.time() + self._idle_s
        if connection.deadline < self._armed_for:
            self._arm(connection.deadline)

    def lost(self, connection: Connection) -> None:
        if connection in self._attached:
            self._attached.discard(connection)
            return
        if connection in self._all:
            self._all.discard(connection)
            self._rested.pop(connection, None)
            self._give_place()

    def due(self, deadline: float) -> None:
        if deadline < self._armed_for:
            self._arm(deadline)

    # --- turns -----------------------------------------------------------------------------------

    async def _turn(self, deadline: float, *, at_front: bool) -> Connection | None:
        """Wait for a connection or, None, for the place of one."""
        if self._waiting >= self._waiting_limit:
            raise NoConnection(f"{self._waiting} requests wait for a connection already")
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        if at_front:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except BaseException as error:
            self._return_turn(waiter)
            if isinstance(error, TimeoutError):
                raise NoConnection("no connection came free in time") from error
            raise
        finally:
            self._waiting -= 1

    def _return_turn(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """Its owner gave up: pass on what it may have been given in the same moment."""
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is None:
            self._give_place()
        elif connection.is_open():
            self.rested(connection)

    def _next_waiter(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _give_place(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._taken -= 1
        else:
            waiter.set_result(None)

    async def _fill_place(self, deadline: float) -> Connection:
        try:
            connection = await self._connect(deadline)
        except BaseException:
            self._give_place()
            raise
        self._all.add(connection)
        if not connection.is_open():  # lost before it was known here
            self.lost(connection)
            raise ConnectFailed("the connection was closed as soon as it was there")
        return connection

    # --- deadlines -------------------------------------------------------------------------------

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = at
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        """Expire what is due. Deadlines only move away while their owner is busy, so the timer is never late."""
        self._timer, self._armed_for = None, inf
        now = self._loop.time()
        nearest = inf
        for connection in (*self._all, *self._attached):
            if connection.deadline <= now:
                connection.deadline = inf
                connection.expire()
            elif connection.deadline < nearest:
                nearest = connection.deadline
        if nearest < inf and not self._closed:
            self._arm(nearest)
