"""What a file declares is read by API, and changed in the file only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth.pool import AttributeRule
from auth.store.ports import Declared
from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.management import NoKeys, made_client, made_pool, shown_client, shown_pool

SERVER = "https://notes"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("stand")
    with CognitoStand(
        folder,
        client={"has_secret": True},
        foundation={"keyring": NoKeys()},
        resource_servers={SERVER: {"read": "Read notes"}},
        attributes=(AttributeRule(name="tenant"),),
        triggers={"pre_sign_up": "greet"},
        mfa="optional",
        sign_in_with=frozenset({"username", "email"}),
    ) as stand:
        yield stand


def test_a_declared_pool_is_described(stand: CognitoStand) -> None:
    shown = shown_pool(stand.admin, stand.pool_id)

    assert shown["Name"] == "main"
    assert shown["AliasAttributes"] == ["email"]
    assert shown["MfaConfiguration"] == "OPTIONAL"
    assert shown["UsernameConfiguration"] == {"CaseSensitive": False}
    assert shown["LambdaConfig"] == {"PreSignUp": "arn:aws:lambda:us-east-1:000000000000:function:greet"}
    assert "custom:tenant" in [each["Name"] for each in shown["SchemaAttributes"]]


def test_a_declared_client_is_described(stand: CognitoStand) -> None:
    named = {"UserPoolId": stand.pool_id, "ClientId": stand.client_id}
    shown = stand.admin.describe_user_pool_client(**named)["UserPoolClient"]

    assert shown["ClientSecret"] == stand.secret
    assert shown["AllowedOAuthFlows"] == ["code"]
    assert shown["PreventUserExistenceErrors"] == "ENABLED"
    assert set(shown["ExplicitAuthFlows"]) == {
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
    }


def test_a_declared_resource_server_is_described(stand: CognitoStand) -> None:
    named = {"UserPoolId": stand.pool_id, "Identifier": SERVER}
    shown = stand.admin.describe_resource_server(**named)["ResourceServer"]

    assert shown["Scopes"] == [{"ScopeName": "read", "ScopeDescription": "Read notes"}]


Act = tuple[str, dict[str, Any]]
CLIENT = {"ClientId": "weeeeeeeeeeeeeeeeeeeeeeeeb"}
WRITES: list[Any] = [
    pytest.param("update_user_pool", {}, "user_pools.main", id="pool"),
    pytest.param("delete_user_pool", {}, "user_pools.main", id="delete-pool"),
    pytest.param("set_user_pool_mfa_config", {"MfaConfiguration": "OFF"}, "user_pools.main.mfa", id="mfa"),
    pytest.param(
        "add_custom_attributes",
        {"CustomAttributes": [{"Name": "x", "AttributeDataType": "String"}]},
        "user_pools.main.attributes",
        id="attributes",
    ),
    pytest.param("update_user_pool_client", CLIENT, "user_pools.main.clients.web", id="client"),
    pytest.param("delete_user_pool_client", CLIENT, "user_pools.main.clients.web", id="delete-client"),
    pytest.param(
        "add_user_pool_client_secret", CLIENT, "user_pools.main.clients.web.secret", id="add-secret"
    ),
    pytest.param(
        "delete_user_pool_client_secret",
        {**CLIENT, "ClientSecretId": "x"},
        "user_pools.main.clients.web.secret",
        id="delete-secret",
    ),
    pytest.param(
        "update_resource_server",
        {"Identifier": SERVER, "Name": "x"},
        f"user_pools.main.resource_servers.{SERVER}",
        id="server",
    ),
    pytest.param(
        "delete_resource_server",
        {"Identifier": SERVER},
        f"user_pools.main.resource_servers.{SERVER}",
        id="delete-server",
    ),
]


@pytest.mark.parametrize(("action", "given", "key"), WRITES)
def test_a_write_names_the_file_and_the_key(
    stand: CognitoStand, action: str, given: dict[str, Any], key: str
) -> None:
    act: Callable[..., Any] = getattr(stand.admin, action)
    before = shown_pool(stand.admin, stand.pool_id)

    code, message = refusal(act, UserPoolId=stand.pool_id, **given)
    assert code == "InvalidParameter"
    assert "routes.yaml" in message
    assert f" {key}:" in message
    assert shown_pool(stand.admin, stand.pool_id) == before


def test_the_same_of_the_apis_own_is_done(stand: CognitoStand) -> None:
    """The twin of each refusal above."""
    api = stand.admin
    pool_id = made_pool(api)["Id"]
    client = made_client(api, pool_id, GenerateSecret=True)
    server = {"UserPoolId": pool_id, "Identifier": SERVER}
    api.create_resource_server(Name="x", **server)

    named = {"UserPoolId": pool_id, "ClientId": client["ClientId"]}
    api.update_user_pool(UserPoolId=pool_id)
    api.set_user_pool_mfa_config(UserPoolId=pool_id, MfaConfiguration="OFF")
    api.add_custom_attributes(
        UserPoolId=pool_id, CustomAttributes=[{"Name": "x", "AttributeDataType": "String"}]
    )
    api.update_user_pool_client(**named)
    added = api.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]
    api.delete_user_pool_client_secret(**named, ClientSecretId=added["ClientSecretId"])
    api.update_resource_server(Name="y", **server)
    api.delete_resource_server(**server)
    api.delete_user_pool_client(**named)
    api.delete_user_pool(UserPoolId=pool_id)


def test_a_declared_identifier_is_taken(stand: CognitoStand) -> None:
    given = {"UserPoolId": stand.pool_id, "Name": "x"}

    assert refusal(stand.admin.create_resource_server, Identifier=SERVER, **given)[0] == "InvalidParameter"
    stand.admin.create_resource_server(Identifier="other", **given)
    stand.admin.delete_resource_server(UserPoolId=stand.pool_id, Identifier="other")


def test_a_declared_pool_has_clients_of_the_api_too(stand: CognitoStand) -> None:
    made = made_client(stand.admin, stand.pool_id)

    assert shown_client(stand.admin, made) == made
    stand.admin.delete_user_pool_client(UserPoolId=stand.pool_id, ClientId=made["ClientId"])


def test_what_vanished_from_the_file_stays_closed(stand: CognitoStand) -> None:
    people, api = stand.people, stand.admin
    people.store.pools.declare([], people.now)
    try:
        code, message = refusal(api.delete_user_pool, UserPoolId=stand.pool_id)
        assert code == "InvalidParameter"
        assert f"lockgate pool delete {stand.pool_id} --yes" in message
        assert refusal(api.update_user_pool, UserPoolId=stand.pool_id)[0] == "InvalidParameter"
        refused = refusal(api.create_user_pool_client, UserPoolId=stand.pool_id, ClientName="x")
        assert refused[0] == "InvalidParameter"
        assert people.store.pools.pools()[0].is_closed
        assert shown_pool(api, stand.pool_id)["Name"] == "main"
    finally:
        people.store.pools.declare([Declared(pool=people.pool, clients=(people.client,))], people.now)
