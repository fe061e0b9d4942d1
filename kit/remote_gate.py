"""Where calls wait while nobody answers the executor's socket: in their order, bounded, no longer than they would.

One of them asks for all, again and again with growing pauses: no event tells that somebody listens on a path.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from kit.http_client_errors import ConnectFailed, HttpClientError, NoConnection

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

Knock = Callable[[], Awaitable[None]]


class Gate:
    """:param knock: tries to connect; raises `HttpClientError` while that fails."""

    def __init__(self, knock: Knock, *, limit: int) -> None:
        self._knock = knock
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._asking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Gate {'shut' if self.is_shut else 'open'} {len(self._waiting)} waiting>"

    @property
    def is_shut(self) -> bool:
        return self._asking is not None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def pass_through(self, deadline: float) -> None:
        """Wait until somebody answers. Shuts the gate if it is open: who calls has found nobody.

        :raises NoConnection: the deadline passed, or too many wait.
        """
        if len(self._waiting) >= self._limit:
            raise NoConnection(f"{self._limit} calls wait for the executor already")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        if self._asking is None:
            self._asking = loop.create_task(self._ask(), name="executor gate")
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except TimeoutError as error:
            raise NoConnection("the executor did not come back in time") from error
        finally:
            if not waiter.done() or waiter.cancelled():
                self._waiting.remove(waiter)

    async def _ask(self) -> None:
        """Ends when somebody answers, or nobody wants to know any more."""
        pause_s = FIRST_PAUSE_S
        try:
            while self._waiting:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                try:
                    await self._knock()
                except HttpClientError as error:
                    if isinstance(error, ConnectFailed | NoConnection):
                        continue
                break
        finally:
            self._asking = None
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_result(None)
