"""A request body: hashed whole for its signature, kept only as far as the API may use it."""

import hashlib
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024  # Lambda's limit of a synchronous invocation
MAX_REQUEST_BYTES: Final = 70_167_211  # Lambda's limit of any request; more is not even hashed


class BodyTooLargeError(Exception):
    """More than `MAX_REQUEST_BYTES` came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """:param payload: None if it is larger than `MAX_PAYLOAD_BYTES`."""

    sha256: str
    payload: bytes | None


async def read_body(receive: Receive) -> Body:
    """:raises BodyTooLargeError: :raises ClientDisconnect: the caller went away in its middle."""
    digest = hashlib.sha256()
    chunks: list[bytes] = []
    total = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        total += len(chunk)
        if total > MAX_REQUEST_BYTES:
            raise BodyTooLargeError
        digest.update(chunk)
        if total <= MAX_PAYLOAD_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
        more = message.get("more_body", False)
    payload = b"".join(chunks) if total <= MAX_PAYLOAD_BYTES else None
    return Body(sha256=digest.hexdigest(), payload=payload)
