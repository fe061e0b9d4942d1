"""Strict JSON for signed bytes: one object, read in one way only.

Refused, where common parsers are lenient: anything but UTF-8, a byte order mark, equal names in one object, NaN
and Infinity, numbers that no finite float holds, endless integers, lone surrogates, deep nesting. Linear time.
Sources: RFC 7515 section 4, RFC 7519 section 4, RFC 8725 section 3.7, RFC 7493 (I-JSON).
"""

import json
import math
import re
from typing import cast

# 32: no token or key set nests deeper than five; the interpreter's own limit would be an error of another kind.
MAX_DEPTH = 32
# 100 digits: a 256-bit number has 78. Reading one costs time that is quadratic in its digits.
MAX_INTEGER_DIGITS = 100

# A string, also an unterminated one, so that no bracket within it is taken for structure.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{\]}]', re.DOTALL)


class StrictJsonError(ValueError):
    """The bytes are no such object; the message says why and holds nothing of them."""


def parse_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, object]:
    """Parse *data*, whose size the caller has bounded.

    :returns: str, int, finite float, bool, None, list and dict only.
    :raises StrictJsonError: whatever is wrong; nothing else is ever raised.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise StrictJsonError("it is not UTF-8") from exc
    if text.count("{") + text.count("[") > max_depth:
        _check_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except StrictJsonError:
        raise
    except ValueError as exc:
        raise StrictJsonError("it is not JSON") from exc
    if type(value) is not dict:
        raise StrictJsonError("it is not a JSON object")
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    return cast("dict[str, object]", value)


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        character = text[found.start()]
        if character in "{[":
            depth += 1
            if depth > max_depth:
                raise StrictJsonError(f"it is nested deeper than {max_depth}")
        elif character in "}]":
            depth -= 1


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise StrictJsonError("a string holds half of a surrogate pair") from exc


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("an object has two members of one name")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise StrictJsonError(f"an integer has more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise StrictJsonError("a number is too large")
    return number


def _refuse_constant(name: str) -> object:
    raise StrictJsonError(f"{name} is not JSON")


# Made once: json.loads builds one for each call that has hooks.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_refuse_constant
)
