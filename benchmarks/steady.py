"""Calls at a steady rate on a few kept connections, each timed from when it was due: a late one counts as slow.

For what happens to good callers while others do something else: wrk knows no rate, and times from the sending.
"""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import uvloop

from benchmarks.load import LoadFailed

CONNECTIONS = 8


def latencies_ms(
    url: str, authorization: str, body: bytes, *, rate: float, until: Callable[[], bool]
) -> list[float]:
    """Call until told to end.

    :param rate: requests a second, all connections together.
    :raises LoadFailed: an answer that is not 200 with *body*.
    """
    return uvloop.run(_call_all(url, authorization, body, rate, until))


async def _call_all(
    url: str, authorization: str, body: bytes, rate: float, until: Callable[[], bool]
) -> list[float]:
    parts = urlsplit(url)
    request = (
        f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: {authorization}\r\n\r\n"
    ).encode()
    taken: list[float] = []
    began = time.perf_counter()

    async def call(first: int) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        number = first
        while not until():
            due = began + number / rate
            await asyncio.sleep(due - time.perf_counter())
            writer.write(request)
            await _expect(reader, body)
            taken.append((time.perf_counter() - due) * 1000)
            number += CONNECTIONS
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for first in range(CONNECTIONS):
            group.create_task(call(first))
    return taken


async def _expect(reader: asyncio.StreamReader, body: bytes) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    answer = await reader.readexactly(int(fields[b"content-length"]))
    if not head.startswith(b"HTTP/1.1 200 ") or answer != body:
        raise LoadFailed(f"a good call was answered {head[:40]!r} {answer[:100]!r}")
