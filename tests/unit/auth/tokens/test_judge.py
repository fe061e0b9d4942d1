"""J13: our own endpoints take tokens of their kind, of our keys, and nothing else."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest

from auth.errors import NotAuthorized
from auth.tokens.judge import AccessToken
from auth.tokens.tokens import TokenSet
from kit.jwt.base64url import encode
from tests.support.forged_case import Case
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.token_world import (
    AUTH_URL,
    CLIENT,
    GRANT_ID,
    MACHINE,
    NOW,
    OTHER_POOL,
    POOL,
    SUB,
    TokenWorld,
    later,
    live,
)

Claims = dict[str, Any]


@pytest.fixture(scope="module")
def world(_quick_keys: None) -> TokenWorld:
    return TokenWorld(pools=(POOL, OTHER_POOL))


@pytest.fixture
def made(world: TokenWorld) -> TokenSet:
    return world.tokens.of_grant(POOL, CLIENT, live(), now=NOW)


def id_token(made: TokenSet) -> str:
    assert made.id_token is not None
    return made.id_token


def access_claims(**changes: Any) -> Claims:
    """The claims of a good access token; a change to None leaves the claim out."""
    now_s = int(NOW.timestamp())
    base = {
        "sub": SUB, "iss": f"{AUTH_URL}/{POOL.pool_id}", "client_id": CLIENT.client_id, "origin_jti": GRANT_ID,
        "token_use": "access", "scope": "openid", "exp": now_s + 60, "iat": now_s, "jti": "j", "username": "Anna",
    }  # fmt: skip
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def signed(world: TokenWorld, **changes: Any) -> str:
    return world.ring.signer(POOL.pool_id, "access").sign(access_claims(**changes))


def test_what_an_access_token_says(world: TokenWorld, made: TokenSet) -> None:
    """J13: and nothing of its text is kept."""
    assert world.judge.access(made.access_token, NOW) == AccessToken(
        pool_id=POOL.pool_id,
        client_id=CLIENT.client_id,
        sub=SUB,
        username="Anna",
        scopes=("openid", "email"),
        grant_id=GRANT_ID,
        jti=world.judge.access(made.access_token, NOW).jti,
        issued_at_s=NOW.timestamp(),
        expires_at_s=later(hours=1).timestamp(),
    )


def test_an_id_token_opens_nothing(world: TokenWorld, made: TokenSet) -> None:
    """J13: signed by our key, for our client, not expired; its twin is the access token beside it."""
    with pytest.raises(NotAuthorized, match="Invalid Access Token"):
        world.judge.access(id_token(made), NOW)
    assert world.judge.access(made.access_token, NOW)


def test_an_access_token_is_no_hint(world: TokenWorld, made: TokenSet) -> None:
    """J13: its twin is the ID token beside it."""
    with pytest.raises(NotAuthorized):
        world.judge.id_hint(made.access_token, NOW)
    assert world.judge.id_hint(id_token(made), NOW).sub == SUB


def test_a_key_of_one_kind_verifies_nothing_of_the_other(world: TokenWorld) -> None:
    """J13: an access token that the ID tokens' key has signed; its twin is signed by its own."""
    with pytest.raises(NotAuthorized):
        world.judge.access(world.ring.signer(POOL.pool_id, "id").sign(access_claims()), NOW)
    assert world.judge.access(signed(world), NOW)


@pytest.mark.parametrize("use", ["id", None, "refresh", "ACCESS", ["access"], True])
def test_token_use_must_say_access(world: TokenWorld, use: Any) -> None:
    """J13: whatever key has signed it; its twin says access."""
    with pytest.raises(NotAuthorized):
        world.judge.access(signed(world, token_use=use), NOW)
    assert world.judge.access(signed(world, token_use="access"), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": f"{AUTH_URL}/{OTHER_POOL.pool_id}"},
        {"iss": f"{AUTH_URL}/{POOL.pool_id}/"},
        {"iss": AUTH_URL},
        {"iss": [f"{AUTH_URL}/{POOL.pool_id}"]},
        {"iss": None},
        {"exp": None},
        {"exp": "9999999999"},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": [CLIENT.client_id]},
        {"sub": None},
        {"sub": 7},
        {"jti": None},
        {"iat": None},
        {"iat": int(NOW.timestamp()) + 5},
        {"nbf": int(NOW.timestamp()) + 5},
        {"username": ["Anna"]},
        {"origin_jti": 5},
        {"cnf": {"jkt": "x"}},
    ],
    ids=json.dumps,
)
def test_a_claim_that_does_not_hold(world: TokenWorld, change: Claims) -> None:
    """J9, J10: also under our own signature; the twin is the same without the change."""
    with pytest.raises(NotAuthorized, match="Invalid Access Token"):
        world.judge.access(signed(world, **change), NOW)
    assert world.judge.access(signed(world), NOW)


def test_a_pool_does_not_speak_for_another(world: TokenWorld) -> None:
    """J10: one pool's key under the other's issuer; its twin says its own."""
    other = world.ring.signer(OTHER_POOL.pool_id, "access")
    with pytest.raises(NotAuthorized):
        world.judge.access(other.sign(access_claims()), NOW)
    own = access_claims(iss=f"{AUTH_URL}/{OTHER_POOL.pool_id}")
    assert world.judge.access(other.sign(own), NOW).pool_id == OTHER_POOL.pool_id


