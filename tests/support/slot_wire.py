"""The server's side of a channel, played by hand: a bootstrap in slot mode, told step by step what to become."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.runtime_wire import REQUEST_ID

SPECIALISE = "GET /lockgate/specialise HTTP/1.1"
NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1"


@dataclass
class Request:
    """`line` is the request line; the body of a POST."""

    line: str
    body: bytes


class Peer:
    """One connection of the bootstrap."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def request(self) -> Request:
        """:raises asyncio.IncompleteReadError: the bootstrap closed it."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        sizes = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
        return Request(lines[0], await self._reader.readexactly(int(sizes[0])) if sizes else b"")

    def answer(self, body: bytes, *, status: str = "200 OK", headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)

    def specialise(self, mode: str, variables: Mapping[str, str], cwd: str) -> None:
        self.answer(json.dumps({"mode": mode, "variables": dict(variables), "cwd": cwd}).encode())

    async def invoke(self, payload: bytes = b"{}") -> Request:
        """Answer the pending `next` with an event; the request that ends it. The one after is `next` again."""
        self.answer(
            payload,
            headers=f"Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\n"
            "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n",
        )
        ended = await self.request()
        self.answer(b'{"status":"OK"}\n', status="202 Accepted")
        return ended

    def close(self) -> None:
        self._writer.close()

    async def is_closed(self) -> bool:
        """Wait until the bootstrap has closed it, with nothing more said."""
        return await self._reader.read() == b""


class SlotProcess:
    """:param peers: the bootstrap's connections in the order in which they came."""

    def __init__(self, process: asyncio.subprocess.Process, peers: "asyncio.Queue[Peer]", log: Path) -> None:
        self.process = process
        self._peers = peers
        self._log = log
        self._exit = asyncio.ensure_future(process.wait())

    async def peer(self) -> Peer:
        """The next connection. :raises RuntimeError: the process ended instead; says what it had printed."""
        arrival = asyncio.ensure_future(self._peers.get())
        await asyncio.wait({arrival, self._exit}, return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result()
        arrival.cancel()
        raise RuntimeError(f"ended with {self._exit.result()}:\n{self.output()}")

    async def ready(self) -> Peer:
        peer = await self.peer()
        assert (await peer.request()).line == SPECIALISE
        return peer

    async def become(self, mode: str, variables: Mapping[str, str], cwd: Path) -> Peer:
        """Wait until the slot is ready and make it a function; the connection that it then uses."""
        peer = await self.ready()
        peer.specialise(mode, variables, os.fspath(cwd))
        return peer if mode == "warm" else await self.peer()

    async def exit_code(self) -> int:
        return await self._exit

    def output(self) -> str:
        return self._log.read_bytes().decode(errors="surrogateescape")


@asynccontextmanager
async def start_process(
    command: Sequence[str], variables: Mapping[str, str], work: Path, *, slot: bool
) -> AsyncIterator[SlotProcess]:
    """Run a bootstrap on ``work/api.sock``. :param slot: as a slot, in a folder that is not the function's."""
    peers: asyncio.Queue[Peer] = asyncio.Queue()
    connections: list[Peer] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(Peer(reader, writer))
        peers.put_nowait(connections[-1])

    path = work / "api.sock"
    server = await asyncio.start_unix_server(accept, path)
    environment = {**variables, "LOCKGATE_RUNTIME_SOCKET": os.fspath(path)} | (
        {"LOCKGATE_SLOT": "1"} if slot else {}
    )
    log = work / "output"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=work,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    running = SlotProcess(process, peers, log)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await running.exit_code()
        for peer in connections:
            peer.close()
        server.close()
        await server.wait_closed()


def outcome(request: Request) -> Any:
    """What a function returned, or the error that it ended with."""
    return json.loads(request.body)
