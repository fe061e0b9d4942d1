"""Channels that share a listener: containers with official clients, which know only ``host:port``.

Each environment has a secret host name of 128 random bits. A connection belongs to the environment whose name its
first request says in ``Host``, if it comes from that environment's address, and every later request must say the same.
All else is answered 403 and closed. Until a connection has said its name it costs little and not for long.
"""

import asyncio
import secrets
import socket
from typing import cast

from executor.runtime_api import replies
from executor.runtime_api.channel import EnvironmentChannel, Line
from executor.runtime_api.connection import RuntimeConnection
from executor.runtime_api.contract import RuntimeSink
from kit.networks import plain_address

# The port that AWS's own Runtime API has, inside an environment.
DEFAULT_PORT = 9001
# Without a name: a client says it in its first bytes. A few from each address, so that no container can lock out
# others; in all as many as there may be containers that just start.
UNNAMED_S = 10.0
UNNAMED_BYTES = 16 * 1024
UNNAMED_PER_ADDRESS = 8
UNNAMED_LIMIT = 1024
_BACKLOG = 1024
_SUFFIX = ".runtime"


class HostChannel(EnvironmentChannel):
    """A channel under a name of its own.

    :ivar name: what the environment resolves to the listener's address.
    :ivar port: the listener's; ``AWS_LAMBDA_RUNTIME_API`` is ``<name>:<port>``.
    """

    def __init__(self, environment: int, sink: RuntimeSink, hosts: "Hosts") -> None:
        super().__init__(environment, sink)
        self.name = secrets.token_hex(16) + _SUFFIX
        self.port = hosts.port
        self._hosts = hosts
        self._address: str | None = None

    def admit_peer(self, address: str) -> None:
        """Let in what comes from this address, and nothing else. What came from others before is cut off."""
        self._address = plain_address(address)
        for line in tuple(self._lines):
            if not self._lets_in(line):
                line.abort()

    def connected(self, line: Line) -> bool:
        return self._lets_in(line) and super().connected(line)

    def close(self) -> None:
        self._hosts.forget(self)
        super().close()

    def _lets_in(self, line: Line) -> bool:
        return self._address is None or cast(HostConnection, line).peer_address == self._address


class Hosts:
    """The names, and the listeners under which they are reached: one for each network of such containers.

    :ivar port: of all listeners.
    """

    def __init__(self, sink: RuntimeSink, *, port: int = DEFAULT_PORT, unnamed_s: float = UNNAMED_S) -> None:
        self.port = port
        self.unnamed_s = unnamed_s
        self.nobody = EnvironmentChannel(-1, sink)
        self.nobody.close()
        self._sink = sink
        self._channels: dict[bytes, HostChannel] = {}
        self._servers: dict[str, asyncio.AbstractServer] = {}
        self._unnamed: dict[HostConnection, str] = {}
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Hosts {len(self._channels)} names, {len(self._unnamed)} unnamed connections>"

    async def listen(self, address: str, port: int) -> int:
        """Listen on an address of this machine; does nothing where it does so already.

        :param port: 0 takes any free one, for the first listener.
        :returns: the port.
        :raises OSError: the address is not there, or taken. :raises ValueError: the others have another port.
        """
        async with self._opening:
            if address not in self._servers:
                await self._listen(address, port)
            return self.port

    async def _listen(self, address: str, port: int) -> None:
        if self._servers and port != self.port:
            raise ValueError(f"names are reached on port {self.port} already, not {port}")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            self.port = int(listener.getsockname()[1])
            self._servers[address] = await asyncio.get_running_loop().create_server(
                lambda: HostConnection(self), sock=listener, backlog=_BACKLOG
            )
        except BaseException:
            listener.close()
            raise

    def open(self, environment: int) -> HostChannel:
        channel = HostChannel(environment, self._sink, self)
        self._channels[_host_of(channel)] = channel
        return channel

    def forget(self, channel: HostChannel) -> None:
        self._channels.pop(_host_of(channel), None)

    def find(self, host: bytes) -> HostChannel | None:
        """:param host: the field's value, with the port."""
        return self._channels.get(host)

    def close(self) -> None:
        """Listen no longer; channels live on until they are closed. Idempotent."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for connection in tuple(self._unnamed):
            connection.abort()

    # --- connections without a name --------------------------------------------------------------

    def arrived(self, connection: "HostConnection") -> bool:
        """Whether there is room for one more that has not said its name."""
        address = connection.peer_address
        taken = sum(known == address for known in self._unnamed.values())
        if taken >= UNNAMED_PER_ADDRESS or len(self._unnamed) >= UNNAMED_LIMIT:
            return False
        self._unnamed[connection] = address
        return True

    def settled(self, connection: "HostConnection") -> None:
        """It has a name, or is gone."""
        self._unnamed.pop(connection, None)


class HostConnection(RuntimeConnection):
    """A connection that belongs to nobody until its first request's head is whole."""

    def __init__(self, hosts: Hosts) -> None:
        super().__init__(hosts.nobody)
        self.peer_address = ""
        self._hosts = hosts
        self._host: bytes | None = None  # what the first request said, and was let in for
        self._said: list[bytes] = []  # the Host fields of the head that is being read
        self._unnamed_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer_address = plain_address(str(peer[0])) if isinstance(peer, tuple) else ""
        if not self._hosts.arrived(self):
            self.abort()
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._hosts.unnamed_s, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._host is not None or self._closing:
            return
        self._unnamed_bytes += len(data)
        # Whoever has said a good name may go on to a long head: clients put stacks of 1 MiB into one.
        if self._unnamed_bytes > UNNAMED_BYTES and not (self._said and self._hosts.find(self._said[0])):
            self._end_with(replies.HEAD_TOO_LARGE)
            self._flush()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body and len(name) == 4 and name.lower() == b"host":
            self._said.append(value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        said, self._said = self._said, []
        if not self._closing and not self._is_its_own(said):
            self._progressed = True
            # Behind a pending `next` nothing may be said: it would be taken for the event.
            self._end_with(b"" if self._waiting else replies.FOREIGN_HOST)
            return
        super().on_headers_complete()

    def _take_usual(self, _data: bytes) -> bool:
        """Nothing is usual here: what the own bootstrap sends names no host."""
        return False

    def _is_its_own(self, said: list[bytes]) -> bool:
        """Whether a request is the environment's whose connection this is, or is from now on."""
        if len(said) != 1:
            return False
        if self._host is not None:
            return said[0] == self._host
        channel = self._hosts.find(said[0])
        if channel is None or not channel.connected(self):
            return False
        self._channel, self._host = channel, said[0]
        self._settle()
        return True

    def _settle(self) -> None:
        self._hosts.settled(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _host_of(channel: HostChannel) -> bytes:
    return f"{channel.name}:{channel.port}".encode()
