"""What our tokens say, row by row of Cognito's table."""

from dataclasses import replace
from typing import Any

import pytest

from auth.grant import LiveGrant
from auth.pool import STANDARD_ATTRIBUTES
from auth.tokens.claims import (
    Stamp,
    access_claims,
    attribute_claims,
    client_claims,
    granted_scopes,
    has_id_token,
    id_claims,
)
from tests.support.token_world import (
    AUTH_URL,
    CLIENT,
    EVENT_ID,
    GRANT_ID,
    MACHINE,
    NOW,
    POOL,
    SUB,
    live,
    user,
)

NOW_S = 1_783_684_800
STAMP = Stamp(issuer=f"{AUTH_URL}/{POOL.pool_id}", jti="jti-1", now=NOW, life_s=3600.0)
API = ("aws.cognito.signin.user.admin",)
EVERYTHING = {
    "email": "anna@example.com",
    "email_verified": "true",
    "phone_number": "+4712345678",
    "phone_number_verified": "false",
    "given_name": "Anna",
    "birthdate": "1990-02-03",
    "address": "Storgata 1, Oslo",
    "updated_at": "1700000000",
    "custom:level": "7",
    "custom:is_admin": "true",
}


def id_of(who: LiveGrant) -> dict[str, Any]:
    return id_claims(who, CLIENT, STAMP, access_hash="hash")


def test_access_token_of_an_oauth_grant() -> None:
    """A20: Cognito's shape: client_id and token_use, no aud; and no attribute of the user."""
    assert access_claims(live(user(groups=("admin", "staff"))), CLIENT, STAMP) == {
        "sub": SUB,
        "cognito:groups": ["admin", "staff"],
        "iss": "https://auth.example.com/us-east-1_Main00001",
        "version": 2,
        "client_id": CLIENT.client_id,
        "origin_jti": GRANT_ID,
        "event_id": EVENT_ID,
        "token_use": "access",
        "scope": "openid email",
        "auth_time": NOW_S - 600,
        "exp": NOW_S + 3600,
        "iat": NOW_S,
        "jti": "jti-1",
        "username": "Anna",
    }


def test_access_token_of_the_api() -> None:
    """A20: no version; its one scope, which no client asks for."""
    claims = access_claims(live(kind="api", scopes=API), CLIENT, STAMP)
    assert claims["scope"] == "aws.cognito.signin.user.admin"
    assert "version" not in claims
    assert "aud" not in claims


def test_id_token_of_an_oauth_grant() -> None:
    """Cognito's shape: aud and cognito:username, no client_id and no scope."""
    assert id_of(live(user(groups=("admin",)), nonce="n-0S6")) == {
        "at_hash": "hash",
        "sub": SUB,
        "cognito:groups": ["admin"],
        "email": "anna@example.com",
        "email_verified": True,
        "iss": "https://auth.example.com/us-east-1_Main00001",
        "cognito:username": "Anna",
        "nonce": "n-0S6",
        "aud": CLIENT.client_id,
        "origin_jti": GRANT_ID,
        "event_id": EVENT_ID,
        "token_use": "id",
        "auth_time": NOW_S - 600,
        "exp": NOW_S + 3600,
        "iat": NOW_S,
        "jti": "jti-1",
    }


def test_id_token_of_the_api() -> None:
    """All attributes, whatever the scope; no at_hash."""
    claims = id_of(live(user(attributes=EVERYTHING), kind="api", scopes=API))
    assert set(EVERYTHING) <= set(claims)
    assert "at_hash" not in claims


def test_what_is_not_there_is_left_out() -> None:
    """No empty list of groups, no empty nonce, no empty event."""
    claims = id_of(live(event_id=""))
    assert {"cognito:groups", "nonce", "event_id"}.isdisjoint(claims)
    assert "cognito:groups" not in access_claims(live(), CLIENT, STAMP)


def test_groups_keep_their_order() -> None:
    """Strongest first, as the store hands them out; not sorted by name."""
    assert id_of(live(user(groups=("zebra", "ant"))))["cognito:groups"] == ["zebra", "ant"]


