"""One connection of a runtime: bytes to calls, in order, with everything bounded.

Hot path: ``response`` and the following ``next`` arrive in one read, and their answers leave in one write.
All of a read's answers are gathered and written at its end. Bodies are kept only for calls that need them.
"""

import asyncio
import base64
import binascii
import re
from typing import cast

import httptools

from executor.runtime_api import replies
from executor.runtime_api.calls import Call, Request, clean_error_type, parse
from executor.runtime_api.channel import EnvironmentChannel

# awslambdaric puts a stack of up to 1 MiB into a header (Lambda-Runtime-Function-XRay-Error-Cause). The same
# bound holds for trailers and chunk extensions: it is what may arrive without progress of the message.
HEAD_LIMIT_BYTES = 1024 * 1024 + 16 * 1024
# The parser copies an unfinished header at each read: the sum of those copies, against drops of one byte.
HEAD_WORK_LIMIT_BYTES = 128 * 1024 * 1024
URL_LIMIT_BYTES = 1024
# Shorter parts of a body are put together as they come: one by one, two bytes would take sixty of memory.
_SMALL_PART_BYTES = 4096
_LENGTH_DIGITS = 20  # int() refuses thousands of them, zeros too

_ERROR_TYPE = b"lambda-runtime-function-error-type"
_ERROR_BODY = b"lambda-runtime-function-error-body"
_RESPONSE_MODE = b"lambda-runtime-function-response-mode"
# What the own bootstrap writes after each event, byte for byte. It is read at a glance, without a parser's dozen
# calls back; every other way to say the same goes through the parser.
_USUAL_ANSWER = re.compile(
    rb"POST /2018-06-01/runtime/invocation/([0-9a-z-]{36})/response HTTP/1\.1\r\nHost: runtime\r\n"
    rb"Content-Type: application/json\r\nContent-Length: ([0-9]{1,7})\r\n\r\n"
)
_USUAL_NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
_KEPT = frozenset((b"content-length", b"connection", b"expect", _ERROR_TYPE, _ERROR_BODY, _RESPONSE_MODE))


