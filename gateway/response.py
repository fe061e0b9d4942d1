"""`HttpResponse`, and the rules for header fields that come from functions or from configuration."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

Fields = list[tuple[bytes, bytes]]

# RFC 9110 section 5.6.2 (token) and 5.5 (no control character but TAB; CR, LF and NUL would split messages).
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# Hop-by-hop fields and framing belong to the connection, which is the edge's (RFC 9110 section 7.6.1); the
# request id is the gateway's.
DROPPED = frozenset(
    {
        "apigw-requestid",
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

# Names that most answers have, in the two ways they are written; none of `DROPPED` and no "connection".
_COMMON = {
    spelling: name.encode("ascii")
    for name in (
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-security-policy",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "link",
        "location",
        "referrer-policy",
        "set-cookie",
        "strict-transport-security",
        "vary",
        "x-content-type-options",
        "x-frame-options",
        "x-request-id",
    )
    for spelling in (name, name.title())
}

# 64 KiB: common clients and proxies refuse a larger header block, and then nobody sees why.
MAX_HEADER_BYTES = 64 * 1024

# These have no content, whatever their sender says (RFC 9110 sections 15.3.5 and 15.4.5).
BODILESS = frozenset({204, 304})


@dataclass(slots=True, kw_only=True)
class HttpResponse:
    """What a client gets, but for the fields that every response has (request id, length, date).

    Treat it as frozen: one object may answer many requests.
    :param headers: names in lower case, in order, repeated names allowed.
    """

    status: int
    headers: Fields = field(default_factory=list)
    body: bytes = b""


class HeaderError(ValueError):
    """A header cannot be sent."""


def encode_fields(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Check and encode header fields; drop those that belong to the connection or are named by
    ``connection``.

    Values are trimmed; characters beyond ASCII are sent as UTF-8.
    :raises HeaderError: a name is no token, a value holds a control character, or all are too large.
    """
    pairs = list(pairs)
    dropped: Iterable[str] = DROPPED
    fields: Fields = []
    size = 0
    for name, value in pairs:
        if name not in _COMMON and name.lower() == "connection":
            dropped = {*dropped, *(option.strip().lower() for option in value.split(","))}
    for name, value in pairs:
        encoded = _encode_field(name, value)
        size += len(encoded[0]) + len(encoded[1])
        if (dropped is DROPPED and name in _COMMON) or name.lower() not in dropped:
            fields.append(encoded)
    if size > MAX_HEADER_BYTES:
        raise HeaderError(f"headers have {size} bytes, more than {MAX_HEADER_BYTES}")
    return fields


def _encode_field(name: str, value: str) -> tuple[bytes, bytes]:
    known = _COMMON.get(name)
    if known is None and _TOKEN.fullmatch(name) is None:
        raise HeaderError(f"{name[:80]!r} is not a header name")
    if not value.isprintable() and _CONTROL.search(value) is not None:
        raise HeaderError(f"the value of {name[:80]} holds a control character")
    try:
        return known or name.lower().encode("ascii"), value.strip(" \t").encode()
    except UnicodeEncodeError as exc:
        raise HeaderError(f"the value of {name[:80]} is not text") from exc
