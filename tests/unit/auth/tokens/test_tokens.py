"""Tokens as clients get them: three libraries that nobody here wrote read and verify each."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any

import jwt
import pytest
from jose import jwt as jose_jwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from auth.errors import InvalidParameter, ResourceNotFound
from auth.pool import Lifetimes
from auth.tokens.tokens import TokenSet
from tests.support.token_world import (
    AUTH_URL,
    CLIENT,
    MACHINE,
    NOW,
    OTHER_POOL,
    POOL,
    SUB,
    TokenWorld,
    later,
    live,
    user,
)

ISSUER = f"{AUTH_URL}/{POOL.pool_id}"


@pytest.fixture(scope="module")
def world(_quick_keys: None) -> TokenWorld:
    return TokenWorld()


def of_grant(world: TokenWorld, now: datetime = NOW, **changes: Any) -> TokenSet:
    return world.tokens.of_grant(POOL, CLIENT, live(**changes), now=now)


def by_pyjwt(token: str, jwks: dict[str, Any], audience: str | None) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(each for each in jwt.PyJWKSet.from_dict(jwks).keys if each.key_id == kid)
    checks = {"verify_exp": False, "verify_iat": False, "verify_aud": audience is not None}
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        issuer=ISSUER,
        audience=audience,
        options={**checks, "require": ["exp"]},
    )


def by_jose(token: str, jwks: dict[str, Any], audience: str | None) -> dict[str, Any]:
    checks = {"verify_exp": False, "verify_iat": False, "verify_at_hash": False}
    return jose_jwt.decode(
        token, jwks, algorithms=["RS256"], issuer=ISSUER, audience=audience, options=checks
    )


def by_joserfc(token: str, jwks: dict[str, Any], audience: str | None) -> dict[str, Any]:
    claims = joserfc_jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"]).claims
    wanted: dict[str, Any] = {"iss": {"essential": True, "value": ISSUER}}
    if audience is not None:
        wanted["aud"] = {"essential": True, "value": audience}
    joserfc_jwt.JWTClaimsRegistry(now=int(NOW.timestamp()), **wanted).validate(claims)
    return dict(claims)


@pytest.mark.parametrize("read", [by_pyjwt, by_jose, by_joserfc])
def test_other_libraries_accept_our_tokens(world: TokenWorld, read: Any) -> None:
    """A20: by our published keys; an ID token for its client, an access token without an audience."""
    made, jwks = of_grant(world), json.loads(world.ring.jwks(POOL.pool_id))
    assert made.id_token is not None
    identity = read(made.id_token, jwks, CLIENT.client_id)
    access = read(made.access_token, jwks, None)
    assert (identity["sub"], identity["token_use"]) == (SUB, "id")
    assert (access["sub"], access["token_use"]) == (SUB, "access")
    with pytest.raises(Exception, match=r"(?i)audience|aud"):
        read(made.id_token, jwks, MACHINE.client_id)


@pytest.mark.parametrize("read", [by_pyjwt, by_jose, by_joserfc])
def test_other_libraries_refuse_what_was_changed(world: TokenWorld, read: Any) -> None:
    """The signature is over what they read. Its twin is unchanged."""
    made, jwks = of_grant(world), json.loads(world.ring.jwks(POOL.pool_id))
    head, payload, signature = made.access_token.split(".")
    claims = json.loads(urlsafe_b64decode(payload + "=="))
    forged = urlsafe_b64encode(json.dumps({**claims, "sub": "other"}).encode()).rstrip(b"=").decode()
    with pytest.raises(Exception, match=r"(?i)signature"):
        read(f"{head}.{forged}.{signature}", jwks, None)
    assert read(f"{head}.{payload}.{signature}", jwks, None)["sub"] == SUB


def test_each_kind_is_signed_by_its_own_key(world: TokenWorld) -> None:
    """A20: header of kid and alg, no typ, as Cognito's."""
    made = of_grant(world)
    assert made.id_token is not None
    heads = [jwt.get_unverified_header(token) for token in (made.id_token, made.access_token)]
    assert [set(head) - {"typ"} for head in heads] == [{"kid", "alg"}] * 2
    raw = made.access_token.partition(".")[0]
    assert set(json.loads(urlsafe_b64decode(raw + "=="))) == {"kid", "alg"}
    assert heads[0]["kid"] == world.ring.signer(POOL.pool_id, "id").kid
    assert heads[1]["kid"] == world.ring.signer(POOL.pool_id, "access").kid
    assert heads[0]["kid"] != heads[1]["kid"]


