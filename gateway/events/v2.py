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
    request = exchange.request
    key = exchange.key.text
    path = exchange.path.text
    headers = {**request.fields.joined, **added_fields(exchange)}
    headers.pop("cookie", None)
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": exchange.raw_query,
    }
    if cookies := request.fields.cookies():
        event["cookies"] = cookies
    event["headers"] = headers
    if pairs := parse_query(exchange.raw_query):
        event["queryStringParameters"] = join_pairs(pairs)
    event["requestContext"] = _context(exchange, key, path)
    if exchange.parameters:
        event["pathParameters"] = exchange.parameters
    if exchange.stage.variables:
        event["stageVariables"] = exchange.stage.variables
    is_base64 = False
    if exchange.body:
        event["body"], is_base64 = encode_body(exchange.body, headers.get("content-type"))
    event["isBase64Encoded"] = is_base64
    return orjson.dumps(event)


def _context(exchange: Exchange, key: str, path: str) -> dict[str, object]:
    request = exchange.request
    context: dict[str, object] = {"accountId": exchange.names.account_id, "apiId": exchange.names.api_id}
    if exchange.authorization is not None:
        context["authorizer"] = exchange.authorization.v2
    context["domainName"] = request.host
    context["domainPrefix"] = request.host.partition(".")[0]
    context["http"] = {
        "method": request.method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": request.source_ip,
        "userAgent": request.fields.get("user-agent") or "",
    }
    context["requestId"] = request.request_id
    context["routeKey"] = key
    context["stage"] = exchange.stage.name
    context["time"] = request.at.clf
    context["timeEpoch"] = request.at.epoch_ms
    return context
