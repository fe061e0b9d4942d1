"""Of the forged tokens those that only one line refuses: each names the requirement that the line is for."""

import asyncio

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.errors import AccessDenied, Denial, Unauthorized
from gateway.exchange import Authorization
from tests.support.forged_case import Case, issuer_keys
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.jwt_world import AUDIENCE, ISSUER, NOW_S, request_with, spec

CORPUS = {case.id: case for case in (*forged_keys(), *forged_forms(), *forged_claims())}

# Of the corpus, for each line that decides, what only that line refuses.
CHOSEN = {
    "J1-none": "alg='none', any signature",
    "J1-another-algorithm": "RS384 with a key for RS256",
    "J1-hmac": 'alg="HS256", signed as RS256',
    "J3-kid-in-another-case": 'kid="A"',
    "J3-kid-is-a-path": 'kid="a/../a"',
    "J3-kid-is-no-text": "kid=0",
    "J4-jwk": "jwk for a kid of its own",
    "J4-jwk-of-a-known-kid": "jwk for the kid of a known key",
    "J4-jku": "jku for a kid of its own",
    "J4-x5u": "x5u for a kid of its own",
    "J4-x5c": "x5c for the kid of a known key",
    "J5-crit": 'crit=["exp"]',
    "J5-b64": "b64=false",
    "J5-zip": 'zip="DEF"',
    "J5-cty": 'cty="JWT"',
    "J6-two-segments": "two segments",
    "J6-five-segments": "five segments",
    "J6-flattened-json": "flattened JSON",
    "J6-padding": "'=' behind the header",
    "J6-line-break": "'\\n' inside the header",
    "J6-empty-signature": "empty signature",
    "J6-signature-of-the-standard-alphabet": "'+' inside the header",
    "J9-no-exp": "exp missing",
    "J9-exp-now": f"exp={NOW_S}",
    "J9-exp-is-text": f'exp="{NOW_S + 3600}"',
    "J9-exp-is-true": "exp=true",
    "J9-nbf-to-come": f"nbf={NOW_S + 1}",
    "J9-iat-to-come": f"iat={NOW_S + 1}",
    "J9-exp-infinite": "exp=Infinity",
    "J10-slash": f'iss="{ISSUER}/"',
    "J10-prefix": f'iss="{ISSUER[:-1]}"',
    "J10-list": f'iss=["{ISSUER}"]',
    "J11-other": 'aud="other"',
    "J11-longer": 'aud="client-11"',
    "J11-list": 'aud=["other"]',
    "J11-object": 'aud={"client-1": true}',
    "J11-client-id-beside-aud": 'aud="other" beside a good client_id',
    "J11-client-id-list": 'client_id=["client-1"]',
    "J12-part-of-a-word": 'scope="notes"',
    "J12-tab": 'scope="notes/write\\tnotes/read"',
    "J12-none": 'scope=""',
    "J13-dpop": 'typ="dpop+jwt"',
    "J13-logout": 'typ="logout+jwt"',
}


def authorize(token: str, scopes: tuple[str, ...]) -> Authorization:
    gate = JwtAuthorizer(spec(), issuer_keys()).for_route(scopes)
    return asyncio.run(gate.authorize(request_with(f"Bearer {token}")))


@pytest.mark.parametrize("case", [pytest.param(CORPUS[case], id=name) for name, case in CHOSEN.items()])
def test_forged_token_and_its_twin(case: Case) -> None:
    with pytest.raises(Denial) as refused:
        authorize(case.token, case.scopes)
    assert refused.value.reason == case.reason
    assert type(refused.value) is (AccessDenied if case.reason == "scope_insufficient" else Unauthorized)
    assert AUDIENCE in str(authorize(case.twin, case.scopes).v2)
