"""Claims as text: what functions behind API Gateway have been seen to get, and what Go's ``%v`` prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorizers.jwt.claim_text import claim_text, claim_texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (1735689600, "1735689600"),
        (0, "0"),
        (-7, "-7"),
        (10**30, "1" + "0" * 30),
        (["admin", "poweruser"], "[admin poweruser]"),
        (["admin"], "[admin]"),
        ([], "[]"),
        (["a b", "c"], "[a b c]"),
        ([1, True, None, "x", [2, []]], "[1 true <nil> x [2 []]]"),
        ({"zip": 1, "city": "Oslo"}, "map[city:Oslo zip:1]"),
        ({}, "map[]"),
        ({"b": {"d": None, "c": [1.5]}}, "map[b:map[c:[1.5] d:<nil>]]"),
    ],
)
def test_claim_as_text(value: object, text: str) -> None:
    assert claim_text(value) == text


# Printed by Go 1's fmt.Printf("%v"), on this machine.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.5, "1.5"),
        (1.0, "1"),
        (100000.0, "100000"),
        (123456.7, "123456.7"),
        (1e6, "1e+06"),
        (1234567.8, "1.2345678e+06"),
        (1735689600.5, "1.7356896005e+09"),
        (1735689600.0, "1.7356896e+09"),
        (12345678901234567890.0, "1.2345678901234567e+19"),
        (1e21, "1e+21"),
        (2.5e10, "2.5e+10"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.5, "-0.5"),
        (0.1, "0.1"),
        (0.0, "0"),
        (-0.0, "-0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_number_with_a_fraction_as_go_prints_it(number: float, text: str) -> None:
    assert claim_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(number: float) -> None:
    assert float(claim_text(number)) == number


def test_null_is_left_out_and_the_order_kept() -> None:
    assert list(claim_texts({"b": 1, "gone": None, "a": "x"}).items()) == [("b", "1"), ("a", "x")]


def test_what_is_no_json_value_is_our_own_fault() -> None:
    with pytest.raises(TypeError, match="bytes"):
        claim_text(b"x")
