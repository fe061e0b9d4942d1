"""The body of a POST, read by us alone: without the door's own bound before it."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from auth.oauth.form import FORM, read_body
from auth.oauth.parameters import MAX_FORM_BYTES, MAX_PAIRS, MalformedParameters, parse_parameters


def post(size: int, content_type: str = FORM, *, chunk: int = 8192) -> Request:
    """A body of *size* bytes that says no length, as chunks come."""
    left = size

    async def receive() -> Message:
        nonlocal left
        now = min(left, chunk)
        left -= now
        return {"type": "http.request", "body": b"x" * now, "more_body": left > 0}

    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_a_body_has_a_size() -> None:
    """A16: 64 KiB, counted as it comes. Twin: the last byte that fits."""
    assert len(await read_body(post(MAX_FORM_BYTES))) == 64 * 1024
    with pytest.raises(MalformedParameters, match="too long"):
        await read_body(post(MAX_FORM_BYTES + 1))


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain", "multipart/form-data"])
async def test_a_body_is_called_a_form(content_type: str) -> None:
    """A16: whatever is in it. Twin: the one type, in any case and with a charset."""
    with pytest.raises(MalformedParameters, match="must be"):
        await read_body(post(10, content_type))
    assert await read_body(post(10, f"{FORM.title()}; charset=utf-8")) == b"x" * 10


def test_a_form_has_so_many_pairs() -> None:
    """A16: no client sends more. Twin: as many as may be."""
    pairs = [f"n{number}=1" for number in range(MAX_PAIRS + 1)]
    with pytest.raises(MalformedParameters):
        parse_parameters("&".join(pairs).encode())
    assert len(parse_parameters("&".join(pairs[1:]).encode())) == 100