def test_an_expired_token_is_told_so(world: TokenWorld, made: TokenSet) -> None:
    """J9: in Cognito's words; a second before it is good."""
    with pytest.raises(NotAuthorized, match="Access Token has expired"):
        world.judge.access(made.access_token, later(hours=1))
    assert world.judge.access(made.access_token, later(seconds=3599))


def test_a_hint_may_have_expired(world: TokenWorld, made: TokenSet) -> None:
    """OpenID Connect Core 1.0, section 3.1.2.1; a client may come back after a week."""
    hint = world.judge.id_hint(id_token(made), later(days=7))
    assert (hint.pool_id, hint.client_id, hint.sub) == (POOL.pool_id, CLIENT.client_id, SUB)
    assert (hint.username, hint.grant_id) == ("Anna", GRANT_ID)


def test_an_expired_hint_must_still_be_good(world: TokenWorld, made: TokenSet) -> None:
    """J10, J13: only its end is forgiven."""
    signer = world.ring.signer(POOL.pool_id, "id")
    good = access_claims(token_use="id", aud=CLIENT.client_id, client_id=None, exp=1)
    good["cognito:username"] = "Anna"
    for change in ({"iss": AUTH_URL}, {"token_use": "access"}, {"aud": None}, {"sub": None}, {"aud": ""}):
        bad = {name: value for name, value in {**good, **change}.items() if value is not None}
        with pytest.raises(NotAuthorized):
            world.judge.id_hint(signer.sign(bad), NOW)
    assert world.judge.id_hint(signer.sign(good), NOW)


CORPUS = (*forged_claims(), *forged_forms(), *forged_keys())


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.id)
def test_no_forged_token_is_taken(world: TokenWorld, case: Case) -> None:
    """J13: the tokens that attack the gateway; also their twins, which are good and of another issuer."""
    for judge in (world.judge.access, world.judge.id_hint):
        for token in (case.token, case.twin):
            with pytest.raises(NotAuthorized):
                judge(token, NOW)


def _with_head(make: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[str], str]:
    def forge(token: str) -> str:
        head, payload, signature = token.split(".")
        members = json.loads(urlsafe_b64decode_text(head))
        return f"{encode(json.dumps(make(members)).encode()).decode()}.{payload}.{signature}"

    return forge


def urlsafe_b64decode_text(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _changed_claims(token: str) -> str:
    head, payload, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode_text(payload))
    forged = urlsafe_b64encode(json.dumps({**claims, "sub": "somebody"}).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


FORGERIES: dict[str, Callable[[str], str]] = {
    "none": _with_head(lambda head: {**head, "alg": "none"}),
    "none without signature": lambda token: _with_head(lambda head: {**head, "alg": "none"})(
        token.rpartition(".")[0] + "."
    ),
    "HS256": _with_head(lambda head: {**head, "alg": "HS256"}),
    "RS512": _with_head(lambda head: {**head, "alg": "RS512"}),
    "PS256": _with_head(lambda head: {**head, "alg": "PS256"}),
    "no kid": _with_head(lambda head: {"alg": head["alg"]}),
    "another kid": _with_head(lambda head: {**head, "kid": "A" * 43 + "="}),
    "kid in another spelling": _with_head(lambda head: {**head, "kid": head["kid"].rstrip("=")}),
    "crit": _with_head(lambda head: {**head, "crit": ["exp"]}),
    "typ of a logout": _with_head(lambda head: {**head, "typ": "logout+jwt"}),
    "jwk of the sender": _with_head(lambda head: {**head, "jwk": {"kty": "oct", "k": "AA"}}),
    "claims changed": _changed_claims,
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "half of the signature": lambda token: token[:-171],
    "padded": lambda token: token + "==",
    "space before": lambda token: f" {token}",
    "line break behind": lambda token: f"{token}\n",
    "four segments": lambda token: f"{token}.x",
    "Bearer": lambda token: f"Bearer {token}",
    "empty": lambda _token: "",
    "9 KiB": lambda token: token + "A" * 9000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_our_own_token_changed_is_refused(world: TokenWorld, made: TokenSet, name: str) -> None:
    """J13, J1, J3, J5, J6, J7: the twin is the token as it was signed."""
    with pytest.raises(NotAuthorized):
        world.judge.access(FORGERIES[name](made.access_token), NOW)
    assert world.judge.access(made.access_token, NOW)


def test_no_refusal_quotes_the_token(world: TokenWorld, made: TokenSet) -> None:
    """L2: neither the message nor the detail, which goes into the log; nor what Python would print of the cause."""
    canary = signed(world, iss="https://canary.example")
    for token in (canary, id_token(made), f"{made.access_token}x", "canary.canary.canary"):
        with pytest.raises(NotAuthorized) as refused:
            world.judge.access(token, NOW)
        error = refused.value
        shown = f"{error} {error.detail} {error.__suppress_context__ or error.__context__}"
        assert "canary" not in shown
        assert token not in shown
        assert error.detail


def test_a_machine_is_no_user(world: TokenWorld) -> None:
    """A18: whoever needs a person sees that there is none."""
    token = world.tokens.of_client(POOL, MACHINE, ("notes/read",), now=NOW).access_token
    found = world.judge.access(token, NOW)
    assert (found.grant_id, found.username, found.sub) == (None, None, found.client_id)
