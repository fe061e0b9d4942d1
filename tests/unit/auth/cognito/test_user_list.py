"""ListUsers and ListUsersInGroup by boto3: filters, pages, and what tries to be more than a filter."""

from collections.abc import Iterator
from typing import Any

import pytest

from auth.cognito.user_filter import user_filter
from auth.errors import InvalidParameter
from auth.store.ports import NewUser
from tests.support.cognito_stand import CognitoStand, refusal

PEOPLE = 130


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    """Read only: 130 people who were not hashed for, one of whom is disabled, all odd ones in a group."""
    with CognitoStand(tmp_path_factory.mktemp("listed")) as stand:
        users, now = stand.people.store.users, stand.people.now
        users.put_group(stand.pool_id, "odd", now)
        for number in range(PEOPLE):
            attributes = {
                "email": f"user{number}@example.com",
                "given_name": "Two\nLines" if number < 9 else 'Quo"ted\\' if number == 9 else "Ann",
            }
            new = NewUser(
                pool_id=stand.pool_id,
                sub=f"00000000-0000-4000-8000-{number:012d}",
                username=f"user{number}",
                username_key=f"user{number}",
                status="UNCONFIRMED" if number == 5 else "CONFIRMED",
                attributes=attributes,
            )
            users.create(new, now)
            if number % 2:
                users.add_to_group(stand.pool_id, new.sub, "odd", now)
        users.set_enabled(stand.pool_id, "00000000-0000-4000-8000-000000000007", False, now)
        yield stand


def listed(stand: CognitoStand, **given: Any) -> set[str]:
    """User names of the first page."""
    page = stand.admin.list_users(UserPoolId=stand.pool_id, **given)
    return {each["Username"] for each in page["Users"]}


def all_pages(operation: Any, token_name: str, **given: Any) -> list[str]:
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = operation(**given, **token)
        found += [each["Username"] for each in page["Users"]]
        if token_name not in page:
            return found
        token = {token_name: page[token_name]}


@pytest.mark.parametrize("limit", [{}, {"Limit": 7}, {"Limit": 60}])
def test_everybody_is_on_one_page_once(stand: CognitoStand, limit: dict[str, int]) -> None:
    found = all_pages(stand.admin.list_users, "PaginationToken", UserPoolId=stand.pool_id, **limit)
    assert sorted(found) == sorted(f"user{number}" for number in range(PEOPLE))


def test_pages_of_a_filter_and_of_a_group(stand: CognitoStand) -> None:
    asked = {"UserPoolId": stand.pool_id, "Limit": 4}
    prefix = all_pages(stand.admin.list_users, "PaginationToken", **asked, Filter='email ^= "user1"')
    assert sorted(prefix) == sorted(f"user{n}" for n in range(PEOPLE) if str(n).startswith("1"))
    lines = all_pages(stand.admin.list_users, "PaginationToken", **asked, Filter='given_name ^= "two"')
    assert sorted(lines) == [f"user{number}" for number in range(9)]
    odd = all_pages(stand.admin.list_users_in_group, "NextToken", **asked, GroupName="odd")
    assert sorted(odd) == sorted(f"user{number}" for number in range(1, PEOPLE, 2))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('username = "user12"', {"user12"}),
        ('username="user12"', {"user12"}),
        ('  email  =  "USER12@example.com"  ', {"user12"}),
        ('email ^= "user12@"', {"user12"}),
        ('email = "user12"', set()),
        ('cognito:user_status = "UNCONFIRMED"', {"user5"}),
        ('status = "Disabled"', {"user7"}),
        ('sub = "00000000-0000-4000-8000-000000000003"', {"user3"}),
        ('sub ^= "00000000-0000-4000-8000-00000000011"', {f"user{number}" for number in range(110, 120)}),
        ('given_name = "Quo\\"ted\\\\"', {"user9"}),
        ('name = "x"', set()),
        ('email = "%"', set()),
        ('email ^= "user1_"', set()),
        ('email = "\' OR 1=1 --"', set()),
        ("email ^= \"user12' OR 'a'='a\"", set()),
    ],
)
def test_filters_find_whom_they_name(stand: CognitoStand, text: str, names: set[str]) -> None:
    """A value is a value, whatever it looks like."""
    assert listed(stand, Filter=text) == names


@pytest.mark.parametrize(
    "text",
    [
        "email",
        "email = user1",
        "email = 'user1'",
        'email == "user1"',
        'email != "user1"',
        'email *= "user1"',
        'email = "user1" or email = "user2"',
        'email = "user1"; DROP TABLE users',
        'email = "user1',
        'email = "user1\\"',
        'email = "a" "b"',
        '"email" = "user1"',
        'custom:shoe = "1"',
        'password = "x"',
        'users.email = "x"',
        'email = "a\x00b"',
    ],
)
def test_what_is_no_filter(stand: CognitoStand, text: str) -> None:
    """Twin: every filter above."""
    code, _ = refusal(stand.admin.list_users, UserPoolId=stand.pool_id, Filter=text)
    assert code == "InvalidParameter"


def test_an_empty_filter_is_none() -> None:
    assert user_filter("") is None
    assert user_filter("  ") is None
    assert user_filter('name = ""') == ("name", "=", "")
    with pytest.raises(InvalidParameter, match="cannot be searched by locale"):
        user_filter('locale = "en"')


def test_which_attributes_are_shown(stand: CognitoStand) -> None:
    asked = {"UserPoolId": stand.pool_id, "Filter": 'username = "user12"'}
    (user,) = stand.admin.list_users(**asked, AttributesToGet=["email"])["Users"]
    assert user["Attributes"] == [{"Name": "email", "Value": "user12@example.com"}]
    assert (user["UserStatus"], user["Enabled"]) == ("CONFIRMED", True)
    assert refusal(stand.admin.list_users, **asked, AttributesToGet=["email", "shoe"]) == (
        "InvalidParameter",
        "One or more requested attributes do not exist.",
    )


def test_a_token_is_of_its_list(stand: CognitoStand) -> None:
    """Twin: in `test_pages_of_a_filter_and_of_a_group` each is used for its own."""
    asked = {"UserPoolId": stand.pool_id, "Limit": 2}
    token = stand.admin.list_users(**asked)["PaginationToken"]
    for other in ({"Filter": 'email ^= "user"'}, {"UserPoolId": "us-east-1_Nothing01"}):
        assert refusal(stand.admin.list_users, **(asked | other), PaginationToken=token)[0] in (
            "InvalidParameter",
            "ResourceNotFound",
        )
    wrong = {"GroupName": "odd", "NextToken": token}
    assert refusal(stand.admin.list_users_in_group, **asked, **wrong) == (
        "InvalidParameter",
        "Invalid pagination token.",
    )
