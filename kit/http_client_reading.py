"""The reading half of a connection: bytes of an answer to an `Exchange`, strictly and with every bound.

The callbacks never raise: what is wrong is noted in `_fault`, and the connection ends the exchange with it.
Source: RFC 9112, sections 4, 6 and 7.
"""

from typing import Any

import httptools

from kit.http_client_body import BodyReader
from kit.http_client_errors import BadResponse, HttpClientError, TooLarge
from kit.http_client_exchange import Exchange, Fields, Response

# 1xx answers before the real one: 100 and 103 are the only ones in use (RFC 9110, section 15.2).
MAX_INFORMATIONAL = 8
_LENGTH_DIGITS = 19  # int() refuses thousands of them
_BODILESS = frozenset((204, 304))
SWITCHING = 101
_VERSIONS = frozenset(("1.1", "1.0"))


class AnswerReading:
    """:param head_bytes: of a head, and of anything that brings the answer no further."""

    def __init__(self, peer: str, *, head_bytes: int, head_fields: int) -> None:
        self._peer = peer
        self._head_bytes = head_bytes
        self._head_fields = head_fields
        self._exchange: Exchange | None = None
        self._raw: BodyReader | None = None  # the connection is a stream of bytes now
        self._doomed = False  # not to be used again
        self._parser: Any = httptools.HttpResponseParser(self)  # it has no types
        self._reset()

    def _reset(self) -> None:
        self._status = 0
        self._fields: Fields = []
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._in_body = False
        self._until_close = False
        self._whole = False
        self._informational = 0
        self._field_bytes = 0
        self._progressed = False
        self._stalled_bytes = 0
        self._fault: HttpClientError | None = None

    # --- httptools -------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._whole:
            self._doomed = True  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > self._head_bytes or len(self._fields) >= self._head_fields:
            self._fault = self._fault or TooLarge(f"the head of {self._peer}'s answer is too large")
        elif not self._in_body and not self._whole:  # trailers are counted, and dropped
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._progressed = True
        self._stalled_bytes = 0
        exchange = self._exchange
        if self._whole or self._fault is not None or exchange is None:
            return
        status = self._status = self._parser.get_status_code()
        if self._parser.get_http_version() not in _VERSIONS:
            self._fault = BadResponse(f"{self._peer} answers in another version of HTTP")
            return
        if status < 200:
            self._read_informational(status, exchange)
            return
        self._in_body = True
        length = self._frame(status)
        if self._fault is not None:
            return
        if exchange.is_head:
            self._whole = self._doomed = True  # the parser would wait for a body that never comes
            return
        if exchange.reader is not None:
            if exchange.may_switch and self._until_close and status == 200:
                self._raw = exchange.reader
            if not exchange.answer.done():
                exchange.answer.set_result(Response(status, self._fields))
        elif length > exchange.limit_bytes:
            self._fault = TooLarge(
                f"{self._peer} answers {length} bytes, the limit is {exchange.limit_bytes}"
            )

    def on_body(self, chunk: bytes) -> None:
        self._progressed = True
        self._stalled_bytes = 0
        exchange = self._exchange
        if exchange is None or self._whole or self._fault is not None:
            return
        if exchange.reader is not None:
            exchange.reader.feed(chunk)
            return
        self._body_bytes += len(chunk)
        if self._body_bytes > exchange.limit_bytes:
            self._fault = TooLarge(f"{self._peer} answers more than {exchange.limit_bytes} bytes")
            return
        self._parts.append(chunk)

    def on_message_complete(self) -> None:
        self._progressed = True
        self._stalled_bytes = 0
        if not self._in_body:
            if self._status != SWITCHING:  # 100 Continue and the like: the answer is still to come
                self._fields = []
            return
        if self._whole:
            return
        self._whole = True
        if not self._parser.should_keep_alive():
            self._doomed = True

    def _count_stall(self, size: int) -> None:
        """The parser keeps half a field without telling: what brings the answer no further is counted here."""
        self._stalled_bytes += size
        if self._stalled_bytes > self._head_bytes and not self._whole:
            self._fault = self._fault or TooLarge(f"the head of {self._peer}'s answer is too large")

    # --- rules ---------------------------------------------------------------------------------

    def _read_informational(self, status: int, exchange: Exchange) -> None:
        self._informational += 1
        if status == SWITCHING and not exchange.may_switch:
            self._fault = BadResponse(f"{self._peer} switches protocols, unasked")
        elif self._informational > MAX_INFORMATIONAL:
            self._fault = BadResponse(f"{self._peer} sends one informational answer after another")

    def _frame(self, status: int) -> int:
        """How the body ends; its length where that is known, else 0. The parser has refused what is ambiguous."""
        length = coding = None
        for name, value in self._fields:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                coding = value if coding is None else b"more than one"
        if coding is not None and coding.strip().lower() != b"chunked":
            self._fault = BadResponse(f"{self._peer} sends a transfer coding other than chunked")
        if length is None:
            self._until_close = coding is None and status not in _BODILESS
            return 0
        if len(length) > _LENGTH_DIGITS:
            self._fault = TooLarge(f"{self._peer} answers a body of an absurd length")
            return 0
        return 0 if status in _BODILESS else int(length)
