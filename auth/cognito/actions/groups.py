"""Groups, and who is in them."""

from collections.abc import Mapping
from typing import Any

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions.admin_users import NAMED, NEEDS
from auth.cognito.caller import pool_of
from auth.cognito.paging import page_token, place_of
from auth.cognito.shapes import Shape, Structure
from auth.cognito.wire import timestamp, user_type
from auth.flows.groups import MAX_PAGE, Groups
from auth.group import Group, GroupChange

_POOL: Mapping[str, Shape] = {"UserPoolId": members.POOL_ID}
_GROUP: Mapping[str, Shape] = {**_POOL, "GroupName": members.GROUP_NAME}
_GROUP_NEEDS = ("GroupName", "UserPoolId")
_SETTINGS: Mapping[str, Shape] = {
    "Description": members.DESCRIPTION,
    "RoleArn": members.ARN,
    "Precedence": members.PRECEDENCE,
}
_PAGE: Mapping[str, Shape] = {"Limit": members.PAGE_LIMIT, "NextToken": members.PAGE_TOKEN}


def groups_of(call: Call) -> Groups:
    """On record as done by whoever has signed the call."""
    return call.identity.administration.by(call.actor, call.origin).groups


def group_type(group: Group) -> dict[str, Any]:
    """``GroupType``: members without a value are left out."""
    given = {
        "Description": group.description or None,
        "RoleArn": group.role_arn or None,
        "Precedence": group.precedence,
    }
    return {
        "GroupName": group.name,
        "UserPoolId": group.pool_id,
        **{name: value for name, value in given.items() if value is not None},
        "LastModifiedDate": timestamp(group.updated_at),
        "CreationDate": timestamp(group.created_at),
    }


def create_group(call: Call) -> Answer:
    group = groups_of(call).create(
        pool_of(call),
        call.text("GroupName"),
        description=call.text("Description"),
        role_arn=call.text("RoleArn"),
        precedence=call.input.get("Precedence"),
        now=call.now,
    )
    return {"Group": group_type(group)}


def get_group(call: Call) -> Answer:
    return {"Group": group_type(groups_of(call).get(pool_of(call), call.text("GroupName")))}


def update_group(call: Call) -> Answer:
    change = GroupChange(
        description=call.input.get("Description"),
        role_arn=call.input.get("RoleArn"),
        precedence=call.input.get("Precedence"),
    )
    group = groups_of(call).update(pool_of(call), call.text("GroupName"), change, now=call.now)
    return {"Group": group_type(group)}


def delete_group(call: Call) -> None:
    groups_of(call).delete(pool_of(call), call.text("GroupName"), now=call.now)


def list_groups(call: Call) -> Answer:
    pool = pool_of(call)
    of = f"ListGroups {pool.pool_id}"
    page = groups_of(call).list(pool, limit=_limit(call), after=_after(call, of))
    return _page("Groups", [group_type(group) for group in page.groups], of, page.next)


def admin_list_groups_for_user(call: Call) -> Answer:
    pool = pool_of(call)
    of = f"AdminListGroupsForUser {pool.pool_id} {call.text('Username')}"
    page = groups_of(call).list_of(pool, call.text("Username"), limit=_limit(call), after=_after(call, of))
    return _page("Groups", [group_type(group) for group in page.groups], of, page.next)


def list_users_in_group(call: Call) -> Answer:
    pool = pool_of(call)
    of = f"ListUsersInGroup {pool.pool_id} {call.text('GroupName')}"
    page = groups_of(call).members(pool, call.text("GroupName"), limit=_limit(call), after=_after(call, of))
    return _page("Users", [user_type(user) for user in page.users], of, page.next)


def admin_add_user_to_group(call: Call) -> None:
    groups_of(call).add(pool_of(call), call.text("Username"), call.text("GroupName"), now=call.now)


def admin_remove_user_from_group(call: Call) -> None:
    groups_of(call).remove(pool_of(call), call.text("Username"), call.text("GroupName"), now=call.now)


def _limit(call: Call) -> int:
    return call.input.get("Limit") or MAX_PAGE


def _after(call: Call, of: str) -> str | None:
    place = place_of(of, call.input.get("NextToken"))
    return None if place is None else "".join(place[:1])


def _page(name: str, rows: list[dict[str, Any]], of: str, next_place: str | None) -> Answer:
    token = {} if next_place is None else {"NextToken": page_token(of, next_place)}
    return {name: rows, **token}


ACTIONS = (
    Action(
        name="CreateGroup",
        audience="admin",
        input=Structure(members={**_GROUP, **_SETTINGS}, needs=_GROUP_NEEDS),
        run=create_group,
    ),
    Action(
        name="GetGroup",
        audience="admin",
        input=Structure(members=_GROUP, needs=_GROUP_NEEDS),
        run=get_group,
    ),
    Action(
        name="UpdateGroup",
        audience="admin",
        input=Structure(members={**_GROUP, **_SETTINGS}, needs=_GROUP_NEEDS),
        run=update_group,
    ),
    Action(
        name="DeleteGroup",
        audience="admin",
        input=Structure(members=_GROUP, needs=_GROUP_NEEDS),
        run=delete_group,
    ),
    Action(
        name="ListGroups",
        audience="admin",
        input=Structure(members={**_POOL, **_PAGE}, needs=("UserPoolId",)),
        run=list_groups,
    ),
    Action(
        name="ListUsersInGroup",
        audience="admin",
        input=Structure(members={**_GROUP, **_PAGE}, needs=_GROUP_NEEDS),
        run=list_users_in_group,
    ),
    Action(
        name="AdminListGroupsForUser",
        audience="admin",
        input=Structure(members={**NAMED, **_PAGE}, needs=NEEDS),
        run=admin_list_groups_for_user,
    ),
    Action(
        name="AdminAddUserToGroup",
        audience="admin",
        input=Structure(members={**NAMED, **_GROUP}, needs=(*NEEDS, "GroupName")),
        run=admin_add_user_to_group,
    ),
    Action(
        name="AdminRemoveUserFromGroup",
        audience="admin",
        input=Structure(members={**NAMED, **_GROUP}, needs=(*NEEDS, "GroupName")),
        run=admin_remove_user_from_group,
    ),
)
