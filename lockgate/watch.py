"""`lockgate dev` watches its files: a save is a reload, and requests that come meanwhile wait for it.

Which files is `watched`'s business; what a reload is, `reload`'s. The operating system tells of changes (inotify,
FSEvents); names are all that is taken from it, because times and sizes of two saves may be equal.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.hold import Hold
from lockgate.watched import Watched

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

# One save is many events (truncate, write, rename): these many milliseconds of silence end it. A request within
# them may still run the old code.
QUIET_MS = 10
LONGEST_BURST_MS = 100  # a build tool that writes for seconds: what there is so far is tried
MODIFIED = 2  # `watchfiles.Change.modified`

Event = tuple[int, Path]

log = logging.getLogger("lockgate.watch")


class Watcher:
    """:param look: what to watch now; called on a worker thread.
    :param reload: take the files in; returns when they are served or refused.
    :ivar watch: what is watched now, once `run` has said so.
    """

    def __init__(
        self, look: Callable[[], Watched], reload: Callable[[], Awaitable[object]], hold: Hold
    ) -> None:
        self._look = look
        self._reload = reload
        self._hold = hold
        self._changed = asyncio.Event()
        self._lost_root = False
        self.watch: Watch

    @property
    def is_behind(self) -> bool:
        """Whether something has changed since the last reload began."""
        return self._changed.is_set()

    async def run(self, watching: Callable[[], None] = lambda: None) -> None:
        """Watch until cancelled. :param watching: called once, when no save will be missed any more."""
        self.watch = await self._open(await asyncio.to_thread(self._look))
        watching()
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._reload()
                await self._follow(self.watch)
                if not self._changed.is_set():
                    self._hold.open()
        finally:
            self._hold.open()
            self.watch.close()

    async def _follow(self, watch: "Watch") -> None:
        """Watch what the files name now. What came to be watched only now may have changed just before."""
        watched = await asyncio.to_thread(self._look)
        if watched == watch.watched and not self._lost_root:
            return
        self.watch = await self._open(watched)
        watch.close()
        self._note()

    async def _open(self, watched: Watched) -> "Watch":
        self._lost_root = False
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(
            Watch, watched, lambda events: _tell(loop, lambda: self._take_in(watched, events))
        )

    def _take_in(self, watched: Watched, events: list[Event]) -> None:
        self._lost_root = self._lost_root or any(
            kind != MODIFIED and watched.is_root(path) for kind, path in events
        )
        if any(watched.concerns(path) for _, path in events):
            self._note()

    def _note(self) -> None:
        self._hold.close()
        self._changed.set()


class Watch:
    """One set of places, watched from the moment that the constructor returns.

    :ivar deep: folders that are watched with all that is below them.
    :param told: called on a thread of its own with what has happened: kind (`watchfiles.Change`) and path.
    """

    def __init__(self, watched: Watched, told: Callable[[list[Event]], None]) -> None:
        self.watched = watched
        self._told = told
        self._stop = threading.Event()
        # `watchfiles.awatch` does not say when it has begun to watch; this class of it does by returning.
        from watchfiles._rust_notify import RustNotify

        self.deep = watched.deep_roots()
        self._notifiers = [RustNotify(watched.flat_roots(), False, False, 0, False, True)]
        if self.deep:
            self._notifiers.append(RustNotify(self.deep, False, False, 0, True, True))
        self._threads = ThreadPoolExecutor(len(self._notifiers), thread_name_prefix="watch")
        for notifier in self._notifiers:
            self._threads.submit(self._pump, notifier)

    def close(self) -> None:
        """Say nothing more; the threads end within `QUIET_MS`."""
        self._stop.set()
        self._threads.shutdown(wait=False)

    def _pump(self, notifier: "RustNotify") -> None:
        try:
            while not self._stop.is_set():
                found = notifier.watch(LONGEST_BURST_MS, QUIET_MS, 0, self._stop)
                if isinstance(found, set) and not self._stop.is_set():
                    self._told([(kind, Path(path)) for kind, path in found])
        except Exception:
            log.exception("files are not watched any more; `lockgate reload` takes changes in")
        finally:
            notifier.close()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
