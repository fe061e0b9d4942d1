"""Makes characters visible that would drive a terminal: what a function prints is shown, never obeyed."""

import unicodedata

# Cc: control. Cf: format, such as the ones that turn the direction of text. Zl, Zp: they end a line.
_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def escaped(text: str) -> str:
    r"""Make control characters visible (``\x1b``); a tab stays, a carriage return starts an indented line.

    Lambda's Python runtime joins the lines of a traceback by carriage returns, so that they are one record.
    """
    if text.isascii() and text.isprintable():
        return text
    return "\n    ".join(_visible(part) for part in text.split("\r"))


def json_escaped(text: str) -> str:
    """Do the same within JSON, which escapes C0 only; a terminal also obeys DEL, C1 and direction characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_json_visible(character) for character in text)


def _visible(text: str) -> str:
    return "".join(
        character
        if character == "\t" or unicodedata.category(character) not in _SHOWN
        else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _json_visible(character: str) -> str:
    if unicodedata.category(character) not in _SHOWN:
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
