"""Which unquoted YAML texts mean the same to every reader, and what they mean.

Pure functions of one text. YAML 1.1, 1.2 and their many readers differ on the rest, which needs quotes.
Source: YAML 1.2.2, section 10.3 (core schema); YAML 1.1 types (bool, int, float, timestamp).
"""

import re

MAX_NUMBER_CHARS = 18  # fits 64 bits in every consumer

_WORDS = frozenset(("yes", "no", "on", "off", "y", "n", "null", "~"))
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_AMBIGUOUS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[bB][01_]+"),
        "is a number in hexadecimal or binary to some readers",
    ),
    (
        re.compile(r"[-+]?0[oO]?[0-9_]+(\.[0-9_]*)?"),
        "has a leading zero: an octal number to some readers, text or a decimal to others",
    ),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-9]+)+(\.[0-9_]*)?"), "is a number in base 60 to some readers"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"), "is a date to some readers"),
    (re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.eE+-]*"), "is a number to some readers and text to others"),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "is not a decimal number"),
)


def why_ambiguous(text: str) -> str:
    """Why plain *text* may not stand without quotes, "" if it may."""
    lower = text.lower()
    if lower in _WORDS:
        return "means true, false or nothing to some readers and text to others"
    if lower in ("true", "false") and text != lower:
        return "is a truth value to some readers and text to others"
    for pattern, why in _AMBIGUOUS:
        if pattern.fullmatch(text):
            return why
    if _FLOAT.fullmatch(text):
        if len(text) > MAX_NUMBER_CHARS:
            return f"is a number of more than {MAX_NUMBER_CHARS} characters"
        if float(text) in (float("inf"), float("-inf")):
            return "is too large for a number"
    return ""


def quote_hint(text: str) -> str:
    lower = text.lower()
    if lower in ("yes", "on", "y", "true"):
        return f'quote it: "{text}", or write true'
    if lower in ("no", "off", "n", "false"):
        return f'quote it: "{text}", or write false'
    if lower in ("null", "~"):
        return f'quote it: "{text}", or remove the key'
    return f'quote it: "{clip(text)}"'


def number(text: str) -> int | float | str:
    if DECIMAL.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"  # one line of a terminal


def shown(text: str) -> str:
    return f'"{clip(text)}"'
