"""Files that are too large to be kept for ever: read when they are asked for, and kept while there is room.

Each request looks whether the file is still the one that was read; the bytes are read once for all who ask. State:
the contents that are kept, by path, and the readings in progress. Used on the loop; the disk is touched in threads.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from gateway.integrations.file_content import FileContent, FileIdentity

# 64 MiB a deployment: some ten scripts or images of the largest size; a reload has two deployments for a while.
KEPT_BYTES = 64 * 1024 * 1024
# A reading holds its bytes and a thread, which others need too.
READ_AT_ONCE = 2
# 2 s: the coarsest clock of a file system (FAT's). Of two writes in one tick only the second is on the disk, and
# nothing tells them apart: what changed as recently as this is read again.
_TICK_NS = 2_000_000_000


class LargeFiles:
    """:param limit: bytes of all contents that are kept; those asked for longest ago go first.
    :param clock_ns: of the file system: the time of day.
    :param read: a whole file, in a thread.
    """

    def __init__(
        self,
        limit: int = KEPT_BYTES,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        read: Callable[[Path], FileContent] = FileContent.read,
    ) -> None:
        self._limit = limit
        self._clock_ns = clock_ns
        self._read = read
        self._kept: OrderedDict[Path, FileContent] = OrderedDict()
        self._bytes = 0
        self._readings: dict[tuple[Path, FileIdentity], asyncio.Task[FileContent]] = {}
        self._places = asyncio.Semaphore(READ_AT_ONCE)

    def __repr__(self) -> str:
        return f"<LargeFiles kept={len(self._kept)} bytes={self._bytes} reading={len(self._readings)}>"

    async def get(self, path: Path) -> FileContent:
        """Return what *path* holds now, or held at a moment since this was called.

        :raises OSError: unreadable; :raises ValueError: a link, no plain file, or too large.
        """
        identity = await asyncio.to_thread(FileIdentity.of, path)
        kept = self._kept.get(path)
        if kept is not None and kept.identity == identity:
            self._kept.move_to_end(path)
            return kept
        # Who finds the same file waits for the same reading; who finds a newer one begins another.
        key = (path, identity)
        reading = self._readings.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read_and_keep(path), name=f"read {path.name}")
            self._readings[key] = reading
            reading.add_done_callback(lambda _: self._readings.pop(key))
        # A waiter that leaves takes nobody's reading away; the last one neither, because its thread goes on anyway.
        return await asyncio.shield(reading)

    async def _read_and_keep(self, path: Path) -> FileContent:
        async with self._places:
            begun_ns = self._clock_ns()
            content = await asyncio.to_thread(self._read, path)
        if content.identity is not None and begun_ns - content.identity.changed_ns > _TICK_NS:
            self._keep(path, content)
        return content

    def _keep(self, path: Path, content: FileContent) -> None:
        old = self._kept.pop(path, None)
        if old is not None:
            self._bytes -= len(old.body)
        if len(content.body) > self._limit:
            return
        self._kept[path] = content
        self._bytes += len(content.body)
        while self._bytes > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)
