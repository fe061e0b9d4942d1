"""What a Lambda authorizer is called with: the event of the request without its body, and whom it is about.

The body has not been read when an authorizer is asked, so ``content-length`` is left out of the headers too.
Source: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers".
"""

from collections.abc import Sequence

import orjson

from gateway.events import v1, v2
from gateway.exchange import Exchange


def build_v2(exchange: Exchange, arn: str, identity: Sequence[str] | None) -> bytes:
    """:param identity: the values at the identity sources, in order; None: none are configured.
    :raises BadRequest: the query has too many pairs.
    """
    members = v2.event_members(exchange)
    head = {
        "version": members.pop("version"),
        "type": "REQUEST",
        "routeArn": arn,
        "identitySource": identity,
    }
    return _serialise({**head, **members}, "headers")


def build_v1(exchange: Exchange, arn: str, identity: Sequence[str] | None) -> bytes:
    """Members that are null in the event of an integration are empty objects here, as AWS sends them.

    :param identity: as for `build_v2`.
    :raises BadRequest: the query has too many pairs.
    """
    token = None if identity is None else ",".join(identity)
    members = v1.event_members(exchange)
    head = {
        "version": members.pop("version"),
        "type": "REQUEST",
        "methodArn": arn,
        "identitySource": token,
        "authorizationToken": token,
    }
    for name in _OBJECTS:
        members[name] = members[name] or {}
    context = v1.context_members(exchange)
    context["identity"] = {"apiKey": None, "cognitoAmr": None, **v1.caller(exchange)}
    return _serialise({**head, **members, "requestContext": context}, "headers", "multiValueHeaders")


_OBJECTS = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")


def _serialise(event: dict[str, object], *headers: str) -> bytes:
    for name in headers:
        fields = event[name]
        assert isinstance(fields, dict)
        del fields["content-length"]
    return orjson.dumps(event)
