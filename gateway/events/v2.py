"""The event of payload format 2.0. Empty members are absent, never null.

Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import orjson

from gateway.events.body import encode_body
from gateway.events.forwarding import added_fields
from gateway.exchange import Exchange
from gateway.query import join_pairs, parse_query


def build_event(exchange: Exchange) -> bytes:
    """Serialise the exchange.

    :raises BadRequest: the query has too many pairs.
    """
    event = event_members(exchange)
    is_base64 = False
    if exchange.body:
        content_type = exchange.request.fields.joined.get("content-type")
        event["body"], is_base64 = encode_body(exchange.body, content_type)
    event["isBase64Encoded"] = is_base64
    return orjson.dumps(event)


def event_members(exchange: Exchange) -> dict[str, object]:
    """All members but those of the body; what it holds may be changed.

    :raises BadRequest: the query has too many pairs.
    """
    request = exchange.request
    names = exchange.names
    fields = request.fields.joined
    key = exchange.key.text
    path = exchange.path.text
    host = request.host
    raw_query = exchange.raw_query
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": raw_query,
    }
    headers = {**fields, **added_fields(exchange)}
    if "cookie" in headers:
        del headers["cookie"]
        if cookies := request.fields.cookies():
            event["cookies"] = cookies
    event["headers"] = headers
    if raw_query and (pairs := parse_query(raw_query)):
        event["queryStringParameters"] = join_pairs(pairs)
    context: dict[str, object] = {"accountId": names.account_id, "apiId": names.api_id}
    if exchange.authorization is not None:
        context["authorizer"] = exchange.authorization.v2
    event["requestContext"] = context | {
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": fields.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": key,
        "stage": exchange.stage.name,
        "time": request.at.clf,
        "timeEpoch": request.at.epoch_ms,
    }
    if exchange.parameters:
        event["pathParameters"] = exchange.parameters
    if exchange.stage.variables:
        event["stageVariables"] = exchange.stage.variables
    return event
