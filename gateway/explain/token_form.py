"""The form of a token, good or bad: what it says, and exactly what is wrong with it. Nothing is verified here.

Tolerant where the verifier is strict: a segment with a slip is read all the same if it can be, and the slip named.
"""

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kit.jwt.base64url import decode
from kit.jwt.refusal import Refused
from kit.jwt.token import MAX_TOKEN_CHARS, parse_payload, read_token
from kit.strict_json import StrictJsonError, parse_object

NAMES = ("header", "payload", "signature")
TIMES = ("exp", "nbf", "iat", "auth_time")
_MAX_READ_CHARS = 64 * 1024
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_BLANKS = " \t\r\n\f\v"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """:param header: None: it cannot be read; :param claims: the same, and nothing says that they are true.
    :param faults: what is wrong, segment by segment.
    :param refusal: why no gateway would take it, whoever signed it; None: its form is good.
    """

    segments: int
    header: Mapping[str, object] | None
    claims: Mapping[str, object] | None
    signature_bytes: int | None
    faults: tuple[str, ...]
    refusal: str | None


def read_form(text: str) -> TokenForm:
    """:param text: without ``Bearer``; any text of bounded size."""
    parts = text.split(".", 5) if len(text) <= _MAX_READ_CHARS else [text[:_MAX_READ_CHARS]]
    faults = [*_shape_faults(text, parts)]
    for name, part in zip(NAMES, parts, strict=False):
        faults += [f"{name}: {fault}" for fault in _segment_faults(part)]
    decoded = [_lenient(part) for part in parts[:3]]
    values: list[Mapping[str, object] | None] = [None, None]
    for number, data in enumerate(decoded[:2]):
        values[number], fault = _read(data)
        if fault and data is not None:
            faults.append(f"{NAMES[number]}: {fault}")
    try:
        parse_payload(read_token(text).payload)
        refusal = None
    except Refused as refused:
        refusal = f"{refused.refusal.description}: {refused.sentence}"
    signature = decoded[2] if len(decoded) > 2 else None
    return TokenForm(
        segments=len(parts),
        header=values[0],
        claims=values[1],
        signature_bytes=None if signature is None else len(signature),
        faults=tuple(faults),
        refusal=refusal,
    )


def _shape_faults(text: str, parts: list[str]) -> list[str]:
    faults = []
    if len(text) > MAX_TOKEN_CHARS:
        faults.append(f"it has {len(text):,} characters, {MAX_TOKEN_CHARS:,} are the most")
    if text[:1] == "{":
        faults.append("it begins with {: the JSON form of a JWS, of which only the compact one is taken")
    elif text[:1] in "\"'":
        faults.append("it is in quotes")
    if len(parts) != 3:
        known = {
            1: "no dot in it, as an opaque token has",
            2: "the signature is missing, or it was cut off",
            5: "an encrypted token (JWE)",
        }
        what = f": {known[len(parts)]}" if len(parts) in known else ""
        faults.append(f"it has {len(parts)} segment{'' if len(parts) == 1 else 's'} instead of three{what}")
    return faults


def _segment_faults(part: str) -> list[str]:
    if not part:
        return ["it is empty"]
    faults = []
    body = part.rstrip("=")
    if body != part:
        faults.append("it ends with =, and base64url in a token has no padding")
    if "+" in body or "/" in body:
        faults.append("it has + or /, which are base64's; base64url has - and _")
    foreign = _FOREIGN.search(body.replace("+", "-").replace("/", "_"))
    if foreign is not None:
        faults.append(f"it has {_class_of(foreign[0])} at character {foreign.start() + 1}")
    elif len(body) % 4 == 1:
        faults.append(
            f"it has {len(body)} characters, a length that base64url never has: perhaps it was cut off"
        )
    elif not faults and decode(part.encode("ascii")) is None:
        faults.append("its last character has bits left over: it is not the one spelling of its value")
    return faults


def _class_of(character: str) -> str:
    if character in _BLANKS:
        return "a blank or a line break"
    if character.isascii() and character.isprintable():
        return "a character that base64url has not"
    return "a control character" if character.isascii() else "a character beyond ASCII"


def _lenient(part: str) -> bytes | None:
    """What the segment was most likely meant to hold; None: nothing can be made of it."""
    body = part.rstrip("=").replace("+", "-").replace("/", "_")
    if not body or _FOREIGN.search(body) is not None or len(body) % 4 == 1:
        return None
    standard = body.replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(standard + "=" * (-len(body) % 4))


def _read(data: bytes | None) -> tuple[Mapping[str, object] | None, str]:
    """The object, and what is wrong with it."""
    if data is None:
        return None, ""
    try:
        return parse_object(data), ""
    except StrictJsonError as exc:
        fault = str(exc)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None, fault
    return (value if isinstance(value, dict) else None), fault
