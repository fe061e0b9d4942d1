"""A server that says exactly what a test scripts, over a unix socket or TCP."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from kit.http_client import ClientLimits, HttpClient, TcpPeer, UnixPeer

Script = Callable[["Talk"], Awaitable[None]]


class Talk:
    """One connection, seen from the peer."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """The next request's head. :raises EOFError: there is none."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> tuple[bytes, bytes]:
        """Head and body, by content-length."""
        head = await self.head()
        at = head.find(b"content-length: ")
        size = 0 if at < 0 else int(head[at + 16 : head.find(b"\r\n", at)])
        return head, await self.reader.readexactly(size)

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def say_all(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def end(self) -> None:
        self.writer.close()

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            return


def ok(body: bytes = b"{}", *lines: str) -> bytes:
    extra = "".join(f"{line}\r\n" for line in lines)
    return f"HTTP/1.1 200 OK\r\n{extra}content-length: {len(body)}\r\n\r\n".encode() + body


async def polite(talk: Talk) -> None:
    """Answers every request with its number on the connection and its body."""
    count = 0
    while True:
        _, body = await talk.request()
        count += 1
        talk.say(ok(b"%d.%d %b" % (talk.number, count, body)))


class RawPeer:
    """`async with RawPeer(script) as peer:`; `peer.client` speaks to it.

    :ivar talks: connections so far, in their order.
    """

    def __init__(self, script: Script = polite, *, tcp: bool = False, **limits: Any) -> None:
        self.script = script
        self.limits = ClientLimits(**limits)
        self.talks: list[Talk] = []
        self.broken: list[BaseException] = []
        self.changed = asyncio.Event()
        self._tcp = tcp
        self._folder = Path(tempfile.mkdtemp(prefix="lg-"))
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if self._tcp:
            self.server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
            self.port = self.server.sockets[0].getsockname()[1]
            self.client = HttpClient(TcpPeer(name="127.0.0.1", port=self.port), self.limits)
        else:
            path = self._folder / "s"
            self.server = await asyncio.start_unix_server(self._accepted, path)
            self.client = HttpClient(UnixPeer(path=path), self.limits)
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.client.close()
        self.server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder)
        if kind is None:
            assert self.broken == []

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition; looked at whenever a connection begins or ends."""
        while not holds():
            self.changed.clear()
            await self.changed.wait()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(len(self.talks) + 1, reader, writer)
        self.talks.append(talk)
        self.changed.set()
        task = asyncio.get_running_loop().create_task(self._run(talk), name="peer")
        self._tasks.add(task)

    async def _run(self, talk: Talk) -> None:
        try:
            await self.script(talk)
        except (EOFError, ConnectionError):
            pass
        except Exception as error:
            self.broken.append(error)
        finally:
            talk.writer.close()
            self.changed.set()
