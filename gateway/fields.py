"""The request's header fields as text, read once: without what clients may not say, and with cookies
apart.
"""

from collections.abc import Iterable

from kit.edge_head import HOP_BY_HOP

# A client could forge these. They are rewritten from the connection itself, so nothing of theirs may stay.
_REWRITTEN = frozenset({b"forwarded", b"x-real-ip", b"content-length"})
_REWRITTEN_PREFIX = b"x-forwarded-"

# Names that most requests have, decoded and judged once; "" stands for one that is rewritten.
_COMMON = {
    name.encode("ascii"): name
    for name in (
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "cache-control",
        "content-type",
        "cookie",
        "host",
        "if-modified-since",
        "if-none-match",
        "origin",
        "pragma",
        "priority",
        "range",
        "referer",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "traceparent",
        "tracestate",
        "upgrade-insecure-requests",
        "user-agent",
        "via",
        "x-amzn-trace-id",
        "x-api-key",
        "x-request-id",
        "x-requested-with",
    )
}
_COMMON |= dict.fromkeys((*_REWRITTEN, b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"), "")


def is_withheld(name: str) -> bool:
    """Whether no request ever shows a header of this lower-case name: rewritten here, or kept by the connection."""
    raw = name.encode()
    return raw in _REWRITTEN or raw in HOP_BY_HOP or raw.startswith(_REWRITTEN_PREFIX)


class RequestFields:
    """:param joined: lower-case name → value, values of a repeated name joined with ``,``.
    :param repeated: name → values, only of names that came more than once.

    Values are read as ISO 8859-1, byte for byte (RFC 9110 section 5.5: obs-text is opaque).
    """

    __slots__ = ("joined", "repeated")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        joined: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for raw_name, raw_value in raw:
            name = _COMMON.get(raw_name)
            if name is None:
                if raw_name.startswith(_REWRITTEN_PREFIX):
                    continue
                name = raw_name.decode("latin-1")
            elif not name:
                continue
            value = raw_value.decode("latin-1")
            if name in joined:
                repeated.setdefault(name, [joined[name]]).append(value)
            else:
                joined[name] = value
        for name, values in repeated.items():
            joined[name] = ("; " if name == "cookie" else ",").join(values)
        self.joined = joined
        self.repeated = repeated

    def get(self, name: str) -> str | None:
        return self.joined.get(name)

    def cookies(self) -> list[str]:
        """Split the Cookie header at ``;`` into ``name=value`` texts; empty ones are left out."""
        header = self.joined.get("cookie")
        if header is None:
            return []
        return [cookie for part in header.split(";") if (cookie := part.strip())]
