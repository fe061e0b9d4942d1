"""B8: which passwords are taken, and Cognito's words for those that are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.core.password_policy import SYMBOLS, check, fault, fits, temporary_password
from auth.errors import InvalidParameter, InvalidPassword
from auth.pool import CharacterKind, PasswordPolicy

ALL: frozenset[CharacterKind] = frozenset({"lower", "upper", "digit", "symbol"})
STRICT = PasswordPolicy(min_length=10, require=ALL)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("Ab3!efghi", "Password not long enough", id="short"),
        pytest.param("ab3!efghij", "Password must have uppercase characters", id="no-capital"),
        pytest.param("AB3!EFGHIJ", "Password must have lowercase characters", id="no-small-letter"),
        pytest.param("Abc!efghij", "Password must have numeric characters", id="no-digit"),
        pytest.param("Ab3cefghij", "Password must have symbol characters", id="no-symbol"),
    ],
)
def test_what_does_not_conform(password: str, reason: str) -> None:
    """Twin: `Ab3!efghij` has one of each, and is long enough."""
    with pytest.raises(InvalidPassword) as caught:
        check(STRICT, password)
    assert str(caught.value) == f"Password did not conform with policy: {reason}"
    check(STRICT, "Ab3!efghij")


@pytest.mark.parametrize("symbol", sorted(SYMBOLS - {" "}))
def test_every_symbol_counts(symbol: str) -> None:
    check(STRICT, f"Ab3{symbol}efghij")


def test_a_blank_counts_inside_only() -> None:
    check(STRICT, "Ab3 efghij")
    for password in (" Ab3!efghij", "Ab3!efghij ", "Ab3!efghij\n"):
        with pytest.raises(InvalidPassword, match="regular expression"):
            check(STRICT, password)


def test_all_of_256_bytes_are_taken_and_not_one_more() -> None:
    """B8: no truncation, and no unbounded work."""
    check(PasswordPolicy(), "x" * 256)
    check(PasswordPolicy(), "é" * 128)
    for password in ("x" * 257, "é" * 128 + "x"):
        assert not fits(password)
        with pytest.raises(InvalidParameter, match="less than or equal to 256"):
            check(PasswordPolicy(), password)


def test_no_pool_takes_less_than_six_characters() -> None:
    """B8: whatever its configuration says."""
    lax = PasswordPolicy(min_length=1)
    assert fault(lax, "12345") == "Password not long enough"
    assert fault(lax, "123456") is None


def test_a_lone_surrogate_is_no_character() -> None:
    assert fault(PasswordPolicy(), "\ud800" + "x" * 10) is not None


@given(st.integers(), st.integers(min_value=6, max_value=99))
def test_a_temporary_password_conforms(seed: int, length: int) -> None:
    policy = PasswordPolicy(min_length=length, require=ALL)
    made = temporary_password(policy, random.Random(seed).choice)
    check(policy, made)
    assert len(made) >= 12
