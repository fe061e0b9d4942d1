"""Requests with tokens to a real server, as bytes where it matters, and what its operator sees of the refused ones."""

import http.client
from typing import Any

from tests.support.observed import access_record
from tests.support.plain_http import Reply
from tests.support.server import RunningServer

BODIES = {
    401: b'{"message":"Unauthorized"}',
    403: b'{"message":"Forbidden"}',
    429: b'{"message":"Too Many Requests"}',
    500: b'{"message":"Internal Server Error"}',
    503: b'{"message":"Service Unavailable"}',
}
TIMEOUT_S = 20.0


def ask(
    server: RunningServer, target: str, *authorization: str, method: str = "GET", **headers: str
) -> Reply:
    """:param authorization: values of so many Authorization headers.
    :param headers: others, with ``_`` for ``-``.
    """
    connection = http.client.HTTPConnection(*server.gateway_address, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, target)
        connection.putheader("connection", "close")
        for value in authorization:
            connection.putheader("authorization", value)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=fields, body=response.read())
    finally:
        connection.close()


def authorizer_of(reply: Reply) -> dict[str, Any]:
    """What the function was told of the caller; the function returns its event."""
    assert reply.status == 200, (reply.status, reply.body, reply.headers)
    found: dict[str, Any] = reply.json()["requestContext"]["authorizer"]
    return found


def invalid(description: str, scopes: str = "") -> str:
    """The challenge of a bad token."""
    return f'Bearer scope="{scopes}" error="invalid_token" error_description="{description}"'


def expect_refusal(
    server: RunningServer, reply: Reply, status: int, denial: str, challenge: str | None
) -> dict[str, Any]:
    """Check all that client and operator see. :returns: the access record."""
    assert (reply.status, reply.headers.get("www-authenticate")) == (status, challenge)
    assert reply.body == BODIES[status]
    assert reply.headers["content-type"] == "application/json"
    record = access_record(server, reply.request_id)
    assert (record["status"], record["denial"], record["integrationStatus"]) == (status, denial, None)
    return record
