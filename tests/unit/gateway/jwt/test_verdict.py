"""`JwtAuthorizer.judge`: what would become of a token, in words, and with no trace."""

import asyncio

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.errors import Denial
from tests.support.forged_case import Case, issuer_keys
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.jwt_world import (
    NOW_S,
    FakeKeys,
    claims,
    make_token,
    request_with,
    rsa_key,
    spec,
)

CASES = [case for case in (*forged_keys(), *forged_forms(), *forged_claims()) if case.token.isascii()]


def test_a_good_token() -> None:
    verdict = JwtAuthorizer(spec(), FakeKeys(rsa_key())).judge(f"Bearer {make_token()}", NOW_S)
    assert verdict.reason is None
    assert verdict.sentence == "the token is accepted"
    assert verdict.claims == claims()
    assert verdict.scopes == ("notes/read", "notes/write")


def test_claims_are_shown_once_the_signature_is_good() -> None:
    authorizer = JwtAuthorizer(spec(), FakeKeys(rsa_key()))
    expired = authorizer.judge(make_token(), NOW_S + 3600)
    assert expired.reason == "token_expired"
    assert expired.claims == claims()
    forged = authorizer.judge(make_token()[:-8] + "AAAAAAAA", NOW_S)
    assert forged.reason == "signature_invalid"
    assert forged.claims is None


def test_it_says_what_is_wrong_and_what_is_wanted() -> None:
    authorizer = JwtAuthorizer(spec(), FakeKeys(rsa_key()))
    verdict = authorizer.judge(make_token(payload=claims(aud="other")), NOW_S)
    assert verdict.sentence == (
        "the token does not have a valid audience: its aud is 'other'; accepted: client-1"
    )
    scoped = authorizer.judge(make_token(), NOW_S, scopes=("notes/admin",))
    assert scoped.sentence == (
        "the token does not have a required scope: it has notes/read notes/write; one of notes/admin"
    )
    assert authorizer.judge("Bearer ", NOW_S).reason == "identity_missing"


def test_it_remembers_and_fetches_nothing() -> None:
    keys = FakeKeys(rsa_key(), later=[rsa_key("new")])
    authorizer = JwtAuthorizer(spec(), keys)
    assert authorizer.judge(make_token(rsa_key("new")), NOW_S).reason == "key_unknown"
    assert authorizer.judge(make_token(), NOW_S).reason is None
    assert keys.found == []
    asked: list[str] = []
    given = authorizer.judge(make_token(), NOW_S, lookup=lambda kid: asked.append(kid) or keys.get(kid))
    assert given.reason is None
    assert asked == ["a"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES[::5]])
def test_it_agrees_with_the_gate(case: Case) -> None:
    """J1–J13: one code path."""
    authorizer = JwtAuthorizer(spec(), issuer_keys())
    with pytest.raises(Denial) as refused:
        asyncio.run(authorizer.for_route(case.scopes).authorize(request_with(f"Bearer {case.token}")))
    verdict = authorizer.judge(f"Bearer {case.token}", NOW_S, scopes=case.scopes)
    said = verdict.sentence.partition(": ")[0]
    assert (verdict.reason, said) == (refused.value.reason, refused.value.detail)
    assert authorizer.judge(case.twin, NOW_S, scopes=case.scopes).reason is None
