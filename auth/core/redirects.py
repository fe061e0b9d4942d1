"""Whether an address is one that a browser may be sent back to. What is registered is compared as text (A1).

Source: RFC 9700 sections 2.1 and 4.1.3; RFC 8252 section 7 (private-use schemes, loopback); RFC 3986.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_CHARS = 2048
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_NEVER = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})  # they run, or leave the web
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


def fault_of(uri: str) -> tuple[str, str] | None:
    """Why *uri* cannot be registered, and what to write instead; None: it can."""
    shown = f'"{uri[:80]}"'
    if not uri or len(uri) > MAX_CHARS:
        return f"an address has 1 to {MAX_CHARS} characters", ""
    if "*" in uri:
        return (
            f"{shown} has a wildcard: addresses are compared as text, so each is written out",
            "name them all",
        )
    if not _PRINTABLE.fullmatch(uri) or "\\" in uri:
        return f"{shown} holds characters that no URL has", "percent-encode them"
    scheme, colon, rest = uri.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        looks_bare = "." in uri.partition("/")[0] or uri.startswith("localhost")
        return f"{shown} is not absolute", f"write https://{uri}" if looks_bare else "begin it with https://"
    if "#" in uri:
        return "what stands behind # never reaches a server", f"write {uri.partition('#')[0]}"
    if scheme in _NEVER:
        return f"{scheme}: is no place to return to", "write https://…"
    if scheme not in ("http", "https"):
        return _private_use(uri, scheme, rest)
    return _web(uri, scheme)


def _private_use(uri: str, scheme: str, rest: str) -> tuple[str, str] | None:
    if "." not in scheme and not rest.startswith("//"):  # RFC 8252 section 7.1: else it may be host:port
        return f'"{uri[:80]}" is not absolute', f"write https://{uri}" if rest[
            :1
        ].isdigit() else f"write {scheme}://callback"
    if rest.strip("/"):
        return None
    return f"{scheme}: alone is no address", f"write {scheme}://callback"


def _web(uri: str, scheme: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "the host or the port is none", "write https://HOST/PATH"
    host = parts.hostname or ""
    if "@" in parts.netloc:
        return "an address has no user name and no password", "remove what stands before the @"
    bare = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc.removesuffix(":")
    if not _HOST.fullmatch(bare):
        return "it names no host", "write https://HOST/PATH"
    if scheme == "http" and not is_loopback(host):
        return "over plain http anybody on the way reads the code", f"write https{uri.removeprefix('http')}"
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        return "dot segments make two addresses of one", "write the path that is meant"
    return None


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
