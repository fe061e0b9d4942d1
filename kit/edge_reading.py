"""The reading side of the edge: bytes in, requests out, or a refusal. See `kit.edge` for the whole.

The parser buffers for us at most what one feed brings, and reports nothing of half a field; so bytes are
counted as they are fed (`_unaccounted`) and as callbacks show them (`_field_bytes`, `_body_bytes`).
"""

import asyncio
import logging
from collections import deque
from math import inf
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kit.edge_head import (
    HOP_BY_HOP,
    PLAIN_NAMES,
    REFUSED_METHODS,
    Field,
    HeadRefusedError,
    content_length,
    is_valid_host,
    split_target,
    without_named,
)
from kit.edge_limits import RefusalReason
from kit.edge_response import EdgeCycle
from kit.edge_state import EdgeState

log = logging.getLogger("lockgate.edge")

# NEW: no byte yet. IDLE: between requests. HEAD, BODY: inside one. READ: a whole request is read and not yet
# answered. SHUT: nothing more is read as HTTP.
NEW, IDLE, HEAD, BODY, READ, SHUT = range(6)

_CONTROL_FIELDS = HOP_BY_HOP | {b"host", b"content-length"}


class EdgeReading(HttpToolsProtocol):
    """Parses requests, holds them against the limits and hands each to `enqueue` at the end of its head."""

    server_state: EdgeState

    def __init__(self, config: Config, state: EdgeState, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, state, {}, loop)
        self.state = state
        self.limits = state.limits
        self.active: EdgeCycle | None = None
        self.latest: EdgeCycle | None = None  # the cycle whose body is being read
        self.waiting: deque[EdgeCycle] = deque()
        self._phase = NEW
        self._deadline = inf  # of the phase, on the loop's clock
        self._requests_left: float = state.limits.requests
        self._unaccounted = 0  # bytes fed since the last one that a callback has counted
        self._replaying = False
        self._refused: HeadRefusedError | None = None
        self._target = b""
        self._known_host: bytes | None = None
        self._asgi = {"version": "3.0", "spec_version": "2.3"}

    def data_received(self, data: bytes) -> None:
        if self._phase == SHUT:
            self._unaccounted += len(data)
            if self._unaccounted > self.limits.linger_bytes:
                # Not read further, and not reset: a front proxy in the middle of an upload would take that
                # for our failure and answer 502 in place of our 413.
                self.transport.pause_reading()
            return
        self._unaccounted += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_unparsed(error)
        if self._unaccounted > 8192 and self._phase != SHUT:
            self._check_unaccounted()

    def _refuse_unparsed(self, error: httptools.HttpParserError) -> None:
        refused, self._refused = self._refused, None
        if refused is not None:
            self.refuse(refused.reason, refused.status)
        elif self._phase == SHUT:
            return
        elif isinstance(error, httptools.HttpParserCallbackError):
            log.error("the edge failed on a request", exc_info=error)
            self.refuse("internal", 500)
        else:
            self.refuse("malformed", 400)

    def _check_unaccounted(self) -> None:
        """Bound what the parser holds and no callback has shown: half a field, trailers, chunk extensions."""
        limits = self.limits
        if self._phase == BODY:
            if self._unaccounted > limits.trailer_bytes:
                self.refuse("trailers_too_large", 431)
        elif self._phase != READ and self._unaccounted > limits.head_bytes + limits.target_bytes:
            self.refuse("fields_too_large", 431)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 after a request with ``Upgrade``, as RFC 9110 section 7.8 allows.

        The parser stops at the head of such a request and would take its body for the next request, so a new
        parser is told by a head of our own how the body is framed. Common: Java's HttpClient offers h2c on
        its first request, whatever the method.
        """
        cycle = self.latest
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            if self._replaying and cycle is not None:
                length = cycle.content_length
                framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
                self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
                self._replaying = False
            if rest:
                self.parser.feed_data(rest)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(rest[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_unparsed(error)

    # Parser callbacks. They refuse by raising, which also stops the parser in the middle of its data.

    def _stop(self, reason: RefusalReason, status: int) -> HeadRefusedError:
        self._refused = HeadRefusedError(reason, status)
        return self._refused

    def on_message_begin(self) -> None:
        if self._replaying:
            return
        latest = self.latest
        if latest is not None and not latest.keep_alive:
            self._phase, self._deadline = SHUT, inf  # we have promised to close: this is nobody's request
            raise HeadRefusedError("malformed", 400)
        if len(self.waiting) >= self.limits.pipelined:
            raise self._stop("pipeline_too_deep", 503)
        self._phase = HEAD
        self._deadline = self.loop.time() + self.limits.header_s
        self._target = b""
        self.headers: list[Field] = []
        self._fields = 0
        self._field_bytes = 0
        self._host: bytes | None = None
        self._length: bytes | None = None
        self._coding: bytes | None = None
        self._connection: bytes | None = None
        self._expect: bytes | None = None

    def on_url(self, url: bytes) -> None:
        if self._replaying:
            return
        self._target += url
        if len(self._target) > self.limits.target_bytes:
            raise self._stop("target_too_long", 414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._replaying:
            return
        size = len(name) + len(value) + 4  # ": " and CRLF
        self._field_bytes = total = self._field_bytes + size
        self._fields = count = self._fields + 1
        limits = self.limits
        if self._phase == BODY:  # a trailer: counted, dropped (RFC 9110 section 6.5.1)
            if total > limits.trailer_bytes or count > limits.fields:
                raise self._stop("trailers_too_large", 431)
            return
        if size > limits.field_bytes:
            raise self._stop("field_too_large", 431)
        if count > limits.fields:
            raise self._stop("fields_too_many", 431)
        if total > limits.head_bytes:
            raise self._stop("fields_too_large", 431)
        value = value.strip(b" \t")
        plain = PLAIN_NAMES.get(name)
        if plain is not None:
            self.headers.append((plain, value))
            return
        name = name.lower()
        if name in _CONTROL_FIELDS:
            self._take_control_field(name, value)
        elif b"_" in name:
            self.state.refused("header_with_underscore", 0, self.client)
        else:
            self.headers.append((name, value))

    def _take_control_field(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            if self._host is not None:
                raise self._stop("host", 400)
            if value != self._known_host:
                if not is_valid_host(value):
                    raise self._stop("host", 400)
                self._known_host = value
            self._host = value
            self.headers.append((name, value))
        elif name == b"content-length":
            if self._length is not None:
                raise self._stop("framing", 400)
            self._length = value
            self.headers.append((name, value))
        elif name == b"transfer-encoding":
            if self._coding is not None:
                raise self._stop("framing", 400)
            self._coding = value.lower()
        elif name == b"connection":
            self._connection = value if self._connection is None else self._connection + b"," + value
        elif name == b"expect":
            self._expect = value.lower()

    def on_headers_complete(self) -> None:
        if self._replaying:
            return
        try:
            self._begin_request()
        except HeadRefusedError as refused:
            self._refused = refused
            raise

    def _begin_request(self) -> None:
        parser = self.parser
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise HeadRefusedError("version", 400)
        method = parser.get_method()
        if method in REFUSED_METHODS:
            raise HeadRefusedError("method", 501)
        if self._host is None and version == "1.1":
            raise HeadRefusedError("host", 400)
        path, query = split_target(self._target, self._host)
        length = self._body_length(version)
        if length is not None and length > self.limits.body_bytes:
            raise HeadRefusedError("body_too_large", 413)
        if self._expect is not None and self._expect != b"100-continue" and version == "1.1":
            raise HeadRefusedError("expectation", 417)
        fields = self.headers
        if self._connection is not None:
            fields = without_named(fields, self._connection)
        self._requests_left -= 1
        stays = self._requests_left > 0 and not self.state.draining
        cycle = EdgeCycle(
            self,
            length,
            keep_alive=stays and version == "1.1" and parser.should_keep_alive(),
            is_1_0=version == "1.0",
        )
        cycle.is_head = method == b"HEAD"
        text = path.decode("ascii")
        cycle.scope = {
            "type": "http",
            "asgi": self._asgi,  # type: ignore[typeddict-item]
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,  # type: ignore[typeddict-item]
            "method": method.decode("ascii"),
            "root_path": "",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "headers": fields,
            "extensions": {"lockgate": cycle},  # type: ignore[dict-item]
        }
        self._expect_body(cycle, length)
        self.enqueue(cycle)

    def _body_length(self, version: str) -> int | None:
        """Return the length of the body, None when it is chunked (RFC 9112 section 6.3)."""
        if self._coding is None:
            return 0 if self._length is None else content_length(self._length)
        if self._coding != b"chunked" or self._length is not None or version == "1.0":
            raise HeadRefusedError("framing", 400)
        return None

    def _expect_body(self, cycle: EdgeCycle, length: int | None) -> None:
        self.latest = cycle
        self._phase = BODY
        self._unaccounted = 0
        self._fields = 0  # from here on those of the trailers
        self._field_bytes = 0
        if length == 0:
            return  # on_message_complete follows in this very feed
        self._replaying = self.parser.should_upgrade()
        self._body_bytes = 0
        self._body_since = self.loop.time()
        self._deadline = self._body_since + self.limits.body_s
        cycle.awaits_continue = self._expect == b"100-continue" and not cycle._is_1_0

    def on_body(self, body: bytes) -> None:
        cycle = self.latest
        assert cycle is not None
        self._unaccounted = 0
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.body_bytes:
            raise self._stop("body_too_large", 413)
        cycle.awaits_continue = False  # it did not wait
        if cycle.complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        if self._replaying:
            return
        cycle = self.latest
        assert cycle is not None
        self._unaccounted = 0
        cycle.more_body = False
        if cycle.complete:
            self.rest()
        else:
            self._phase, self._deadline = READ, inf
            if cycle is self.active:
                self.flow.resume_reading()  # so that the client's leaving is seen
            cycle.wake()

    # What the answering side does

    def enqueue(self, cycle: EdgeCycle) -> None:
        """Take a request whose head is whole."""
        raise NotImplementedError

    def refuse(self, reason: RefusalReason, status: int) -> None:
        """Answer *status* in its turn and end the connection."""
        raise NotImplementedError

    def response_done(self, cycle: EdgeCycle) -> None:
        """Go on after a complete response."""
        raise NotImplementedError

    def response_failed(self, cycle: EdgeCycle, reason: RefusalReason, status: int) -> None:
        """Answer *status* where the application did not; abort where it had begun."""
        raise NotImplementedError

    def rest(self) -> None:
        """Wait for the next request: this one is read and answered."""
        raise NotImplementedError

    def continue_sent(self) -> None:
        """Ask the client for the body that it holds back; only now does its time run."""
        self._body_since = self.loop.time()
        self._deadline = self._body_since + self.limits.body_s
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
