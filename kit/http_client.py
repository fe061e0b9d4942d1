"""Outgoing HTTP/1.1 of the data plane: one peer, pooled connections, streams, upgrades; unix sockets and TCP.

It does what it is told, once: no redirects, no proxies of the environment, no cookies, no decompression, no retry.
The one exception is no retry: a rested connection that is found closed *before the first byte of the request was
handed to it* is passed over for another one. What was written to a connection is never written to a second; the
error says whether the peer may have it whole (`HttpClientError.was_sent`).
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from kit.http_client_body import BodyReader
from kit.http_client_connection import Connection
from kit.http_client_errors import (
    BadResponse,
    ClientClosed,
    ConnectFailed,
    ConnectionLost,
    HttpClientError,
    NoConnection,
    ResponseTimeout,
    TooLarge,
)
from kit.http_client_exchange import Exchange, Response
from kit.http_client_head import Headers, request_head, upgrade_head
from kit.http_client_pool import Pool

__all__ = [
    "BadResponse", "ClientClosed", "ClientLimits", "ConnectFailed", "ConnectionLost", "Duplex", "HttpClient",
    "HttpClientError", "NoConnection", "Response", "ResponseStream", "ResponseTimeout", "TcpPeer", "TooLarge",
    "UnixPeer",
]  # fmt: skip

# How a connection ends whose peer has not read all of a request. On Linux a unix socket is reset if, and only if, its
# other end was closed with something unread in it; elsewhere a reset tells nothing. Source: unix_release_sock() in
# net/unix/af_unix.c.
_UNREAD: tuple[type[OSError], ...] = (BrokenPipeError,)
_UNREAD_LOCAL = (*_UNREAD, ConnectionResetError) if sys.platform == "linux" else _UNREAD

Body = bytes | AsyncIterator[bytes]
Judge = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixPeer:
    path: Path

    @property
    def host(self) -> str:
        return "localhost"

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPeer:
    """:param tls: None is plain HTTP.

    :param judge: called with each address before it is connected to; raises `ConnectFailed` for a forbidden one.
    """

    name: str
    port: int
    tls: ssl.SSLContext | None = None
    judge: Judge | None = None

    @property
    def host(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == (80 if self.tls is None else 443) else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Every bound of a client.

    :param connections: at once; each carries one request. Streams count, attached ones do not.
    :param waiting: requests that wait for a connection.
    :param idle_s: how long a connection rests before it is closed; below what servers do (nginx: 75 s).
    :param head_bytes: of an answer, and of anything in it that brings the body no further.
    :param greeting: what the peer says on each new connection before it reads from it. A connection that ends
        before has carried nothing to anybody, and the error says so.
    """

    connections: int = 64
    waiting: int = 1024
    attached: int = 2048
    connect_s: float = 5.0
    idle_s: float = 30.0
    head_bytes: int = 64 * 1024
    head_fields: int = 128
    body_bytes: int = 16 * 1024 * 1024
    greeting: bytes = b""


class ResponseStream:
    """An answer whose body is taken as it comes: ``async for chunk in stream``."""

    def __init__(self, head: Response, reader: BodyReader) -> None:
        self.status = head.status
        self.fields = head.fields
        self.headers = head.headers
        self._reader = reader

    def __repr__(self) -> str:
        return f"<ResponseStream {self.status} {self._reader!r}>"

    async def read(self) -> bytes:
        """The next bytes, ``b""`` at the end. :raises HttpClientError: it broke off, or stood still for too long."""
        return await self._reader.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self._reader.read():
            yield chunk

    async def collect(self, limit_bytes: int) -> bytes:
        """The whole rest. :raises TooLarge:"""
        found = bytearray()
        async for chunk in self:
            found += chunk
            if len(found) > limit_bytes:
                raise TooLarge(f"the answer has more than {limit_bytes} bytes")
        return bytes(found)


