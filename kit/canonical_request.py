"""The canonical request: the one text that the signer and the verifier of a request both hash.

Source: IAM User Guide, "Create a signed AWS API request", step 1.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def canonical_head(method: str, raw_path: str, query: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return the canonical request but for its last line, the hash of the body.

    :param raw_path: as in the request line; it is encoded a second time, as everywhere but in S3.
    :param fields: the signed headers, names in lower case and sorted.
    """
    lines = [method, quote(_without_dots(raw_path), safe="/~"), _canonical_query(query)]
    lines += [f"{name}:{trim(value)}" for name, value in fields]
    lines += ["", ";".join(name for name, _ in fields)]
    return "\n".join(lines)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and kept:
            kept.pop()
        elif segment not in ("", ".", ".."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(
        f"{name}={value}" for name, value in sorted((_recode(n), _recode(v)) for n, _, v in pairs)
    )


def _recode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


def trim(value: str) -> str:
    return " ".join(value.split())


def host_of(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
