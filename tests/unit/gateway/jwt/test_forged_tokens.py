"""J1–J13: every forged token is refused with its own reason, and its twin, one thing different, is let in."""

import asyncio
from urllib.parse import quote

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.errors import AccessDenied, Denial, Unauthorized
from gateway.exchange import Authorization
from gateway.selection import Selection
from tests.support.forged_case import Case, issuer_keys
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.jwt_world import AUDIENCE, request_with, spec

CASES = [*forged_keys(), *forged_forms(), *forged_claims()]
each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])


def authorize(token: str, scopes: tuple[str, ...]) -> Authorization:
    # A header holds ISO 8859-1; any other character can only come in a query.
    if any(ord(character) > 255 for character in token):
        source = Selection.parse("$request.querystring.token")
        authorizer = JwtAuthorizer(spec(identity_source=source), issuer_keys())
        exchange = request_with(query=f"token={quote(token)}")
    else:
        authorizer = JwtAuthorizer(spec(), issuer_keys())
        exchange = request_with(f"Bearer {token}")
    return asyncio.run(authorizer.for_route(scopes).authorize(exchange))


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    ids = [case.id for case in CASES]
    assert sorted({name for name in ids if ids.count(name) > 1}) == []
    assert len({(case.token, case.scopes) for case in CASES}) == len(CASES)
    assert len(CASES) >= 500


@each_case
def test_forged_token_is_refused(case: Case) -> None:
    """J1–J13: with exactly this reason, as 401, or 403 where only the scope is missing."""
    with pytest.raises(Denial) as refused:
        authorize(case.token, case.scopes)
    assert refused.value.reason == case.reason, refused.value.detail
    assert type(refused.value) is (AccessDenied if case.reason == "scope_insufficient" else Unauthorized)


@each_case
def test_its_twin_is_let_in(case: Case) -> None:
    assert AUDIENCE in str(authorize(case.twin, case.scopes).v2)
