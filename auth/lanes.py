"""Bounded threads for work that blocks: one hop a request. What finds a lane full is told so at once."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from auth.errors import Overloaded, Unavailable

_P = ParamSpec("_P")
_T = TypeVar("_T")

MAX_POOL_LANES = 64  # with 16 threads each, a thousand threads that wait for functions: enough
NICE = 10  # password hashing yields the processor to everything else of the server


class Lane:
    """:param threads: that work at once. :param waiting: how many calls may wait for one of them.

    :param deadline_s: how long a caller waits, queue included; the work itself is not interrupted.
    """

    def __init__(
        self, name: str, *, threads: int, waiting: int, deadline_s: float, is_polite: bool = False
    ) -> None:
        self._name = name
        self._limit = threads + waiting
        self._deadline_s = deadline_s
        self._busy = 0
        self._refused = 0
        self._counting = threading.Lock()  # work ends on its own thread
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix=f"auth-{name}", initializer=_be_nice if is_polite else None
        )

    async def run(self, work: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """:raises Overloaded: the lane is full. :raises Unavailable: the deadline has passed."""
        with self._counting:
            if self._busy >= self._limit:
                self._refused += 1
                raise Overloaded(detail=f"{self._name}: {self._busy} calls wait already")
            self._busy += 1
        future = self._pool.submit(work, *args, **kwargs)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            with self._counting:
                self._refused += 1
            raise Unavailable(detail=f"{self._name}: no answer in {self._deadline_s} s") from error

    @property
    def busy(self) -> int:
        """Calls that are worked on, or wait."""
        return self._busy

    @property
    def refused(self) -> int:
        """Calls that found it full, or waited in vain. Since the start."""
        return self._refused

    def _done(self, _: object) -> None:
        with self._counting:
            self._busy -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class PoolLanes:
    """A lane for each pool of users, made when it is first needed: what one pool waits for holds up no other.

    :param waiting: of each, as the others. The threads of a lane begin one by one, as there is work for them.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, deadline_s: float) -> None:
        self._name = name
        self._threads = threads
        self._waiting = waiting
        self._deadline_s = deadline_s
        self._lanes: dict[str, Lane] = {}
        self._making = threading.Lock()

    def of(self, pool_id: str) -> Lane:
        """:param pool_id: empty: of nobody knows whom. Beyond MAX_POOL_LANES that one serves the rest."""
        lane = self._lanes.get(pool_id)
        if lane is not None:
            return lane
        with self._making:
            key = pool_id if len(self._lanes) < MAX_POOL_LANES else ""
            if key not in self._lanes:
                self._lanes[key] = Lane(
                    self._name, threads=self._threads, waiting=self._waiting, deadline_s=self._deadline_s
                )
            return self._lanes[key]

    @property
    def busy(self) -> int:
        return sum(lane.busy for lane in tuple(self._lanes.values()))

    @property
    def refused(self) -> int:
        return sum(lane.refused for lane in tuple(self._lanes.values()))

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


def _be_nice() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, NICE)  # of this thread only: Linux keeps it by thread
