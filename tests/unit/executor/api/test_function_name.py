"""Function references, in all the forms that AWS clients send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.api.errors import InvalidParameterValue, OtherRegion, ResourceNotFound
from executor.api.function_name import (
    NAME_PATTERN,
    FunctionReference,
    name_violations,
    parse_reference,
    qualifier_violations,
)
from kit.names import Names

HERE = Names()
ARN = "arn:aws:lambda:us-east-1:000000000000:function:notes"

FORMS = [
    pytest.param("notes", None, ("notes", None, None, None), id="name"),
    pytest.param("notes:live", None, ("notes", "live", None, None), id="name-qualifier"),
    pytest.param("notes:$LATEST", None, ("notes", "$LATEST", None, None), id="name-latest"),
    pytest.param("notes", "7", ("notes", "7", None, None), id="query-qualifier"),
    pytest.param("notes:7", "7", ("notes", "7", None, None), id="both-agree"),
    pytest.param("function:notes", None, ("notes", None, None, None), id="function-prefix"),
    pytest.param(
        "000000000000:function:notes", None, ("notes", None, None, "000000000000"), id="partial-arn"
    ),
    pytest.param(
        "000000000000:function:notes:7", None, ("notes", "7", None, "000000000000"), id="partial-arn-version"
    ),
    pytest.param("000000000000:notes", None, ("notes", None, None, "000000000000"), id="account-name"),
    pytest.param(ARN, None, ("notes", None, "us-east-1", "000000000000"), id="arn"),
    pytest.param(f"{ARN}:$LATEST", None, ("notes", "$LATEST", "us-east-1", "000000000000"), id="arn-latest"),
    pytest.param(
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:n_-9",
        None,
        ("n_-9", None, "us-gov-west-1", "123456789012"),
        id="other-partition",
    ),
    pytest.param("n" * 64, None, ("n" * 64, None, None, None), id="longest"),
]


@pytest.mark.parametrize(("text", "query", "expected"), FORMS)
def test_every_form_is_understood(text: str, query: str | None, expected: tuple[str | None, ...]) -> None:
    assert name_violations(text) == []
    reference = parse_reference(text, query)
    assert (reference.name, reference.qualifier, reference.region, reference.account) == expected


@pytest.mark.parametrize(
    "text",
    ["", "no tes", "notes:", "a:b:c:d:e", "nötes", "notes\n", "$LATEST", "../etc", "a/b", "notes:a b", "n.s"],
)
def test_malformed_reference_is_a_constraint_failure(text: str) -> None:
    """C8: before anything is looked up; the twins are the forms above."""
    assert name_violations(text) == [
        f"Value '{text}' at 'functionName' failed to satisfy constraint:"
        f" Member must satisfy regular expression pattern: {NAME_PATTERN}"
    ]


def test_reference_over_140_characters_is_a_constraint_failure() -> None:
    assert name_violations("n" * 140) == []
    assert name_violations("n" * 141) == [
        f"Value '{'n' * 141}' at 'functionName' failed to satisfy constraint:"
        " Member must have length less than or equal to 140"
    ]
    assert len(name_violations("é" * 5000)) == 2
    assert all(len(text) < 600 for text in name_violations("é" * 5000))


def test_name_over_64_characters_is_refused_in_the_recorded_words() -> None:
    """C8"""
    with pytest.raises(InvalidParameterValue) as caught:
        parse_reference("n" * 65, None)
    assert caught.value.message == (
        f"1 validation error detected: Value '{'n' * 65}' at 'functionName' failed to satisfy constraint:"
        " Member must have length less than or equal to 64"
    )


@pytest.mark.parametrize("text", ["notes:1", f"{ARN}:1"])
def test_disagreeing_qualifiers_are_refused(text: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        parse_reference(text, "2")
    assert caught.value.message == (
        "The derived qualifier from the function name does not match the specified qualifier."
    )


def test_qualifier_constraints() -> None:
    assert (
        qualifier_violations(None) == qualifier_violations("$LATEST") == qualifier_violations("q" * 128) == []
    )
    assert len(qualifier_violations("a b")) == 1
    assert len(qualifier_violations("")) == 2
    assert "less than or equal to 128" in qualifier_violations("q" * 129)[0]


def test_function_of_another_region_is_not_reachable() -> None:
    reference = parse_reference("arn:aws:lambda:eu-west-1:000000000000:function:notes", None)
    with pytest.raises(OtherRegion) as caught:
        reference.check_place(HERE)
    assert caught.value.message == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 404)


def test_function_of_another_account_is_not_found_there() -> None:
    with pytest.raises(ResourceNotFound) as caught:
        parse_reference("111111111111:function:notes", None).check_place(HERE)
    assert caught.value.message == (
        "Function not found: arn:aws:lambda:us-east-1:111111111111:function:notes:$LATEST"
    )
    parse_reference(ARN, None).check_place(HERE)


@given(st.text("abz09_-:$ .LATEST\n", max_size=160))
def test_what_has_no_violations_always_parses(text: str) -> None:
    if name_violations(text):
        return
    try:
        reference = parse_reference(text, None)
    except InvalidParameterValue:
        return
    assert isinstance(reference, FunctionReference)
    assert 1 <= len(reference.name) <= 64
