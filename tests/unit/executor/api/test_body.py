"""Reading a body: hashed whole, kept up to the payload limit."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from executor.api import body as module
from executor.api.body import MAX_PAYLOAD_BYTES, BodyTooLargeError, read_body


def messages(*chunks: bytes) -> Iterator[dict[str, Any]]:
    for n, chunk in enumerate(chunks):
        yield {"type": "http.request", "body": chunk, "more_body": n < len(chunks) - 1}


def receive_of(stream: Iterator[dict[str, Any]]) -> Any:
    async def receive() -> dict[str, Any]:
        return next(stream)

    return receive


@pytest.mark.parametrize("extra", [-1, 0])
async def test_body_up_to_six_mebibytes_is_kept(extra: int) -> None:
    data = b"x" * (MAX_PAYLOAD_BYTES + extra)
    body = await read_body(receive_of(messages(data[:1000], data[1000:], b"")))
    assert body.payload == data
    assert body.sha256 == hashlib.sha256(data).hexdigest()


async def test_larger_body_is_hashed_but_not_kept() -> None:
    data = b"x" * (MAX_PAYLOAD_BYTES + 1)
    body = await read_body(receive_of(messages(data[:5], data[5:])))
    assert body.payload is None
    assert body.sha256 == hashlib.sha256(data).hexdigest()


async def test_body_beyond_every_limit_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REQUEST_BYTES", 10)
    stream = messages(b"x" * 10, b"x", b"never read")
    with pytest.raises(BodyTooLargeError):
        await read_body(receive_of(stream))
    assert next(stream)["body"] == b"never read"


async def test_caller_who_leaves_in_the_middle_ends_the_reading() -> None:
    stream = iter([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
    with pytest.raises(ClientDisconnect):
        await read_body(receive_of(stream))
