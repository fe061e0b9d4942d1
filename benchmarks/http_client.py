"""What a call of `kit.http_client` costs the calling process in CPU.

Twice: against a transport in memory that answers at the loop's next turn (Python alone), and over a unix socket to
a process that answers fixed bytes (system calls included; most of it is waking the peer). ``invoker`` is
`kit.remote_invoker` on top. Run: ``python benchmarks/http_client.py``.
"""

import argparse
import asyncio
import platform
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from os import cpu_count, getloadavg
from pathlib import Path
from typing import cast

import uvloop

from kit.http_client import HttpClient, UnixPeer
from kit.http_client_connection import Connection
from kit.invoke import InvokeCall
from kit.remote_invoker import EXECUTOR_LIMITS, RemoteInvoker
from kit.remote_wire import GREETING

TARGET_US = 20.0
IN_FLIGHT = 50
BODY = b'{"version":"2.0","routeKey":"GET /notes","rawPath":"/notes","body":"' + b"x" * 900 + b'"}'
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nx-amzn-requestid: 8f507cfc-4697-4b07-a0ac-58fc914c95aa\r\nx-amz-executed-version: $LATEST\r\n"
    b"lockgate-times: 12,0,0,340\r\ncontent-length: 30\r\n\r\n" + b'{"statusCode":200,"body":"{}"}'
)

Once = Callable[[], Awaitable[object]]


class Memory(asyncio.Transport):
    """A peer in the same loop."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        connection.connection_made(self)
        connection.data_received(GREETING)

    def write(self, _data: bytes | bytearray | memoryview) -> None:
        self._loop.call_soon(self._connection.data_received, ANSWER)

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self._loop.call_soon(self._connection.connection_lost, None)


class MemoryClient(HttpClient):
    async def _open(self) -> Connection:
        connection = self._protocol()
        Memory(connection)
        return connection


class Peer(asyncio.Protocol):
    """Answers each read, which is a whole request here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(GREETING)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)


def serve(listener: socket.socket) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(Peer, sock=listener)
        await server.serve_forever()

    uvloop.run(main())


async def cost(once: Once, *, callers: int, calls: int) -> float:
    """Microseconds of this thread's CPU a call."""

    async def caller(count: int) -> None:
        for _ in range(count):
            await once()

    async def crowd(count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller(count // callers), name="caller")

    await crowd(callers * 20)
    began = time.thread_time()
    await crowd(calls)
    return (time.thread_time() - began) / calls * 1e6


async def measure(client: HttpClient, *, rounds: int, calls: int) -> list[tuple[str, int, list[float]]]:
    invoker = RemoteInvoker(client)

    async def request() -> object:
        return await client.request("POST", "/2015-03-31/functions/notes/invocations", (), BODY, timeout_s=30)

    async def invoke() -> object:
        return await invoker.invoke(InvokeCall(function="notes", payload=BODY, budget_ms=30_000, trace=TRACE))

    found = []
    for name, once in (("request", request), ("invoker", invoke)):
        for callers in (1, IN_FLIGHT):
            found.append(
                (name, callers, [await cost(once, callers=callers, calls=calls) for _ in range(rounds)])
            )
    await client.close()
    return found


async def in_memory(rounds: int, calls: int) -> list[tuple[str, int, list[float]]]:
    client = MemoryClient(UnixPeer(path=Path("/nowhere")), EXECUTOR_LIMITS)
    return await measure(client, rounds=rounds, calls=calls)


async def over_socket(path: Path, rounds: int, calls: int) -> list[tuple[str, int, list[float]]]:
    client = HttpClient(UnixPeer(path=path), EXECUTOR_LIMITS)
    return await measure(client, rounds=rounds, calls=calls)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {cpu_count()} cores, load {getloadavg()[0]:.1f},"
          f" Python {platform.python_version()}, uvloop {uvloop.__version__}, {len(BODY)}-byte bodies")  # fmt: skip
    tables = [("in memory", uvloop.run(in_memory(options.rounds, options.calls)))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.sock"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(128)
        peer = get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        peer.start()
        tables.append(("unix socket", uvloop.run(over_socket(path, options.rounds, options.calls))))
        peer.kill()
        peer.join()
    worst = 0.0
    for where, rows in tables:
        for name, callers, times in rows:
            print(f"{where:<12} {name:<8} {callers:>3} in flight   median {statistics.median(times):6.1f} µs a call"
                  f"   {min(times):6.1f} to {max(times):6.1f}")  # fmt: skip
            if where == "in memory":
                worst = max(worst, min(times))
    return 0 if worst <= TARGET_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
