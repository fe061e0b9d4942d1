"""An issuer on loopback that answers as a test tells it, and the documents of a good one."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from joserfc.jwk import RSAKey

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys.json"


@cache
def rsa_key(kid: str) -> RSAKey:
    """A key pair; making one takes 50 ms, so each is made once."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def jwk(kid: str) -> dict[str, object]:
    return dict(rsa_key(kid).as_dict(private=False))


def jwks(*kids: str) -> bytes:
    return json.dumps({"keys": [jwk(kid) for kid in kids]}).encode()


def discovery(issuer: str, jwks_uri: str | None = None) -> bytes:
    return json.dumps({"issuer": issuer, "jwks_uri": jwks_uri or issuer.rstrip("/") + KEYS}).encode()


def answer(body: bytes, *, status: int = 200, **headers: str) -> Answer:
    """A whole answer. Header names are given with ``_`` for ``-``."""
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    return send


async def hang(_writer: asyncio.StreamWriter) -> None:
    """Never answer; ends with the server."""
    await asyncio.Event().wait()


async def hang_after_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n{")
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte at a time for ever: no single read takes long."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)  # this is the behaviour, not a wait for something


async def flood(writer: asyncio.StreamWriter) -> None:
    """300 MB without saying so before."""
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    for _ in range(300):
        writer.write(chunk)
        await writer.drain()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break off in the middle of the body, the hard way."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class IssuerServer:
    """:ivar answers: by path; 404 for others. :ivar requests: (path, headers) of each request, in order.
    :ivar sent_bytes: how much the server could send before the other side closed.
    """

    def __init__(self, scheme: str) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.port = 0
        self._scheme = scheme
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def publish(self, *kids: str) -> None:
        """Be a good issuer with these keys."""
        self.answers[DISCOVERY] = answer(discovery(self.url))
        self.answers[KEYS] = answer(jwks(*kids))

    async def close(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            path = lines[0].split(" ")[1]
            fields = dict(line.split(": ", 1) for line in lines[1:] if line)
            self.requests.append((path, {name.lower(): value for name, value in fields.items()}))
            await self.answers.get(path, answer(b"", status=404))(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side left, as some tests want
        finally:
            writer.close()


@asynccontextmanager
async def issuer_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[IssuerServer]:
    """An issuer on 127.0.0.1, good for nothing until it gets its `answers`."""
    issuer = IssuerServer("http" if tls is None else "https")
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0, ssl=tls)
    issuer.port = server.sockets[0].getsockname()[1]
    try:
        yield issuer
    finally:
        server.close()
        await issuer.close()
        await server.wait_closed()
