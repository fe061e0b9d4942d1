"""Shows log records to a person. A function's text cannot drive the terminal, or look like the platform's.

Every record begins with its time and function in columns that a text can't reach; platform lines carry a mark
and are dimmed; control and direction characters are shown, not sent.
"""

import unicodedata

import orjson
from rich.text import Text

from executor.logs.records import LogRecord

MARK = "·"  # stands before platform lines, in a column where a function's text has a space
# Cc: control. Cf: format, such as the ones that turn the direction of text. Zl, Zp: they end a line.
_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def escaped(text: str) -> str:
    r"""Make control characters visible (``\x1b``); a tab stays, a carriage return starts an indented line.

    Lambda's Python runtime joins the lines of a traceback by carriage returns, so that they are one record.
    """
    if text.isascii() and text.isprintable():
        return text
    return "\n    ".join(_visible(part) for part in text.split("\r"))


def as_text(record: LogRecord, *, show_function: bool) -> Text:
    """:param show_function: when records of several functions are shown together."""
    line = Text(no_wrap=False)
    line.append(f"{record.time[11:23]} ", style="dim")
    if show_function:
        line.append(f"{record.function} ", style="cyan")
    if record.is_platform:
        line.append(f"{MARK} {escaped(record.text).rstrip()}", style="dim")
    else:
        line.append(f"  {escaped(record.text)}")
    return line


def as_json(record: LogRecord) -> str:
    """One line, as `lockgate logs --json` prints it."""
    fields = {
        "time": record.time,
        "function": record.function,
        "type": record.type,
        "requestId": record.request_id,
        "env": record.env,
        "record": record.text,
    }
    # JSON escapes C0 only; a terminal also obeys DEL, C1 and direction characters.
    text = orjson.dumps(fields).decode()
    return (
        text
        if text.isascii() and text.isprintable()
        else "".join(_json_visible(character) for character in text)
    )


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
