"""Pools and clients that the API made, at work: people in them, their tokens, changes while they are used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth.directory import Directory
from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.management import made_client, made_pool, shown_pool

PASSWORD = "Correct-horse-1"
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    """With keys: tokens are made here."""
    folder: Path = tmp_path_factory.mktemp("stand")
    with CognitoStand(folder) as stand:
        yield stand


@pytest.fixture(scope="module")
def pool_id(stand: CognitoStand) -> str:
    """Of one that tests may use, and leave its settings as they are."""
    return str(made_pool(stand.admin, AutoVerifiedAttributes=["email"], UsernameAttributes=["email"])["Id"])


def signed_in(stand: CognitoStand, client_id: str, username: str) -> Any:
    answer = stand.public.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
    )
    return answer["AuthenticationResult"]


def test_somebody_signs_up_and_in(stand: CognitoStand, pool_id: str) -> None:
    client_id = made_client(stand.admin, pool_id, ExplicitAuthFlows=FLOWS)["ClientId"]
    stand.public.sign_up(
        ClientId=client_id,
        Username="ada@example.org",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ada@example.org"}],
    )
    stand.public.confirm_sign_up(
        ClientId=client_id, Username="ada@example.org", ConfirmationCode=stand.people.code()
    )
    tokens = signed_in(stand, client_id, "ada@example.org")
    shown = stand.public.get_user(AccessToken=tokens["AccessToken"])

    assert {"Name": "email", "Value": "ada@example.org"} in shown["UserAttributes"]
    assert stand.identity.judge.access(tokens["AccessToken"], stand.people.now).pool_id == pool_id
    assert shown_pool(stand.admin, pool_id)["EstimatedNumberOfUsers"] >= 1


def test_a_pool_for_administrators_lets_nobody_sign_up(stand: CognitoStand) -> None:
    pool_id = made_pool(stand.admin, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})["Id"]
    client_id = made_client(stand.admin, pool_id, ExplicitAuthFlows=FLOWS)["ClientId"]
    someone = {"ClientId": client_id, "Username": "ada", "Password": PASSWORD}

    assert refusal(stand.public.sign_up, **someone)[0] == "NotAuthorized"
    stand.admin.update_user_pool(
        UserPoolId=pool_id, AdminCreateUserConfig={"AllowAdminCreateUserOnly": False}
    )
    assert stand.public.sign_up(**someone)["UserConfirmed"] is False


def test_a_first_sign_in_asks_for_attributes_that_the_pool_requires(stand: CognitoStand) -> None:
    required = [{"Name": "email", "Required": True}, {"Name": "name", "Required": True}]
    pool_id = made_pool(stand.admin, Schema=required)["Id"]
    client_id = made_client(stand.admin, pool_id, ExplicitAuthFlows=FLOWS)["ClientId"]
    stand.admin.admin_create_user(
        UserPoolId=pool_id,
        Username="ida",
        MessageAction="SUPPRESS",
        TemporaryPassword="Temporary-1",
        UserAttributes=[{"Name": "email", "Value": "ida@example.org"}],
    )
    challenge = stand.public.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ida", "PASSWORD": "Temporary-1"},
    )
    assert challenge["ChallengeParameters"]["requiredAttributes"] == '["userAttributes.name"]'
    given = {"USERNAME": "ida", "NEW_PASSWORD": PASSWORD, "userAttributes.name": "Ida"}
    stand.public.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses=given,
    )
    shown = stand.admin.admin_get_user(UserPoolId=pool_id, Username="ida")
    assert {"Name": "name", "Value": "Ida"} in shown["UserAttributes"]


def test_only_flows_that_a_client_has(stand: CognitoStand, pool_id: str) -> None:
    client = made_client(stand.admin, pool_id, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    stand.admin.admin_create_user(UserPoolId=pool_id, Username="flo@example.org", MessageAction="SUPPRESS")
    stand.admin.admin_set_user_password(
        UserPoolId=pool_id, Username="flo@example.org", Password=PASSWORD, Permanent=True
    )
    asked = {
        "ClientId": client["ClientId"],
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "flo@example.org", "PASSWORD": PASSWORD},
    }

    assert refusal(stand.public.initiate_auth, **asked)[0] == "InvalidParameter"
    stand.admin.update_user_pool_client(
        UserPoolId=pool_id, ClientId=client["ClientId"], ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    assert stand.public.initiate_auth(**asked)["AuthenticationResult"]["AccessToken"]


def test_tokens_live_as_long_as_the_client_says(stand: CognitoStand, pool_id: str) -> None:
    client = made_client(
        stand.admin,
        pool_id,
        ExplicitAuthFlows=FLOWS,
        AccessTokenValidity=7,
        TokenValidityUnits={"AccessToken": "minutes"},
    )
    stand.admin.admin_create_user(UserPoolId=pool_id, Username="tom@example.org", MessageAction="SUPPRESS")
    stand.admin.admin_set_user_password(
        UserPoolId=pool_id, Username="tom@example.org", Password=PASSWORD, Permanent=True
    )

    assert signed_in(stand, client["ClientId"], "tom@example.org")["ExpiresIn"] == 420


def test_a_deleted_client_ends_with_its_tokens(stand: CognitoStand, pool_id: str) -> None:
    client_id = made_client(stand.admin, pool_id, ExplicitAuthFlows=FLOWS)["ClientId"]
    stand.admin.admin_create_user(UserPoolId=pool_id, Username="eve@example.org", MessageAction="SUPPRESS")
    stand.admin.admin_set_user_password(
        UserPoolId=pool_id, Username="eve@example.org", Password=PASSWORD, Permanent=True
    )
    token = signed_in(stand, client_id, "eve@example.org")["AccessToken"]
    assert stand.public.get_user(AccessToken=token)
    stand.admin.delete_user_pool_client(UserPoolId=pool_id, ClientId=client_id)

    assert refusal(stand.public.get_user, AccessToken=token)[0] == "NotAuthorized"
    asked = {"USERNAME": "eve@example.org", "PASSWORD": PASSWORD}
    refused = refusal(
        stand.public.initiate_auth, ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked
    )
    assert refused[0] == "ResourceNotFound"


def test_a_new_pool_has_its_keys_and_a_deleted_one_has_none(stand: CognitoStand) -> None:
    pool_id = made_pool(stand.admin)["Id"]
    address = f"{stand.url}/{pool_id}/.well-known/jwks.json"
    assert (
        len(httpx.get(address, trust_env=False).json()["keys"]) == 4
    )  # a current and a next one of each use
    assert {key.use for key in stand.people.store.keys.keys(pool_id)} == {"id", "access"}
    stand.admin.delete_user_pool(UserPoolId=pool_id)

    assert stand.people.store.keys.keys(pool_id) == ()
    assert httpx.get(address, trust_env=False).status_code == 404


def test_another_process_sees_a_new_pool_within_two_seconds(stand: CognitoStand) -> None:
    other, now = Directory(stand.people.store.pools), stand.people.now
    other.refresh(now)
    pool_id = made_pool(stand.admin)["Id"]
    other.refresh(now + timedelta(seconds=2))

    assert other.pool(pool_id).pool_id == pool_id


def test_tags_that_two_add_at_once_are_both_there(stand: CognitoStand, pool_id: str) -> None:
    arn = shown_pool(stand.admin, pool_id)["Arn"]

    def tag(number: int) -> None:
        stand.admin.tag_resource(ResourceArn=arn, Tags={f"tag-{number}": "x"})

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(tag, range(4)))
    found = stand.admin.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert found == {f"tag-{number}": "x" for number in range(4)}


def test_an_update_of_what_was_changed_meanwhile_is_refused(
    stand: CognitoStand, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the pool and its change another process has changed it."""
    pools = stand.identity.management.pools
    seen = pools.get(pool_id, stand.people.now)
    stand.people.store.management.update_pool(replace(seen, name="theirs"), stand.people.now)
    monkeypatch.setattr(type(pools), "get", lambda *_: seen)
    assert (
        refusal(stand.admin.update_user_pool, UserPoolId=pool_id, PoolName="mine")[0]
        == "ConcurrentModification"
    )
    monkeypatch.undo()

    assert shown_pool(stand.admin, pool_id)["Name"] == "theirs"


def test_changes_are_audited_with_the_key_that_signed(stand: CognitoStand) -> None:
    pool_id = made_pool(stand.admin)["Id"]
    client_id = made_client(stand.admin, pool_id)["ClientId"]
    stand.admin.delete_user_pool(UserPoolId=pool_id)
    records = [each for each in stand.people.store.audit.read(limit=100) if each.pool_id == pool_id]
    told = {(each.action, each.target) for each in records}

    assert {("pool_created", pool_id), ("client_created", client_id), ("pool_deleted", pool_id)} <= told
    assert {each.actor.split(":")[0] for each in records} == {"key"}
