"""CreateUserPoolClient and what is done with clients afterwards, by boto3."""

import re
from typing import Any

import pytest

from tests.support.cognito_stand import refusal
from tests.support.management import api as api
from tests.support.management import made_client, made_pool, shown_client
from tests.support.management import pool_id as pool_id
from tests.support.management import stand as stand

OAUTH: dict[str, Any] = {
    "CallbackURLs": ["https://app.example/cb", "myapp://callback"],
    "LogoutURLs": ["https://app.example/"],
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "SupportedIdentityProviders": ["COGNITO"],
}
RICH: dict[str, Any] = {
    **OAUTH,
    "RefreshTokenValidity": 90,
    "AccessTokenValidity": 10,
    "IdTokenValidity": 2,
    "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "hours", "RefreshToken": "minutes"},
    "ReadAttributes": ["email", "name"],
    "WriteAttributes": ["name"],
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 15,
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 7},
}


def test_all_settings_are_read_back(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id, **RICH)
    shown = shown_client(api, made)

    assert made == shown
    assert {name: shown[name] for name in RICH} == RICH
    assert "ClientSecret" not in shown


def test_what_is_left_out_is_at_cognitos_default(api: Any, pool_id: str) -> None:
    shown = shown_client(api, made_client(api, pool_id))

    assert re.fullmatch("[a-z0-9]{26}", shown["ClientId"])
    assert shown["ExplicitAuthFlows"] == [
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_CUSTOM_AUTH",
    ]
    assert shown["PreventUserExistenceErrors"] == "LEGACY"
    assert shown["EnableTokenRevocation"] is True
    assert shown["AllowedOAuthFlowsUserPoolClient"] is False
    assert shown["AuthSessionValidity"] == 3
    assert shown["RefreshTokenValidity"] == 30
    assert "RefreshTokenRotation" not in shown


def test_an_update_replaces_all_but_name_and_secret(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id, ClientName="first", GenerateSecret=True, **RICH)
    api.update_user_pool_client(UserPoolId=pool_id, ClientId=made["ClientId"])
    shown = shown_client(api, made)

    assert shown["ClientName"] == "first"
    assert shown["ClientSecret"] == made["ClientSecret"]
    assert shown["PreventUserExistenceErrors"] == "LEGACY"
    assert "AllowedOAuthFlows" not in shown
    assert "ReadAttributes" not in shown


def test_an_updated_client_is_answered(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id)
    after = api.update_user_pool_client(
        UserPoolId=pool_id, ClientId=made["ClientId"], ClientName="second", AuthSessionValidity=5
    )["UserPoolClient"]

    assert (after["ClientName"], after["AuthSessionValidity"]) == ("second", 5)
    assert after == shown_client(api, made)


def test_a_deleted_client_is_gone(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id)
    named = {"UserPoolId": pool_id, "ClientId": made["ClientId"]}
    api.delete_user_pool_client(**named)

    gone = ("ResourceNotFound", f"User pool client {made['ClientId']} does not exist.")
    assert refusal(api.describe_user_pool_client, **named) == gone
    assert refusal(api.delete_user_pool_client, **named) == gone


def test_a_client_is_only_found_in_its_own_pool(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id)
    other = made_pool(api)["Id"]

    for act in (api.describe_user_pool_client, api.update_user_pool_client, api.delete_user_pool_client):
        assert refusal(act, UserPoolId=other, ClientId=made["ClientId"])[0] == "ResourceNotFound"
    assert shown_client(api, made)["ClientId"] == made["ClientId"]


def test_clients_are_listed_by_pages(api: Any, pool_id: str) -> None:
    made = sorted(made_client(api, pool_id)["ClientId"] for _ in range(3))
    first = api.list_user_pool_clients(UserPoolId=pool_id, MaxResults=2)
    rest = api.list_user_pool_clients(UserPoolId=pool_id, MaxResults=2, NextToken=first["NextToken"])
    pages = [first["UserPoolClients"], rest["UserPoolClients"]]

    assert [client["ClientId"] for page in pages for client in page] == made
    assert "NextToken" not in rest
    assert pages[0][0] == {"ClientId": made[0], "UserPoolId": pool_id, "ClientName": "web"}


