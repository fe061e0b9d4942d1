"""The executor's door for edge processes on the same machine: Lambda's ``Invoke`` over a unix socket.

It decides who may come in (by uid, before a byte is read) and which deployment's names a call means. It runs
nothing itself. The socket may be shared with a supervisor: closing this server closes no one else's copy, and
whoever connects meanwhile waits in the backlog for the next one.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from executor.remote.connection import InvokeConnection
from kit.invoke import Invoker

# Twice what the fleet takes: 1,000 calls that run and 1,000 that wait, from two generations of edges.
MAX_CONNECTIONS = 4096
BACKLOG = 4096  # the kernel's own default bound (net.core.somaxconn): whoever waits for a restart waits here

Resolve = Callable[[int], Invoker | None]

log = logging.getLogger("lockgate.executor.remote")


class InvokeServer:
    """:param newest: runs calls that name no generation, or one that is not known (any more).

    :param resolve: a generation's number → what runs its calls; None: it is not known.
    :param uids: who may connect; by default this process's user and root.
    """

    def __init__(
        self,
        newest: Invoker,
        resolve: Resolve,
        *,
        uids: Iterable[int] | None = None,
        connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._newest = newest
        self._resolve = resolve
        self._uids = frozenset((os.geteuid(), 0) if uids is None else uids)
        self._limit = connections
        self._connections: set[InvokeConnection] = set()
        self._server: asyncio.AbstractServer | None = None
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __repr__(self) -> str:
        return f"<InvokeServer {len(self._connections)} connections>"

    async def listen(self, listener: socket.socket) -> None:
        """Accept on a bound unix socket, which becomes the server's."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if sys.version_info >= (3, 13) and isinstance(loop, asyncio.BaseEventLoop):
            options["cleanup_socket"] = False  # the path may be a supervisor's
        self._server = await loop.create_unix_server(
            lambda: InvokeConnection(self), sock=listener, backlog=BACKLOG, **options
        )

    def stop_accepting(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def drain(self) -> None:
        """Accept nobody, finish the calls that are under way, send all others elsewhere; return when all are gone."""
        self.stop_accepting()
        for connection in tuple(self._connections):
            connection.leave()
        await self._emptied.wait()

    async def close(self) -> None:
        """End at once: calls under way lose their callers. Idempotent."""
        self.stop_accepting()
        for connection in tuple(self._connections):
            connection.abort()
        await self._emptied.wait()

    # --- the connections' calls ------------------------------------------------------------------

    def admits(self, uid: int | None) -> bool:
        return uid is not None and uid in self._uids

    def connected(self, connection: InvokeConnection) -> bool:
        if self._server is None or len(self._connections) >= self._limit:
            return False
        self._connections.add(connection)
        self._emptied.clear()
        return True

    def disconnected(self, connection: InvokeConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._emptied.set()

    def invoker(self, generation: int | None) -> Invoker:
        if generation is None:
            return self._newest
        return self._resolve(generation) or self._newest

    def new_id(self) -> str:
        return str(uuid4())
