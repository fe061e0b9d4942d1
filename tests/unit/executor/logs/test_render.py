import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.logs.escaping import escaped
from executor.logs.records import LogRecord
from executor.logs.render import MARK, as_json, as_text


def a_record(text: str, **changes: Any) -> LogRecord:
    values: dict[str, Any] = {
        "time": "2026-01-01T12:34:56.789Z", "type": "function", "function": "notes", "env": "e",
        "request_id": None, "text": text,
    }  # fmt: skip
    return LogRecord(**(values | changes))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext é 😀", "plain\ttext é 😀"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        ("[ERROR] x\rTraceback", "[ERROR] x\n    Traceback"),
        ("a\nb", "a\\x0ab"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(st.text())
@example("\x7f")
def test_function_text_cannot_drive_the_terminal_or_reach_the_margin(text: str) -> None:
    for output in (
        as_text(a_record(text), show_function=True).plain,
        as_json(a_record(text)) if _json(text) else "",
    ):
        first, *others = output.split("\n")
        assert all(line.startswith("    ") for line in others)
        assert not [
            c for c in first + "".join(others) if c != "\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs")
        ]


def _json(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cs" for character in text)


def test_platform_lines_are_marked_and_functions_cannot_look_like_them() -> None:
    """L5: also on a terminal."""
    report = "REPORT RequestId: 1\tDuration: 3.01 ms\t"
    platform = as_text(a_record(report, type="platform.report"), show_function=False)
    forged = as_text(a_record(f"{MARK} {report}"), show_function=False)

    assert platform.plain == f"12:34:56.789 {MARK} REPORT RequestId: 1\tDuration: 3.01 ms"
    assert forged.plain == f"12:34:56.789   {MARK} {report}"
    assert "dim" in {str(span.style) for span in platform.spans if span.end == len(platform.plain)}
    assert [str(span.style) for span in forged.spans] == ["dim"]  # the time alone


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same(text: str) -> None:
    assert orjson.loads(as_json(a_record(text)))["record"] == text
