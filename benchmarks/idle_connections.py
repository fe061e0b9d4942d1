"""Memory of kept connections that rest: plain and TLS, each after one request.

    python benchmarks/idle_connections.py [connections, default 10000]

A listener in a process of its own (uvloop, as the server has it); the clients in this one, from 16 loopback addresses.
Prints its RSS before, with the connections, and what one of them takes.
"""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import machine
from benchmarks.slow_attack import allow_connections

ADDRESSES = 16
AT_ONCE = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


async def serve(folder: str) -> None:
    """The child: says its address on stdout, ends with its stdin."""
    from kit.certificate import LOCAL_HOSTS, self_signed, utc_now
    from kit.listener import EdgeLimits, Listener, bind
    from kit.tls import TlsContext

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001  # ASGI
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    tls = None
    if folder:
        cert, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
        for path, pem in zip((cert, key), self_signed(LOCAL_HOSTS, utc_now()), strict=True):
            path.write_bytes(pem)
        key.chmod(0o600)
        tls = TlsContext(cert, key)
    limits = EdgeLimits(connections=100_000, idle_s=3600)
    listener = Listener("idle", app, bind("127.0.0.1:0"), limits, tls=tls)
    await listener.start()
    print(listener.address[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await listener.drain(0)


async def fill(port: int, connections: int, tls: ssl.SSLContext | None) -> list[asyncio.StreamWriter]:
    """Connections that have had one answer each."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> asyncio.StreamWriter:
        async with room:
            source = (f"127.0.1.{1 + number % ADDRESSES}", 0)
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=source, ssl=tls, server_hostname="localhost" if tls else None
            )
            writer.write(REQUEST)
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
            return writer

    return await asyncio.gather(*(one(number) for number in range(connections)))


async def measure(connections: int, *, is_tls: bool) -> tuple[int, int]:
    """RSS of the child in KiB: before, and with the connections."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", folder if is_tls else ""]
        with subprocess.Popen(  # noqa: ASYNC220  # nothing else runs in this loop
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdin is not None
            port = int(child.stdout.readline())
            context = ssl.create_default_context(cafile=Path(folder) / "cert.pem") if is_tls else None
            for writer in await fill(port, 10, context):  # what the first ones bring along is not theirs
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            before = rss_kb(child.pid)
            writers = await fill(port, connections, context)
            after = rss_kb(child.pid)
            for writer in writers:
                writer.transport.abort()
            child.stdin.close()
    return before, after


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(sys.argv[2]))
        return
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    allow_connections(connections)
    print(json.dumps(machine.facts(), indent=1))
    print(
        f"\n{connections} resting connections\n\n"
        "| kind | before MiB | with them MiB | KiB a connection |\n|---|---|---|---|"
    )
    for kind in ("plain", "TLS"):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            before, after = runner.run(measure(connections, is_tls=kind == "TLS"))
        each = (after - before) / connections
        print(f"| {kind} | {before / 1024:.0f} | {after / 1024:.0f} | {each:.1f} |", flush=True)
    sys.stdout.flush()
    os._exit(0)  # ten thousand sockets need no farewell


if __name__ == "__main__":
    main()
