"""ListUsers: by page, all or those that a filter is for."""

from typing import Any

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.caller import pool_of
from auth.cognito.paging import page_token, place_of
from auth.cognito.shapes import Structure, Text
from auth.cognito.user_filter import user_filter
from auth.cognito.wire import user_type
from auth.errors import InvalidParameter
from auth.flows.administration import MAX_PAGE
from auth.pool import STANDARD_ATTRIBUTES, Pool
from auth.user import User


def list_users(call: Call) -> Answer:
    pool = pool_of(call)
    wanted = _attributes(pool, call)
    text = call.text("Filter")
    of = f"ListUsers {pool.pool_id} {text}"
    place = place_of(of, call.input.get("PaginationToken"))
    page = call.identity.administration.list(
        pool,
        limit=call.input.get("Limit") or MAX_PAGE,
        after=None if place is None else "".join(place[:1]),
        filter=user_filter(text),
    )
    token = {} if page.next is None else {"PaginationToken": page_token(of, page.next)}
    return {"Users": [_shown(user, wanted) for user in page.users], **token}


def _attributes(pool: Pool, call: Call) -> frozenset[str] | None:
    """Which are shown; None: all. :raises InvalidParameter: nobody here has such."""
    asked = call.input.get("AttributesToGet")
    if not asked:
        return None
    known = {"sub", *STANDARD_ATTRIBUTES, *(f"custom:{rule.name}" for rule in pool.attributes)}
    if not known.issuperset(asked):
        raise InvalidParameter("One or more requested attributes do not exist.")
    return frozenset(asked)


def _shown(user: User, wanted: frozenset[str] | None) -> dict[str, Any]:
    shown = user_type(user)
    if wanted is not None:
        shown["Attributes"] = [one for one in shown["Attributes"] if one["Name"] in wanted]
    return shown


ACTIONS = (
    Action(
        name="ListUsers",
        audience="admin",
        input=Structure(
            members={
                "UserPoolId": members.POOL_ID,
                "AttributesToGet": members.ATTRIBUTE_NAMES,
                "Limit": members.PAGE_LIMIT,
                "PaginationToken": members.PAGE_TOKEN,
                "Filter": Text(max=256),
            },
            needs=("UserPoolId",),
        ),
        run=list_users,
    ),
)
