"""A socket in front of the engine's that can be made to stall, to hang up and to be gone, and to work again."""

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self


class EngineProxy:
    """:param engine: the real socket. :ivar address: as in ``DOCKER_HOST``."""

    def __init__(self, engine: Path) -> None:
        self._engine = engine
        self._folder = Path(tempfile.mkdtemp(prefix="lg"))
        self._path = self._folder / "engine.sock"
        self.address = f"unix://{self._path}"
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go()
        shutil.rmtree(self._folder)

    async def come(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def go(self) -> None:
        """As an engine that was killed: nobody listens, and every connection is broken."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        writers = [writer]
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(self._engine)
            writers.append(there_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, there_writer))
                group.create_task(self._pump(there_reader, writer))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            return
        finally:
            self._tasks.discard(task)
            for each in writers:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
