"""Which addresses a browser may be sent to, and how an answer is put into one."""

import re
from collections.abc import Mapping

from auth.client import Client
from auth.oauth.parameters import encode

# RFC 8252 §7.3 names two loopback literals; `localhost` may be somebody else's (§8.3) and is compared whole.
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?(/[^#]*)?")


def is_registered(client: Client, uri: str) -> bool:
    """Exact text (A1). A native client's loopback address may have any port: it is given one when it listens."""
    if uri in client.redirect_uris:  # A1
        return True
    if client.has_secret:  # A1: not a native one
        return False
    asked = _without_port(uri)
    return asked is not None and any(_without_port(known) == asked for known in client.redirect_uris)


def is_logout_registered(client: Client, uri: str) -> bool:
    """Exact text, without an exception (A25)."""
    return uri in client.logout_uris  # A25


def with_parameters(uri: str, parameters: Mapping[str, str], *, in_fragment: bool = False) -> str:
    """*uri* keeps its own query (RFC 6749 §3.1.2)."""
    if not parameters:
        return uri
    if in_fragment:
        return f"{uri}#{encode(parameters)}"
    if "?" not in uri:
        return f"{uri}?{encode(parameters)}"
    return f"{uri}{'' if uri.endswith(('?', '&')) else '&'}{encode(parameters)}"


def _without_port(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or int(match[2] or 80) > 65535:
        return None
    return match[1], match[3] or ""
