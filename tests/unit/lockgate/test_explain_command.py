"""``lockgate explain``: the command line, the text for people, and exit codes. The rest is in the end-to-end tests."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lockgate.cli import build_parser, main
from lockgate.commands.explain import exit_code, read_question
from lockgate.errors import UsageError
from lockgate.explain_text import explanation_lines, step_lines
from lockgate.explanation import BadQuestion, explain_offline
from tests.support.routes_file import write_routes


def parsed(*words: str) -> argparse.Namespace:
    return build_parser().parse_args(["explain", *words])


def test_a_question_is_what_was_typed() -> None:
    asked = read_question(
        parsed(
            "get",
            "/a?b=c",
            "-H",
            "X-One: 1",
            "-H",
            "host: api.example.com",
            "--from",
            "192.0.2.7",
            "--claims",
        )
    )
    assert asked == {
        "method": "GET",
        "target": "/a?b=c",
        "headers": [["X-One", "1"]],
        "host": "api.example.com",
        "token": None,
        "from": "192.0.2.7",
        "claims": True,
    }


def test_raw_bytes_stay_bytes() -> None:
    assert read_question(parsed("GET", "/café"))["target"] == "/caf\xc3\xa9"
    assert read_question(parsed("GET", "/a", "-H", "X: é"))["headers"] == [["X", "\xc3\xa9"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("GET", "notes?k=hidden"), "Write /notes."),
        (("GET", "/a", "-H", "nonsense hidden"), "'Name: value'"),
        (("GET", "/a", "-H", "X: hidden\r\nY: z"), "'Name: value'"),
        (("GET", "/a", "-H", ": hidden"), "'Name: value'"),
        (("GET", "/a", "--from", "here"), "192.0.2.7"),
        (("GET", "/a", "--host", "a", "-H", "Host: b"), "once"),
        (("GET", "/a", "--token", "hidden"), "Pipe it in"),
    ],
)
def test_what_was_typed_wrongly_is_named_without_its_value(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_question(parsed(*words))
    said = f"{refused.value.what} {refused.value.instead}"
    assert says in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [
        ("allowed", None, 0), ("allowed", 204, 0), ("allowed", 503, 0), ("unknown", None, 5), ("refused", 401, 4),
        ("refused", 403, 4), ("refused", 400, 1), ("refused", 404, 1), ("refused", 429, 1), ("refused", 431, 1),
    ],
)  # fmt: skip
def test_exit_codes(verdict: str, status: int | None, code: int) -> None:
    answer = None if status is None else {"status": status}
    assert exit_code({"verdict": verdict, "answer": answer}) == code


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LOCKGATE_CONFIG", "LOCKGATE_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return write_routes(
        tmp_path,
        functions={},
        server={"domains": ["b.example.com", "a.example.com"]},
        routes={"GET /notes": {"public": True, "respond": {"body": "{}"}}},
    )


def test_text_for_people(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "GET", "/note"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "GET /note   offline, from the file and the keys that are kept"
    assert "refused  404  no route matches." in lines
    assert "  HTTP/1.1 404 Not Found" in lines
    assert '  {"message":"Not Found"}' in lines
    assert lines[lines.index("did you mean") + 1] == "  GET /notes"


@pytest.mark.parametrize("name", ["token", "integration", "$request.header.x-device-key"])
def test_a_step_s_name_stands_apart_from_what_is_said_of_it(name: str) -> None:
    step = {"name": name, "outcome": "ok", "sentence": "there is a value", "checks": []}
    [line] = step_lines([step])
    assert line.plain.split() == ["ok", name, "there", "is", "a", "value"]


def test_the_first_domain_is_the_host_unless_one_is_named(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "GET", "/notes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["request"]["host"] == "a.example.com"
    assert set(found) == {
        *(
            "source",
            "generation",
            "request",
            "verdict",
            "sentence",
            "code",
            "reason",
            "stage",
            "route",
            "parameters",
        ),
        *("steps", "answer", "integration", "budget", "not_chosen", "did_you_mean", "claims", "other_claims"),
    }
    assert main(["explain", "GET", "/notes", "--host", "other.example.com"]) == 4


def test_nothing_is_written(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(config.parent.iterdir())
    assert main(["explain", "GET", "/notes"]) == 0
    assert sorted(config.parent.iterdir()) == before


def test_an_impossible_character_is_a_usage_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "GET", "/notes", "--host", "☃.example.com"]) == 2
    with pytest.raises(BadQuestion):
        explain_offline([config], config.parent / "state", {"method": "GET", "target": "/", "headers": "x"})


def test_a_request_cannot_drive_the_terminal(config: Path) -> None:
    asked: dict[str, Any] = {"method": "GET", "target": "/%E2%80%AEabc", "from": "192.0.2.7"}
    found = explain_offline([config], config.parent / "state", asked)
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
    for line in explanation_lines(found):
        console.print(line)
    assert isinstance(console.file, io.StringIO)
    assert "\u202e" not in console.file.getvalue()
    assert sys.stdout is not console.file
