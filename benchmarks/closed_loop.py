"""A closed loop of callers in Python, for answers that differ from call to call: each is judged, none is assumed.

wrk compares whole bodies; tokens are new each time. A few hundred calls a second cost this process little.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvloop

from benchmarks.load import LoadFailed
from benchmarks.spread import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """:param headers: lower-case; of several of one name the last, cookies apart."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes


class Connection:
    """One kept connection to one server; it is opened anew when the server has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._netloc = parts.hostname, parts.port, parts.netloc
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, target: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._stream
        fields = {"host": self._netloc, "content-length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = await _read(reader)
        if answer.headers.get("connection", "").lower() == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        if self._stream is not None:
            writer, self._stream = self._stream[1], None
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [tuple(line.split(": ", 1)) for line in lines[1:-2] if ": " in line]
    headers = {name.lower(): value for name, value in pairs}
    cookies = tuple(value.partition(";")[0] for name, value in pairs if name.lower() == "set-cookie")
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(status=int(lines[0].split()[1]), headers=headers, cookies=cookies, body=body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while size := int(await reader.readline(), 16):
        whole += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a loop saw. Latencies in milliseconds."""

    times_ms: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.times_ms) / self.seconds

    def p(self, share: float) -> float:
        return percentile(self.times_ms, share)


Call = Callable[[Connection, int], Awaitable[None]]


def run(
    url: str,
    call: Call,
    *,
    callers: int,
    seconds: float,
    rate: float | None = None,
    until: Callable[[], bool] | None = None,
) -> Taken:
    """Let *callers* repeat *call* (with a connection of their own and a running number) for some seconds.

    :param rate: calls a second of all together, each timed from when it was due; None: as fast as they are answered.
    :param until: ends it before its time.
    :raises LoadFailed: what *call* raises for a wrong answer.
    """
    return uvloop.run(_run(url, call, callers, seconds, rate, until))


async def _run(
    url: str,
    call: Call,
    callers: int,
    seconds: float,
    rate: float | None,
    until: Callable[[], bool] | None,
) -> Taken:
    times: list[float] = []
    began = time.perf_counter()
    end = began + seconds

    async def repeat(first: int) -> None:
        connection, number = Connection(url), first
        while time.perf_counter() < end and not (until is not None and until()):
            start = time.perf_counter()
            if rate is not None:
                start = began + number / rate
                await asyncio.sleep(start - time.perf_counter())
            await call(connection, number)
            times.append((time.perf_counter() - start) * 1000)
            number += callers
        await connection.close()

    async with asyncio.TaskGroup() as group:
        for first in range(callers):
            group.create_task(repeat(first))
    if not times:
        raise LoadFailed(f"{url}: no answer")
    return Taken(times_ms=tuple(times), seconds=time.perf_counter() - began)