def test_there_are_no_more_clients_than_may_be(
    api: Any, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.flows.managed_clients.MAX_CLIENTS", 1)
    made_client(api, pool_id)

    refused = refusal(api.create_user_pool_client, UserPoolId=pool_id, ClientName="one more")
    assert refused[0] == "LimitExceeded"
    assert len(api.list_user_pool_clients(UserPoolId=pool_id)["UserPoolClients"]) == 1


def a_machine(api: Any, pool_id: str, **changes: Any) -> dict[str, Any]:
    """What a client that speaks for nobody is made of, in a pool that has a scope for it."""
    scope = {"ScopeName": "read", "ScopeDescription": "Read notes"}
    api.create_resource_server(UserPoolId=pool_id, Identifier="notes", Name="Notes", Scopes=[scope])
    return {
        "UserPoolId": pool_id,
        "ClientName": "machine",
        "GenerateSecret": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["notes/read"],
        "AllowedOAuthFlowsUserPoolClient": True,
        **changes,
    }


def test_a_machine_is_a_machine_only(api: Any, pool_id: str) -> None:
    """A18: client_credentials beside a flow for people is refused; alone it is taken."""
    machine = a_machine(api, pool_id)
    both = {**machine, "AllowedOAuthFlows": ["client_credentials", "code"], "CallbackURLs": ["https://a/"]}

    assert refusal(api.create_user_pool_client, **both)[0] == "InvalidOAuthFlow"
    made = api.create_user_pool_client(**machine)["UserPoolClient"]
    assert shown_client(api, made)["AllowedOAuthScopes"] == ["notes/read"]


def test_a_machine_has_no_scope_about_a_user(api: Any, pool_id: str) -> None:
    """A18: openid beside a scope of its own is refused; the scope of its own alone is taken."""
    machine = a_machine(api, pool_id)
    with_openid = {**machine, "AllowedOAuthScopes": ["notes/read", "openid"]}

    assert refusal(api.create_user_pool_client, **with_openid)[0] == "InvalidOAuthFlow"
    assert api.create_user_pool_client(**machine)["UserPoolClient"]["ClientId"]


def test_a_machine_has_a_secret(api: Any, pool_id: str) -> None:
    """A18: without a secret it is refused; with one it is taken."""
    machine = a_machine(api, pool_id)

    without_one = {**machine, "GenerateSecret": False}
    assert refusal(api.create_user_pool_client, **without_one)[0] == "InvalidOAuthFlow"
    assert api.create_user_pool_client(**machine)["UserPoolClient"]["ClientSecret"]


def test_addresses_are_written_out(api: Any, pool_id: str) -> None:
    """A1: no wildcard is registered; the same address without one is."""
    given = {"UserPoolId": pool_id, "ClientName": "w"}

    refused = refusal(api.create_user_pool_client, CallbackURLs=["https://*.example/cb"], **given)
    assert refused[0] == "InvalidParameter"
    made = api.create_user_pool_client(CallbackURLs=["https://app.example/cb"], **given)
    assert made["UserPoolClient"]["CallbackURLs"] == ["https://app.example/cb"]


@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY"])
def test_flows_of_old_are_read_back_as_they_were_written(api: Any, pool_id: str, flow: str) -> None:
    made = made_client(api, pool_id, ExplicitAuthFlows=[flow])

    assert shown_client(api, made)["ExplicitAuthFlows"] == [flow]


def test_a_required_attribute_has_to_be_writable(api: Any) -> None:
    pool_id = made_pool(api, Schema=[{"Name": "name", "Required": True}])["Id"]
    without = {"UserPoolId": pool_id, "ClientName": "w", "WriteAttributes": ["email"]}

    assert refusal(api.create_user_pool_client, **without)[0] == "InvalidParameter"
    made_client(api, pool_id, WriteAttributes=["email", "name"])


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in OAUTH.items() if key != name}


REFUSED = [
    pytest.param({"CallbackURLs": ["https://app.example/*"]}, "InvalidParameter", "wildcard", id="wildcard"),
    pytest.param(
        {"CallbackURLs": ["http://app.example/"]}, "InvalidParameter", "plain http", id="plain-http"
    ),
    pytest.param({"LogoutURLs": ["https://a.example/#x"]}, "InvalidParameter", "#", id="fragment"),
    pytest.param({"CallbackURLs": ["javascript:alert(1)"]}, "InvalidParameter", "javascript", id="script"),
    pytest.param(without("AllowedOAuthScopes"), "InvalidParameter", "AllowedOAuthScopes", id="no-scopes"),
    pytest.param(
        without("AllowedOAuthFlowsUserPoolClient"), "InvalidParameter", "must be true", id="not-allowed"
    ),
    pytest.param(without("CallbackURLs"), "InvalidOAuthFlow", "CallbackURLs", id="nowhere-to-go"),
    pytest.param(
        {**OAUTH, "AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": True},
        "InvalidOAuthFlow",
        "can not be selected along",
        id="machine-and-people",
    ),
    pytest.param(
        {**OAUTH, "AllowedOAuthFlows": ["client_credentials"], "GenerateSecret": True},
        "InvalidOAuthFlow",
        "about a user",
        id="machine-with-openid",
    ),
    pytest.param(
        {**OAUTH, "AllowedOAuthScopes": ["notes/write"]},
        "ScopeDoesNotExist",
        "Invalid scope requested: notes/write",
        id="unknown-scope",
    ),
    pytest.param(
        {"SupportedIdentityProviders": ["Google"]}, "InvalidParameter", "Google does not exist", id="provider"
    ),
    pytest.param({"ReadAttributes": ["custom:none"]}, "InvalidParameter", "custom:none", id="read-unknown"),
    pytest.param({"WriteAttributes": ["email_verified"]}, "InvalidParameter", "write", id="write-verified"),
    pytest.param(
        {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]},
        "InvalidParameter",
        "mix",
        id="mixed-flows",
    ),
    pytest.param(
        {"ExplicitAuthFlows": ["CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"]},
        "InvalidParameter",
        "CUSTOM_AUTH_FLOW_ONLY",
        id="only-and-others",
    ),
    pytest.param(
        {"GenerateSecret": True, "ClientSecret": "a" * 24}, "InvalidParameter", "together", id="two-secrets"
    ),
    pytest.param({"AccessTokenValidity": 25}, "InvalidParameter", "Access token", id="access-too-long"),
    pytest.param(
        {"IdTokenValidity": 4, "TokenValidityUnits": {"IdToken": "minutes"}},
        "InvalidParameter",
        "ID token",
        id="id-too-short",
    ),
    pytest.param({"RefreshTokenValidity": 3651}, "InvalidParameter", "Refresh token", id="refresh-too-long"),
]


