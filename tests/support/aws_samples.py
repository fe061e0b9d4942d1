"""Requests rebuilt from published sample events, to be sent through a gateway and compared with the sample.

The files are read in place from ``../shared/testdata/aws-events`` (aws-lambda-go and
powertools-lambda-python, Apache-2.0 and MIT-0). Most are documentation samples, typed by hand: fields that
contradict each other, and fields that no request can cause, are listed in `Sample.ignored` with the reason.
One is a recording, and it must come out whole but for mutual TLS.
"""

import calendar
import json
import os
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "aws-events"

# Files of the two families that are not proxied HTTP API requests, and why each is left out.
NOT_HTTP_API = {
    "aws-lambda-go/apigw-request.json": "REST only: resourceId, apiKey, no version",
    "aws-lambda-go/apigw-v2-custom-authorizer-v1-request.json": "the input of a Lambda authorizer",
    "aws-lambda-go/apigw-v2-custom-authorizer-v2-request.json": "the input of a Lambda authorizer",
    "powertools/apiGatewayAuthorizerV2Event.json": "the input of a Lambda authorizer",
    "powertools/apiGatewayAuthorizerRequestEvent.json": "the input of a REST Lambda authorizer",
    "powertools/apiGatewayAuthorizerTokenEvent.json": "the input of a REST Lambda authorizer",
    "powertools/apiGatewayProxyEventPrincipalId.json": "a stub of five members",
}
_PATTERNS = (
    "aws-lambda-go/apigw-v2-*.json",
    "aws-lambda-go/apigw-request.json",
    "powertools/apiGateway*.json",
)
_PATTERNS_ODD = ("powertools/apigatewaye*.json",)  # the upstream's spelling

# Set by the connection, so a test over a real socket has to leave them out as well.
TRANSPORT_FIELDS = (
    "requestContext.http.sourceIp",
    "requestContext.identity.sourceIp",
    "requestContext.requestId",
    "requestContext.extendedRequestId",
    "requestContext.time",
    "requestContext.timeEpoch",
    "requestContext.requestTime",
    "requestContext.requestTimeEpoch",
    "requestContext.accountId",
    "requestContext.apiId",
    "headers.x-amzn-trace-id",
    "headers.x-forwarded-for",
    "headers.x-forwarded-port",
    "headers.x-forwarded-proto",
)

_ADDED = "documentation samples leave out what the gateway adds"
_ADDED_FIELDS = (
    "host",
    "user-agent",
    "content-length",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
)


@dataclass
class Sample:
    """:param target: raw path and query. :param ignored: dotted path into the event → why it is not compared.
    :param authorizer: what an authorizer has to put into the event, or None.
    :param random: the 31 bytes that give the sample's ids where it has real ones.
    """

    name: str
    payload_version: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    route_key: str
    stage: str
    stage_variables: dict[str, str]
    peer: str
    account_id: str
    api_id: str
    epoch_ms: int
    authorizer: dict[str, Any] | None
    random: bytes
    expected: dict[str, Any]
    ignored: dict[str, str] = field(default_factory=dict)


def samples() -> list[Sample]:
    """All usable samples; skips without the folder, and fails without it in CI."""
    if not FOLDER.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{FOLDER} is missing, and CI must have it", pytrace=False)
        pytest.skip(f"the sample events are not here: {FOLDER}", allow_module_level=True)
    names = {
        str(path.relative_to(FOLDER))
        for pattern in (*_PATTERNS, *_PATTERNS_ODD)
        for path in FOLDER.glob(pattern)
    }
    return [_rebuild(name) for name in sorted(names - set(NOT_HTTP_API))]


