"""One connection of an edge process: calls in, one at a time, answers out, head and body in one write.

A call is run only when it is there whole. Its caller's going is the connection's end. What does not follow
`kit.remote_wire` ends the connection without an answer: at the other end is a process of ours, or an intruder.
"""

import asyncio
import logging
from typing import Any, Protocol, cast

import httptools

from executor.api.errors import ServiceFault, error_answer
from executor.remote.credentials import peer_uid
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall, Invoker
from kit.remote_wire import (
    BUDGET_EXCEEDED,
    GREETING,
    NOT_RUN,
    PAYLOAD_BYTES,
    WireError,
    answer_head,
    no_answer,
    read_call,
    read_generation,
)

HEAD_BYTES = 32 * 1024  # a client context has 3.5 KB at most, a trace less than 1
TARGET_BYTES = 4096
_TOO_LATE = no_answer(504, BUDGET_EXCEEDED)
_GOODBYE = no_answer(503, NOT_RUN, closing=True)

log = logging.getLogger("lockgate.executor.remote")


class Desk(Protocol):
    """What the connection needs of its server."""

    def admits(self, uid: int | None) -> bool: ...

    def connected(self, connection: "InvokeConnection") -> bool:
        """Whether there is room for one more."""
        ...

    def disconnected(self, connection: "InvokeConnection") -> None: ...

    def invoker(self, generation: int | None) -> Invoker: ...

    def new_id(self) -> str: ...


class InvokeConnection(asyncio.Protocol):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)  # it has no types
        self._transport: asyncio.Transport | None = None
        self._known = False  # the server counts it
        self._between = True  # nothing of a request is here
        self._leaving = False  # no further request is taken
        self._running: asyncio.Task[None] | None = None
        self._broken: str | None = None
        self._reset()

    def __repr__(self) -> str:
        state = "running" if self._running else "rested" if self._between else "reading"
        return f"<InvokeConnection {state}>"

    def _reset(self) -> None:
        self._target = b""
        self._fields: dict[bytes, bytes] = {}
        self._head_bytes = 0  # that were fed; the parser keeps half a field without telling
        self._field_bytes = 0  # that it told of: a head may come in one read
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._in_body = False

    # --- its server ------------------------------------------------------------------------------

    def leave(self) -> None:
        """Take no further call. One that is under way is answered first; one that comes now is told so."""
        self._leaving = True
        if self._between and self._running is None:
            self._say_goodbye()

    def abort(self) -> None:
        self._leaving = True
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._desk.admits(peer_uid(transport)):
            log.warning("a connection of another user was refused")
            self._transport.abort()
            return
        self._known = self._desk.connected(self)
        if not self._known:
            self._transport.abort()
            return
        self._transport.write(GREETING)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._parser = (
            None  # it holds this object: without it both go at once, and not by the garbage collector
        )
        if self._running is not None:
            self._running.cancel()  # the caller is gone
        if self._known:
            self._desk.disconnected(self)

    def data_received(self, data: bytes) -> None:
        if self._leaving and self._between and self._running is None:
            return  # the goodbye is on its way, and is the answer
        if self._running is not None:
            self._break("more came while a call was running")
            return
        in_body = self._in_body
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            self.abort()
            raise  # our own fault
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._break(f"not HTTP/1.1: {error}")
            return
        if not in_body and not self._between and not self._in_body:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._broken = self._broken or "the head is too large"
        if self._broken is not None:
            self._break(self._broken)

    # --- httptools -------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._running is not None:
            self._broken = "more came while a call was running"
        self._between = False

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > TARGET_BYTES:
            self._broken = "the target is too long"

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > HEAD_BYTES:
            self._broken = "the head is too large"
        if name in self._fields:
            self._broken = "a field came twice"
        self._fields[name] = value

    def on_headers_complete(self) -> None:
        self._in_body = True
        if self._parser.get_method() != b"POST" or b"content-length" not in self._fields:
            self._broken = "not a POST with a length"
        elif self._parser.should_upgrade():  # the parser would take the head for the whole request
            self._broken = "it wants another protocol"

    def on_body(self, chunk: bytes) -> None:
        self._body_bytes += len(chunk)
        if self._body_bytes > PAYLOAD_BYTES:
            self._broken = "the payload is larger than any that is sent"
        elif self._broken is None:
            self._parts.append(chunk)

    def on_message_complete(self) -> None:
        if self._broken is None:
            self._begin()

    # --- calls -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        parts = self._parts
        try:
            call = read_call(self._target, self._fields, parts[0] if len(parts) == 1 else b"".join(parts))
            invoker = self._desk.invoker(read_generation(self._fields))
        except WireError as error:
            self._broken = str(error)
            return
        self._reset()
        self._between = True
        if self._leaving:
            self._say_goodbye()
            return
        self._running = self._loop.create_task(self._run(invoker, call), name="remote call")

    async def _run(self, invoker: Invoker, call: InvokeCall) -> None:
        """Answer one call, whatever happens. Cancelled when its caller is gone."""
        try:
            answer = await invoker.invoke(call)
            head = answer_head(answer, closing=self._leaving)
        except BudgetExceeded:
            self._answer(_TOO_LATE)
            return
        except Exception:
            log.exception("a call of %s failed", call.function)
            answer = error_answer(ServiceFault(), self._desk.new_id())
            head = answer_head(answer, closing=self._leaving)
        finally:
            self._running = None
        self._answer(head, answer)

    def _answer(self, head: bytes, answer: InvokeAnswer | None = None) -> None:
        transport = self._transport
        if transport is None:
            return
        payload = b"" if answer is None or answer.status == 204 else answer.payload
        if len(payload) < 65536:  # a copy of this costs less than another call of the system
            transport.write(head + payload if payload else head)
        else:
            transport.writelines((head, payload))
        if self._leaving:
            transport.close()

    def _say_goodbye(self) -> None:
        """Said unasked: a call that is on its way meets it as its answer, and is taken elsewhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_GOODBYE)
            self._transport.close()

    def _break(self, why: str) -> None:
        log.warning("a connection was cut: %s", why)
        self.abort()
