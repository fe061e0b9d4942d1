"""The body of a call: bounded, read in one way only, one JSON object (A16)."""

from typing import Any, Final

from starlette.requests import Request

from auth.cognito.refusals import SerializationRefused
from auth.errors import InvalidParameter
from kit.strict_json import StrictJsonError, parse_object

MAX_DEPTH: Final = 16  # the model's deepest input has six levels
_TOO_LONG: Final = "The request is too long."


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """:raises SerializationRefused: it is longer than *limit_bytes*."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 20 and int(announced) > limit_bytes:
        raise SerializationRefused(_TOO_LONG)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:  # A16
            raise SerializationRefused(_TOO_LONG)
    return bytes(body)


def parse_body(body: bytes) -> dict[str, Any]:
    """:raises SerializationRefused: it is not one JSON object that everybody reads alike.

    :raises InvalidParameter: a text in it holds U+0000, which no database of ours keeps.
    """
    if not body:
        return {}
    try:
        parsed = parse_object(body, max_depth=MAX_DEPTH)
    except StrictJsonError as error:
        raise SerializationRefused(f"The request could not be read: {error}.") from error
    if b"\\u0000" in body and _has_null(parsed):
        raise InvalidParameter("1 validation error detected: a value holds the character U+0000")
    return parsed


def _has_null(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_null(key) or _has_null(one) for key, one in value.items())
    return isinstance(value, list) and any(_has_null(one) for one in value)
