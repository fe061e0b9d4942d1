"""The texts of www-authenticate, letter by letter: clients read them."""

import pytest

from gateway.authorizers.jwt.challenge import Challenges
from gateway.errors import DENIAL_REASONS, DeploymentError
from kit.jwt import refusal
from kit.jwt.refusal import REFUSALS, Refusal

TEXTS = {
    refusal.REPEATED: "more than one token was sent",
    refusal.SEGMENTS: "token contains an invalid number of segments",
    refusal.MALFORMED: "the token is malformed",
    refusal.TOO_LARGE: "the token is too large",
    refusal.UNSUPPORTED: "the token header is not supported",
    refusal.ALGORITHM: "the token does not have a valid algorithm",
    refusal.KEY: "the token does not have a known key id",
    refusal.SIGNATURE: "signature is invalid",
    refusal.ISSUER: "the token does not have a valid issuer",
    refusal.AUDIENCE: "the token does not have a valid audience",
    refusal.EXPIRED: "the token has expired",
    refusal.NOT_YET: "the token is not valid yet",
    refusal.CLAIMS: "the token does not have valid claims",
    refusal.TOKEN_USE: "the token does not have a valid token use",
}


@pytest.mark.parametrize(("refused", "text"), [pytest.param(*item, id=item[1]) for item in TEXTS.items()])
def test_challenge_of_a_bad_token(refused: Refusal, text: str) -> None:
    bare, scoped = Challenges(()), Challenges(("notes/read", "notes/write"))
    assert bare.of(refused) == f'Bearer scope="" error="invalid_token" error_description="{text}"'
    assert scoped.of(refused) == (
        f'Bearer scope="notes/read notes/write" error="invalid_token" error_description="{text}"'
    )


def test_challenge_without_a_token_and_without_a_scope() -> None:
    """J12: a missing scope has an error of its own."""
    challenges = Challenges(("b", "a"))
    assert challenges.of(refusal.MISSING) == "Bearer"
    assert challenges.of(refusal.SCOPE) == (
        'Bearer scope="b a" error="insufficient_scope" error_description="the token does not have a required scope"'
    )


def test_every_refusal_has_its_text_and_a_known_reason() -> None:
    assert {*TEXTS, refusal.MISSING, refusal.SCOPE} == set(REFUSALS)
    named = {value for value in vars(refusal).values() if isinstance(value, Refusal)}
    assert named == set(REFUSALS)
    assert {each.reason for each in REFUSALS} <= set(DENIAL_REASONS)


@pytest.mark.parametrize("scope", ['a"b', "a\\b", "a b", "", "a\r\nx: y", "é", "a\x7f"])
def test_what_is_no_scope_is_refused_when_the_route_is_built(scope: str) -> None:
    """A quote or a line end would let configuration write headers."""
    with pytest.raises(DeploymentError, match="is no scope"):
        Challenges(("good", scope))
    Challenges(("good", "https://api.example.com/notes:read!#[]~"))
