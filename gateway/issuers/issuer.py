"""All issuers whose tokens are accepted: makes and closes their keys, owns the tasks that fetch them.

Keys are opened by whoever builds a deployment, which may be another thread than the loop's; fetches run on the
loop only.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from pathlib import Path

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.events import IssuerSnapshot, OnEvent, ignore_event
from gateway.issuers.issuer_keys import IssuerKeys
from gateway.issuers.key_cache import KeyCache, KeyCacheError
from gateway.issuers.pool_keys import PoolFeed, PoolKeys
from gateway.issuers.schedule import KEPT_S, Schedule
from gateway.issuers.source import Fetch, KeySource, Published
from kit.fetch import Fetcher

__all__ = ["IssuerKeys", "Issuers", "OpenKeys"]

OpenKeys = IssuerKeys | PoolKeys


class Issuers:
    """:param state: the folder that keeps the last good keys; None: they live as long as the process.
    :param forbidden_ports: of our own listeners that no issuer's document may lead to; looked at when fetching.
    :param pools: the keys of user pools that are at hand in this process; None: they are fetched as any issuer's.
    :param on_event: called on the loop's thread, or by `open` on its caller's.
    :param clock: monotonic seconds; *wall*: Unix seconds, for the age of keys over a restart only.
    """

    def __init__(
        self,
        *,
        fetcher: Fetch | None = None,
        state: Path | None = None,
        pools: PoolFeed | None = None,
        forbidden_ports: Collection[int] = (),
        on_event: OnEvent = ignore_event,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self._fetcher = fetcher or Fetcher(forbidden_ports=forbidden_ports)
        self._cache = None if state is None else KeyCache(state / "issuers")
        self._pools = pools
        self._on_event = on_event
        self._clock = clock
        self._wall = wall
        self._rand = rand
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: dict[IssuerSpec, OpenKeys] = {}
        self._tasks: dict[asyncio.Task[None], IssuerSpec] = {}

    def start(self) -> None:
        """Fetch on the running loop from now on, first what has been opened already."""
        self._loop = asyncio.get_running_loop()
        for keys in self._open.values():
            keys.refresh()

    def open(self, spec: IssuerSpec) -> OpenKeys:
        """Make the keys of an issuer and begin their first fetch, so that the first token need not wait for it."""
        keys = (
            self._fetched(spec)
            if self._pools is None or not spec.user_pool
            else self._at_hand(spec, self._pools)
        )
        self._open[spec] = keys
        if _running_loop() is not None:
            keys.refresh()
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(keys.refresh)
        return keys

    def _at_hand(self, spec: IssuerSpec, pools: PoolFeed) -> PoolKeys:
        return PoolKeys(
            spec,
            pools,
            spawn=partial(self._spawn, spec),
            keep=partial(self._keep, spec),
            clock=self._clock,
            on_event=self._on_event,
        )

    def _fetched(self, spec: IssuerSpec) -> IssuerKeys:
        keys = IssuerKeys(
            spec,
            KeySource(spec, self._fetcher),
            Schedule(self._rand),
            spawn=partial(self._spawn, spec),
            keep=partial(self._keep, spec),
            clock=self._clock,
            on_event=self._on_event,
        )
        self._restore(spec, keys)
        return keys

    def close(self, spec: IssuerSpec) -> None:
        """No deployment names this issuer any more. Requests that still do use the keys that there are."""
        self._open.pop(spec, None)
        for task, of in self._tasks.items():
            if of == spec:
                task.cancel()

    async def aclose(self) -> None:
        """End all fetches."""
        self._open.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def snapshot(self) -> list[IssuerSnapshot]:
        return [keys.snapshot() for keys in list(self._open.values())]

    def _spawn(self, spec: IssuerSpec, fetching: Coroutine[object, object, None]) -> bool:
        loop = _running_loop()
        if loop is None or spec not in self._open:
            fetching.close()
            return False
        task = loop.create_task(fetching, name=f"keys of {spec.issuer}")
        self._tasks[task] = spec
        task.add_done_callback(self._finished)
        return True

    def _finished(self, task: asyncio.Task[None]) -> None:
        spec = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_event("keys_failed", spec.issuer, f"the fetch itself failed: {error!r}")

    def _restore(self, spec: IssuerSpec, keys: IssuerKeys) -> None:
        if self._cache is None:
            return
        try:
            cached = self._cache.load(spec)
        except KeyCacheError as exc:
            path = self._cache.path(spec.issuer)
            self._on_event("key_cache_failed", spec.issuer, f"{path} is ignored: {exc}")
            return
        if cached is None:
            return
        age_s = self._wall() - cached.fetched_at  # negative where the clock was set back since
        if age_s < KEPT_S:
            keys.restore(cached.published, age_s)

    async def _keep(self, spec: IssuerSpec, published: Published) -> None:
        if self._cache is None:
            return
        try:
            await asyncio.to_thread(self._cache.save, spec.issuer, published, self._wall())
        except OSError as exc:
            self._on_event("key_cache_failed", spec.issuer, f"the keys could not be kept: {exc}")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
