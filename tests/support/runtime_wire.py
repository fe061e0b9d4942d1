"""A sink that remembers, and a raw client, for tests of the Runtime API."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from executor.core.instructions import RefuseReason
from executor.runtime_api.contract import Delivery

REQUEST_ID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
INVOCATION = "/2018-06-01/runtime/invocation"

NEXT = f"GET {INVOCATION}/next HTTP/1.1\r\nHost: runtime\r\n\r\n".encode()


def post(path: str, body: bytes = b"{}", *, headers: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: runtime\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def response(body: bytes = b"{}", *, request_id: str = REQUEST_ID, headers: str = "") -> bytes:
    return post(f"{INVOCATION}/{request_id}/response", body, headers=headers)


def chunked(
    body: list[bytes], *, headers: str = "", trailers: str = "", request_id: str = REQUEST_ID
) -> bytes:
    head = (
        f"POST {INVOCATION}/{request_id}/response HTTP/1.1\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in body)
    return head + chunks + b"0\r\n" + trailers.encode() + b"\r\n"


def delivery(payload: bytes = b'{"a":1}', **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "request_id": REQUEST_ID,
        "payload": payload,
        "deadline_ms": 1_542_409_706_888,
        "function_arn": ARN,
        "trace": TRACE,
    }
    return Delivery(**(values | changes))


@dataclass
class Sink:
    """Records every call. `refuse` maps a call's name to the reason that it is answered with."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refuse: dict[str, RefuseReason] = field(default_factory=dict)
    on_next: Callable[[], None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _note(self, name: str, *details: Any) -> RefuseReason | None:
        self.calls.append((name, *details))
        self.changed.set()
        return self.refuse.get(name)

    def next_asked(self, environment: int) -> RefuseReason | None:
        refusal = self._note("next_asked", environment)
        if self.on_next is not None:
            self.on_next()
        return refusal

    def response_started(self, environment: int, request_id: str) -> RefuseReason | None:
        return self._note("response_started", environment, request_id)

    def response_ended(self, environment: int, request_id: str, body: bytes, *, complete: bool) -> None:
        self._note("response_ended", environment, request_id, body, complete)

    def error_posted(
        self, environment: int, request_id: str, body: bytes, error_type: str
    ) -> RefuseReason | None:
        return self._note("error_posted", environment, request_id, body, error_type)

    def response_too_large(self, environment: int, request_id: str) -> RefuseReason | None:
        return self._note("response_too_large", environment, request_id)

    def init_error_posted(self, environment: int, body: bytes, error_type: str) -> RefuseReason | None:
        return self._note("init_error_posted", environment, body, error_type)

    def slot_ready(self, slot: int) -> RefuseReason | None:
        return self._note("slot_ready", slot)

    def slot_lost(self, slot: int) -> None:
        self._note("slot_lost", slot)

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    async def wait_for(self, name: str, count: int = 1) -> tuple[Any, ...]:
        """The last of `count` calls named so, as soon as there are that many."""
        while self.names().count(name) < count:
            self.changed.clear()
            await self.changed.wait()
        return [call for call in self.calls if call[0] == name][count - 1]


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


def split_replies(stream: bytes) -> list[Reply]:
    """All whole answers in a stream of bytes."""
    found = []
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        size = int(headers.get("content-length", "0"))
        found.append(Reply(int(lines[0].split()[1]), headers, rest[:size]))
        stream = rest[size:]
    return found


class RawClient:
    """Sends bytes and reads answers one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> Reply:
        head = await self.reader.readuntil(b"\r\n\r\n")
        [reply] = split_replies(head)
        return Reply(
            reply.status,
            reply.headers,
            await self.reader.readexactly(int(reply.headers.get("content-length", "0"))),
        )

    async def ended(self) -> bool:
        """Whether the server closed the connection, with nothing more said."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


class MemoryTransport(asyncio.Transport):
    """Keeps what is written, one entry for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True