def without(event: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """A copy of `event` without the members at the dotted paths."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    for path in paths:
        *parents, last = path.split(".")
        node: Any = copy
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.pop(last, None)
    return copy


def _rebuild(name: str) -> Sample:
    event = json.loads((FOLDER / name).read_bytes())
    return _rebuild_v2(name, event) if event.get("version") == "2.0" else _rebuild_v1(name, event)


def _rebuild_v2(name: str, event: dict[str, Any]) -> Sample:
    context = event["requestContext"]
    ignored = {"requestContext.authentication": "mutual TLS is not offered"}
    sent = {key.lower(): value for key, value in event["headers"].items()}
    expected = {**event, "headers": dict(sent)}
    random = _random(sent, context["requestId"], ignored)
    if "pathParameters" in event:
        ignored["pathParameters"] = "hand-typed: $default has no variables"
    if context["http"]["path"] != event["rawPath"]:
        ignored["requestContext.http.path"] = "hand-typed: rawPath and http.path disagree"
    if context["time"] != _clf(context["timeEpoch"]):
        ignored["requestContext.time"] = "hand-typed: time and timeEpoch disagree"
    body = event.get("body", "").encode()
    headers = _client_headers(sent, context["domainName"], context["http"]["userAgent"], body, ignored)
    if "cookies" in event:
        headers.append(("cookie", "; ".join(event["cookies"])))
    query = event["rawQueryString"]
    return Sample(
        name=name,
        payload_version="2.0",
        method=context["http"]["method"],
        target=quote(event["rawPath"]) + (f"?{query}" if query else ""),
        headers=headers,
        body=body,
        route_key=event["routeKey"],
        stage=context["stage"],
        stage_variables=event.get("stageVariables", {}),
        peer=context["http"]["sourceIp"],
        account_id=context["accountId"],
        api_id=context["apiId"],
        epoch_ms=context["timeEpoch"],
        authorizer=context.get("authorizer"),
        random=random,
        expected=expected,
        ignored=ignored,
    )


def _rebuild_v1(name: str, event: dict[str, Any]) -> Sample:
    context = event["requestContext"]
    ignored = {
        "requestContext.identity.clientCert": "mutual TLS is not offered",
        "requestContext.extendedRequestId": "hand-typed: both ids are equal in HTTP APIs",
        "queryStringParameters.parameter1": "hand-typed: shows the first of two values, real events the last",
    }
    sent = {key.lower(): values for key, values in event["multiValueHeaders"].items()}
    expected = {
        **event,
        "headers": {key.lower(): value for key, value in event["headers"].items()},
        "multiValueHeaders": dict(sent),
    }
    random = _random({}, context["requestId"], ignored)
    ignored |= {f"multiValueHeaders.{header}": _ADDED for header in _ADDED_FIELDS}
    for header in expected["headers"].keys() - sent.keys():
        ignored[f"headers.{header}"] = "hand-typed: headers and multiValueHeaders disagree"
    if context["path"] != event["path"]:
        ignored["requestContext.path"] = "hand-typed: the two paths disagree"
    if context["httpMethod"] != event["httpMethod"]:
        ignored["requestContext.httpMethod"] = "hand-typed: the two methods disagree"
    if event["isBase64Encoded"]:
        ignored["isBase64Encoded"] = "hand-typed: the body is plain text"
    if "version" not in event:
        ignored["version"] = "the sample shows how code copes without it"
        ignored["requestContext.authorizer"] = ignored["version"]
    body = event["body"].encode()
    first = {key: values[0] for key, values in sent.items()}
    headers = _client_headers(first, context["domainName"], context["identity"]["userAgent"], body, ignored)
    headers += [(key, value) for key, values in sent.items() for value in values[1:]]
    if body:
        ignored["multiValueHeaders.content-type"] = ignored["headers.content-type"]
    pairs = [(k, v) for k, values in event["multiValueQueryStringParameters"].items() for v in values]
    return Sample(
        name=name,
        payload_version="1.0",
        method=event["httpMethod"],
        target=quote(event["path"]) + "?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in pairs),
        headers=headers,
        body=body,
        # A trailing slash is another route.
        route_key=f"ANY {event['resource']}" + ("/" if event["path"].endswith("/") else ""),
        stage=context["stage"],
        stage_variables=event["stageVariables"] or {},
        peer=context["identity"]["sourceIp"],
        account_id=context["accountId"],
        api_id=context["apiId"],
        epoch_ms=context["requestTimeEpoch"],
        authorizer=None,
        random=random,
        expected=expected,
        ignored=ignored | _trailing(event),
    )


def _trailing(event: dict[str, Any]) -> dict[str, str]:
    if not event["path"].endswith("/"):
        return {}
    reason = "hand-typed: /my/path does not match /my/path/ in HTTP APIs"
    return {"resource": reason, "requestContext.resourcePath": reason}


def _client_headers(
    sent: dict[str, str], domain: str, agent: str, body: bytes, ignored: dict[str, str]
) -> list[tuple[str, str]]:
    """What the client must have sent for the sample's headers; notes in `ignored` what the sample leaves
    out.
    """
    ours = ("content-length", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
    headers = [(name, value) for name, value in sent.items() if name not in ours]
    ignored |= {f"headers.{name}": _ADDED for name in _ADDED_FIELDS if name not in sent}
    if "host" not in sent:
        headers.append(("host", domain))
    if "user-agent" not in sent:
        headers.append(("user-agent", agent))
    if body and "content-type" not in sent:
        # Only a text type gives a body as text; the samples leave theirs out.
        headers.append(("content-type", "text/plain"))
        ignored["headers.content-type"] = "the samples show a text body without its content-type"
    return headers


def _random(sent: dict[str, str], request_id: str, ignored: dict[str, str]) -> bytes:
    """Choose the random bytes so that the sample's request id and trace come out, where they are real."""
    try:
        id_bytes = urlsafe_b64decode(request_id)
    except ValueError:
        id_bytes = b""
    if len(id_bytes) != 11:
        id_bytes = bytes(11)
        ignored["requestContext.requestId"] = "hand-typed: a placeholder"
    root = sent.get("x-amzn-trace-id", "").rpartition("-")[2]
    return id_bytes + (bytes.fromhex(root) if root else bytes(12)) + bytes(8)


def _clf(epoch_ms: int) -> str:
    at = time.gmtime(epoch_ms // 1000)
    assert calendar.timegm(at) == epoch_ms // 1000
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", at)
