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
    request = exchange.request
    pairs = parse_query(exchange.raw_query)
    repeated = request.fields.repeated
    many = {name: repeated.get(name) or [value] for name, value in request.fields.joined.items()}
    for name, value in added_fields(exchange).items():
        many[name] = [value]
    body, is_base64 = None, False
    if exchange.body:
        body, is_base64 = encode_body(exchange.body, request.fields.get("content-type"))
    event = {
        "version": "1.0",
        "resource": exchange.key.path,
        "path": exchange.path.text,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": group_pairs(pairs) or None,
        "requestContext": _context(exchange),
        "pathParameters": exchange.parameters or None,
        "stageVariables": exchange.stage.variables or None,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    return orjson.dumps(event)


def _context(exchange: Exchange) -> dict[str, object]:
    request = exchange.request
    authorization = exchange.authorization
    identity = {
        **_ANONYMOUS,
        "sourceIp": request.source_ip,
        "userAgent": request.fields.get("user-agent"),
    }
    return {
        "accountId": exchange.names.account_id,
        "apiId": exchange.names.api_id,
        "authorizer": _NO_AUTHORIZER if authorization is None else authorization.v1,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": identity,
        "path": exchange.path.text,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": request.at.clf,
        "requestTimeEpoch": request.at.epoch_ms,
        "resourceId": None,
        "resourcePath": exchange.key.path,
        "stage": exchange.stage.name,
    }
