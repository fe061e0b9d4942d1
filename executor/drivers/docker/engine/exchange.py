"""Short calls to the engine: one request, one whole answer, within a deadline."""

import asyncio

import httptools

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.connection import connect
from executor.drivers.docker.engine.errors import EngineBusy, EngineFault, EngineGone

_READ_BYTES = 1 << 16


class _Answer:
    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


class Exchange:
    def __init__(self, address: EngineAddress, *, at_once: int) -> None:
        self._address = address
        self._room = asyncio.Semaphore(at_once)

    async def close(self) -> None:
        return None

    async def send(
        self, method: str, target: str, body: bytes | None, timeout_s: float
    ) -> tuple[int, bytes]:
        """:returns: status and body. :raises EngineFault: gone, or busy."""
        try:
            async with asyncio.timeout(timeout_s), self._room:
                return await self._send(method, target, body)
        except TimeoutError as error:
            raise EngineBusy(f"{method} {target}: no answer within {timeout_s} s") from error
        except EngineFault:
            raise
        except OSError as error:
            raise EngineGone(f"{self._address}: {error}") from error

    async def _send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: {len(body or b'')}\r\n"
        if body is not None:
            head += "Content-Type: application/json\r\n"
        with await connect(self._address) as connection:
            await loop.sock_sendall(connection, head.encode() + b"\r\n" + (body or b""))
            while not answer.complete:
                data = await loop.sock_recv(connection, _READ_BYTES)
                if not data:
                    break
                parser.feed_data(data)
        if not answer.complete:
            raise EngineGone(f"{method} {target}: the answer was cut")
        return parser.get_status_code(), b"".join(answer.body)
