"""Positions are exact, everything ambiguous is refused, and nothing makes the reader raise."""

import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import positioned_yaml
from kit.positioned_yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_PROBLEMS,
    PROBLEM_CODES,
    Document,
    Mark,
    Position,
    parse,
)

AMBIGUOUS = (
    *("on", "off", "yes", "no", "On", "OFF", "Yes", "NO", "y", "n", "Y", "N", "null", "Null", "~"),
    *("True", "FALSE", "TRUE", "017", "0o17", "00", "-07", "0x1F", "0b101", "000000000000", "1_000", "1_0.5"),
    *("12:30:00", "1:30", "12:30:00.5", "2024-01-31", "2024-01-31T10:00:00Z", "1234567890123456789"),
    *(".inf", "-.INF", ".nan", "1e999"),
)


def read(text: str) -> Document:
    return parse(textwrap.dedent(text).encode())


def found(document: Document) -> list[tuple[str, int, int]]:
    return [(p.code, p.mark.line, p.mark.column) for p in document.problems]


def test_values_and_their_positions_are_exact() -> None:
    document = read(
        """\
        # comment
        a: 1
        "b c":
          - x
          - {d: true, e: "2"}
        """
    )
    assert document.value == {"a": 1, "b c": ["x", {"d": True, "e": "2"}]}
    assert document.problems == ()
    assert document.positions == {
        (): Position(Mark(2, 1)),
        ("a",): Position(Mark(2, 4), Mark(2, 1)),
        ("b c",): Position(Mark(4, 3), Mark(3, 1)),
        ("b c", 0): Position(Mark(4, 5)),
        ("b c", 1): Position(Mark(5, 5)),
        ("b c", 1, "d"): Position(Mark(5, 9), Mark(5, 6)),
        ("b c", 1, "e"): Position(Mark(5, 18), Mark(5, 15)),
    }


def test_columns_count_characters_and_not_bytes() -> None:
    document = read('"é€😀": {x: on}\n')
    assert found(document) == [("quote-it", 1, 12)]


@pytest.mark.parametrize("lead", ["\ufeff", "---\n", "# c\r\n", "\r"])
def test_byte_order_marks_and_line_ends_move_no_position(lead: str) -> None:
    document = parse((lead + "a: ok\n").encode())
    line = 1 if lead == "\ufeff" else 2
    assert document.positions["a",] == Position(Mark(line, 4), Mark(line, 1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("10s", "10s"),
        ("75%", "75%"),
        ("127.0.0.1", "127.0.0.1"),
        ("172.16.0.0/12", "172.16.0.0/12"),
        ("us-east-1", "us-east-1"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("=", "="),
        ('"on"', "on"),
        ("'017'", "017"),
        ('"12:30:00"', "12:30:00"),
        ("|-\n yes", "yes"),
    ],
)
def test_scalars_that_mean_the_same_everywhere_are_read(text: str, value: object) -> None:
    document = parse(f"k: {text}\n".encode())
    assert document.problems == ()
    assert document.value == {"k": value}
    assert type(document.value["k"]) is type(value)  # True == 1


@pytest.mark.parametrize(
    "text",
    AMBIGUOUS,
)
def test_scalars_that_readers_disagree_on_must_be_quoted(text: str) -> None:
    document = parse(f"k: {text}\n".encode())
    assert found(document) == [("quote-it", 1, 4)]
    assert f'"{text}"' in document.problems[0].suggestion
    assert document.problems[0].suggestion.startswith("quote it")


def test_keys_are_text_and_ambiguous_keys_must_be_quoted() -> None:
    document = read("200: a\n$default: b\nno: c\n017: d\n'on': e\n")
    assert found(document) == [("quote-it", 3, 1), ("quote-it", 4, 1)]
    assert document.value == {"200": "a", "$default": "b", "no": "c", "017": "d", "on": "e"}


def test_an_empty_value_is_a_problem_and_a_missing_space_is_guessed() -> None:
    document = read("a:\nb: {x:1, z: 2}\n")
    assert [p.code for p in document.problems] == ["empty-value", "empty-value"]
    assert "space" in document.problems[1].suggestion


def test_duplicate_keys_are_found_at_the_second_one_and_both_are_read_on() -> None:
    document = read("a: 1\nb: 2\na: yes\na: 4\n")
    assert found(document) == [("duplicate-key", 3, 1), ("quote-it", 3, 4), ("duplicate-key", 4, 1)]
    assert "first in line 1" in document.problems[0].reason
    assert document.value == {"a": 1, "b": 2}
    assert document.positions["a",] == Position(Mark(1, 4), Mark(1, 1))


def test_equal_keys_of_other_types_are_duplicates_as_text() -> None:
    assert found(read('200: a\n"200": b\n')) == [("duplicate-key", 2, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: &x 1\n", [("yaml-anchor", 1, 4)], id="anchor"),
        pytest.param("a: &x 1\nb: *x\n", [("yaml-anchor", 1, 4), ("yaml-anchor", 2, 4)], id="alias"),
        pytest.param("a: {<<: {b: 1}}\n", [("yaml-anchor", 1, 5)], id="merge"),
        pytest.param("a: !!str 1\n", [("yaml-tag", 1, 4)], id="tag"),
        pytest.param("a: !!python/object:os.system {}\n", [("yaml-tag", 1, 4)], id="python-tag"),
        pytest.param("!x {a: 1}\n", [("yaml-tag", 1, 1)], id="root-tag"),
        pytest.param("%YAML 1.1\n---\na: 1\n", [("yaml-directive", 1, 1)], id="directive"),
        pytest.param("a: 1\n---\nb: 1\n", [("yaml-several-documents", 2, 1)], id="two-documents"),
        pytest.param("? [a]\n: b\n", [("yaml-complex-key", 1, 3)], id="complex-key"),
        pytest.param("", [("empty-value", 1, 1)], id="empty"),
        pytest.param("# nothing\n", [("empty-value", 1, 1)], id="comment-only"),
    ],
)
def test_what_a_small_yaml_has_no_use_for_is_refused(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert found(parse(text.encode())) == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        pytest.param("a: b: c\n", 1, 5, "indentation", id="two-colons"),
        pytest.param("a:\n\t- x\n", 2, 1, "spaces", id="tab"),
        pytest.param("a: [1, 2\nb: c\n", 2, 2, "close", id="open-bracket"),
        pytest.param("{a: 'x\n", 2, 1, "quote", id="open-quote"),
        pytest.param("a: @y\n", 1, 4, "quotes", id="at-sign"),
        pytest.param("a: 'b' c\n", 1, 8, "quote", id="after-quote"),
    ],
)
def test_syntax_errors_say_where_and_what_to_do(text: str, line: int, column: int, word: str) -> None:
    problems = parse(text.encode()).problems
    assert [(p.code, p.mark) for p in problems] == [("yaml-syntax", Mark(line, column))]
    assert word in problems[0].suggestion


