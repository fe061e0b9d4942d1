"""Pools: CreateUserPool, DescribeUserPool, UpdateUserPool, DeleteUserPool, ListUserPools, AddCustomAttributes."""

from typing import Any

from auth.cognito.action import Action, Answer, Call
from auth.cognito.page import page_of
from auth.cognito.pool_answers import pool_answer, pool_listed
from auth.cognito.pool_schema import own_rules
from auth.cognito.pool_settings import changed_pool, new_pool
from auth.cognito.pool_shapes import (
    ADDRESS,
    ATTRIBUTE,
    CHANGEABLE,
    NAME,
    NEXT,
    POOL_ID,
    one_of,
    struct,
)
from auth.cognito.shapes import Flag, Listing, Structure, Whole
from auth.pool import Pool

_POOL = Structure(members={"UserPoolId": POOL_ID}, needs=("UserPoolId",))


def create(call: Call) -> Answer:
    management = call.identity.management
    made = management.pools.create(new_pool(call.input, management.names), call.now)
    return _answer(call, made)


def describe(call: Call) -> Answer:
    return _answer(call, call.identity.management.pools.get(call.text("UserPoolId"), call.now))


def update(call: Call) -> Answer:
    management = call.identity.management
    pool = management.pools.get(call.text("UserPoolId"), call.now)
    management.pools.update(changed_pool(pool, call.input, management.names), call.now)
    return {}


def delete(call: Call) -> None:
    call.identity.management.pools.delete(call.text("UserPoolId"), call.now)


def list_all(call: Call) -> Answer:
    management = call.identity.management
    found = page_of(call, "ListUserPools", management.pools.all(call.now), lambda pool: pool.pool_id)
    return {"UserPools": [pool_listed(pool, management.names) for pool in found.items], **found.next}


def add_custom_attributes(call: Call) -> Answer:
    rules = own_rules(call.input["CustomAttributes"])
    call.identity.management.pools.add_attributes(call.text("UserPoolId"), rules, call.now)
    return {}


def _answer(call: Call, pool: Pool) -> dict[str, Any]:
    management = call.identity.management
    return {"UserPool": pool_answer(pool, management.names, management.pools.count_users(pool))}


ACTIONS = (
    Action(
        name="CreateUserPool",
        audience="admin",
        input=Structure(
            members={
                **CHANGEABLE,
                "PoolName": NAME,
                "AliasAttributes": Listing(of=one_of("phone_number", "email", "preferred_username")),
                "UsernameAttributes": Listing(of=ADDRESS),
                "Schema": Listing(of=ATTRIBUTE, min=1, max=50),
                "UsernameConfiguration": struct("CaseSensitive", CaseSensitive=Flag()),
            },
            needs=("PoolName",),
        ),
        run=create,
        lane="passwords",  # its keys take a second of a processor
    ),
    Action(name="DescribeUserPool", audience="admin", input=_POOL, run=describe),
    Action(
        name="UpdateUserPool",
        audience="admin",
        input=Structure(
            members={**CHANGEABLE, "UserPoolId": POOL_ID, "PoolName": NAME}, needs=("UserPoolId",)
        ),
        run=update,
    ),
    Action(name="DeleteUserPool", audience="admin", input=_POOL, run=delete),
    Action(
        name="ListUserPools",
        audience="admin",
        input=struct("MaxResults", MaxResults=Whole(min=1, max=60), NextToken=NEXT),
        run=list_all,
    ),
    Action(
        name="AddCustomAttributes",
        audience="admin",
        input=struct(
            "UserPoolId",
            "CustomAttributes",
            UserPoolId=POOL_ID,
            CustomAttributes=Listing(of=ATTRIBUTE, min=1, max=25),
        ),
        run=add_custom_attributes,
    ),
)
