"""Removes what nobody uses any more from the state folder: packages, for now. A failure costs disk, nothing else."""

import asyncio
import time
from collections.abc import Callable

from executor.packages.store import PackageStore
from lockgate.console import Console

PACKAGE_AGE_S = 7 * 24 * 3600.0  # going back to last week's code finds its package still there
EVERY_S = 3600.0  # each save of a day of development is a package


class Janitor:
    """:param in_use: digests of all packages that some revision names, also of generations that end only now."""

    def __init__(self, store: PackageStore, in_use: Callable[[], set[str]], console: Console) -> None:
        self._store = store
        self._in_use = in_use
        self._console = console
        self._begun_mono = 0.0
        self._task: asyncio.Task[None] | None = None

    def clean(self) -> None:
        """Begin to clean up, unless that was done a short while ago. A package that is being made is too young."""
        now = time.monotonic()
        if self._task is not None and (not self._task.done() or now - self._begun_mono < EVERY_S):
            return
        self._begun_mono = now
        self._task = asyncio.create_task(self._clean(self._in_use()), name="janitor")

    async def finish(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _clean(self, keep: set[str]) -> None:
        try:
            removed = await asyncio.to_thread(self._store.collect, keep, PACKAGE_AGE_S)
        except OSError as error:
            self._console.event("janitor_failed", level="warning", message=str(error))
        else:
            if removed:
                self._console.event("packages_removed", count=len(removed))
