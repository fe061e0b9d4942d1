"""The canonical path: computed once from the bytes on the wire, and the only form that anything else sees.

Router, authorizers, events, logs and metrics all use it, so that no two of them can disagree about what was
asked for. It is percent-decoded once. What two readers could read differently is refused instead of repaired.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.errors import BadRequest

# Characters that mean themselves (RFC 3986 unreserved, sub-delims, ":", "@"): nearly every path is only
# these.
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/"
_RAW_FORBIDDEN = re.compile(rb"[\x00-\x20\x7f-\xff\\?#]")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(rb"%2[Ff]|%5[Cc]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_SEGMENTS = frozenset({".", ".."})


@dataclass(slots=True)
class CanonicalPath:
    """:param text: decoded, starts with ``/``; :param segments: `text` split at ``/``, without the first
    piece.

    ``//`` is kept (an empty segment), ``;`` is data, case counts, a trailing slash is a last empty segment.
    Treat it as frozen.
    """

    text: str
    segments: list[str]


def canonical_path(raw_path: bytes) -> CanonicalPath:
    """Decode and check the path of a request target (without its query).

    An encoded ``?`` or ``#`` is data of its segment. (AWS loses everything behind ``%3F``: then the function
    would see another path than the one that was routed, so that is not copied.)
    :raises BadRequest: control characters, NUL, bad percent signs, raw bytes from 0x80, encoded bytes that
        are not UTF-8, ``.`` and ``..`` segments, slashes and backslashes inside a segment, raw or encoded.
    """
    if not raw_path.translate(None, _PLAIN) and raw_path[:1] == b"/" and b"/." not in raw_path:
        text = raw_path.decode("ascii")
        return CanonicalPath(text, text.split("/")[1:])
    return _decode(raw_path)


def _decode(raw_path: bytes) -> CanonicalPath:
    if not raw_path.startswith(b"/"):
        raise BadRequest("the path does not start with /")
    if _RAW_FORBIDDEN.search(raw_path) is not None:
        raise BadRequest("the path holds a character that must be percent-encoded")
    if _BAD_PERCENT.search(raw_path) is not None:
        raise BadRequest("the path holds a percent sign without two hex digits")
    if _ENCODED_SLASH.search(raw_path) is not None:
        raise BadRequest("the path holds an encoded slash or backslash")
    try:
        text = unquote_to_bytes(raw_path).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest("the decoded path is not UTF-8") from exc
    if _CONTROL.search(text) is not None:
        raise BadRequest("the path holds an encoded control character")
    segments = text.split("/")[1:]
    if not _DOT_SEGMENTS.isdisjoint(segments):
        raise BadRequest("the path holds a dot segment")
    return CanonicalPath(text, segments)
