"""What is wrong with a configuration file, and how a person or a program is told.

Values only: nothing here reads files or decides what is wrong.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.positioned_yaml import KeyPath
from lockgate.config.codes import Severity

_LINE_CHARS = 100  # of a source line that are shown: one line of a usual terminal, prefix included
_BEFORE_CARET_CHARS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem.

    :param code: stable, one of `lockgate.config.codes.CODES`.
    :param line: 1-based, as `column`; 0 when the problem has no place in a file.
    :param key_path: keys and list indices from the top of the file.
    :param suggestion: what to write instead; "" when there is nothing to suggest.
    """

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    key_path: KeyPath
    reason: str
    suggestion: str = ""

    def __repr__(self) -> str:
        return f"<Problem {self.code}@{self.line}:{self.column}>"


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by place; equal ones once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column, p.code, p.reason)))


def as_json(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """JSON-ready objects; the names of their keys are stable."""
    return [
        {
            "code": problem.code,
            "severity": problem.severity,
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "key_path": list(problem.key_path),
            "reason": problem.reason,
            "suggestion": problem.suggestion,
        }
        for problem in problems
    ]


def render_text(problems: Sequence[Problem], source_lines: Sequence[str], color: bool = False) -> str:
    """Text for a terminal: each problem with its line and a caret, then a line that counts them.

    :param source_lines: the lines of the file (`kit.positioned_yaml.split_lines`).
    """
    if not problems:
        return ""
    paint = _PAINT if color else _PLAIN
    blocks = [_block(problem, source_lines, paint) for problem in problems]
    return "\n".join([*blocks, _count(problems)]) + "\n"


_PLAIN = {"error": "{}", "warning": "{}", "dim": "{}", "bold": "{}", "help": "{}"}
_PAINT = {
    "error": "\x1b[1;31m{}\x1b[0m",
    "warning": "\x1b[1;33m{}\x1b[0m",
    "dim": "\x1b[2m{}\x1b[0m",
    "bold": "\x1b[1m{}\x1b[0m",
    "help": "\x1b[36m{}\x1b[0m",
}


def _block(problem: Problem, source_lines: Sequence[str], paint: dict[str, str]) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    severity = paint[problem.severity].format(f"{problem.severity}[{problem.code}]")
    out = [f"{paint['bold'].format(_printable(place))}: {severity} {_printable(problem.reason)}"]
    if 0 < problem.line <= len(source_lines):
        shown, caret = _window(source_lines[problem.line - 1], problem.column)
        gutter = f"{problem.line:>5} | "
        out.append(paint["dim"].format(gutter) + shown)
        out.append(paint["dim"].format(" " * 5 + " | ") + caret + paint[problem.severity].format("^"))
    if problem.suggestion:
        out.append(" " * 5 + " = " + paint["help"].format(_printable(problem.suggestion)))
    return "\n".join(out) + "\n"


def _window(line: str, column: int) -> tuple[str, str]:
    """The part of *line* around *column*, and the blanks that put a caret below it."""
    start = 0 if len(line) <= _LINE_CHARS else max(0, column - 1 - _BEFORE_CARET_CHARS)
    part = line[start : start + _LINE_CHARS]
    before = _printable(part[: column - 1 - start])
    lead = "…" if start else ""
    tail = "…" if start + _LINE_CHARS < len(line) else ""
    return lead + _printable(part) + tail, " " * (len(lead) + _width(before))


def _printable(text: str) -> str:
    """Without what a terminal would act on: control characters, bidirectional marks."""
    return "".join(c if c.isprintable() else " " if c in "\t\n\r" else "\ufffd" for c in text)


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _count(problems: Sequence[Problem]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    parts = [(errors, "error"), (len(problems) - errors, "warning")]
    return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts if number)
