"""Resource servers by API, and what becomes of their scopes."""

from typing import Any

from tests.support.cognito_stand import refusal
from tests.support.management import api as api
from tests.support.management import made_client, made_pool
from tests.support.management import pool_id as pool_id
from tests.support.management import stand as stand

READ = {"ScopeName": "read", "ScopeDescription": "Read notes"}
WRITE = {"ScopeName": "write", "ScopeDescription": "Write notes"}


def made(api: Any, pool_id: str, identifier: str = "https://notes", **settings: Any) -> Any:
    given = {"Name": "Notes", "Scopes": [READ], **settings}
    return api.create_resource_server(UserPoolId=pool_id, Identifier=identifier, **given)["ResourceServer"]


def shown(api: Any, pool_id: str, identifier: str = "https://notes") -> Any:
    return api.describe_resource_server(UserPoolId=pool_id, Identifier=identifier)["ResourceServer"]


def test_it_is_read_back(api: Any, pool_id: str) -> None:
    answer = made(api, pool_id)

    assert answer == shown(api, pool_id)
    assert answer == {
        "UserPoolId": pool_id,
        "Identifier": "https://notes",
        "Name": "Notes",
        "Scopes": [READ],
    }


def test_an_update_replaces_name_and_scopes(api: Any, pool_id: str) -> None:
    made(api, pool_id)
    api.update_resource_server(
        UserPoolId=pool_id, Identifier="https://notes", Name="Note book", Scopes=[WRITE]
    )

    assert (shown(api, pool_id)["Name"], shown(api, pool_id)["Scopes"]) == ("Note book", [WRITE])


def test_a_deleted_one_is_gone_and_its_scopes_with_it(api: Any, pool_id: str) -> None:
    made(api, pool_id)
    oauth = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "CallbackURLs": ["https://app.example/cb"],
        "AllowedOAuthScopes": ["https://notes/read"],
    }
    made_client(api, pool_id, **oauth)
    named = {"UserPoolId": pool_id, "Identifier": "https://notes"}
    api.delete_resource_server(**named)

    assert refusal(api.describe_resource_server, **named)[0] == "ResourceNotFound"
    assert refusal(api.delete_resource_server, **named)[0] == "ResourceNotFound"
    assert refusal(api.update_resource_server, Name="x", **named)[0] == "ResourceNotFound"
    refused = refusal(api.create_user_pool_client, UserPoolId=pool_id, ClientName="late", **oauth)
    assert refused[0] == "ScopeDoesNotExist"


def test_there_is_one_of_an_identifier_in_a_pool(api: Any, pool_id: str) -> None:
    made(api, pool_id)

    refused = refusal(api.create_resource_server, UserPoolId=pool_id, Identifier="https://notes", Name="N")
    assert refused[0] == "InvalidParameter"
    assert "already exists" in refused[1]
    made(api, made_pool(api)["Id"])


def test_they_are_listed_by_pages_and_the_26th_is_too_many(api: Any, pool_id: str) -> None:
    names = sorted(f"server-{number}" for number in range(25))
    for name in names:
        made(api, pool_id, name)
    first = api.list_resource_servers(UserPoolId=pool_id, MaxResults=20)
    rest = api.list_resource_servers(UserPoolId=pool_id, MaxResults=20, NextToken=first["NextToken"])

    found = [server["Identifier"] for page in (first, rest) for server in page["ResourceServers"]]
    assert found == names
    assert "NextToken" not in rest
    refused = refusal(api.create_resource_server, UserPoolId=pool_id, Identifier="more", Name="More")
    assert refused[0] == "LimitExceeded"


def test_a_hundred_scopes_are_enough(api: Any, pool_id: str) -> None:
    scopes = [{"ScopeName": f"s{number}", "ScopeDescription": "One"} for number in range(101)]

    refused = refusal(api.create_resource_server, UserPoolId=pool_id, Identifier="x", Name="X", Scopes=scopes)
    assert refused[0] == "InvalidParameter"
    assert "at 'scopes'" in refused[1]
    assert len(made(api, pool_id, Scopes=scopes[:100])["Scopes"]) == 100


def test_one_scope_is_named_once(api: Any, pool_id: str) -> None:
    given = {"UserPoolId": pool_id, "Identifier": "x", "Name": "X"}

    assert refusal(api.create_resource_server, Scopes=[READ, READ], **given)[0] == "InvalidParameter"
    api.create_resource_server(Scopes=[READ, WRITE], **given)


def test_a_scope_has_no_slash(api: Any, pool_id: str) -> None:
    slashed = [{"ScopeName": "a/b", "ScopeDescription": "One"}]

    refused = refusal(
        api.create_resource_server, UserPoolId=pool_id, Identifier="x", Name="X", Scopes=slashed
    )
    assert "at 'scopes.1.member.scopeName'" in refused[1]
