"""One public listener: accepts on a socket, runs an ASGI application behind `EdgeProtocol`, drains.

It installs no loop policy, no signal handler and no lifespan; who owns the process does.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from uvicorn._types import ASGI3Application
from uvicorn.config import Config

from kit.edge import EdgeProtocol
from kit.edge_limits import EdgeLimits, OnRefused, ignore_refusal
from kit.edge_state import EdgeState
from kit.listen_sockets import ListenError, bind, inherited_sockets
from kit.networks import Network, Networks
from kit.tls_door import TlsDoor

if TYPE_CHECKING:  # who has no certificate needs no X.509 library in memory
    from kit.tls import TlsContext

__all__ = ["BACKLOG", "EdgeLimits", "ListenError", "Listener", "bind", "inherited_sockets"]

# What the kernel takes of an answer beyond what the client's window lets it send. Its own bound is 4 MiB a connection:
# 1,250 clients that asked for 1 MB and read nothing kept the server copying for 5 s. Accepted sockets inherit it.
NOTSENT_BYTES = 256 * 1024
BACKLOG = 2048  # connections that wait for accept while the loop is busy or the server restarts


class Listener:
    """Serve *app* on *sock*.

    :param inherited: somebody else holds the socket too (a service manager, a supervisor): it is left open
        and listening on drain, so that connections queue for the next server instead of being refused.
    :param tls: speak TLS with it. `tls.reload` changes the certificate for new handshakes.
    """

    def __init__(
        self,
        name: str,
        app: ASGI3Application,
        sock: socket.socket,
        limits: EdgeLimits | None = None,
        *,
        on_refused: OnRefused = ignore_refusal,
        inherited: bool = False,
        tls: "TlsContext | None" = None,
    ) -> None:
        self.name = name
        self.tls = tls
        self._sock = sock
        self._inherited = inherited
        self._unix = sock.family == socket.AF_UNIX
        self._bound_to = sock.getsockname()
        self._state = EdgeState(limits or EdgeLimits(), on_refused)
        self._server: asyncio.Server | None = None
        # What uvicorn would add (proxy headers, its own access log, lifespan) is done by others here, or not.
        self._config = Config(
            app,
            interface="asgi3",
            http=EdgeProtocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )

    def __repr__(self) -> str:
        state = self._state
        return f"<Listener {self.name} {self.url} connections={len(state.connections)}>"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as bound; the path and 0 of a unix socket."""
        if self._unix:
            return os.fsdecode(self._bound_to), 0
        return self._bound_to[0], self._bound_to[1]

    @property
    def url(self) -> str:
        host, port = self.address
        if self._unix:
            return f"unix:{host}"
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def connections(self) -> int:
        return len(self._state.connections)

    def trust(self, proxies: Iterable[Network]) -> None:
        """Treat connections from *proxies* as a front proxy's from now on; open ones stay what they were."""
        self._state.trusted = Networks(proxies)

    async def start(self) -> None:
        """Accept connections from now on.

        :raises ListenError: the socket cannot listen.
        """
        loop = asyncio.get_running_loop()
        self._config.load()
        # Closing a server closes its socket: an inherited one is served through a duplicate.
        sock = self._sock.dup() if self._inherited else self._sock
        try:
            self._server = await self._serve_on(sock, loop)
        except OSError as exc:
            sock.close()
            raise ListenError(
                self.url, exc.strerror or str(exc), "Stop what listens there, or choose another address."
            ) from exc
        self._state.start(loop)

    async def _serve_on(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
        def make_edge() -> EdgeProtocol:
            return EdgeProtocol(self._config, self._state, loop)

        def connect() -> EdgeProtocol | TlsDoor:
            tls = self.tls
            if tls is None:
                return make_edge()
            return TlsDoor(self._state, loop, lambda: tls.current, make_edge)

        if not self._unix:
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
            return await loop.create_server(connect, sock=sock, backlog=BACKLOG)
        if sys.version_info >= (3, 13):
            # Whoever made the file removes it: `drain` below, or the one that we inherit from.
            return await loop.create_unix_server(connect, sock=sock, backlog=BACKLOG, cleanup_socket=False)
        return await loop.create_unix_server(connect, sock=sock, backlog=BACKLOG)

    async def dismiss(self, patience_s: float) -> None:
        """Stop accepting and have every connection end with its next answer, for *patience_s* seconds; then `drain`.

        For who is replaced while clients go on: one that asks on a resting connection as it is closed would lose
        its request (RFC 9112, section 9.6).
        """
        if self._server is None:
            return
        self._state.draining = True
        self._server.close()
        for connection in self._connections():
            if isinstance(connection, EdgeProtocol):
                connection.dismiss()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._until_idle()

    async def drain(self, timeout_s: float) -> None:
        """Stop accepting, let requests in flight end for *timeout_s* seconds, then cut them off with 503."""
        if self._server is None:
            self._sock.close()
            return
        server, self._server = self._server, None
        state = self._state
        state.draining = True
        server.close()
        if self._unix and not self._inherited:
            Path(self.address[0]).unlink(missing_ok=True)  # noqa: ASYNC240  # microseconds, once
        for connection in self._connections():
            connection.shutdown()
        try:
            async with asyncio.timeout(timeout_s):
                await self._until_idle()
        except TimeoutError:
            await self._cut_off()
        finally:
            for connection in self._connections():
                connection.transport.abort()
            for task in state.tasks:
                task.cancel()
            state.stop()

    async def _cut_off(self) -> None:
        for connection in self._connections():
            connection.cut_off()
        with contextlib.suppress(TimeoutError):
            # Clients get this long to read their 503.
            async with asyncio.timeout(self._state.limits.linger_s):
                await self._until_idle()

    async def _until_idle(self) -> None:
        state = self._state
        while state.connections:
            state.changed.clear()
            await state.changed.wait()
        if state.tasks:
            await asyncio.wait(state.tasks)

    def _connections(self) -> list[EdgeProtocol | TlsDoor]:
        return [c for c in self._state.connections if isinstance(c, EdgeProtocol | TlsDoor)]
