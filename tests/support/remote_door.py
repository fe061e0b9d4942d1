"""An executor's unix socket with a client before it, in one loop."""

import shutil
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from executor.remote.server import InvokeServer, Resolve
from kit.http_client import HttpClient, UnixPeer
from kit.invoke import Invoker
from kit.remote_invoker import EXECUTOR_LIMITS, RemoteInvoker
from lockgate.open_files import raise_open_files
from tests.support.executor_world import ExecutorWorld


class RemoteDoor:
    """`async with RemoteDoor(world) as door:`; `door.invoker` goes through the socket.

    :ivar listener: this process's copy of the socket, as a supervisor has one.
    """

    def __init__(
        self, world: ExecutorWorld | Invoker, *, resolve: Resolve = lambda _: None, **limits: Any
    ) -> None:
        self.newest = world.executor if isinstance(world, ExecutorWorld) else world
        self.resolve = resolve
        raise_open_files()  # a crowd of 1,000 callers has both ends of its connections here
        self._folder = Path(tempfile.mkdtemp(prefix="lg-"))
        self.path = self._folder / "executor.sock"
        self._limits = replace(EXECUTOR_LIMITS, **limits)
        self.listener = self.bind()

    def bind(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(128)
        return listener

    def unbind(self) -> None:
        """Nobody has the socket any more."""
        self.listener.close()
        self.path.unlink()

    async def replace(self) -> None:
        """A rolling restart: the old server finishes what it has, a new one takes all else."""
        old = self.server
        old.stop_accepting()
        self.server = await self.serve()
        await old.drain()

    async def serve(self, **options: Any) -> InvokeServer:
        server = InvokeServer(self.newest, self.resolve, **options)
        await server.listen(self.listener.dup())
        return server

    async def __aenter__(self) -> Self:
        self.server = await self.serve()
        self.client = HttpClient(UnixPeer(path=self.path), self._limits)
        self.invoker = RemoteInvoker(self.client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.server.close()
        self.listener.close()
        shutil.rmtree(self._folder)
