"""Groups by boto3, each effect read back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.flows.groups import MAX_OF_USER
from tests.support.cognito_stand import CognitoStand, refusal

ROLE = "arn:aws:iam::000000000000:role/reader"
NO_GROUP = ("ResourceNotFound", "Group not found.")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path, groups=("declared",)) as stand:
        stand.people.add()
        yield stand


def group(stand: CognitoStand, name: str = "readers") -> dict[str, str]:
    return {"UserPoolId": stand.pool_id, "GroupName": name}


def member(stand: CognitoStand, name: str = "readers", user: str = "ada") -> dict[str, str]:
    return {**group(stand, name), "Username": user}


def names(groups: list[dict[str, Any]]) -> list[str]:
    return [each["GroupName"] for each in groups]


def test_a_group_is_made_changed_and_deleted(stand: CognitoStand) -> None:
    made = stand.admin.create_group(**group(stand), Description="who reads", RoleArn=ROLE, Precedence=7)
    got = stand.admin.get_group(**group(stand))["Group"]
    assert got == made["Group"]
    assert (got["Description"], got["RoleArn"], got["Precedence"]) == ("who reads", ROLE, 7)
    stand.people.clock.move(60.0)
    stand.admin.update_group(**group(stand), Precedence=0)
    after = stand.admin.get_group(**group(stand))["Group"]
    assert (after["Description"], after["Precedence"]) == ("who reads", 0)
    assert (after["LastModifiedDate"] - after["CreationDate"]).total_seconds() == 60
    stand.admin.delete_group(**group(stand))
    assert refusal(stand.admin.get_group, **group(stand)) == NO_GROUP


def test_what_is_refused(stand: CognitoStand) -> None:
    stand.admin.create_group(**group(stand))
    assert refusal(stand.admin.create_group, **group(stand)) == (
        "GroupExists",
        "A group with the name already exists.",
    )
    for call in (stand.admin.update_group, stand.admin.delete_group, stand.admin.list_users_in_group):
        assert refusal(call, **group(stand, "nothing")) == NO_GROUP
    assert refusal(stand.admin.create_group, **group(stand, "a b"))[0] == "InvalidParameter"
    add, remove = stand.admin.admin_add_user_to_group, stand.admin.admin_remove_user_from_group
    for change in (add, remove):
        assert refusal(change, **member(stand, "nothing")) == NO_GROUP
        assert refusal(change, **member(stand, user="nobody")) == ("UserNotFound", "User does not exist.")


def test_a_declared_group_is_its_files(stand: CognitoStand) -> None:
    """Its members are not: no file has people. Twin: a group of the API's own."""
    stand.admin.create_group(**group(stand))
    for call in (stand.admin.update_group, stand.admin.delete_group):
        code, said = refusal(call, **group(stand, "declared"))
        assert code == "InvalidParameter"
        assert "routes.yaml" in said
        assert "user_pools.main.groups" in said
        call(**group(stand))
    stand.admin.admin_add_user_to_group(**member(stand, "declared"))
    users = stand.admin.list_users_in_group(**group(stand, "declared"))["Users"]
    assert [each["Username"] for each in users] == ["ada"]


def test_members(stand: CognitoStand) -> None:
    stand.admin.create_group(**group(stand), Precedence=2)
    stand.admin.create_group(**group(stand, "writers"), Precedence=1)
    for name in ("readers", "writers", "readers"):
        stand.admin.admin_add_user_to_group(**member(stand, name))
    of_user = {"UserPoolId": stand.pool_id, "Username": "ada"}
    assert names(stand.admin.admin_list_groups_for_user(**of_user)["Groups"]) == ["readers", "writers"]
    assert stand.people.user().groups == ("writers", "readers")
    stand.admin.admin_remove_user_from_group(**member(stand))
    assert names(stand.admin.admin_list_groups_for_user(**of_user)["Groups"]) == ["writers"]
    stand.admin.delete_group(**group(stand, "writers"))
    assert stand.admin.admin_list_groups_for_user(**of_user)["Groups"] == []
    assert stand.people.is_let_in()


def test_a_token_holds_so_many_groups(stand: CognitoStand) -> None:
    """J7: all of them stand in each token. Twin: the last one that fits, put in once more."""
    users, sub = stand.people.store.users, stand.people.user().sub
    for number in range(MAX_OF_USER + 1):
        users.put_group(stand.pool_id, f"g{number}", stand.people.now)
    for number in range(MAX_OF_USER):
        users.add_to_group(stand.pool_id, sub, f"g{number}", stand.people.now)
    add = stand.admin.admin_add_user_to_group
    assert refusal(add, **member(stand, f"g{MAX_OF_USER}"))[0] == "LimitExceeded"
    add(**member(stand, "g0"))


def test_pages_of_groups(stand: CognitoStand) -> None:
    for number in range(6):
        stand.admin.create_group(**group(stand, f"g{number}"))
        stand.admin.admin_add_user_to_group(**member(stand, f"g{number}"))
    of_pool, of_user = {"UserPoolId": stand.pool_id}, {"UserPoolId": stand.pool_id, "Username": "ada"}
    for operation, asked, least in (
        (stand.admin.list_groups, of_pool, ["declared"]),
        (stand.admin.admin_list_groups_for_user, of_user, []),
    ):
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = operation(**asked, Limit=3, **token)
            assert len(page["Groups"]) <= 3
            found += names(page["Groups"])
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert found == [*least, *(f"g{number}" for number in range(6))]
        assert refusal(operation, **asked, NextToken="nonsense") == (
            "InvalidParameter",
            "Invalid pagination token.",
        )
