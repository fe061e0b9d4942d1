"""CreateResourceServer, DescribeResourceServer, UpdateResourceServer, DeleteResourceServer, ListResourceServers."""

from typing import Any

from auth.cognito.action import Action, Answer, Call
from auth.cognito.page import page_of
from auth.cognito.pool_shapes import IDENTIFIER, NEXT, POOL_ID, SERVER, struct
from auth.cognito.shapes import Structure, Whole
from auth.errors import InvalidParameter
from auth.flows.managed_servers import ResourceServer

_MOST = 50
_WRITTEN = Structure(members=SERVER, needs=("UserPoolId", "Identifier", "Name"))
_NAMED = struct("UserPoolId", "Identifier", UserPoolId=POOL_ID, Identifier=IDENTIFIER)


def create(call: Call) -> Answer:
    return _answer(call.identity.management.resource_servers.create(_given(call), call.now))


def describe(call: Call) -> Answer:
    servers = call.identity.management.resource_servers
    return _answer(servers.get(call.text("UserPoolId"), call.text("Identifier"), call.now))


def update(call: Call) -> Answer:
    return _answer(call.identity.management.resource_servers.update(_given(call), call.now))


def delete(call: Call) -> None:
    servers = call.identity.management.resource_servers
    servers.delete(call.text("UserPoolId"), call.text("Identifier"), call.now)


def list_all(call: Call) -> Answer:
    servers = call.identity.management.resource_servers.all(call.text("UserPoolId"), call.now)
    found = page_of(call, "ListResourceServers", servers, lambda server: server.identifier, most=_MOST)
    return {"ResourceServers": [_shown(server) for server in found.items], **found.next}


def _given(call: Call) -> ResourceServer:
    listed = call.input.get("Scopes") or []
    scopes = {each["ScopeName"]: each["ScopeDescription"] for each in listed}
    if len(scopes) < len(listed):
        raise InvalidParameter("Scopes names one scope twice.")
    return ResourceServer(
        pool_id=call.text("UserPoolId"),
        identifier=call.text("Identifier"),
        name=call.text("Name"),
        scopes=scopes,
    )


def _answer(server: ResourceServer) -> Answer:
    return {"ResourceServer": _shown(server)}


def _shown(server: ResourceServer) -> dict[str, Any]:
    return {
        "UserPoolId": server.pool_id,
        "Identifier": server.identifier,
        "Name": server.name,
        "Scopes": [{"ScopeName": name, "ScopeDescription": allows} for name, allows in server.scopes.items()],
    }


ACTIONS = (
    Action(name="CreateResourceServer", audience="admin", input=_WRITTEN, run=create),
    Action(name="DescribeResourceServer", audience="admin", input=_NAMED, run=describe),
    Action(name="UpdateResourceServer", audience="admin", input=_WRITTEN, run=update),
    Action(name="DeleteResourceServer", audience="admin", input=_NAMED, run=delete),
    Action(
        name="ListResourceServers",
        audience="admin",
        input=struct("UserPoolId", UserPoolId=POOL_ID, MaxResults=Whole(min=1, max=_MOST), NextToken=NEXT),
        run=list_all,
    ),
)
