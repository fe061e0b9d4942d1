"""Reads what a function returned: payload format 2.0 (explicit or inferred) and 1.0 (explicit only).

Pure. Whatever the bytes are, the result is an `Output` or a `MalformedResponse`, and no header of it can
split a message. Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson

from gateway.errors import MalformedResponse
from gateway.response import BODILESS, Fields, HeaderError, encode_fields

_JSON_TYPE = (b"content-type", b"application/json")
_STATUS_TEXT = re.compile(r"[0-9]{3}")
# orjson reads integers beyond 64 bits as floats; such an answer goes through the slower, exact parser.
_LONG_INTEGER = re.compile(rb"[0-9]{20}|-[0-9]{19}")
# 256 KiB of base64 decode in about 0.2 ms, so nobody else on the loop waits longer. A multiple of 4.
SLICE_CHARS = 256 * 1024


@dataclass(slots=True, kw_only=True)
class Output:
    """A function's answer before its body is decoded.

    :param text: the body as the function gave it; :param is_base64: whether `text` stands for bytes.
    """

    status: int
    headers: Fields
    text: str = ""
    is_base64: bool = False


def read_v2(payload: bytes) -> Output:
    """Read an answer of format 2.0: with ``statusCode`` explicit, any other JSON is a 200 body by itself.

    Nothing at all counts as ``null``.
    :raises MalformedResponse:
    """
    value = _parse(payload or b"null")
    if isinstance(value, dict) and "statusCode" in value:
        headers = _cookies(value.get("cookies")) + _header_pairs(value)
        return _explicit(value, headers)
    text = value if isinstance(value, str) else _compact(payload, value)
    return Output(status=200, headers=[_JSON_TYPE], text=text)


def read_v1(payload: bytes) -> Output:
    """Read an answer of format 1.0, which must be an object with ``statusCode``.

    :raises MalformedResponse:
    """
    value = _parse(payload)
    if not isinstance(value, dict) or "statusCode" not in value:
        raise MalformedResponse("format 1.0 needs an object with statusCode")
    return _explicit(value, _header_pairs(value))


def decode_base64(text: str) -> bytes:
    """Decode a whole body.

    :raises MalformedResponse: anything but canonical base64 (no line breaks, correct padding).
    """
    return b"".join(iter_base64(text))


def iter_base64(text: str) -> Iterator[bytes]:
    """Decode a body slice by slice, so that the caller may let others run in between.

    :raises MalformedResponse: as `decode_base64`, possibly after some slices.
    """
    last = len(text) - SLICE_CHARS
    for start in range(0, len(text), SLICE_CHARS):
        piece = text[start : start + SLICE_CHARS]
        if start < last and "=" in piece:
            raise MalformedResponse("the body is not base64: padding before its end")
        try:
            yield binascii.a2b_base64(piece, strict_mode=True)
        except ValueError as exc:  # binascii.Error, or characters beyond ASCII
            raise MalformedResponse(f"the body is not base64: {exc}") from exc


def _parse(payload: bytes) -> object:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as exc:
        raise MalformedResponse("the output is not JSON") from exc


def _compact(payload: bytes, value: object) -> str:
    try:
        if _LONG_INTEGER.search(payload) is None:
            with suppress(orjson.JSONEncodeError):  # orjson reads 1024 levels and writes only 254
                return orjson.dumps(value).decode()
        return json.dumps(json.loads(payload), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError) as exc:
        raise MalformedResponse("the output cannot be serialised again") from exc


def _explicit(value: Mapping[str, object], pairs: list[tuple[str, str]]) -> Output:
    status = _status(value["statusCode"])
    text = value.get("body")
    if text is not None and not isinstance(text, str):
        raise MalformedResponse(f"body is a {type(text).__name__}, not a string")
    is_base64 = value.get("isBase64Encoded")
    if is_base64 is not None and not isinstance(is_base64, bool):
        raise MalformedResponse("isBase64Encoded is not a boolean")
    try:
        headers = encode_fields(pairs)
    except HeaderError as exc:
        raise MalformedResponse(str(exc)) from exc
    if status not in BODILESS:
        _add_type(headers)
    return Output(status=status, headers=headers, text=text or "", is_base64=bool(is_base64))


def _add_type(headers: Fields) -> None:
    for name, _ in headers:
        if name == b"content-type":
            return
    headers.append(_JSON_TYPE)


def _status(value: object) -> int:
    if type(value) is int and 200 <= value <= 599:
        return value
    if isinstance(value, str) and _STATUS_TEXT.fullmatch(value) is not None:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise MalformedResponse(f"statusCode {str(value)[:40]!r} is not a number from 200 to 599")
    return value


def _cookies(value: object) -> list[tuple[str, str]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedResponse("cookies is not a list")
    return [("set-cookie", _text("cookies", cookie)) for cookie in value]


def _header_pairs(value: Mapping[str, object]) -> list[tuple[str, str]]:
    """Merge ``headers`` and ``multiValueHeaders``; of a name in both, only the list is sent. Null is left
    out.
    """
    many = _mapping(value, "multiValueHeaders")
    listed = {name.lower() for name in many} if many else ()
    pairs = [
        (name, single if type(single) is str else _text(name, single))
        for name, single in _mapping(value, "headers").items()
        if single is not None and (not listed or name.lower() not in listed)
    ]
    for name, values in many.items():
        if not isinstance(values, list):
            raise MalformedResponse(f"multiValueHeaders: {name[:80]} is not a list")
        pairs += [(name, _text(name, single)) for single in values]
    return pairs


def _mapping(value: Mapping[str, object], member: str) -> Mapping[str, object]:
    found = value.get(member)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MalformedResponse(f"{member} is not an object")
    return found


def _text(name: str, value: object) -> str:
    """Numbers and booleans are written as in JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    raise MalformedResponse(f"the value of {name[:80]} is neither text nor a number nor a boolean")
