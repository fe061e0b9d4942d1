"""J5–J8: the form of a token. Its many deformations are in the forged corpus."""

import pytest

from kit.jwt import token as module
from kit.jwt.refusal import SEGMENTS, TOO_LARGE, Refused
from kit.jwt.token import MAX_TOKEN_CHARS, read_token
from tests.support.jwt_world import b64, header, make_token, rsa_key


def test_a_token_is_taken_apart() -> None:
    text = make_token()
    token = read_token(text)
    assert (token.algorithm, token.kid) == ("RS256", "a")
    assert token.signing_input.decode() == text.rpartition(".")[0]
    assert b64(token.payload) == text.split(".")[1]
    assert b64(token.signature) == text.split(".")[2]


def test_a_token_may_name_no_key_and_have_unknown_parameters() -> None:
    """J4: parameters that bring a key are as unknown as any other."""
    token = read_token(make_token(head=header(rsa_key(), kid=None, typ=None, jku="https://x.example", x=[1])))
    assert token.kid is None


def test_size_is_judged_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """J7: a megabyte costs nothing; one character less is looked at."""

    def decode(segment: bytes) -> bytes:
        raise AssertionError("decoded")

    monkeypatch.setattr(module, "decode", decode)
    with pytest.raises(Refused) as refused:
        read_token("a." * (MAX_TOKEN_CHARS // 2) + "a")
    assert refused.value.refusal is TOO_LARGE
    with pytest.raises(AssertionError, match="decoded"):
        read_token("a.a." + "a" * (MAX_TOKEN_CHARS - 4))


@pytest.mark.parametrize("text", ["", "x", "x.y", "w.x.y.z", "v.w.x.y.z", "{}"])
def test_the_number_of_segments_has_a_text_of_its_own(text: str) -> None:
    """J6."""
    with pytest.raises(Refused) as refused:
        read_token(text)
    assert refused.value.refusal is SEGMENTS
