"""A raw client and a recording application for tests of the HTTP edge."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httptools

from kit.edge_limits import EdgeLimits
from kit.listener import Listener, bind

App = Callable[[Any, Any, Any], Awaitable[None]]
PROBE = b"GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self.body = b""
        self.complete = False

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.fields)


class Wire:
    """One client connection. Answers are parsed as they are asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answers: list[Answer] = []
        self._taken = 0
        self.parser = httptools.HttpResponseParser(self)

    def on_message_begin(self) -> None:
        self.answers.append(Answer())

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answers[-1].fields.append((name.decode(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.answers[-1].status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.answers[-1].body += body

    def on_message_complete(self) -> None:
        self.answers[-1].complete = True

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """Return the next complete answer."""
        while not (len(self.answers) > self._taken and self.answers[self._taken].complete):
            data = await self.reader.read(65536)
            if not data:
                raise EOFError(f"closed after {len(self.answers)} answers")
            self.parser.feed_data(data)
        self._taken += 1
        return self.answers[self._taken - 1]

    async def rest(self) -> bytes:
        """Return what comes until the server closes. A reset counts as closed."""
        data = b""
        try:
            while chunk := await self.reader.read(65536):
                data += chunk
        except ConnectionError:
            pass
        return data

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Recorder:
    """An application that answers each request with what it saw, as JSON."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        entry = {
            "method": scope["method"],
            "path": scope["raw_path"].decode("latin-1"),
            "query": scope["query_string"].decode("latin-1"),
            "headers": {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]},
        }
        if scope["path"] != "/probe":
            self.seen.append(entry)
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        entry["body"] = body.decode("latin-1") if b"x-drop" not in dict(scope["headers"]) else ""
        await respond(send, json.dumps(entry).encode())


async def respond(
    send: Any, body: bytes, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


class Edge:
    """A started listener, the refusals that it reported, and clients for it."""

    def __init__(self, listener: Listener, refused: list[tuple[str, int]]) -> None:
        self.listener = listener
        self.refused = refused
        self._wires: list[Wire] = []

    @property
    def state(self) -> Any:
        return self.listener._state

    async def connect(self, data: bytes = b"") -> Wire:
        wire = Wire(*await asyncio.open_connection(*self.listener.address, limit=1 << 20))
        self._wires.append(wire)
        wire.send(data)
        return wire

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when *condition* holds, looked at after each turn of the loop."""
        while not condition():  # noqa: ASYNC110  # conditions are of the server's insides, without events
            await asyncio.sleep(0)

    async def stop(self) -> None:
        for wire in self._wires:
            await wire.close()
        await self.listener.drain(1)


async def start_edge(app: App, limits: EdgeLimits | None = None, address: str = "127.0.0.1:0") -> Edge:
    refused: list[tuple[str, int]] = []
    listener = Listener(
        "test",
        app,
        bind(address),
        limits,
        on_refused=lambda reason, status, peer: refused.append((reason, status)),
    )
    await listener.start()
    return Edge(listener, refused)
