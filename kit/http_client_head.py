"""The head of an outgoing request. Pure: checked words in, bytes out.

Framing is the client's: who calls names no Content-Length, Transfer-Encoding, Connection or Upgrade.
Source: RFC 9112, sections 2, 3 and 6.
"""

import re
from collections.abc import Iterable

Headers = Iterable[tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*|\*")
# What no recipient can take for a line break; obsolete text (0x80 and above) as Latin-1.
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = frozenset(
    ("content-length", "transfer-encoding", "connection", "upgrade", "host", "expect", "te", "trailer")
)
# A peer tells from these whether a body follows, so they are said even when it is empty.
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


def request_head(method: str, target: str, *, host: str, headers: Headers, length: int | None) -> bytes:
    """:param length: of the body in bytes; None: it is sent in chunks.

    :raises ValueError: a word would not stay in its place, or is the client's to say.
    """
    lines = _lines(method, target, host, headers)
    if length is None:
        lines.append("transfer-encoding: chunked")
    elif length or method in _WITH_BODY:
        lines.append(f"content-length: {length}")
    return _joined(lines)


def upgrade_head(method: str, target: str, *, host: str, headers: Headers, length: int) -> bytes:
    """The same for a request that turns its connection into a raw stream (RFC 9110, section 7.8)."""
    lines = _lines(method, target, host, headers)
    lines += ["connection: Upgrade", "upgrade: tcp", f"content-length: {length}"]
    return _joined(lines)


def _joined(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _lines(method: str, target: str, host: str, headers: Headers) -> list[str]:
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no method")
    if not _TARGET.fullmatch(target):
        raise ValueError(f"{target[:100]!r} is no request target: it begins with / and is percent-encoded")
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name[:100]!r} is no field that a caller may send")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} has characters that no field can carry")
        lines.append(f"{name}: {value}")
    return lines
