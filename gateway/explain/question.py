"""`Question`: a request that nobody sent. Its head is judged as the edge judges one, with the edge's own rules.

What needs a connection is not: framing, times, caps. The answer to a head that the edge refuses is the edge's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import httptools

from gateway.connection import Scope
from gateway.errors import GatewayError
from gateway.selection import Selection
from kit.edge_head import (
    REFUSED_METHODS,
    Field,
    HeadRefusedError,
    content_length,
    is_valid_host,
    split_target,
    without_named,
)
from kit.edge_limits import EdgeLimits

# Fields whose second appearance, or whose meaning for the connection, is the edge's business.
_SINGLE = (b"host", b"content-length")
_DROPPED = (b"connection", b"expect", b"transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """:param target: path and query, as on the wire.
    :param headers: as on the wire, in order, without Host. :param host: the Host header.
    :param token: put at the identity source of whatever authorizer is asked; None: none.
    :param peer: address of who asks.
    """

    method: str
    target: bytes
    host: str
    headers: tuple[Field, ...] = field(default=(), repr=False)  # may hold secrets
    token: str | None = field(default=None, repr=False)
    peer: str = "127.0.0.1"

    @property
    def header_names(self) -> tuple[str, ...]:
        return tuple(name.decode("latin-1").lower() for name, _ in self.headers)

    @property
    def path(self) -> str:
        """For people: without the query, which may hold secrets."""
        return self.target.partition(b"?")[0].decode("utf-8", "backslashreplace")


class EdgeRefusal(GatewayError):
    """The edge itself refuses. :ivar status: one of `kit.edge_answers.MESSAGES`."""

    code = "REFUSED_BY_EDGE"

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.edge_status = status


def scope_of(question: Question, limits: EdgeLimits) -> Scope:
    """The ASGI scope that the gateway would get.

    :raises EdgeRefusal: it would get none.
    """
    fields = _fields(question, limits)
    method = question.method.encode("ascii", "replace")
    _check_parser(method, fields)
    if method in REFUSED_METHODS:
        raise EdgeRefusal(501, f"no route can answer {question.method}")
    host = question.host.encode("latin-1", "replace")
    try:
        path, query = split_target(question.target, host)
        lengths = [content_length(value) for name, value in fields if name == b"content-length"]
    except HeadRefusedError as exc:
        raise EdgeRefusal(exc.status, _why(exc)) from exc
    if any(length > limits.body_bytes for length in lengths):
        raise EdgeRefusal(413, f"the body may have {limits.body_bytes} bytes")
    if any(name == b"expect" and value.lower() != b"100-continue" for name, value in fields):
        raise EdgeRefusal(417, "Expect can only be 100-continue")
    connection = [value for name, value in fields if name == b"connection"]
    kept = [field for field in fields if field[0] not in _DROPPED and b"_" not in field[0]]
    if connection:
        kept = without_named(kept, b",".join(connection))
    return {
        "type": "http",
        "scheme": "http",
        "method": question.method,
        "raw_path": path,
        "query_string": query,
        "headers": kept,
        "client": (question.peer, 0),
        "server": None,
        "extensions": {},
    }


def with_token(scope: Scope, token: str, source: Selection, limits: EdgeLimits) -> Scope:
    """The same request with a token where an authorizer looks for it; any other one there is replaced.

    :raises EdgeRefusal: with it the request is too large for the edge.
    """
    placed = _placed(scope, token, source)
    query = placed["query_string"]
    _check_target(len(placed["raw_path"]) + len(query) + bool(query), limits)
    _check_sizes(placed["headers"], limits)
    return placed


def _placed(scope: Scope, token: str, source: Selection) -> Scope:
    if source.kind == "querystring":
        kept = [
            pair
            for pair in scope["query_string"].split(b"&")
            if pair.partition(b"=")[0] != _quoted(source.name)
        ]
        pairs = [*filter(None, kept), _quoted(source.name) + b"=" + _quoted(token)]
        return {**scope, "query_string": b"&".join(pairs)}
    name = source.name.encode("ascii")
    value = token if token[:7].lower() == "bearer " or name != b"authorization" else f"Bearer {token}"
    others = [field for field in scope["headers"] if field[0] != name]
    return {**scope, "headers": [*others, (name, value.encode("latin-1", "replace"))]}


def _quoted(text: str) -> bytes:
    return b"".join(bytes([byte]) if _is_plain(byte) else b"%%%02X" % byte for byte in text.encode())


def _is_plain(byte: int) -> bool:
    return byte < 0x80 and (chr(byte).isalnum() or chr(byte) in "-._~")


def _fields(question: Question, limits: EdgeLimits) -> list[Field]:
    """All fields, names in lower case, values trimmed, within the bounds of H3."""
    _check_target(len(question.target), limits)
    given = [(b"host", question.host.encode("latin-1", "replace")), *question.headers]
    _check_sizes(given, limits)
    fields = [(name.lower(), value.strip(b" \t")) for name, value in given]
    for single in _SINGLE:
        if sum(name == single for name, _ in fields) > 1:
            raise EdgeRefusal(400, f"{single.decode()} is there twice")
    if not is_valid_host(fields[0][1]):
        raise EdgeRefusal(400, "the Host header is no host")
    return fields


def _check_target(size: int, limits: EdgeLimits) -> None:
    if size > limits.target_bytes:
        raise EdgeRefusal(414, f"the target has {size} bytes, {limits.target_bytes} are the most")


def _check_sizes(fields: Iterable[Field], limits: EdgeLimits) -> None:
    sizes = [len(name) + len(value) + 4 for name, value in fields]  # ": " and CRLF
    if max(sizes) > limits.field_bytes:
        raise EdgeRefusal(431, f"a header field has more than {limits.field_bytes} bytes")
    if len(sizes) > limits.fields:
        raise EdgeRefusal(431, f"there are {len(sizes)} header fields, {limits.fields} are the most")
    if sum(sizes) > limits.head_bytes:
        raise EdgeRefusal(431, f"the header has {sum(sizes)} bytes, {limits.head_bytes} are the most")


def _check_parser(method: bytes, fields: Iterable[Field]) -> None:
    """Ask the edge's parser about the method and the fields, the framing ones apart."""
    lines = [b"%b: %b\r\n" % field for field in fields if field[0] not in (*_DROPPED, b"content-length")]
    try:
        parser = httptools.HttpRequestParser(object())
        parser.feed_data(b"%b / HTTP/1.1\r\n%b\r\n" % (method, b"".join(lines)))
    except httptools.HttpParserUpgrade:
        return
    except httptools.HttpParserError as exc:
        raise EdgeRefusal(400, "the method or a header field is no HTTP") from exc


def _why(refused: HeadRefusedError) -> str:
    if refused.reason == "target_invalid":
        return "the target must begin with / and hold no space, #, control or non-ASCII byte: percent-encode them"
    return f"the edge refuses it: {refused.reason}"
