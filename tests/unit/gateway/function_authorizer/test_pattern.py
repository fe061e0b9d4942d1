"""Wildcards, compared with the definition of a match."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.pattern import Pattern, PatternError, escape


def matches_by_definition(pattern: str, subject: str) -> bool:
    """For patterns without ``$``."""

    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(subject)
        if pattern[i] == "*":
            return fits(i + 1, j) or (j < len(subject) and fits(i, j + 1))
        return j < len(subject) and pattern[i] in ("?", subject[j]) and fits(i + 1, j + 1)

    return fits(0, 0)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        pytest.param("abc", "abc", True, id="literal"),
        pytest.param("abc", "abcd", False, id="no-prefix-match"),
        pytest.param("bc", "abc", False, id="no-suffix-match"),
        pytest.param("ABC", "abc", False, id="case-counts"),
        pytest.param("*", "", True, id="star-is-also-nothing"),
        pytest.param("*", "a/b:c", True, id="star-spans-slashes"),
        pytest.param("a*a", "a", False, id="ends-do-not-overlap"),
        pytest.param("a*a", "aa", True, id="ends-meet"),
        pytest.param("a**b", "ab", True, id="two-stars"),
        pytest.param("a?c", "abc", True, id="one-character"),
        pytest.param("a?c", "ac", False, id="not-none"),
        pytest.param("a?c", "abbc", False, id="not-two"),
        pytest.param("?", "", False, id="one-of-nothing"),
        pytest.param("*?b*", "aab", True, id="piece-with-any"),
        pytest.param("*a?b*", "aaab", True, id="overlapping-begins"),
        pytest.param("a.c", "abc", False, id="no-regular-expression"),
        pytest.param("[ab]", "a", False, id="no-sets"),
        pytest.param("*ab*ab*", "ab", False, id="each-piece-its-own-place"),
        pytest.param("*ab*b*", "ab", False, id="pieces-do-not-overlap"),
        pytest.param("*a?*b*", "ab", False, id="nor-those-with-any"),
        pytest.param("*\n", "a\n", True, id="line-breaks-are-characters"),
        pytest.param("${*}", "*", True, id="star-itself"),
        pytest.param("${*}", "a", False, id="star-itself-only"),
        pytest.param("${?}", "?", True, id="question-mark-itself"),
        pytest.param("${?}", "a", False, id="question-mark-itself-only"),
        pytest.param("${$}{a}", "${a}", True, id="dollar-itself"),
        pytest.param("a${?}?c", "a?xc", True, id="both-question-marks"),
        pytest.param("$default/$", "$default/$", True, id="a-lone-dollar"),
    ],
)
def test_match(pattern: str, subject: str, expected: bool) -> None:
    assert Pattern(pattern).matches(subject) is expected


@given(st.text("ab*?", max_size=12), st.text("ab*?", max_size=14))
def test_a_match_is_what_the_definition_says(pattern: str, subject: str) -> None:
    assert Pattern(pattern).matches(subject) is matches_by_definition(pattern, subject)


@given(st.text("ab*?", max_size=8), st.data())
def test_a_subject_made_from_a_pattern_matches_it(pattern: str, data: st.DataObject) -> None:
    runs = {"*": st.text("ab?*", max_size=5), "?": st.text("ab?*", min_size=1, max_size=1)}
    subject = "".join(data.draw(runs[c]) if c in runs else c for c in pattern)
    assert Pattern(pattern).matches(subject)


@given(st.text("a*?${}"), st.text("a*?${}"))
def test_an_escaped_text_matches_itself_and_nothing_else(text: str, other: str) -> None:
    pattern = Pattern(escape(text))
    assert pattern.matches(text)
    assert pattern.matches(other) is (other == text)


def test_what_needs_no_escape_stays_as_it_is() -> None:
    assert escape("notes/$default/café") == "notes/$default/café"
    assert escape("a*?${x}$") == "a${*}${?}${$}{x}$"


@pytest.mark.parametrize("text", ["${aws:username}", "a${", "${}", "${*", "${!}"])
def test_other_variables_are_refused(text: str) -> None:
    with pytest.raises(PatternError, match="policy variables"):
        Pattern(text)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("*a" * 2000 + "b", id="stars"),
        pytest.param("*" + "a?" * 2000 + "b*", id="question-marks"),
        pytest.param("*" + "a" * 4000 + "b*", id="long-literal"),
        pytest.param("?" * 4000 + "*b", id="leading-question-marks"),
    ],
)
def test_no_pattern_makes_matching_explode(pattern: str) -> None:
    """A backtracking matcher would not end on these within the time limit of a test."""
    assert not Pattern(pattern).matches("a" * 8000)
