"""One connection of `kit.http_client`: a request out, its answer in, with everything bounded and nothing guessed.

It carries one exchange at a time. Whatever is unclear about where an answer ends closes it: a byte too many, a
body that only the connection's end ends, an answer that nobody asked for, an exchange that was given up.
"""

import asyncio
from math import inf
from typing import Protocol, cast

import httptools

from kit.http_client_errors import BadResponse, ConnectionLost, HttpClientError, ResponseTimeout
from kit.http_client_exchange import Exchange, Response
from kit.http_client_reading import SWITCHING, AnswerReading


class Owner(Protocol):
    """Who keeps the connections."""

    def rested(self, connection: "Connection") -> None:
        """Its exchange is over and it can take another one."""
        ...

    def lost(self, connection: "Connection") -> None:
        """It is no more. Called once."""
        ...

    def due(self, deadline: float) -> None:
        """Something is to be looked at (`Connection.expire`) at this time on the loop's clock."""
        ...


class Connection(AnswerReading, asyncio.Protocol):
    """:param greeting: what the peer says first of all; until then it has not taken the connection.

    :param unread: ends that tell that the peer cannot have read the request's last byte. EPIPE is one: it comes from
        sending only, while something is left to be sent.
    :ivar deadline: when `expire` is due, on the loop's clock.
    """

    def __init__(
        self,
        owner: Owner,
        peer: str,
        *,
        head_bytes: int,
        head_fields: int,
        greeting: bytes = b"",
        unread: tuple[type[OSError], ...] = (BrokenPipeError,),
    ) -> None:
        super().__init__(peer, head_bytes=head_bytes, head_fields=head_fields)
        self.deadline = inf
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        self._greeting = greeting
        self._unread = unread
        self._transport: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._sending = False  # a body in parts is not whole yet

    def __repr__(self) -> str:
        state = "raw" if self._raw else "busy" if self._exchange else "idle" if self.is_open() else "closed"
        return f"<Connection {self._peer} {state}>"

    # --- its user --------------------------------------------------------------------------------

    def is_open(self) -> bool:
        return not self._doomed and self._transport is not None and not self._transport.is_closing()

    def begin(self, exchange: Exchange, head: bytes, body: bytes = b"", *, more: bool = False) -> None:
        """Send a request, head and body in one write where they are small. :param more: `send` brings the rest."""
        transport = self._transport
        assert transport is not None
        assert self._exchange is None
        self._exchange = exchange
        self._sending = more
        self.deadline = exchange.deadline
        if not self._greeting:
            self.deadline += exchange.grace_s
        self._owner.due(self.deadline)
        if len(body) < 65536:  # a copy of this costs less than another call of the system
            transport.write(head + body if body else head)
        else:
            transport.writelines((head, body))

    async def send(self, exchange: Exchange, part: bytes) -> bool:
        """Send more of a body, and wait for room. False: nobody wants it, the exchange is over."""
        return self._exchange is exchange and await self._write(part)

    def finish_sending(self, exchange: Exchange, last: bytes) -> None:
        """The body is whole with this."""
        if self._exchange is exchange and self._transport is not None:
            self._transport.write(last)
            self._sending = False

    @property
    def was_greeted(self) -> bool:
        """The peer has taken the connection; True where none greets."""
        return not self._greeting

    @property
    def is_raw(self) -> bool:
        return self._raw is not None

    async def send_raw(self, data: bytes) -> bool:
        """Send on a raw stream, and wait for room. False: it is closed."""
        return self._raw is not None and await self._write(data)

    async def _write(self, data: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        if self._drained is not None:
            await asyncio.shield(self._drained)
        return True

    def leave(self, exchange: Exchange) -> None:
        """Its caller goes: if the exchange is not over, the connection is. Idempotent."""
        if exchange.sending is not None:
            exchange.sending.cancel()
        if self._exchange is exchange:
            self.abort()

    def send_eof(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """Give up the exchange and the connection, at once."""
        self._doomed = True
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """Its deadline has passed: an idle one goes, an exchange fails."""
        if self._exchange is None and self._raw is None:
            self.abort()
            return
        self.fail(ResponseTimeout(f"{self._peer} did not answer in time"))

    def fail(self, error: HttpClientError) -> None:
        """End whatever is under way with *error*, and the connection."""
        exchange = self._exchange
        if exchange is not None:
            if not exchange.answer.done():
                exchange.answer.set_exception(error)
            elif exchange.reader is not None:
                exchange.reader.fail(error)
        if self._raw is not None:
            self._raw.fail(error)
        self.abort()

    # --- BodyReader's calls ----------------------------------------------------------------------

    def hold(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        if self._exchange is not None:
            self.deadline = self._exchange.total

    def go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._moved()

    # --- asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._raw is not None:
            self._raw.feed(data)
            return
        if self._greeting:
            data = self._read_greeting(data)
            if not data:
                return
        if self._exchange is None:
            self.abort()  # nobody asked for anything: what comes next could be taken for the next answer
            return
        self._progressed = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(data[upgrade.args[0] :])
            return
        except httptools.HttpParserCallbackError:
            self.abort()
            raise  # our own fault, never the peer's
        except httptools.HttpParserError as error:
            self._doomed = True
            if not self._whole:
                self._fault = self._fault or BadResponse(f"{self._peer} does not answer in HTTP/1.1: {error}")
        if not self._progressed:
            self._count_stall(len(data))
        if self._fault is not None:
            self.fail(self._fault)
        elif self._whole:
            self._complete()
        elif self._in_body:
            self._moved()

    def eof_received(self) -> None:
        """The peer sends no more: an answer that only this ends is whole. The transport closes itself."""
        if self._raw is not None:
            self._raw.finish()
        elif self._exchange is not None and self._in_body and self._until_close:
            self._complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._doomed = True
        self._transport = None
        self._parser = (
            None  # it holds this object: without it both go at once, and not by the garbage collector
        )
        self.resume_writing()
        if self._exchange is not None:
            # A peer that greets does so before it reads.
            was_sent = not (self._sending or self._greeting or isinstance(exc, self._unread))
            self.fail(
                ConnectionLost(f"{self._peer} closed the connection before it answered", was_sent=was_sent)
            )
        if self._raw is not None:
            if exc is None:
                self._raw.finish()
            else:
                self._raw.fail(ConnectionLost(f"{self._peer}: {exc}", was_sent=True))
        self._owner.lost(self)

    def _read_greeting(self, data: bytes) -> bytes:
        """Take the greeting off what came; the rest."""
        size = min(len(data), len(self._greeting))
        if data[:size] != self._greeting[:size]:
            self.fail(BadResponse(f"{self._peer} is not what it should be: it greets with other words"))
            return b""
        self._greeting = self._greeting[size:]
        if not self._greeting and self._exchange is not None:
            self.deadline = self._exchange.deadline + self._exchange.grace_s
        return data[size:]

    # --- answers ---------------------------------------------------------------------------------

    def _switch(self, rest: bytes) -> None:
        exchange = self._exchange
        if (
            self._fault is not None
            or exchange is None
            or exchange.reader is None
            or self._status != SWITCHING
        ):
            self.fail(self._fault or BadResponse(f"{self._peer} switches protocols, unasked"))
            return
        self._become_raw(exchange)
        if not exchange.answer.done():
            exchange.answer.set_result(Response(self._status, self._fields))
        if rest and self._raw is not None:
            self._raw.feed(rest)

    def _become_raw(self, exchange: Exchange) -> None:
        self._raw = exchange.reader
        self._exchange = None
        self._doomed = True
        self.deadline = inf

    def _moved(self) -> None:
        """A stream goes on: its patience begins anew, but never reaches beyond its whole time."""
        exchange = self._exchange
        if exchange is None or exchange.reader is None or not self._in_body:
            return
        if self._raw is not None:
            self._become_raw(exchange)
        elif not exchange.reader.is_held:
            self.deadline = min(exchange.total, self._loop.time() + exchange.idle_s)
            self._owner.due(self.deadline)

    def _complete(self) -> None:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        if exchange.reader is not None:
            if not exchange.answer.done():
                exchange.answer.set_result(Response(self._status, self._fields))
            exchange.reader.finish()
        elif not exchange.answer.done():
            parts = self._parts
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            exchange.answer.set_result(Response(self._status, self._fields, body))
        reusable = not (self._doomed or self._until_close or self._sending)
        self._reset()
        if reusable and self.is_open():
            self._owner.rested(self)
        else:
            self.abort()
