"""Secrets of clients: AddUserPoolClientSecret, ListUserPoolClientSecrets, DeleteUserPoolClientSecret. Two are valid
while programs go over from one to the other."""

from typing import Any

from auth.cognito.action import Action, Answer, Call
from auth.cognito.pool_shapes import CLIENT_ID, CLIENT_SECRET, NEXT, POOL_ID, struct
from auth.cognito.shapes import Text
from auth.cognito.wire import timestamp
from auth.store.ports import ClientSecret


def add(call: Call) -> Answer:
    added = call.identity.management.clients.add_secret(
        call.text("UserPoolId"), call.text("ClientId"), call.text("ClientSecret") or None, call.now
    )
    return {"ClientSecretDescriptor": {**_described(added), "ClientSecretValue": added.secret}}


def list_all(call: Call) -> Answer:
    """Never more than two: there is no second page."""
    clients = call.identity.management.clients
    _, client = clients.get(call.text("UserPoolId"), call.text("ClientId"), call.now)
    return {"ClientSecrets": [_described(one) for one in clients.secrets(client, call.now)]}


def delete(call: Call) -> Answer:
    call.identity.management.clients.delete_secret(
        call.text("UserPoolId"), call.text("ClientId"), call.text("ClientSecretId"), call.now
    )
    return {}


def _described(one: ClientSecret) -> dict[str, Any]:
    """What it is, only who made it is told, once."""
    return {"ClientSecretId": one.secret_id, "ClientSecretCreateDate": timestamp(one.created_at)}


ACTIONS = (
    Action(
        name="AddUserPoolClientSecret",
        audience="admin",
        input=struct(
            "UserPoolId", "ClientId", UserPoolId=POOL_ID, ClientId=CLIENT_ID, ClientSecret=CLIENT_SECRET
        ),
        run=add,
    ),
    Action(
        name="ListUserPoolClientSecrets",
        audience="admin",
        input=struct("UserPoolId", "ClientId", UserPoolId=POOL_ID, ClientId=CLIENT_ID, NextToken=NEXT),
        run=list_all,
    ),
    Action(
        name="DeleteUserPoolClientSecret",
        audience="admin",
        input=struct(
            "UserPoolId",
            "ClientId",
            "ClientSecretId",
            UserPoolId=POOL_ID,
            ClientId=CLIENT_ID,
            ClientSecretId=Text(min=1, max=128),
        ),
        run=delete,
    ),
)
