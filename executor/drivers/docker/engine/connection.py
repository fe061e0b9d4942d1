"""One connection of its own to the engine, for answers that last: attach and events.

They never share the pool of the short calls, so no number of them can use it up. State: the socket.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import httptools
import orjson

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.errors import EngineBusy, EngineGone, engine_error

_READ_BYTES = 1 << 16
_HEAD_LIMIT_BYTES = 1 << 16  # of an engine's answer: a few hundred bytes


async def connect(address: EngineAddress) -> socket.socket:
    """:raises OSError: nobody listens there."""
    loop = asyncio.get_running_loop()
    target: str | tuple[str, int]
    if address.socket is not None:
        family, target = socket.AF_UNIX, str(address.socket)
    else:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        family, target = found[0][0], found[0][4][:2]
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await loop.sock_connect(connection, target)
    except BaseException:
        connection.close()
        raise
    return connection


def request_bytes(method: str, target: str, *, upgrade: bool) -> bytes:
    extra = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
    return f"{method} {target} HTTP/1.1\r\nHost: docker\r\n{extra}Content-Length: 0\r\n\r\n".encode()


async def hijack(address: EngineAddress, target: str, *, timeout_s: float) -> tuple[socket.socket, bytes]:
    """POST *target* and take the connection over.

    :returns: the socket, and what of the stream came with the answer's head.
    :raises EngineFault:
    """
    try:
        async with asyncio.timeout(timeout_s):
            connection = await connect(address)
            try:
                return connection, await _upgrade(connection, target)
            except BaseException:
                connection.close()
                raise
    except TimeoutError as error:
        raise EngineBusy(f"POST {target}: no answer within {timeout_s} s") from error
    except OSError as error:
        if isinstance(error, EngineGone) or hasattr(error, "status"):
            raise
        raise EngineGone(f"{address}: {error}") from error


async def _upgrade(connection: socket.socket, target: str) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request_bytes("POST", target, upgrade=True))
    head = b""
    while b"\r\n\r\n" not in head:
        data = await loop.sock_recv(connection, _READ_BYTES)
        if not data or len(head) > _HEAD_LIMIT_BYTES:
            raise EngineGone("the engine closed the connection before its answer")
        head += data
    lines, _, rest = head.partition(b"\r\n\r\n")
    status = int(lines[9:12])
    if status in (101, 200):
        return rest
    while len(rest) < _content_length(lines):
        data = await loop.sock_recv(connection, _READ_BYTES)
        if not data:
            break
        rest += data
    raise engine_error(status, message_of(rest))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return min(int(value), _HEAD_LIMIT_BYTES)
    return 0


def message_of(body: bytes) -> str:
    """The engine's words in an error's body."""
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return str(orjson.loads(body)["message"])
    return body.decode(errors="replace").strip()


class _Answer:
    """Callbacks of the parser."""

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


async def lines_of(
    address: EngineAddress, target: str, *, timeout_s: float
) -> AsyncIterator[bytes]:
    """GET *target* and yield each line of its endless answer; first an empty one, when the answer has begun.

    :param timeout_s: for connecting and the answer's head; lines may take as long as they like.
    :raises EngineFault: at the latest when the answer ends.
    """
    loop = asyncio.get_running_loop()
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    try:
        async with asyncio.timeout(timeout_s):
            connection = await connect(address)
    except TimeoutError as error:
        raise EngineBusy(f"{address}: no connection within {timeout_s} s") from error
    except OSError as error:
        raise EngineGone(f"{address}: {error}") from error
    with connection:
        try:
            async with asyncio.timeout(timeout_s):
                await loop.sock_sendall(connection, request_bytes("GET", target, upgrade=False))
                parser.feed_data(await loop.sock_recv(connection, _READ_BYTES))
            status = parser.get_status_code()
            if status != 200:
                raise engine_error(status, message_of(b"".join(answer.body)))
            yield b""
            rest = b""
            while not answer.complete:
                *lines, rest = (rest + b"".join(answer.body)).split(b"\n")
                answer.body.clear()
                for line in lines:
                    yield line
                data = await loop.sock_recv(connection, _READ_BYTES)
                if not data:
                    break
                parser.feed_data(data)
        except TimeoutError as error:
            raise EngineBusy(f"GET {target}: no answer within {timeout_s} s") from error
        except httptools.HttpParserError as error:
            raise EngineGone(f"GET {target}: not HTTP: {error}") from error
        except ConnectionError as error:
            raise EngineGone(f"GET {target}: {error}") from error
    raise EngineGone(f"GET {target}: the answer ended")
