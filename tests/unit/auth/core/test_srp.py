"""The agreement on a key: a vector that two clients computed, and that both sides always agree."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.core import srp
from auth.core.modular_power import power
from auth.errors import InvalidParameter

POOL_NAME = "AbCdEfGhI"
USER_ID = "4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10"
PASSWORD = "Passw0rd!例"
SALT = 0xA1B2C3D4E5F60718293A4B5C6D7E8F90
A_SECRET = int(hashlib.sha256(b"client-a").hexdigest() * 4, 16)
B_SECRET = int(hashlib.sha256(b"server-b").hexdigest() * 4, 16)
TIMESTAMP = "Tue Feb 3 04:05:06 UTC 2026"


def client_key(user_id: str, password: str, salt: int, secret: int, server_public: int) -> bytes:
    """What a client computes, from its side of the equation."""
    x = srp.private_key(POOL_NAME, user_id, password, salt)
    u = srp.scrambler(pow(srp.G, secret, srp.N), server_public)
    shared = pow(server_public - srp.K * pow(srp.G, x, srp.N), secret + u * x, srp.N)
    return srp.derived_key(u, shared)


def test_the_constants_are_cognitos() -> None:
    assert f"{srp.K:x}" == "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6"
    assert srp.N.bit_length() == 3072


def test_the_vector_of_two_clients() -> None:
    x = srp.private_key(POOL_NAME, USER_ID, PASSWORD, SALT)
    assert f"{x:x}" == "511042d9a8cd5c72caa6426846580047afe72b65f87ad90dd4fae366994d75fa"
    public, kept = power(srp.G, A_SECRET, srp.N), srp.verifier(POOL_NAME, USER_ID, PASSWORD, SALT)
    answered = srp.server_public(kept, B_SECRET)
    u = srp.scrambler(public, answered)
    assert f"{u:x}" == "bec56ddf8edea638cdc838d9775060a1e2a4e9b4cb315c214623b84640bc1bd5"
    key = srp.server_key(public, answered, kept, B_SECRET)
    assert key.hex() == "29fd3b25dc640e6053c3bca7ac7d9250"
    signed = srp.signature(key, POOL_NAME, USER_ID, b"opaque-secret-block", TIMESTAMP)
    assert signed == "QQA9iRHx5k3s4GzuEI34ZtqubDYIKlCMb/Jrqr9i8T4="


SECRETS = st.integers(min_value=1, max_value=2**256)


@settings(max_examples=25, deadline=None)
@given(password=st.text(max_size=40), salt=st.integers(0, 2**128 - 1), a=SECRETS, b=SECRETS)
def test_both_sides_agree_on_a_key_and_another_password_does_not(
    password: str, salt: int, a: int, b: int
) -> None:
    kept = srp.verifier(POOL_NAME, USER_ID, password, salt)
    public, answered = power(srp.G, a, srp.N), srp.server_public(kept, b)
    key = srp.server_key(public, answered, kept, b)
    assert client_key(USER_ID, password, salt, a, answered) == key
    assert client_key(USER_ID, password + "x", salt, a, answered) != key


@given(st.integers(min_value=0, max_value=2**3100))
def test_padded_numbers_are_positive_in_twos_complement_and_the_shortest(number: int) -> None:
    padded = srp.pad_hex(number)
    assert int.from_bytes(padded, "big", signed=True) == number
    text = f"{number:x}"
    text = f"0{text}" if len(text) % 2 else text
    assert padded.hex() == (f"00{text}" if text[0] in "89abcdef" else text)


@given(st.integers(0, srp.N - 1), st.integers(-2, 2**256), st.sampled_from([srp.N, 13, 2**61 - 1]))
@settings(deadline=None)
def test_powers_are_those_of_arithmetic(base: int, exponent: int, modulus: int) -> None:
    if exponent < 0:
        base = 2
    assert power(base, exponent, modulus) == pow(base, exponent, modulus)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0", id="zero"),
        pytest.param("00", id="padded-zero"),
        pytest.param(f"{srp.N:x}", id="N"),
        pytest.param(f"{2 * srp.N:x}", id="2N"),
        pytest.param("", id="nothing"),
        pytest.param("xyz", id="not-hexadecimal"),
        pytest.param("0x12", id="prefix"),
        pytest.param("1_2", id="underscore"),
        pytest.param("-12", id="sign"),
        pytest.param(" 12", id="blank"),
        pytest.param("12\n", id="line-end"),
        pytest.param("\u0661", id="digit-of-another-script"),
        pytest.param("1" * 771, id="too-long"),
    ],
)
def test_numbers_that_prove_nothing_are_refused(text: str) -> None:
    """B9: A mod N = 0, what is no number, and what is too long are refused before anything is computed with them."""
    with pytest.raises(InvalidParameter, match="SRP_A"):
        srp.read_public(text)


@pytest.mark.parametrize("number", [1, srp.N - 1, srp.N + 1, 2 * srp.N - 1])
def test_their_neighbours_are_numbers(number: int) -> None:
    """B9: one beside a multiple of N is accepted, in both ways of writing it."""
    assert srp.read_public(f"{number:x}") == srp.read_public(f"{number:X}") == number


def test_a_scrambler_of_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """B9: nobody can make u = 0; if it came, the verifier would not matter. With 1 there is a key."""
    kept = srp.verifier(POOL_NAME, USER_ID, PASSWORD, SALT)
    public, answered = power(srp.G, A_SECRET, srp.N), srp.server_public(kept, B_SECRET)
    monkeypatch.setattr(srp, "scrambler", lambda *_: 0)
    with pytest.raises(InvalidParameter, match="no key"):
        srp.server_key(public, answered, kept, B_SECRET)
    monkeypatch.setattr(srp, "scrambler", lambda *_: 1)
    assert len(srp.server_key(public, answered, kept, B_SECRET)) == srp.KEY_BYTES


def test_a_timestamp_is_read_as_it_is_written() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert srp.read_timestamp(TIMESTAMP) == moment
    assert srp.write_timestamp(moment) == TIMESTAMP


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)))
def test_every_moment_comes_back_to_the_second(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert srp.read_timestamp(srp.write_timestamp(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Tue Feb 03 04:05:06 UTC 2026", id="zero-before-the-day"),
        pytest.param("Wed Feb 3 04:05:06 UTC 2026", id="another-weekday"),
        pytest.param("Di Feb 3 04:05:06 UTC 2026", id="german"),
        pytest.param("Tue Fev 3 04:05:06 UTC 2026", id="french"),
        pytest.param("Tue Feb 31 04:05:06 UTC 2026", id="no-such-day"),
        pytest.param("Tue Feb 3 24:05:06 UTC 2026", id="no-such-hour"),
        pytest.param("Tue Feb 3 04:05:06 CET 2026", id="another-zone"),
        pytest.param("Tue Feb 3 04:05:06 UTC 2026 ", id="blank"),
        pytest.param("2026-02-03T04:05:06Z", id="iso"),
        pytest.param("Tue Feb ٣ 04:05:06 UTC 2026", id="digit-of-another-script"),
        pytest.param("", id="nothing"),
    ],
)
def test_other_timestamps_are_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="TIMESTAMP format"):
        srp.read_timestamp(text)


def test_a_signature_is_base64_of_32_bytes_and_of_all_its_parts() -> None:
    parts = (b"key", POOL_NAME, USER_ID, b"block", TIMESTAMP)
    signed = srp.signature(*parts)
    assert len(base64.b64decode(signed, validate=True)) == 32
    for place, other in enumerate((b"other", "other", "other", b"other", "other")):
        changed = [*parts]
        changed[place] = other
        assert srp.signature(*changed) != signed  # type: ignore[arg-type]  # each other is of its place's type