class RuntimeConnection(asyncio.Protocol):
    """Speaks HTTP/1.1 for a channel. One request at a time; later ones of the same read follow in order."""

    def __init__(self, channel: EnvironmentChannel) -> None:
        self._channel = channel
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._out: list[bytes] = []
        self._reading = False
        self._between = True  # the parser has nothing of a message, and would take another
        self._waiting = False  # its `next`, or a slot's wait for its function, is unanswered
        self._closing = False  # after the answers that are due, the connection ends
        self._progressed = False
        self._stalled_bytes = 0
        self._stalled_work = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._in_body = False
        self._request: Request | None = None  # None: refused already, its body is dropped
        self._response_open = False  # the sink was told that the response started
        self._chunks: list[bytes | bytearray] = []  # the first is bytes
        self._body_bytes = 0

    # --- asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._channel.connected(self):
            self.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._channel.disconnected(self)
        self._transport = None
        self._waiting = False
        self._break_off()

    def eof_received(self) -> None:
        """The runtime will send no more. A body that is not whole is answered before the close."""
        if self._in_body and self._transport is not None:
            self._transport.write(replies.TRUNCATED)
        self._break_off()

    def data_received(self, data: bytes) -> None:
        if self._closing or self._transport is None:
            return
        if self._between and not self._waiting and self._take_usual(data):
            return
        self._reading, self._progressed = True, False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # our own fault, never the peer's
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end_with(replies.MALFORMED)
        finally:
            self._reading = False
        if not self._progressed and not self._closing:
            self._count_stall(len(data))
        self._flush()

    def _take_usual(self, data: bytes) -> bool:
        """Answer a read that is a whole ``response`` and a whole ``next``. False: it is something else."""
        match = _USUAL_ANSWER.match(data)
        if match is None:
            return False
        stop = match.end() + int(match[2])
        if data[stop:] != _USUAL_NEXT or stop - match.end() > replies.RESPONSE_LIMIT_BYTES:
            return False
        self._stalled_bytes = self._stalled_work = 0
        self._reading = True
        try:
            request_id = match[1].decode("ascii")
            refusal = self._channel.response_started(request_id)
            if refusal is None:
                self._channel.response_ended(request_id, data[match.end() : stop], complete=True)
            self._out.append(refusal or replies.ACCEPTED)
            if not self._closing:
                self._ask_next()
        finally:
            self._reading = False
        self._flush()
        return True

    def pause_writing(self) -> None:
        """The runtime does not read its answers: none of its questions either, or they would pile up."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    # --- the channel's calls ---------------------------------------------------------------------

    def answer_next(self, answer: bytes) -> bool:
        """Answer what is pending (``next``, or a slot's wait) at once, or with the rest of the read under way."""
        transport = self._transport
        if transport is None or not self._waiting or transport.is_closing():
            return False
        self._waiting = False
        if self._reading:
            self._out.append(answer)
        else:
            transport.write(answer)
            if self._closing:
                transport.close()
        return True

    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def peer_port(self) -> int | None:
        """The TCP port at the other end; None on a unix socket."""
        peer = None if self._transport is None else self._transport.get_extra_info("peername")
        return peer[1] if isinstance(peer, tuple) else None

    def abort(self) -> None:
        self._closing = True
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()

    # --- httptools -------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._between = False

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > URL_LIMIT_BYTES:
            self._end_with(replies.HEAD_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Headers, and after the body trailers: both count (a stream's error arrives as trailers)."""
        name = name.lower()
        if name in _KEPT:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        self._progressed = True
        self._in_body = True
        if self._closing:
            return
        if self._waiting:  # its answer would have to overtake the event's: nobody may ask while it waits
            self._end_with(b"")
            return
        parsed = parse(self._parser.get_method(), self._url)
        if isinstance(parsed, bytes):
            self._out.append(parsed)
            return
        self._request = parsed
        if self._headers:
            self._read_head(parsed)

    def on_body(self, chunk: bytes) -> None:
        self._progressed = True
        if self._request is None or self._closing:
            return
        self._body_bytes += len(chunk)
        if self._body_bytes > replies.RESPONSE_LIMIT_BYTES:
            self._refuse_size(self._request)
        else:
            self._keep(chunk)

    def _keep(self, part: bytes) -> None:
        chunks = self._chunks
        if not chunks or len(part) >= _SMALL_PART_BYTES:
            chunks.append(part)
            return
        last = chunks[-1]
        if isinstance(last, bytearray):
            last += part
        else:
            chunks.append(bytearray(part))

    def on_message_complete(self) -> None:
        self._progressed = True
        self._between = self._parser.should_keep_alive()
        self._stalled_bytes = self._stalled_work = 0
        request, headers = self._request, self._headers
        if request is not None and not self._closing:
            if request.call is Call.NEXT:
                self._ask_next()
            elif request.call is Call.SPECIALISE:
                self._ask_specialise()
            else:
                chunks = self._chunks
                self._finish(request, bytes(chunks[0]) if len(chunks) == 1 else b"".join(chunks))
        if headers:
            if headers.get(b"connection", b"").lower() == b"close":
                self._closing = True
            self._headers = {}
        self._url = b""
        self._in_body = False
        self._request = None
        if self._body_bytes:
            self._chunks, self._body_bytes = [], 0

    # --- calls -----------------------------------------------------------------------------------

    def _read_head(self, request: Request) -> None:
        """What of a call can be decided before its body is there."""
        headers = self._headers
        mode = headers.get(_RESPONSE_MODE)
        if mode is not None and request.call is Call.RESPONSE and mode.lower() != b"streaming":
            self._refuse(replies.INVALID_RESPONSE_MODE)
            return
        length = headers.get(b"content-length")
        if length is not None:
            if len(length) > _LENGTH_DIGITS or int(length) > replies.RESPONSE_LIMIT_BYTES:
                self._refuse_size(request)
                return
            if request.call is Call.RESPONSE:
                refusal = self._channel.response_started(request.request_id)
                if refusal is not None:
                    self._refuse(refusal)
                    return
                self._response_open = True
        if b"expect" in headers:
            self._out.append(replies.CONTINUE)

    def _ask_next(self) -> None:
        self._waiting = True
        refusal = self._channel.next_asked(self)
        if refusal is not None:
            self._waiting = False
            self._out.append(refusal)

    def _ask_specialise(self) -> None:
        self._waiting = True
        refusal = self._channel.specialise_asked(self)
        if refusal is not None:
            self._waiting = False
            self._out.append(refusal)

    def _finish(self, request: Request, body: bytes) -> None:
        """The call is there whole."""
        call = request.call
        if call is Call.RESPONSE:
            self._out.append(self._finish_response(request.request_id, body) or replies.ACCEPTED)
        elif call is Call.PING:
            self._out.append(replies.PONG)
        elif call is Call.ERROR:
            refusal = self._channel.error_posted(
                request.request_id, body, self._error_type("Function.Unknown")
            )
            self._out.append(refusal or replies.ACCEPTED)
        else:
            refusal = self._channel.init_error_posted(body, self._error_type("Runtime.Unknown"))
            self._out.append(refusal or replies.ACCEPTED)

    def _finish_response(self, request_id: str, body: bytes) -> bytes | None:
        """A response without a length (chunked) starts and ends here: only its end shows what it was."""
        if not self._response_open:
            if _ERROR_TYPE in self._headers and _RESPONSE_MODE in self._headers:
                error = _decoded(self._headers.get(_ERROR_BODY, b""))
                return self._channel.error_posted(request_id, error, self._error_type("Function.Unknown"))
            refusal = self._channel.response_started(request_id)
            if refusal is not None:
                return refusal
        self._response_open = False
        self._channel.response_ended(request_id, body, complete=True)
        return None

    def _error_type(self, unknown: str) -> str:
        value = self._headers.get(_ERROR_TYPE)
        return unknown if value is None else clean_error_type(value.decode("latin-1"))

    def _refuse_size(self, request: Request) -> None:
        refusal: bytes | None = None
        if request.call is Call.INIT_ERROR:
            error_type = self._error_type("Runtime.Unknown")
            refusal = self._channel.init_error_posted(replies.TOO_LARGE_BODY, error_type)
        elif request.call in (Call.RESPONSE, Call.ERROR):
            refusal = self._channel.response_too_large(request.request_id)
        self._refuse(refusal or replies.TOO_LARGE)

    def _refuse(self, answer: bytes) -> None:
        """Answer now; what is left of the body is read and dropped."""
        self._out.append(answer)
        self._request = None
        self._chunks = []

    # --- ends ------------------------------------------------------------------------------------

    def _break_off(self) -> None:
        """No more bytes will come: a response that had started will never be whole."""
        request = self._request
        self._request = None
        self._closing = True
        if request is None or not self._in_body or request.call is not Call.RESPONSE or self._channel.closed:
            return
        if self._response_open or self._channel.response_started(request.request_id) is None:
            self._response_open = False
            self._channel.response_ended(request.request_id, b"".join(self._chunks), complete=False)

    def _end_with(self, answer: bytes) -> None:
        if not self._closing:
            self._closing = True
            self._waiting = False
            self._out.append(answer)

    def _count_stall(self, size: int) -> None:
        self._stalled_bytes += size
        self._stalled_work += self._stalled_bytes
        if self._stalled_bytes > HEAD_LIMIT_BYTES or self._stalled_work > HEAD_WORK_LIMIT_BYTES:
            self._end_with(replies.HEAD_TOO_LARGE)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._out:
            transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()
        if self._closing and not self._waiting:
            transport.close()


def _decoded(value: bytes) -> bytes:
    """The error of a stream's trailer, base64 on the wire."""
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""
