"""An engine that says what a test wants, over a real unix socket: for what a real one cannot be made to do."""

import asyncio
import json
import shutil
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import httptools

from executor.drivers.docker.engine.address import EngineAddress

Say = Callable[["Call"], Awaitable[None]]
VERSION = {"Version": "28.0", "ApiVersion": "1.48", "Arch": "amd64", "Components": []}


class Call:
    """One request, and the way to answer it."""

    def __init__(self, method: str, target: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.method = method
        self.target = target
        self.body = body
        self.writer = writer

    def __repr__(self) -> str:
        return f"{self.method} {self.target}"

    async def answer(self, status: int, content: Any = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await self.writer.drain()

    async def begin_stream(self) -> None:
        self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self.writer.drain()

    def send_chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def hang_up(self) -> None:
        self.writer.close()


class FakeEngine:
    """``/version`` is answered; everything else by what `say` was given, in turn, or 404."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.version: dict[str, Any] = dict(VERSION)
        self._plan: deque[Say] = deque()
        self._folder = Path(tempfile.mkdtemp(prefix="lg"))
        self.address = EngineAddress(socket=self._folder / "engine.sock")
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go()
        shutil.rmtree(self._folder)

    async def listen(self) -> None:
        assert self.address.socket is not None
        self._server = await asyncio.start_unix_server(self._serve, self.address.socket)

    async def go(self) -> None:
        """Stop, as an engine that is killed: connections break, the socket stays."""
        self._server.close()
        for writer in self._writers:
            writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, *answers: Say) -> None:
        self._plan.extend(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while (call := await self._read(reader, writer)) is not None:
                self.calls.append(call)
                await self._answer(call)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _answer(self, call: Call) -> None:
        if call.target == "/version":
            await call.answer(200, self.version)
        elif self._plan:
            await self._plan.popleft()(call)
        else:
            await call.answer(404, {"message": "nothing planned"})

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call | None:
        request = _Request()
        parser = httptools.HttpRequestParser(request)
        while not request.complete:
            data = await reader.read(65536)
            if not data:
                return None
            try:
                parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                request.complete = True
        return Call(parser.get_method().decode(), request.target, b"".join(request.body), writer)


class _Request:
    def __init__(self) -> None:
        self.target = ""
        self.body: list[bytes] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url.decode()

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


def answering(status: int, content: Any = None) -> Say:
    async def say(call: Call) -> None:
        await call.answer(status, content)

    return say


async def silent(call: Call) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def hanging_up(call: Call) -> None:
    call.hang_up()
