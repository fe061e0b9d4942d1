"""What is let in here, other libraries let in as well, and they read the same claims in it.

Not the other way round: PyJWT and python-jose accept tokens that must be refused.
"""

import datetime
import json
from typing import Any

import jwt
import pytest
from jose import jwt as jose_jwt

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from tests.support.forged_case import issuer_keys
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.jwt_world import (
    AUDIENCE,
    ISSUER,
    NOW_S,
    FakeKeys,
    SigningKey,
    ec_key,
    make_token,
    rsa_key,
    spec,
)

KEYS = {kid: rsa_key(kid) for kid in ("a", "b", "open")}
TOKENS = list(dict.fromkeys(case.twin for case in (*forged_keys(), *forged_forms(), *forged_claims())))
FAMILIES: list[tuple[SigningKey, tuple[str, ...]]] = [
    (rsa_key("ps", algorithm="PS256"), ("PS256",)),
    (rsa_key("ps5", algorithm="PS512"), ("PS512",)),
    (rsa_key("rs5", algorithm="RS512"), ("RS512",)),
    (ec_key("p2", "P-256"), ("ES256",)),
    (ec_key("p3", "P-384"), ("ES384",)),
    (ec_key("p5", "P-521"), ("ES512",)),
]


class Now(datetime.datetime):
    """The clock of the tests' tokens."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "Now":
        return cls.fromtimestamp(NOW_S, tz)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jwt.api_jwt.datetime", Now)
    monkeypatch.setattr("jose.jwt.datetime", Now)


def agree(token: str, key: SigningKey, algorithms: list[str], ours: Any) -> None:
    has_audience = "aud" in ours
    theirs = jwt.decode(
        token,
        key.private.public_key(),
        algorithms=algorithms,
        issuer=ISSUER,
        audience=AUDIENCE if has_audience else None,
        options={"require": ["exp"], "enforce_minimum_key_length": True},
    )
    assert theirs == ours
    third = jose_jwt.decode(
        token,
        key.jwk(alg=algorithms[0]),
        algorithms=algorithms,
        issuer=ISSUER,
        audience=AUDIENCE if has_audience else None,
        options={"require_exp": True},
    )
    assert third == ours


@pytest.mark.parametrize("position", range(len(TOKENS)))
def test_accepted_token_is_accepted_by_others(position: int) -> None:
    """J1–J13: nothing is let in that only we can read."""
    token = TOKENS[position]
    verdict = JwtAuthorizer(spec(), issuer_keys()).judge(token, NOW_S)
    assert verdict.reason is None
    head = json.loads(jwt.utils.base64url_decode(token.split(".")[0]))
    agree(token, KEYS[head["kid"]], [head["alg"]], verdict.claims)


@pytest.mark.parametrize(("key", "algorithms"), FAMILIES)
def test_other_algorithms(key: SigningKey, algorithms: tuple[str, ...]) -> None:
    """J1."""
    token = make_token(key)
    authorizer = JwtAuthorizer(spec(algorithms=algorithms), FakeKeys(key, algorithms=algorithms))
    verdict = authorizer.judge(token, NOW_S)
    assert verdict.reason is None
    if algorithms[0].startswith("PS"):  # python-jose knows none of them
        assert (
            jwt.decode(token, key.private.public_key(), list(algorithms), audience=AUDIENCE) == verdict.claims
        )
    else:
        agree(token, key, list(algorithms), verdict.claims)