def test_a_client_signs_in_as_itself() -> None:
    """A18: no user, no username, nothing to refresh by; sub is the client."""
    assert client_claims(MACHINE, ("notes/read", "notes/write"), STAMP) == {
        "sub": MACHINE.client_id,
        "token_use": "access",
        "scope": "notes/read notes/write",
        "auth_time": NOW_S,
        "iss": "https://auth.example.com/us-east-1_Main00001",
        "exp": NOW_S + 3600,
        "iat": NOW_S,
        "version": 2,
        "jti": "jti-1",
        "client_id": MACHINE.client_id,
    }


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        pytest.param(("openid",), set(), id="openid"),
        pytest.param(("openid", "email"), {"email", "email_verified"}, id="email"),
        pytest.param(("openid", "phone"), {"phone_number", "phone_number_verified"}, id="phone"),
        pytest.param(
            ("openid", "profile"),
            {"given_name", "birthdate", "address", "updated_at", "custom:level", "custom:is_admin"},
            id="profile",
        ),
        pytest.param(("openid", "email", "phone", "profile"), set(EVERYTHING), id="all"),
        pytest.param(("openid", "notes/read"), set(), id="custom-scope"),
    ],
)
def test_scopes_let_attributes_out(scopes: tuple[str, ...], shown: set[str]) -> None:
    """A19: an attribute whose scope was not granted is in no token."""
    claims = id_of(live(user(attributes=EVERYTHING), scopes=scopes))
    assert set(EVERYTHING) & set(claims) == shown


def test_attributes_have_the_types_of_openid() -> None:
    """OpenID Connect Core 1.0, section 5.1; custom ones are text, also where they look like something else."""
    shown = attribute_claims(EVERYTHING, None)
    assert shown == {
        **EVERYTHING,
        "email_verified": True,
        "phone_number_verified": False,
        "address": {"formatted": "Storgata 1, Oslo"},
        "updated_at": 1700000000,
    }
    assert shown["email_verified"] is True
    assert type(shown["updated_at"]) is int


@pytest.mark.parametrize("text", ["yesterday", "", "1.5", "-1", "\u0661"])
def test_a_time_that_is_none_is_left_out(text: str) -> None:
    assert attribute_claims({"updated_at": text}, None) == {}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("True", False), ("1", False)])
def test_only_true_is_verified(text: str, value: bool) -> None:
    assert attribute_claims({"email_verified": text}, None)["email_verified"] is value


def test_an_address_that_nobody_has_verified_is_said_to_be_so() -> None:
    """A reader that takes a missing claim for a good one would be wrong."""
    assert attribute_claims({"email": "a@example.com"}, None)["email_verified"] is False
    assert "email_verified" not in attribute_claims({"name": "A"}, None)


@pytest.mark.parametrize(
    "name",
    ["sub", "iss", "aud", "token_use", "cognito:groups", "cognito:username", "exp", "scope", "dev:x", "x"],
)
def test_no_attribute_poses_as_a_claim(name: str) -> None:
    """A19: whatever a row of the database says. Its twin is a custom one of that name."""
    assert attribute_claims({name: "forged"}, None) == {}
    assert attribute_claims({f"custom:{name}": "own"}, None) == {f"custom:{name}": "own"}


def test_every_standard_attribute_has_a_scope() -> None:
    everything = dict.fromkeys(STANDARD_ATTRIBUTES, "1")
    shown = attribute_claims(everything, frozenset({"email", "phone", "profile"}))
    assert set(shown) == STANDARD_ATTRIBUTES


def test_a_scope_that_the_client_lost_is_lost_to_its_grants() -> None:
    """A19: granted is what was asked for and what the client has today. Its twin still has it."""
    grant = live(scopes=("openid", "email", "notes/write")).grant
    assert granted_scopes(grant, CLIENT) == ("openid", "email", "notes/write")
    narrowed = replace(CLIENT, scopes=("notes/write", "openid"))
    assert granted_scopes(grant, narrowed) == ("openid", "notes/write")
    assert id_claims(live(), narrowed, STAMP, access_hash="").get("email") is None


@pytest.mark.parametrize(
    ("kind", "scopes", "expected"),
    [
        pytest.param("code", ("openid",), True, id="openid"),
        pytest.param("code", ("email", "notes/read"), False, id="oauth-without-openid"),
        pytest.param("issued", ("notes/read",), False, id="issued-without-openid"),
        pytest.param("api", API, True, id="api"),
    ],
)
def test_who_gets_an_id_token(kind: Any, scopes: tuple[str, ...], expected: bool) -> None:
    """A19: no openid, no ID token; sign-in by the API always has one."""
    assert has_id_token(live(kind=kind, scopes=scopes).grant, CLIENT) is expected


def test_a_client_is_shown_what_it_may_read() -> None:
    """And is told nothing about what it may not, not even that it is not verified."""
    narrow = replace(CLIENT, read_attributes=frozenset({"email", "custom:level"}))
    who = live(user(attributes=EVERYTHING), kind="api", scopes=API)

    claims = id_claims(who, narrow, STAMP, access_hash="hash")

    shown = {name for name in claims if name in STANDARD_ATTRIBUTES or name.startswith("custom:")}
    assert shown == {"email", "custom:level"}
    assert claims["sub"] == SUB
    assert "email_verified" in id_claims(who, CLIENT, STAMP, access_hash="hash")
