"""The rules for a request head that the parser leaves open: target, Host, framing, hop-by-hop fields.

Pure functions over bytes; they raise `HeadRefusedError` and never touch a connection.
"""

import re

from kit.edge_limits import RefusalReason

Field = tuple[bytes, bytes]

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?\Z")
_BAD_TARGET = re.compile(rb"[\x00-\x20#\x7f-\xff]")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)([^?]*)", re.IGNORECASE)

# RFC 9110 section 7.6.1. Expect is answered by the edge itself; the Proxy fields are meant for a proxy.
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)

# A client could hide from us what a proxy before us has added, or what frames and authenticates the
# request, by naming it in Connection: those fields stay.
_KEPT = frozenset(
    (
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"cookie",
        b"forwarded",
        b"host",
        b"origin",
        b"x-amzn-trace-id",
        b"x-real-ip",
    )
)

# Fields that are passed on as they come, in the two spellings that clients use → lower case.
PLAIN_NAMES = {
    spelling: name
    for name in (
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"authorization",
        b"cache-control",
        b"content-type",
        b"cookie",
        b"if-modified-since",
        b"if-none-match",
        b"origin",
        b"pragma",
        b"priority",
        b"range",
        b"referer",
        b"sec-ch-ua",
        b"sec-ch-ua-mobile",
        b"sec-ch-ua-platform",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"traceparent",
        b"upgrade-insecure-requests",
        b"user-agent",
        b"x-amzn-trace-id",
        b"x-api-key",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
        b"x-requested-with",
    )
    for spelling in (name, name.title())
}

# TRACE reflects cookies, CONNECT is for proxies (RFC 9110 section 9.3); the rest is RTSP and Icecast,
# which the parser also knows.
REFUSED_METHODS = frozenset(
    b"CONNECT TRACE SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER "
    b"REDIRECT RECORD FLUSH".split()
)


class HeadRefusedError(Exception):
    """A request head that gets *status* and the end of its connection."""

    def __init__(self, reason: RefusalReason, status: int) -> None:
        super().__init__(reason)
        self.reason: RefusalReason = reason
        self.status = status


def is_valid_host(host: bytes) -> bool:
    """Say whether *host* is a name, IPv4 or bracketed IPv6 address with an optional port."""
    match = _HOST.match(host)
    return match is not None and int(match[1] or 0) <= 65535


def split_target(target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Return ``(raw path, query)`` of a request target in origin or absolute form.

    An absolute target must name the same authority as Host, so that nothing behind us can be led to
    believe another one (RFC 9112 section 3.2.2 has the target win; a difference is never innocent).

    :raises HeadRefusedError: any other form (``*`` included), ``#``, control, blank or non-ASCII bytes.
    """
    if _BAD_TARGET.search(target):
        raise HeadRefusedError("target_invalid", 400)
    path, _, query = target.partition(b"?")
    if path[:1] == b"/":
        return path, query
    match = _ABSOLUTE.match(path)
    if match is None or host is None or match[1].lower() != host.lower() or not is_valid_host(match[1]):
        raise HeadRefusedError("target_invalid", 400)
    return match[2] or b"/", query


def content_length(value: bytes) -> int:
    """Parse one Content-Length (RFC 9112 section 6.3: digits only; 18 digits fit any file)."""
    if not value.isdigit() or len(value) > 18:
        raise HeadRefusedError("framing", 400)
    return int(value)


def without_named(fields: list[Field], connection: bytes) -> list[Field]:
    """Return *fields* without those that the Connection field's value names (RFC 9110 section 7.6.1)."""
    named = {token.strip().lower() for token in connection.split(b",")}
    doomed = {name for name in named - _KEPT if not name.startswith(b"x-forwarded-")}
    return [field for field in fields if field[0] not in doomed]
