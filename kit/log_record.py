"""One log record as one line of JSON: secrets out, sizes bounded, no raw control characters.

Values whose key says that they are secret are replaced whatever they are; nothing else is guessed at, so
never log free text that may carry a credential (a query string) under a harmless key.
"""

import re
from collections.abc import Mapping
from typing import Final

import orjson

MAX_VALUE_BYTES: Final = 8 * 1024
MAX_LINE_BYTES: Final = 64 * 1024
REDACTED: Final = "[redacted]"
_MAX_KEY_CHARACTERS: Final = 128
_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 256
_MAX_KNOWN_KEYS: Final = 4096  # they come from code; if not, memory stays bounded
_DEL: Final = 0x7F
_BRACKET: Final = ord("[")
_BRACE: Final = ord("{")
_COLON: Final = ord(":")
_FEW_BRACES: Final = 6

# Compared without case, "-" and "_", and without a plural s.
_SECRET_ENDINGS: Final = (
    "authorization",
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "secrethash",
    "secretkey",
    "secretaccesskey",
    "privatekey",
    "apikey",
    "signature",
    "clientassertion",
    "passwordverifier",
    "codeverifier",
    "srpa",
    "srpb",
    "salt",
)
_SECRET_NAMES: Final = frozenset(
    {"code", "authcode", "authorizationcode", "confirmationcode", "verificationcode", "resetcode", "usercode"}
    | {
        "devicecode",
        "mfacode",
        "smsmfacode",
        "emailotpcode",
        "softwaretokenmfacode",
        "totp",
        "otp",
        "pin",
        "session",
    }
)
# JSON escapes U+0000-U+001F. These steer terminals and viewers too: DEL, C1, line separators, bidi marks.
_STEERING: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_secret_key(key: str) -> bool:
    plain = key.lower().replace("-", "").replace("_", "").rstrip("s")
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


class LogRecordEncoder:
    """Encodes records. Keeps the keys that it has found harmless, and so is cheap on records of one shape."""

    def __init__(self) -> None:
        self._harmless: set[str] = set()

    def __call__(self, record: Mapping[str, object]) -> bytes:
        """Return the record as a line with its newline. Never raises; an odd value is shown as its type."""
        if not self._harmless.issuperset(record) and not self._learn(record):
            return _careful_line(record)
        try:
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError:  # what orjson cannot print; lone surrogates too
            return _careful_line(record)
        # A short ASCII line without containers holds no long value, no nested key and nothing to escape.
        if len(line) > MAX_VALUE_BYTES or not line.isascii() or _DEL in line or _may_nest(line):
            return _careful_line(record)
        return line

    def _learn(self, record: Mapping[str, object]) -> bool:
        """Whether all keys are harmless; if so, know them from now on."""
        if any(not isinstance(key, str) or is_secret_key(key) for key in record):
            return False
        if len(self._harmless) < _MAX_KNOWN_KEYS:
            self._harmless.update(record)
        return True


def _may_nest(line: bytes) -> bool:
    """Whether a value may be a container. One byte is found much faster than two: the few braces of a route
    key or a path are looked at one by one, so that only a line full of them is searched for two.
    """
    if _BRACKET in line and b":[" in line:
        return True
    brace = len(line)
    for _ in range(_FEW_BRACES):
        brace = line.rfind(_BRACE, 0, brace)
        if brace <= 0:
            return False
        if line[brace - 1] == _COLON:
            return True
    return b":{" in line


def _careful_line(record: Mapping[str, object]) -> bytes:
    """The careful way: each value cleaned and bounded by `MAX_VALUE_BYTES`, the line by `MAX_LINE_BYTES`."""
    parts: list[bytes] = []
    room = MAX_LINE_BYTES - 64
    for key, value in record.items():
        name = _clean_key(key)
        shown = REDACTED if is_secret_key(name) else _clean(value, 0)
        text = orjson.dumps(shown)
        if len(text) > MAX_VALUE_BYTES:
            text = orjson.dumps(_cut(shown if isinstance(shown, str) else text.decode(), len(text)))
        part = orjson.dumps(name) + b":" + text
        room -= len(part) + 1
        if room < 0:
            parts.append(b'"truncated":true')
            break
        parts.append(part)
    return _escape(b"{" + b",".join(parts) + b"}\n")


def _clean(value: object, depth: int) -> object:
    """A copy of *value* that orjson prints, without secrets, bounded in depth and number of items."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**53) <= value <= 2**64 - 1 else str(value)[:64]
    if isinstance(value, str):
        return _printable(value)
    if depth >= _MAX_DEPTH:
        return f"[{type(value).__name__} too deep]"
    if isinstance(value, Mapping):
        items = list(value.items())[:_MAX_ITEMS]
        names = ((_clean_key(key), item) for key, item in items)
        return {name: REDACTED if is_secret_key(name) else _clean(item, depth + 1) for name, item in names}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]
    return f"[{type(value).__name__}]"


def _clean_key(key: object) -> str:
    return _printable(str(key))[:_MAX_KEY_CHARACTERS]


def _printable(text: str) -> str:
    kept = text[: MAX_VALUE_BYTES + 1]  # more cannot be shown; `_cut` counts what is missing
    clean = kept.encode("utf-8", "backslashreplace").decode()
    return clean if len(text) == len(kept) else _cut(clean, len(text))


def _cut(text: str, length: int) -> str:
    """The longest head of *text* that fits, printed, with a mark that says how long it was."""
    mark = f"…[truncated, {length} long]"
    head = text[: MAX_VALUE_BYTES - 64]
    while len(orjson.dumps(head + mark)) > MAX_VALUE_BYTES:
        head = head[: len(head) * 3 // 4]
    return head + mark


def _escape(line: bytes) -> bytes:
    """Escape what steers a terminal. It can only stand inside strings, so the line stays JSON."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", line.decode()).encode()