def test_at_hash_binds_the_access_token(world: TokenWorld) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.6: the left half of its SHA-256. python-jose checks it, too."""
    made = of_grant(world)
    half = hashlib.sha256(made.access_token.encode()).digest()[:16]
    expected = urlsafe_b64encode(half).rstrip(b"=").decode()
    assert jwt.decode(made.id_token or "", options={"verify_signature": False})["at_hash"] == expected
    jwks = json.loads(world.ring.jwks(POOL.pool_id))
    options = {"verify_exp": False, "verify_iat": False}
    assert jose_jwt.decode(
        made.id_token, jwks, audience=CLIENT.client_id, access_token=made.access_token, options=options
    )


def test_ids_are_new_and_the_sign_in_stays(world: TokenWorld) -> None:
    """A refresh an hour later: jti and times differ, origin_jti, event_id and auth_time do not."""
    first, again = of_grant(world), of_grant(world, later(hours=1))
    tokens = [first.access_token, first.id_token, again.access_token, again.id_token]
    read = [jwt.decode(token or "", options={"verify_signature": False}) for token in tokens]
    assert len({claims["jti"] for claims in read}) == 4
    assert len({(claims["origin_jti"], claims["event_id"], claims["auth_time"]) for claims in read}) == 1
    assert {claims["iat"] for claims in read} == {int(NOW.timestamp()), int(NOW.timestamp()) + 3600}


def test_lifetimes_are_the_clients_or_the_pools(world: TokenWorld) -> None:
    pool = replace(POOL, lifetimes=Lifetimes(access_s=600.0, id_s=900.0))
    own = replace(CLIENT, lifetimes=Lifetimes(access_s=300.0, id_s=400.0))
    for client, access_s, id_s in ((CLIENT, 600, 900), (own, 300, 400)):
        made = world.tokens.of_grant(pool, client, live(), now=NOW)
        read = [jwt.decode(token or "", options={"verify_signature": False}) for token in
                (made.access_token, made.id_token)]  # fmt: skip
        assert [claims["exp"] - claims["iat"] for claims in read] == [access_s, id_s]
        assert made.expires_in == access_s


def test_without_openid_there_is_no_id_token(world: TokenWorld) -> None:
    """A19: the scope decides, not the client's wish; its twin has asked for openid."""
    assert of_grant(world, scopes=("email",)).id_token is None
    assert of_grant(world, scopes=("openid",)).id_token is not None


def test_a_refresh_token_is_handed_on(world: TokenWorld) -> None:
    assert world.tokens.of_grant(POOL, CLIENT, live(), now=NOW, refresh_token="r").refresh_token == "r"
    assert of_grant(world).refresh_token is None


def test_a_client_gets_an_access_token_and_nothing_else(world: TokenWorld) -> None:
    """A18: no refresh token, no ID token."""
    made = world.tokens.of_client(POOL, MACHINE, ("notes/read",), now=NOW)
    assert (made.id_token, made.refresh_token, made.expires_in) == (None, None, 3600)
    token = world.judge.access(made.access_token, NOW)
    assert (token.sub, token.username, token.grant_id) == (MACHINE.client_id, None, None)
    assert token.scopes == ("notes/read",)


def test_a_client_gets_no_scope_that_it_has_not(world: TokenWorld) -> None:
    """A18: scopes are among the client's."""
    with pytest.raises(InvalidParameter):
        world.tokens.of_client(POOL, MACHINE, ("notes/read", "notes/delete"), now=NOW)
    assert world.tokens.of_client(POOL, MACHINE, ("notes/read", "notes/write"), now=NOW)


@pytest.mark.parametrize("scope", ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"])
def test_a_client_gets_no_scope_about_a_user(world: TokenWorld, scope: str) -> None:
    """A18: also where the client has it for its users' sake. Its twin is a scope of a resource server."""
    both = replace(MACHINE, scopes=(scope, "notes/read"))
    with pytest.raises(InvalidParameter):
        world.tokens.of_client(POOL, both, (scope,), now=NOW)
    assert world.tokens.of_client(POOL, both, ("notes/read",), now=NOW)


@pytest.mark.parametrize("client_id", [SUB, SUB.upper()])
def test_a_client_cannot_pose_as_a_user(world: TokenWorld, client_id: str) -> None:
    """A18: an id that could be somebody's sub. Its twin has one digit less."""
    with pytest.raises(InvalidParameter):
        world.tokens.of_client(POOL, replace(MACHINE, client_id=client_id), ("notes/read",), now=NOW)
    twin = replace(MACHINE, client_id=client_id[:-1])
    assert world.tokens.of_client(POOL, twin, ("notes/read",), now=NOW)


def test_a_pool_signs_for_itself_only(world: TokenWorld) -> None:
    with pytest.raises(ResourceNotFound):
        world.tokens.of_grant(OTHER_POOL, CLIENT, live(), now=NOW)


def test_text_of_any_language_is_kept(world: TokenWorld) -> None:
    who = user(username="Ærlige Åse \U0001f600", attributes={"email": "å@example.com"})
    made = world.tokens.of_grant(POOL, CLIENT, live(who), now=NOW)
    assert world.judge.access(made.access_token, NOW).username == "Ærlige Åse \U0001f600"


def test_no_token_is_printed(world: TokenWorld) -> None:
    """L2: what a handler logs by mistake has none in it."""
    made = world.tokens.of_grant(POOL, CLIENT, live(), now=NOW, refresh_token="canary-refresh")
    assert repr(made) == "TokenSet(expires_in=3600)"
    assert made.access_token not in repr(world.judge.access(made.access_token, NOW))
