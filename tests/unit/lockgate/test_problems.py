"""How problems look: to a person, to a program, to a hostile file."""

import json
import re

from lockgate.config.problems import Problem, as_json, in_order, render_text


def problem(**changes: object) -> Problem:
    values: dict[str, object] = {
        "code": "unknown-key",
        "severity": "error",
        "file": "routes.yaml",
        "line": 2,
        "column": 3,
        "key_path": ("defaults", "memroy"),
        "reason": 'there is no key "memroy" here',
        "suggestion": 'did you mean "memory"?',
    }
    return Problem(**{**values, **changes})  # type: ignore[arg-type]  # a builder


def test_text_shows_place_line_caret_reason_and_suggestion() -> None:
    assert render_text([problem()], ["defaults:", "  memroy: 256"]) == (
        'routes.yaml:2:3: error[unknown-key] there is no key "memroy" here\n'
        "    2 |   memroy: 256\n"
        "      |   ^\n"
        '      = did you mean "memory"?\n'
        "\n"
        "1 error\n"
    )


def test_caret_stands_below_the_character_after_wide_ones() -> None:
    lines = render_text([problem(line=1, column=4)], ["日本: x"]).splitlines()
    assert lines[2] == "      | " + " " * 5 + "^"


def test_long_lines_are_cut_around_the_caret() -> None:
    line = "a" * 5_000_000 + "!" + "b" * 500
    lines = render_text([problem(line=1, column=5_000_001)], [line]).splitlines()
    caret = lines[2].index("^")
    assert lines[1][caret] == "!"
    assert len(lines[1]) < 120


def test_terminal_controls_in_the_file_are_not_sent_to_the_terminal() -> None:
    hostile = problem(line=1, column=1, reason="x \x1b[2J \u202e y")
    text = render_text([hostile], ["\x1b]0;title\x07\u202e"])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_color_adds_codes_and_changes_no_words() -> None:
    painted = render_text([problem()], ["", "  memroy: 256"], color=True)
    assert "\x1b[1;31m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == render_text([problem()], ["", "  memroy: 256"])


def test_a_problem_without_a_place_shows_its_file_only() -> None:
    text = render_text([problem(line=0, column=0, suggestion="")], [])
    assert text.startswith("routes.yaml: error[unknown-key]")


def test_counts_errors_and_warnings() -> None:
    problems = [problem(), problem(line=1), problem(line=9, severity="warning")]
    assert render_text(problems, []).endswith("2 errors, 1 warning\n")
    assert render_text([], []) == ""


def test_json_is_plain_and_keeps_the_path_as_a_list() -> None:
    objects = as_json([problem()])
    assert json.loads(json.dumps(objects)) == objects
    assert objects[0]["key_path"] == ["defaults", "memroy"]
    assert objects[0]["line"] == 2


def test_order_is_by_place_and_equal_problems_are_one() -> None:
    first, second = problem(line=1), problem(line=10)
    assert in_order([second, first, problem(line=10)]) == (first, second)
    assert repr(in_order([second, first])) == "(<Problem unknown-key@1:3>, <Problem unknown-key@10:3>)"
