"""What `lockgate dev` adds to the server: a save is a reload, and requests wait for it."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.app import Gateway
from lockgate.hold import Hold
from lockgate.reload import Reloader
from lockgate.watch import Watcher
from lockgate.watched import Watched, watched_by, watched_files


class Saves:
    """:ivar hold: the application to serve in the gateway's place.
    :param also: single files that flags name, such as certificates.
    """

    def __init__(self, gateway: Gateway, config: Path, *, state: Path, also: Iterable[Path] = ()) -> None:
        self.hold = Hold(gateway)
        self._config = config
        self._state = state
        self._also = frozenset(path.absolute() for path in also)
        self._watcher: Watcher | None = None
        self._task: asyncio.Task[None] | None = None

    def are_behind(self) -> bool:
        """Whether another reload follows the one that has just ended."""
        return self._watcher is not None and self._watcher.is_behind

    async def open(self, reloader: Reloader, warn: Callable[[str], None]) -> None:
        """Begin to watch; return when no save is missed any more, or *warn* that the machine does not allow it."""

        def look() -> Watched:
            named = watched_by(self._config, ignored=[self._state])
            flags = Watched(home=named.home, folders=frozenset(), files=self._also, ignored=frozenset())
            return named | watched_files(reloader.served.file, home=named.home) | flags

        watching = asyncio.Event()
        watcher = self._watcher = Watcher(look, reloader.reload, self.hold)

        async def watch() -> None:
            try:
                await watcher.run(watching.set)
            except OSError as error:
                watching.set()
                warn(f"Files are not watched ({error}): `lockgate reload` takes a save in.")

        self._task = asyncio.create_task(watch(), name="watch")
        await watching.wait()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
