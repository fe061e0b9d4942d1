"""The ``respond:`` integration: a fixed answer or a file, with no function at all.

A file of up to `PRELOAD_BYTES` is read once when the deployment is built (a reload brings a changed one); a
larger one is looked at for each request, and read again when it has changed (`large_files.py`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

from gateway.connection import Connection
from gateway.errors import DeploymentError, IntegrationError
from gateway.exchange import Exchange
from gateway.integrations.file_content import FileContent
from gateway.integrations.large_files import LargeFiles
from gateway.ledger import Ledger
from gateway.response import BODILESS, Fields, HeaderError, HttpResponse, encode_fields

# 1 MiB: pages, scripts and icons; all of them together stay in memory as long as the deployment.
PRELOAD_BYTES = 1024 * 1024

# A table of our own: the system's differs from machine to machine.
_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".htm": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_ETAG = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondTarget:
    """:param file: a file to serve instead of `body`; its suffix gives the content-type unless `headers`
    does.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    file: Path | None = None


class FixedIntegration:
    """Always the same response; built once."""

    body_limit: int | None = None

    def __init__(self, target: RespondTarget) -> None:
        headers = _headers(target)
        body = b"" if target.status in BODILESS else target.body.encode()
        if body and not _has(headers, b"content-type"):
            headers.append((b"content-type", b"application/json"))
        self._response = HttpResponse(status=target.status, headers=headers, body=body)

    async def answer(self, exchange: Exchange, connection: Connection, ledger: Ledger) -> HttpResponse:  # noqa: ARG002  # one shape for all integrations
        return self._response


class FileIntegration:
    """Serves one file; conditional requests get a 304.

    :param large: reads and keeps what is larger than `PRELOAD_BYTES`.
    """

    body_limit: int | None = None

    def __init__(self, target: RespondTarget, path: Path, large: LargeFiles) -> None:
        self._status = target.status
        self._large = large
        self._path = path.resolve()  # what is a link now is the operator's own
        self._headers = _headers(target)
        if not _has(self._headers, b"content-type"):
            kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
            self._headers.append((b"content-type", kind.encode("ascii")))
        try:
            content = FileContent.read(self._path)
        except (OSError, ValueError) as exc:
            raise DeploymentError(f"the file cannot be served: {exc}") from exc
        self._preloaded = content if len(content.body) <= PRELOAD_BYTES else None

    async def answer(self, exchange: Exchange, connection: Connection, ledger: Ledger) -> HttpResponse:  # noqa: ARG002  # one shape for all integrations
        """:raises IntegrationError: a large file has vanished or grown since the deployment was built."""
        content = self._preloaded
        if content is None:
            try:
                content = await self._large.get(self._path)
            except (OSError, ValueError) as exc:
                raise IntegrationError(f"the file cannot be read: {exc}") from exc
        headers = [*self._headers, *content.validators]
        if self._status == 200 and _is_unchanged(exchange, content):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(status=self._status, headers=headers, body=content.body)


def build_respond(target: RespondTarget, large: LargeFiles) -> FixedIntegration | FileIntegration:
    """:param large: the deployment's.

    :raises DeploymentError: a status, header or file that cannot be served."""
    if not 200 <= target.status <= 599:
        raise DeploymentError(f"status {target.status} is not from 200 to 599")
    return FixedIntegration(target) if target.file is None else FileIntegration(target, target.file, large)


def _is_unchanged(exchange: Exchange, content: FileContent) -> bool:
    """RFC 9110 section 13.2.2: If-None-Match first; If-Modified-Since counts only without it; GET and HEAD
    only.
    """
    request = exchange.request
    if request.method not in ("GET", "HEAD"):
        return False
    known = request.fields.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or content.etag in (
            tag.removeprefix("W/") for tag in _ETAG.findall(known)
        )
    since = request.fields.get("if-modified-since")
    if since is None:
        return False
    try:
        return content.modified_s <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False


def _headers(target: RespondTarget) -> Fields:
    try:
        return encode_fields(target.headers.items())
    except HeaderError as exc:
        raise DeploymentError(str(exc)) from exc


def _has(headers: Fields, name: bytes) -> bool:
    return any(found == name for found, _ in headers)
