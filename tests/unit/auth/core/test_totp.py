"""B10: RFC 6238's own vectors, and which steps a code is taken for."""

from datetime import UTC, datetime, timedelta

import pytest

from auth.core.totp import STEP_S, app_uri, base32, code_at, matching_step, secret_of

SEED = b"12345678901234567890"  # RFC 6238, Appendix B
NOW = datetime(2027, 1, 15, 12, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // STEP_S


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    """B10: RFC 6238 Appendix B, SHA-1, of eight digits; ours are the last six of them."""
    assert code_at(SEED, seconds // STEP_S, 8) == code
    assert code_at(SEED, seconds // STEP_S) == code[-6:]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(steps: int) -> None:
    """B10: RFC 6238 §5.2."""
    assert matching_step(SEED, code_at(SEED, STEP + steps), NOW) == STEP + steps


@pytest.mark.parametrize("steps", [-2, 2, 120])
def test_more_than_one_step_off_is_wrong(steps: int) -> None:
    """B10: twin of the one above."""
    assert matching_step(SEED, code_at(SEED, STEP + steps), NOW) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "٣٢١٤٥٦", "\ud800" * 6, "x" * 100_000])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert matching_step(SEED, code, NOW + timedelta(seconds=1)) is None


def test_seeds_are_read_back_as_they_were_shown() -> None:
    seed = bytes(range(32))
    assert len(base32(seed)) == 52
    assert secret_of(base32(seed)) == seed


def test_the_address_of_a_qr_code_is_quoted() -> None:
    uri = app_uri(SEED, issuer="My Notes & Co", account="ada@example.com")
    assert uri.startswith("otpauth://totp/My%20Notes%20%26%20Co:ada@example.com?secret=")
    assert "issuer=My%20Notes%20%26%20Co" in uri
