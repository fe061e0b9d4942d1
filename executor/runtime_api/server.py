"""The Runtime API server: a listener for each environment, on a unix socket or a loopback port, or one for many."""

import asyncio
import errno
import os
import socket
from pathlib import Path
from shutil import rmtree

from executor.runtime_api.channel import EnvironmentChannel, PortChannel, SocketChannel
from executor.runtime_api.connection import RuntimeConnection
from executor.runtime_api.contract import RuntimeSink
from executor.runtime_api.host import HostChannel, Hosts

__all__ = ["HostChannel", "PortChannel", "RuntimeApi", "SocketChannel"]

SOCKET_NAME = "api.sock"
# sun_path is 108 bytes with its final NUL.
SOCKET_PATH_LIMIT_BYTES = 107
_BACKLOG = 8  # as many as a channel lets in


class RuntimeApi:
    """Opens channels; each then lives by itself until it is closed.

    :param socket_root: folder for the channels' folders; short, because socket paths are.
    """

    def __init__(self, sink: RuntimeSink, socket_root: Path) -> None:
        self._sink = sink
        self._socket_root = socket_root
        self._hosts = Hosts(sink)

    async def open_socket(self, environment: int) -> SocketChannel:
        """Listen on ``<socket_root>/<environment>/api.sock``.

        :raises OSError: the path is over 107 bytes, or the folder can't be made.
        """
        folder = self._socket_root / str(environment)
        path = folder / SOCKET_NAME
        if len(os.fsencode(path)) > SOCKET_PATH_LIMIT_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))
        rmtree(folder, ignore_errors=True)  # left by a server that died
        folder.mkdir(mode=0o700, parents=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel = SocketChannel(environment, self._sink, folder)
        try:
            listener.bind(os.fspath(path))
            path.chmod(0o666)
            await _listen(channel, listener)
        except BaseException:
            listener.close()
            channel.close()
            raise
        return channel

    async def open_port(self, environment: int) -> PortChannel:
        """Listen on a free port of 127.0.0.1. :raises OSError: there is none."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.bind(("127.0.0.1", 0))
            channel = PortChannel(environment, self._sink, listener.getsockname()[1])
            await _listen(channel, listener)
        except BaseException:
            listener.close()
            raise
        return channel

    async def listen_hosts(self, address: str, port: int) -> int:
        """Let environments with names reach this address of the machine; see `Hosts.listen`."""
        return await self._hosts.listen(address, port)

    async def open_host(self, environment: int) -> HostChannel:
        """Give the environment a secret name on the listeners of `listen_hosts`."""
        return self._hosts.open(environment)

    def close(self) -> None:
        """Stop the listeners that environments share. Channels are closed one by one."""
        self._hosts.close()


async def _listen(channel: EnvironmentChannel, listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()

    def accept() -> RuntimeConnection:
        return RuntimeConnection(channel)

    if listener.family is socket.AF_UNIX:
        server = await loop.create_unix_server(accept, sock=listener, backlog=_BACKLOG)
    else:
        server = await loop.create_server(accept, sock=listener, backlog=_BACKLOG)
    channel.serve(server)