@pytest.mark.parametrize(
    ("text", "column", "quoted"),
    [
        ("a: {k: ${env:X:-dev}}\n", 8, '"${env:X:-dev}"'),
        ("a: {k: ${env:X}, l: 1}\n", 8, '"${env:X}"'),
        ("a: [u://u:${env:PW}@h/d]\n", 11, '"u://u:${env:PW}@h/d"'),
        ("a: ${env:X}\n", 4, '"${env:X}"'),
    ],
)
def test_an_unquoted_reference_is_answered_with_the_quoted_form(text: str, column: int, quoted: str) -> None:
    problems = parse(text.encode()).problems
    assert [(p.code, p.mark) for p in problems] == [("unquoted-reference", Mark(1, column))]
    assert quoted in problems[0].suggestion


def test_bytes_that_are_not_utf8_are_found_where_they_stand() -> None:
    assert found(parse(b"a: 1\nb: \xff\n")) == [("yaml-encoding", 2, 4)]
    assert found(parse("a: 1".encode("utf-16"))) == [("yaml-encoding", 1, 1)]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x85", "\u2028", "\ufffe", "\x7f"])
def test_control_characters_and_foreign_line_breaks_are_refused(character: str) -> None:
    assert found(parse(f"a: 1\nb: x{character}\n".encode())) == [("yaml-character", 2, 5)]


def test_depth_is_bounded() -> None:
    fits = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert parse(fits.encode()).problems == ()
    assert found(parse(f"[{fits}]".encode())) == [("yaml-too-deep", 1, MAX_DEPTH + 1)]


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        pytest.param("[" * 100_000, "yaml-too-deep", id="deep-list"),
        pytest.param("{a: " * 100_000, "yaml-too-deep", id="deep-map"),
        pytest.param("- " * 100_000, "yaml-too-deep", id="deep-block"),
        pytest.param("? " * 10_000, "yaml-complex-key", id="question-marks"),
        pytest.param("a: " + "x" * MAX_BYTES, "yaml-too-large", id="bytes"),
        pytest.param("[" + "no," * 5_000 + "]", "quote-it", id="problems"),
        pytest.param("k: " + "9" * 1_000_000, "quote-it", id="digits"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
            ),
            "yaml-anchor",
            id="billion-laughs",
        ),
    ],
)
def test_bombs_are_answered_with_bounded_work(bomb: str, code: str) -> None:
    document = parse(bomb.encode())
    assert document.problems[-1].code == code
    assert len(document.problems) <= MAX_PROBLEMS


def test_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positioned_yaml, "MAX_VALUES", 1_000)
    assert parse(b"[" + b"1," * 999 + b"]").problems == ()
    document = parse(b"[" + b"1," * 100_000 + b"]")
    assert found(document) == [("yaml-too-large", 1, 2_000)]
    assert len(document.positions) == 1_000


plain = st.text("abcxyz -_{}/$:+", max_size=12)
nested = st.recursive(
    st.booleans() | st.integers(-(10**12), 10**12) | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=25,
)


@given(nested)
@settings(max_examples=150, deadline=None)
def test_whatever_json_can_say_is_read_unchanged(value: object) -> None:
    document = parse(json.dumps(value).encode())
    assert document.problems == ()
    assert document.value == value


@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"%@#? \n\t0123~${}", max_size=60).map(str.encode))
@settings(max_examples=400, deadline=None)
def test_no_bytes_make_it_raise_and_every_problem_has_a_place(data: bytes) -> None:
    document = parse(data)
    for problem in document.problems:
        assert problem.code in PROBLEM_CODES
        assert problem.mark.line >= 1
        assert problem.mark.column >= 1
    assert document.is_complete or document.problems
