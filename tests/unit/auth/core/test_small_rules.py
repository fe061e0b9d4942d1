"""Codes, masks and what scopes show."""

from datetime import UTC, datetime, timedelta

import pytest

from auth.core.masking import decoy_email, masked_email, masked_phone
from auth.core.one_time_code import Purpose, expires_at, new_code, plain
from auth.core.scopes import shown

NOW = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)


def test_a_code_has_six_digits_and_any_of_a_million() -> None:
    """B10: leading zeros are kept."""
    asked: list[int] = []

    def randbelow(limit: int) -> int:
        asked.append(limit)
        return 42

    assert new_code(randbelow) == "000042"
    assert asked == [1_000_000]


@pytest.mark.parametrize(
    ("purpose", "life"),
    [
        ("sign_up", timedelta(hours=24)),
        ("email", timedelta(hours=24)),
        ("phone_number", timedelta(hours=24)),
        ("reset", timedelta(hours=1)),
        ("mfa", timedelta(minutes=3)),
    ],
)
def test_how_long_a_code_lives(purpose: Purpose, life: timedelta) -> None:
    """B10: reset 1 h, sign-up and attribute 24 h, MFA at most 15 min."""
    assert expires_at(purpose, NOW) == NOW + life


def test_codes_are_read_as_people_type_them() -> None:
    assert plain(" 123 456\n") == "123456"


def test_masks_are_cognitos() -> None:
    assert masked_email("Test@Example.com") == "t***@e***"
    assert masked_phone("+15551231234") == "+*******1234"
    assert decoy_email(bytes([0, 25])) == "a***@z***"


def test_scopes_show_their_own() -> None:
    have = {"email": "a@b.c", "email_verified": "true", "phone_number": "+1", "name": "Ada", "custom:x": "1"}
    assert shown(have, ["openid"]) == {}
    assert shown(have, ["email"]) == {"email": "a@b.c", "email_verified": "true"}
    assert shown(have, ["phone"]) == {"phone_number": "+1"}
    assert shown(have, ["openid", "profile"]) == {"name": "Ada", "custom:x": "1"}
