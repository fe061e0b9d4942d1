"""One request and its response: the ASGI side of a connection.

The head is held back until the first body message, so that both leave in one write: a wake-up of the
peer costs more than all of our code. The edge owns framing; an application's ``transfer-encoding`` and
hop-by-hop fields never reach the wire.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent, HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl

from kit.edge_answers import STATUS_LINES
from kit.edge_limits import RefusalReason
from kit.edge_state import EdgeState

log = logging.getLogger("lockgate.edge")

_JOINED_BYTES = 64 * 1024  # a copy up to here is cheaper than a second buffer
_OURS = frozenset(
    b"connection content-length date keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)


class BadResponseError(RuntimeError):
    """The application's response cannot be put on the wire."""


class Wire(Protocol):
    """What a cycle needs of its connection."""

    transport: asyncio.Transport
    flow: FlowControl
    state: EdgeState

    def response_done(self, cycle: "EdgeCycle") -> None: ...

    def response_failed(self, cycle: "EdgeCycle", reason: RefusalReason, status: int) -> None: ...

    def continue_sent(self) -> None: ...


class EdgeCycle:
    """One request in progress; the application finds it in ``scope["extensions"]["lockgate"]``.

    :ivar content_length: of the request, or None when chunked. 0 without a body.
    :ivar scope: for the application, until it runs.
    :ivar gone: the client has closed its side, or the edge has given the request up.
    """

    __slots__ = (
        "_event",
        "_fields",
        "_framing",
        "_is_1_0",
        "_on_gone",
        "_remaining",
        "_status",
        "awaits_continue",
        "body",
        "complete",
        "content_length",
        "edge",
        "gone",
        "is_head",
        "keep_alive",
        "lost",
        "more_body",
        "scope",
        "started",
        "task",
        "told_end",
    )

    def __init__(self, edge: Wire, content_length: int | None, *, keep_alive: bool, is_1_0: bool) -> None:
        self.edge = edge
        self.content_length = content_length
        self.keep_alive = keep_alive
        self.awaits_continue = False
        self.is_head = False
        self.scope: HTTPScope
        self.body = bytearray()
        self.more_body = True
        self.told_end = False
        self.gone = False
        self.lost = False  # the transport is, or something else was answered: nothing may be written
        self.started = False  # the head is on the wire
        self.complete = False
        self.task: asyncio.Task[None] | None = None
        self._is_1_0 = is_1_0
        self._status = 0
        self._fields: Any = ()
        self._framing = b""  # "length", "chunked", "close" or "none"; b"" until the head is composed
        self._remaining = 0
        self._event: asyncio.Event | None = None
        self._on_gone: Callable[[], None] | None = None

    # What the application uses beside ASGI

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Have *callback* called once if the client leaves before the response is complete.

        One callback a request; a later call replaces it, None removes it. Called at once if it is gone.
        A client that only closes its sending side counts as gone, but still gets what is sent.
        """
        if callback is not None and self.gone:
            callback()
            return
        self._on_gone = callback

    def body_now(self) -> bytes | None:
        """Return the whole request body if it is here and nothing of it was received yet, else None."""
        if self.more_body or self.told_end:
            return None
        self.told_end = True
        body, self.body = self.body, bytearray()
        return bytes(body)

    def respond(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole response at once, as two ASGI messages would.

        :returns: False: the client reads too slowly, so nothing was done, and `send` is to be awaited.
        """
        if self.lost:
            return True
        if self.edge.flow.write_paused:
            return False
        if self._status:
            raise BadResponseError("a second response")
        self._status = status
        self._fields = fields
        self._send_body(body, more=False)
        return True

    # What the connection tells

    def mark_gone(self) -> None:
        if self.gone:
            return
        self.gone = True
        self.wake()
        callback, self._on_gone = self._on_gone, None
        if callback is not None and not self.complete:
            callback()

    def lose(self) -> None:
        """Write nothing from now on."""
        self.lost = True
        self.mark_gone()

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()

    async def run(self, app: ASGI3Application) -> None:
        """Run *app* on this request; whatever it does, the client gets an answer or a closed connection."""
        edge, scope = self.edge, self.scope
        del self.scope  # it holds this cycle: kept, both would be left to the garbage collector
        try:
            await app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            if not self.complete:
                edge.response_failed(self, "cut_off", 503)
            raise
        except Exception:
            log.exception("the application failed on a request")
            if not self.complete:
                edge.response_failed(self, "app_failed", 500)
        else:
            if not self.complete and not self.gone:
                log.error("the application returned without a complete response")
            if not self.complete:
                edge.response_failed(self, "app_silent", 500)
        finally:
            if self.task is not None:
                edge.state.tasks.discard(self.task)

    # ASGI

    async def receive(self) -> ASGIReceiveEvent:
        if self.awaits_continue and self.more_body and not self.lost:
            self.awaits_continue = False
            self.edge.continue_sent()
        while True:
            if self.told_end:
                if self.gone or self.complete:
                    return {"type": "http.disconnect"}
            elif self.body or not self.more_body:
                body, self.body = self.body, bytearray()
                self.told_end = not self.more_body
                return {"type": "http.request", "body": bytes(body), "more_body": self.more_body}
            elif self.gone or self.complete:
                return {"type": "http.disconnect"}
            else:
                self.edge.flow.resume_reading()
            if self._event is None:
                self._event = asyncio.Event()
            self._event.clear()
            await self._event.wait()

    async def send(self, message: ASGISendEvent) -> None:
        flow = self.edge.flow
        if flow.write_paused and not self.lost:
            await flow.drain()
        if self.lost:
            return
        if message["type"] == "http.response.body" and self._status and not self.complete:
            self._send_body(message.get("body", b""), message.get("more_body", False))
        elif message["type"] == "http.response.start" and not self._status:
            self._status = message["status"]
            self._fields = message.get("headers", ())
        else:
            raise BadResponseError(f"unexpected ASGI message {message['type']!r}")

    def _send_body(self, body: bytes, more: bool) -> None:
        transport = self.edge.transport
        if self.started:
            data = self._frame(body, more)
            if data:
                transport.write(data)
        else:
            head = self._compose_head(body, more)
            data = self._frame(body, more)
            self.started = True
            if len(data) > _JOINED_BYTES:
                transport.writelines((head, data))
            else:
                transport.write(head + data)
        if not more:
            self.complete = True
            self.wake()
            self._on_gone = None
            self.edge.response_done(self)

    def _frame(self, body: bytes, more: bool) -> bytes:
        framing = self._framing
        if framing == b"length":
            self._remaining -= len(body)
            if self._remaining < 0 or (self._remaining and not more):
                raise BadResponseError("the response body does not have the length of its Content-Length")
            return body
        if framing == b"chunked":
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        return body if framing == b"close" else b""

    def _compose_head(self, body: bytes, more: bool) -> bytes:
        status = self._status
        if status not in STATUS_LINES:
            raise BadResponseError(f"response status {status}")
        if self.awaits_continue and self.more_body:
            # Unasked, the client may or may not send the body: the next bytes have no known meaning.
            self.keep_alive = False
        parts = [STATUS_LINES[status]]
        lines = 1
        length: bytes | None = None
        date = self.edge.state.date
        for name, value in self._fields:
            name = name.lower()  # noqa: PLW2901  # the wire form is lower case
            if name not in _OURS:
                parts += (name, b": ", value, b"\r\n")
                lines += 1
            elif name == b"content-length":
                length = value
            elif name == b"date":
                date = value
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
        parts += (b"date: ", date, b"\r\n")
        lines += 1
        framing = self._choose_framing(length, len(body), more)
        if framing:
            parts.append(framing)
            lines += 1
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
            lines += 1
        head = b"".join(parts)
        # The gateway has checked every field; a line break that came through all the same stops here.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise BadResponseError("a response field holds CR, LF or NUL")
        return head + b"\r\n"

    def _choose_framing(self, length: bytes | None, body_bytes: int, more: bool) -> bytes:
        """Set `_framing` and return the field that announces it (RFC 9112 section 6)."""
        if length is not None and not length.isdigit():
            raise BadResponseError("the response's Content-Length is not a number")
        if self._status in (204, 304) or self.is_head:
            self._framing = b"none"
            if length is None and self.is_head and body_bytes and not more:
                length = b"%d" % body_bytes
            if length is None or self._status == 204:
                return b""
            return b"content-length: %b\r\n" % length
        if length is not None or not more:
            self._framing = b"length"
            self._remaining = body_bytes if length is None else int(length)
            return b"content-length: %d\r\n" % self._remaining
        if self._is_1_0:  # HTTP/1.0 knows no chunks: the end of the connection is the end of the body
            self._framing = b"close"
            self.keep_alive = False
            return b""
        self._framing = b"chunked"
        return b"transfer-encoding: chunked\r\n"
