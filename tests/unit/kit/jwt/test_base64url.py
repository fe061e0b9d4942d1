from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.jwt.base64url import decode, encode


@given(st.binary(max_size=80))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert encode(data) == urlsafe_b64encode(data).rstrip(b"=")
    assert decode(encode(data)) == data


@given(st.binary(max_size=12) | st.text("AQgw_-+/=", max_size=8).map(str.encode))
def test_each_value_has_one_spelling(text: bytes) -> None:
    """J6: no padding, no foreign character, no spare bits."""
    data = decode(text)
    assert data is None or encode(data) == text


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (b"AA==", b"AA"),
        (b"AB", b"AA"),
        (b"AAB", b"AAA"),
        (b"+A", b"-A"),
        (b"/A", b"_A"),
        (b"A", b"AA"),
        (b"A A", b"AAA"),
        (b"AA\n", b"AA"),
    ],
)
def test_other_spellings_are_refused(bad: bytes, good: bytes) -> None:
    """J6: exactly one spelling for each value."""
    assert decode(bad) is None
    assert decode(good) is not None
