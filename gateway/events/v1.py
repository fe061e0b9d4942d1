"""The event of payload format 1.0, as HTTP APIs send it. Empty members are null, never absent.

``headers`` and ``queryStringParameters`` hold the last value of a repeated name, ``multiValue*`` all of them.
Header names are in lower case, as the edge reads them. The cookie header stays.
Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import orjson

from gateway.events.body import encode_body
from gateway.events.forwarding import added_fields
from gateway.exchange import Exchange
from gateway.query import group_pairs, parse_query

_NO_AUTHORIZER = {"claims": None, "scopes": None}
_ANONYMOUS = {
    "accessKey": None,
    "accountId": None,
    "caller": None,
    "cognitoAuthenticationProvider": None,
    "cognitoAuthenticationType": None,
    "cognitoIdentityId": None,
    "cognitoIdentityPoolId": None,
    "principalOrgId": None,
    "user": None,
    "userArn": None,
    "clientCert": None,
}


def build_event(exchange: Exchange) -> bytes:
    """Serialise the exchange.

    :raises BadRequest: the query has too many pairs.
    """
    event = event_members(exchange)
    authorization = exchange.authorization
    context = context_members(exchange)
    context["authorizer"] = _NO_AUTHORIZER if authorization is None else authorization.v1
    event["requestContext"] = context
    body, is_base64 = None, False
    if exchange.body:
        body, is_base64 = encode_body(exchange.body, exchange.request.fields.get("content-type"))
    event["body"] = body
    event["isBase64Encoded"] = is_base64
    return orjson.dumps(event)


def event_members(exchange: Exchange) -> dict[str, object]:
    """All members but the request context and those of the body; what it holds may be changed.

    :raises BadRequest: the query has too many pairs.
    """
    request = exchange.request
    pairs = parse_query(exchange.raw_query)
    repeated = request.fields.repeated
    many = {name: repeated.get(name) or [value] for name, value in request.fields.joined.items()}
    for name, value in added_fields(exchange).items():
        many[name] = [value]
    return {
        "version": "1.0",
        "resource": exchange.key.path,
        "path": exchange.path.text,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": group_pairs(pairs) or None,
        "pathParameters": exchange.parameters or None,
        "stageVariables": exchange.stage.variables or None,
    }


def context_members(exchange: Exchange) -> dict[str, object]:
    """The request context without its authorizer."""
    request = exchange.request
    return {
        "accountId": exchange.names.account_id,
        "apiId": exchange.names.api_id,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": caller(exchange),
        "path": exchange.path.text,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": request.at.clf,
        "requestTimeEpoch": request.at.epoch_ms,
        "resourceId": None,
        "resourcePath": exchange.key.path,
        "stage": exchange.stage.name,
    }


def caller(exchange: Exchange) -> dict[str, object]:
    """``requestContext.identity``."""
    request = exchange.request
    return {
        **_ANONYMOUS,
        "sourceIp": request.source_ip,
        "userAgent": request.fields.get("user-agent"),
    }
