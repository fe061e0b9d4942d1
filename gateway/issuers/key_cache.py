"""The last good keys of each issuer on disk, so that a restart while the issuer is away logs nobody out.

`<folder>/<sha256 of the issuer>.json`, 0600, replaced whole. What is read is judged anew under today's
configuration; a file that is not as it should be is no reason to stop, only to fetch.
"""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.source import MAX_DOCUMENT_BYTES, Published
from kit.jwt.keys import KeySetError
from kit.outbound_url import OutboundUrl
from kit.strict_json import StrictJsonError, parse_object

_MAX_FILE_BYTES = 4 * MAX_DOCUMENT_BYTES  # the document with its quotes and line breaks escaped, and a little


class KeyCacheError(Exception):
    """A file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """:param fetched_at: Unix seconds, by the clock of then."""

    published: Published
    fetched_at: float


class KeyCache:
    """:param folder: made at the first save."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, issuer: str) -> Path:
        return self._folder / f"{hashlib.sha256(issuer.encode()).hexdigest()}.json"

    def load(self, spec: IssuerSpec) -> Cached | None:
        """Read the keys of an issuer. :returns: None if there is no file.

        :raises KeyCacheError: the file is not as `save` left it, or today's configuration does not allow it.
        """
        try:
            with self.path(spec.issuer).open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise KeyCacheError(f"it cannot be read: {exc.strerror}") from exc
        try:
            return _read(data, spec)
        except (StrictJsonError, KeySetError) as exc:
            raise KeyCacheError(str(exc)) from exc

    def save(self, issuer: str, published: Published, fetched_at: float) -> None:
        """Replace the file of an issuer. Blocks on the disk. :raises OSError:"""
        record = {
            "issuer": issuer,
            "jwks_uri": published.jwks_uri,
            "fetched_at": fetched_at,
            "document": published.document.decode(),
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".new")  # 0600
        try:
            with open(descriptor, "wb") as file:
                file.write(json.dumps(record, ensure_ascii=False).encode())
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self.path(issuer))
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


def _read(data: bytes, spec: IssuerSpec) -> Cached:
    if len(data) > _MAX_FILE_BYTES:
        raise KeyCacheError("it is too large")
    record = parse_object(data)
    uri, document, fetched_at = record.get("jwks_uri"), record.get("document"), record.get("fetched_at")
    if record.get("issuer") != spec.issuer or not isinstance(uri, str) or not isinstance(document, str):
        raise KeyCacheError("it holds no keys of this issuer")
    if isinstance(fetched_at, bool) or not isinstance(fetched_at, int | float):
        raise KeyCacheError("it does not say when the keys were fetched")
    if not _may_have_been_fetched(uri, spec):
        raise KeyCacheError("its keys came over plain http, which is no longer allowed")
    return Cached(published=Published.read(uri, document.encode(), spec.algorithms), fetched_at=fetched_at)


def _may_have_been_fetched(uri: str, spec: IssuerSpec) -> bool:
    try:
        url = OutboundUrl.parse(uri)
    except ValueError:
        return False
    return url.scheme == "https" or spec.allow_http or url.is_loopback