class Duplex(ResponseStream):
    """A connection that has become a stream of bytes in both directions. Close it."""

    def __init__(self, head: Response, reader: BodyReader, connection: Connection) -> None:
        super().__init__(head, reader)
        self._connection = connection

    async def write(self, data: bytes) -> None:
        """:raises ConnectionLost: nobody is there any more."""
        if not await self._connection.send_raw(data):
            raise ConnectionLost("the stream is closed", was_sent=False)

    def write_eof(self) -> None:
        self._connection.send_eof()

    def close(self) -> None:
        """Idempotent; who reads gets what has come, then the end."""
        self._connection.abort()


class HttpClient:
    """Speaks to one peer. Made and used in one event loop; `close` it."""

    def __init__(self, peer: UnixPeer | TcpPeer, limits: ClientLimits | None = None) -> None:
        self.peer = peer
        self.limits = limits or ClientLimits()
        self._loop = asyncio.get_running_loop()
        self._name = str(peer)
        self._is_closed = False
        self.pool = Pool(
            self._connect,
            places=self.limits.connections,
            waiting=self.limits.waiting,
            idle_s=self.limits.idle_s,
        )

    def __repr__(self) -> str:
        return f"<HttpClient {self._name} {self.pool!r}>"

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: Body = b"",
        *,
        timeout_s: float,
        limit_bytes: int | None = None,
    ) -> Response:
        """Send a request and return its whole answer, whatever its status.

        :param target: path and query, percent-encoded.
        :param timeout_s: for all of it: the wait for a connection, the connection, both bodies.
        :param limit_bytes: of the answer's body; `ClientLimits.body_bytes` if not given.
        :raises ValueError: the request cannot be written.
        :raises HttpClientError: or one of its kind.
        """
        deadline = self._loop.time() + timeout_s
        length = len(body) if isinstance(body, bytes) else None
        head = request_head(method, target, host=self.peer.host, headers=headers, length=length)
        exchange = Exchange(
            answer=self._loop.create_future(),
            deadline=deadline,
            limit_bytes=self.limits.body_bytes if limit_bytes is None else limit_bytes,
            is_head=method == "HEAD",
        )
        return await self._exchange(exchange, head, body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: Body = b"",
        *,
        timeout_s: float,
        idle_s: float = inf,
        total_s: float = inf,
    ) -> AsyncIterator[ResponseStream]:
        """The same with the answer's body as a stream; leaving before its end closes the connection.

        :param timeout_s: until the answer's head is there.
        :param idle_s: how long the body may stand still while it is being read.
        :param total_s: until the body's end.
        """
        began = self._loop.time()
        length = len(body) if isinstance(body, bytes) else None
        head = request_head(method, target, host=self.peer.host, headers=headers, length=length)
        connection = await self._take(began + timeout_s)
        reader = BodyReader(connection)
        exchange = Exchange(
            answer=self._loop.create_future(),
            deadline=began + timeout_s,
            reader=reader,
            idle_s=idle_s,
            is_head=method == "HEAD",
            total=began + total_s,
        )
        try:
            answer = await self._perform(connection, exchange, head, body)
            yield ResponseStream(answer, reader)
        finally:
            connection.leave(exchange)

    async def attach(
        self, method: str, target: str, headers: Headers = (), body: bytes = b"", *, timeout_s: float
    ) -> Duplex | Response:
        """Ask for a raw stream: 101, or 200 with no framing (what the Docker Engine answers to ``attach``).

        The connection is the caller's own and takes no place of the pool.

        :returns: the stream, or the whole answer of a peer that gave none.
        """
        deadline = self._loop.time() + timeout_s
        head = upgrade_head(method, target, host=self.peer.host, headers=headers, length=len(body))
        if self._is_closed:
            raise ClientClosed("the client is closed")
        if self.pool.attached >= self.limits.attached:
            raise NoConnection(f"{self.pool.attached} streams are attached already")
        connection = await self._connect(deadline)
        self.pool.attach(connection)
        reader = BodyReader(connection)
        exchange = Exchange(
            answer=self._loop.create_future(), deadline=deadline, reader=reader, may_switch=True
        )
        try:
            answer = await self._perform(connection, exchange, head, body)
            stream = Duplex(answer, reader, connection)
            if connection.is_raw:
                return stream
            answer.body = await stream.collect(self.limits.body_bytes)
        except BaseException:
            connection.abort()
            raise
        connection.abort()
        return answer

    async def close(self) -> None:
        """End everything now; requests under way fail. Idempotent."""
        self._is_closed = True
        self.pool.close()
        await asyncio.sleep(0)  # transports tell of their end in the loop's next turn

    # --- one exchange ----------------------------------------------------------------------------

    async def _exchange(self, exchange: Exchange, head: bytes, body: Body) -> Response:
        connection = await self._take(exchange.deadline)
        try:
            return await self._perform(connection, exchange, head, body)
        except BaseException:
            connection.leave(exchange)
            raise

    async def _perform(self, connection: Connection, exchange: Exchange, head: bytes, body: Body) -> Response:
        """Send the request and wait for its answer, or its head."""
        if isinstance(body, bytes):
            connection.begin(exchange, head, body)
            return await exchange.answer
        connection.begin(exchange, head, more=True)
        sending = self._loop.create_task(_send_chunks(connection, exchange, body), name="request body")
        exchange.sending = sending
        sending.add_done_callback(lambda done: _sent(connection, exchange, done))
        return await exchange.answer

    async def _take(self, deadline: float) -> Connection:
        return self.pool.take_rested() or await self.pool.take(deadline)

    # --- connections -----------------------------------------------------------------------------

    async def _connect(self, deadline: float) -> Connection:
        """:raises ConnectFailed:"""
        until = min(deadline, self._loop.time() + self.limits.connect_s)
        try:
            async with asyncio.timeout_at(until):
                return await self._open()
        except TimeoutError as error:
            raise ConnectFailed(f"{self._name} took no connection in time") from error
        except OSError as error:
            raise ConnectFailed(f"{self._name}: {error.strerror or error}") from error

    async def _open(self) -> Connection:
        peer = self.peer
        if isinstance(peer, UnixPeer):
            return await self._open_unix(peer)
        return await self._open_tcp(peer)

    async def _open_unix(self, peer: UnixPeer) -> Connection:
        """Connect by ourselves: asyncio takes the EAGAIN of a full backlog for a connection that is under way."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.connect(str(peer.path))  # it is queued at once or refused, and never waits
            return (await self._loop.create_unix_connection(self._protocol, sock=opened))[1]
        except BaseException:
            opened.close()
            raise

    async def _open_tcp(self, peer: TcpPeer) -> Connection:
        """Connect to the addresses of its name in their order; what was judged is what is connected to (S2)."""
        found = await self._loop.getaddrinfo(peer.name, peer.port, type=socket.SOCK_STREAM)
        error: OSError = ConnectionRefusedError(f"{peer.name} has no address")
        for address in dict.fromkeys(str(entry[4][0]) for entry in found):
            if peer.judge is not None:
                peer.judge(address)
            name = peer.name if peer.tls is not None else None
            try:
                opened = await self._loop.create_connection(
                    self._protocol, address, peer.port, ssl=peer.tls, server_hostname=name
                )
            except OSError as exc:
                error = exc
                continue
            return opened[1]
        raise error

    def _protocol(self) -> Connection:
        limits = self.limits
        return Connection(
            self.pool,
            self._name,
            head_bytes=limits.head_bytes,
            head_fields=limits.head_fields,
            greeting=limits.greeting,
            unread=_UNREAD_LOCAL if isinstance(self.peer, UnixPeer) else _UNREAD,
        )


def _sent(connection: Connection, exchange: Exchange, sending: "asyncio.Task[None]") -> None:
    """A body that its maker could not finish ends the request with the maker's error."""
    error = None if sending.cancelled() else sending.exception()
    if error is not None:
        if not exchange.answer.done():
            exchange.answer.set_exception(error)
        connection.leave(exchange)


async def _send_chunks(connection: Connection, exchange: Exchange, body: AsyncIterator[bytes]) -> None:
    """:raises Exception: whatever the body's maker raises; what was sent of it is never taken for the whole."""
    async for part in body:
        if part and not await connection.send(exchange, b"%x\r\n%b\r\n" % (len(part), part)):
            return
    connection.finish_sending(exchange, b"0\r\n\r\n")
