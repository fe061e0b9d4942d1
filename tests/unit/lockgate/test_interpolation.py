"""References are replaced in values only, and what they bring is never shown."""

from pathlib import Path

import pytest

from lockgate.config.interpolation import MAX_FILE_BYTES, interpolate
from lockgate.config.report import Report

ENVIRON = {"NOT_TEXT": "a\udcff", "NAME": "value", "EMPTY": "", "NESTED": "${env:NAME}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key.txt").write_text("line one\nline two\n")
    (tmp_path / "windows.txt").write_bytes(b"text\r\n")
    (tmp_path / "large.txt").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    return tmp_path


def replaced(text: str, folder: Path) -> tuple[object, list[str]]:
    report = Report("routes.yaml", {})
    value = interpolate({"k": [text]}, ENVIRON, folder, report)["k"]
    assert isinstance(value, list)
    return value[0], [problem.code for problem in report.problems()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("${env:NAME}", "value", id="variable"),
        pytest.param("a ${env:NAME} b ${env:NAME}", "a value b value", id="several"),
        pytest.param("${env:MISSING:-dev}", "dev", id="default"),
        pytest.param("${env:MISSING:-}", "", id="empty-default"),
        pytest.param("${env:MISSING:-a:-b}", "a:-b", id="default-with-marks"),
        pytest.param("${env:NAME:-dev}", "value", id="set-beats-default"),
        pytest.param("${env:EMPTY}", "", id="empty-is-set"),
        pytest.param("${env:EMPTY:-dev}", "dev", id="default-for-empty"),
        pytest.param("${env:NESTED}", "${env:NAME}", id="no-second-round"),
        pytest.param("${file:key.txt}", "line one\nline two", id="file"),
        pytest.param("${file:windows.txt}", "text", id="windows-line-end"),
        pytest.param("$${env:NAME} $${x", "${env:NAME} ${x", id="escaped"),
        pytest.param(
            "${request.path.id}/${stageVariables.x}", "${request.path.id}/${stageVariables.x}", id="aws"
        ),
        pytest.param("$request.header.x $ {} $5", "$request.header.x $ {} $5", id="no-reference"),
    ],
)
def test_value_of_a_text(text: str, value: str, folder: Path) -> None:
    assert replaced(text, folder) == (value, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("${env:MISSING}", "reference-unset"),
        ("${env:2X}", "reference-malformed"),
        ("${NAME}", "reference-malformed"),
        ("${NAME:-x}", "reference-malformed"),
        ("${}", "reference-malformed"),
        ("${env:NAME", "reference-malformed"),
        ("${ENV:NAME}", "reference-unknown"),
        ("${cmd:ls}", "reference-unknown"),
        pytest.param("${env:NOT_TEXT}", "reference-unreadable", id="variable-not-utf-8"),
        ("${file:missing}", "reference-unreadable"),
        ("${file:.}", "reference-unreadable"),
        ("${file:large.txt}", "reference-unreadable"),
        ("${file:a\x00b}", "reference-unreadable"),
        ("${file:" + "x" * 5000 + "}", "reference-unreadable"),
        ("${file:/dev/zero}", "reference-unreadable"),
    ],
)
def test_what_cannot_be_replaced_is_reported_and_left(text: str, code: str, folder: Path) -> None:
    assert replaced(text, folder) == (text, [code])


def test_command_substitution_is_plain_text(folder: Path) -> None:
    assert replaced("$(id) `id`", folder) == ("$(id) `id`", [])
