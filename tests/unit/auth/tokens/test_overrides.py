"""What a function may change about tokens, and what stays ours."""

from typing import Any

import pytest

from auth.errors import InvalidLambdaResponse
from auth.tokens.overrides import MAX_ADDED_BYTES, Overrides, overrides_of

OURS: dict[str, Any] = {
    "sub": "s", "iss": "i", "exp": 2, "iat": 1, "auth_time": 1, "jti": "j", "origin_jti": "o", "event_id": "e",
    "token_use": "access", "client_id": "web", "username": "ada", "version": 2, "scope": "openid a/b",
    "cognito:groups": ["admins"],
}  # fmt: skip
ID = OURS | {"token_use": "id", "aud": "web", "cognito:username": "ada", "email": "a@b.example", "nonce": "n"}


def first(**details: object) -> Overrides:
    return overrides_of({"claimsOverrideDetails": details})


def second(**access: object) -> Overrides:
    return overrides_of({"claimsAndScopeOverrideDetails": {"accessTokenGeneration": access}})


@pytest.mark.parametrize(
    "answer", [None, {"claimsOverrideDetails": None}, {"claimsAndScopeOverrideDetails": {}}]
)
def test_nothing_said_changes_nothing(answer: dict[str, Any] | None) -> None:
    said = overrides_of(answer)
    assert (said.id.applied(ID), said.access.applied(OURS)) == (ID, OURS)


@pytest.mark.parametrize(
    "name", [*sorted(ID.keys() - {"email", "scope"}), "acr", "amr", "identities", "dev:x", "cognito:x"]
)
def test_who_signed_in_where_and_when_is_not_a_functions_to_say(name: str) -> None:
    """Neither by another value nor by taking it away. Twin: a claim of nobody's, and an attribute."""
    assert first(claimsToAddOrOverride={name: "x"}).id.applied(ID) == ID
    assert first(claimsToSuppress=[name]).id.applied(ID) == ID
    assert second(claimsToAddOrOverride={name: "x"}).access.applied(OURS) == OURS
    told = first(claimsToAddOrOverride={"tenant": "x"}, claimsToSuppress=["email"]).id.applied(ID)
    assert ("email" in told, told["tenant"]) == (False, "x")


def test_what_is_added_and_taken_away_is_taken_away() -> None:
    told = first(claimsToAddOrOverride={"email": "x", "plan": "y"}, claimsToSuppress=["email", "plan"])
    assert told.id.applied(ID).keys() == ID.keys() - {"email"}


def test_an_access_token_may_be_for_its_own_client() -> None:
    assert second(claimsToAddOrOverride={"aud": "web"}).access.applied(OURS)["aud"] == "web"
    assert "aud" not in second(claimsToAddOrOverride={"aud": "other"}).access.applied(OURS)


@pytest.mark.parametrize(
    ("details", "groups"),
    [
        pytest.param({}, ["admins"], id="as-they-are"),
        pytest.param({"groupOverrideDetails": None}, None, id="null"),
        pytest.param({"groupOverrideDetails": {}}, None, id="empty"),
        pytest.param({"groupOverrideDetails": {"groupsToOverride": ["b", "a"]}}, ["b", "a"], id="others"),
    ],
)
def test_groups_are_replaced_as_a_whole_where_they_are_named(
    details: dict[str, Any], groups: list[str] | None
) -> None:
    said = first(claimsToAddOrOverride={"x": "y"}, **details)
    assert said.id.applied(ID).get("cognito:groups") == groups
    assert said.access.applied(OURS).get("cognito:groups") == groups


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ({"scopesToAdd": ["c/d", "a/b", "c/d"]}, "openid a/b c/d"),
        ({"scopesToSuppress": ["openid", "none"]}, "a/b"),
        ({"scopesToAdd": ["openid"], "scopesToSuppress": ["openid"]}, "a/b openid"),
        ({"scopesToAdd": ["aws.cognito.signin.user.admin"]}, "openid a/b"),
    ],
)
def test_scopes_come_and_go_but_for_those_that_open_an_account(said: dict[str, Any], scope: str) -> None:
    assert second(**said).access.applied(OURS)["scope"] == scope


@pytest.mark.parametrize("scope", ["", "a b", "a\tb", " a"])
def test_a_scope_has_no_blank(scope: str) -> None:
    with pytest.raises(InvalidLambdaResponse):
        second(scopesToAdd=[scope])


def test_more_than_a_header_holds_is_refused() -> None:
    assert first(claimsToAddOrOverride={"x": "y" * (MAX_ADDED_BYTES - 200)})
    with pytest.raises(InvalidLambdaResponse):
        first(claimsToAddOrOverride={"x": "y" * MAX_ADDED_BYTES})