@pytest.mark.parametrize(("settings", "code", "why"), REFUSED)
def test_what_a_client_cannot_be(api: Any, settings: dict[str, Any], code: str, why: str) -> None:
    pool_id = made_pool(api)["Id"]
    made = made_client(api, pool_id, ClientName="twin", **OAUTH)
    named = {"UserPoolId": pool_id, "ClientId": made["ClientId"]}

    refused = refusal(
        api.create_user_pool_client, **{"UserPoolId": pool_id, "ClientName": "never", **settings}
    )
    assert refused[0] == code
    assert why in refused[1]
    changes = {
        name: value for name, value in settings.items() if name not in ("GenerateSecret", "ClientSecret")
    }
    if changes == settings:
        assert refusal(api.update_user_pool_client, **named, **settings)[0] == code
    assert [
        client["ClientName"] for client in api.list_user_pool_clients(UserPoolId=pool_id)["UserPoolClients"]
    ] == ["twin"]
    assert shown_client(api, made) == made


EDGES = [
    pytest.param({"AccessTokenValidity": 24}, id="access-a-day"),
    pytest.param({"IdTokenValidity": 5, "TokenValidityUnits": {"IdToken": "minutes"}}, id="id-five-minutes"),
    pytest.param({"RefreshTokenValidity": 3650}, id="refresh-ten-years"),
    pytest.param({"CallbackURLs": ["http://localhost:3000/cb"]}, id="loopback"),
    pytest.param({**OAUTH, "AllowedOAuthFlows": ["implicit"]}, id="implicit"),
]


@pytest.mark.parametrize("settings", EDGES)
def test_what_a_client_may_just_be(api: Any, pool_id: str, settings: dict[str, Any]) -> None:
    shown = shown_client(api, made_client(api, pool_id, **settings))

    given = {name: value for name, value in settings.items() if name != "TokenValidityUnits"}
    assert {name: shown[name] for name in given} == given


# --- secrets ---


def test_a_secret_is_made_and_one_is_taken(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id, GenerateSecret=True)
    given = made_client(api, pool_id, ClientSecret="a" * 30)

    assert re.fullmatch("[a-z0-9]{51,52}", made["ClientSecret"])
    assert shown_client(api, made)["ClientSecret"] == made["ClientSecret"]
    assert shown_client(api, given)["ClientSecret"] == "a" * 30


def test_two_secrets_are_valid_while_one_replaces_the_other(api: Any, stand: Any, pool_id: str) -> None:
    made = made_client(api, pool_id, GenerateSecret=True)
    named = {"UserPoolId": pool_id, "ClientId": made["ClientId"]}
    added = api.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]

    valid = stand.people.store.pools.client_secrets(made["ClientId"], stand.people.now)
    assert set(valid) == {made["ClientSecret"], added["ClientSecretValue"]}
    listed = api.list_user_pool_client_secrets(**named)["ClientSecrets"]
    assert len(listed) == 2
    assert not any("ClientSecretValue" in one for one in listed)
    assert refusal(api.add_user_pool_client_secret, **named)[0] == "LimitExceeded"
    old = next(one["ClientSecretId"] for one in listed if one["ClientSecretId"] != added["ClientSecretId"])
    api.delete_user_pool_client_secret(**named, ClientSecretId=old)
    assert shown_client(api, made)["ClientSecret"] == added["ClientSecretValue"]


def test_the_last_secret_stays(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id, GenerateSecret=True)
    named = {"UserPoolId": pool_id, "ClientId": made["ClientId"]}
    (only,) = api.list_user_pool_client_secrets(**named)["ClientSecrets"]

    refused = refusal(api.delete_user_pool_client_secret, **named, ClientSecretId=only["ClientSecretId"])
    assert refused[0] == "InvalidParameter"
    assert refusal(api.delete_user_pool_client_secret, **named, ClientSecretId="x")[0] == "ResourceNotFound"
    assert shown_client(api, made)["ClientSecret"] == made["ClientSecret"]


def test_a_client_without_a_secret_gets_none(api: Any, pool_id: str) -> None:
    made = made_client(api, pool_id)
    named = {"UserPoolId": pool_id, "ClientId": made["ClientId"]}

    assert refusal(api.add_user_pool_client_secret, **named)[0] == "InvalidParameter"
    assert api.list_user_pool_client_secrets(**named)["ClientSecrets"] == []
