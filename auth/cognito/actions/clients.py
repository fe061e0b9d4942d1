"""CreateUserPoolClient, DescribeUserPoolClient, UpdateUserPoolClient, DeleteUserPoolClient, ListUserPoolClients."""

from auth.client import Client
from auth.cognito.action import Action, Answer, Call
from auth.cognito.client_settings import changed_client, client_answer, client_listed, new_client
from auth.cognito.page import page_of
from auth.cognito.pool_shapes import CLIENT_ID, CLIENT_SECRET, CLIENT_SETTINGS, NAME, NEXT, POOL_ID, struct
from auth.cognito.shapes import Flag, Structure, Whole

_CLIENT = struct("UserPoolId", "ClientId", UserPoolId=POOL_ID, ClientId=CLIENT_ID)


def create(call: Call) -> Answer:
    made = call.identity.management.clients.create(
        call.text("UserPoolId"),
        lambda pool: new_client(call.input, pool),
        call.now,
        call.text("ClientSecret") or None,
    )
    return _answer(call, made)


def describe(call: Call) -> Answer:
    _, found = call.identity.management.clients.get(call.text("UserPoolId"), call.text("ClientId"), call.now)
    return _answer(call, found)


def update(call: Call) -> Answer:
    after = call.identity.management.clients.update(
        call.text("UserPoolId"),
        call.text("ClientId"),
        lambda pool, seen: changed_client(seen, call.input, pool),
        call.now,
    )
    return _answer(call, after)


def delete(call: Call) -> None:
    call.identity.management.clients.delete(call.text("UserPoolId"), call.text("ClientId"), call.now)


def list_all(call: Call) -> Answer:
    clients = call.identity.management.clients.all(call.text("UserPoolId"), call.now)
    found = page_of(call, "ListUserPoolClients", clients, lambda client: client.client_id)
    return {"UserPoolClients": [client_listed(client) for client in found.items], **found.next}


def _answer(call: Call, client: Client) -> Answer:
    management = call.identity.management
    pool = management.pools.get(client.pool_id, call.now)
    valid = management.clients.secrets(client, call.now) if client.has_secret else ()
    return {"UserPoolClient": client_answer(client, pool, valid[0].secret if valid else None)}


ACTIONS = (
    Action(
        name="CreateUserPoolClient",
        audience="admin",
        input=Structure(
            members={
                **CLIENT_SETTINGS,
                "UserPoolId": POOL_ID,
                "ClientName": NAME,
                "GenerateSecret": Flag(),
                "ClientSecret": CLIENT_SECRET,
            },
            needs=("UserPoolId", "ClientName"),
        ),
        run=create,
    ),
    Action(name="DescribeUserPoolClient", audience="admin", input=_CLIENT, run=describe),
    Action(
        name="UpdateUserPoolClient",
        audience="admin",
        input=Structure(
            members={**CLIENT_SETTINGS, **_CLIENT.members, "ClientName": NAME}, needs=_CLIENT.needs
        ),
        run=update,
    ),
    Action(name="DeleteUserPoolClient", audience="admin", input=_CLIENT, run=delete),
    Action(
        name="ListUserPoolClients",
        audience="admin",
        input=struct("UserPoolId", UserPoolId=POOL_ID, MaxResults=Whole(min=1, max=60), NextToken=NEXT),
        run=list_all,
    ),
)
