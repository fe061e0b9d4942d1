"""What an authorizer's function is called with."""

import json
from typing import Any

import pytest

from gateway.exchange import ApiNames
from gateway.stage import Stage
from tests.support.aws_samples import FOLDER, samples
from tests.support.function_door import ARN, PROD, open_door, policy, spec_of

RANDOM = bytes(range(31))
HEADERS = [
    ("host", "abc123.execute-api.us-west-2.amazonaws.com:8443"),
    ("user-agent", "curl/8.7.1"),
    ("x-key", "user1"),
    ("x-probe", "first"),
    ("x-probe", "second"),
    ("cookie", "session=abc; theme=dark"),
    ("x-forwarded-for", "203.0.113.9"),
    ("content-type", "application/json"),
]
SOURCES = ("$request.header.X-KEY", "$request.querystring.id")
TARGET = "/prod/notes/7%20a?id=123&a=1&a=2"


async def event_of(
    version: str, *sources: str, target: str = TARGET, headers: Any = HEADERS
) -> dict[str, Any]:
    spec = spec_of(*sources, payload_version=version, simple_responses=False)
    door = open_door(
        spec, policy(), routes=("POST /notes/{id}",), stages=[PROD], entropy=lambda size: RANDOM[:size]
    )
    received = await door.harness.request("POST", target, headers=headers, body=b'{"secret": 1}')
    assert received.status == 200
    return door.event


async def test_format_2_in_full() -> None:
    event = await event_of("2.0", *SOURCES)
    assert event == {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{ARN}/prod/POST/notes/7 a",
        "identitySource": ["user1", "123"],
        "routeKey": "POST /notes/{id}",
        "rawPath": "/prod/notes/7 a",
        "rawQueryString": "id=123&a=1&a=2",
        "cookies": ["session=abc", "theme=dark"],
        "headers": {
            "content-type": "application/json",
            "host": "abc123.execute-api.us-west-2.amazonaws.com:8443",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-6a5145a9-0b0c0d0e0f10111213141516",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-key": "user1",
            "x-probe": "first,second",
        },
        "queryStringParameters": {"id": "123", "a": "1,2"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/prod/notes/7 a",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "AAECAwQFBgcICQo=",
            "routeKey": "POST /notes/{id}",
            "stage": "prod",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1783711145766,
        },
        "pathParameters": {"id": "7 a"},
        "stageVariables": {"colour": "blue"},
    }


async def test_format_1_in_full() -> None:
    event = await event_of("1.0", *SOURCES)
    headers = event.pop("headers")
    many = event.pop("multiValueHeaders")
    context = event.pop("requestContext")
    identity = context.pop("identity")
    assert event == {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": f"{ARN}/prod/POST/notes/7 a",
        "identitySource": "user1,123",
        "authorizationToken": "user1,123",
        "resource": "/notes/{id}",
        "path": "/prod/notes/7 a",
        "httpMethod": "POST",
        "queryStringParameters": {"id": "123", "a": "2"},
        "multiValueQueryStringParameters": {"id": ["123"], "a": ["1", "2"]},
        "pathParameters": {"id": "7 a"},
        "stageVariables": {"colour": "blue"},
    }
    assert (headers["x-probe"], many["x-probe"]) == ("second", ["first", "second"])
    assert (headers["cookie"], headers["x-forwarded-for"]) == ("session=abc; theme=dark", "192.0.2.7")
    assert "content-length" not in headers.keys() | many.keys()
    assert context == {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
        "domainPrefix": "abc123",
        "extendedRequestId": "AAECAwQFBgcICQo=",
        "httpMethod": "POST",
        "path": "/prod/notes/7 a",
        "protocol": "HTTP/1.1",
        "requestId": "AAECAwQFBgcICQo=",
        "requestTime": "10/Jul/2026:19:19:05 +0000",
        "requestTimeEpoch": 1783711145766,
        "resourceId": None,
        "resourcePath": "/notes/{id}",
        "stage": "prod",
    }
    assert (identity["sourceIp"], identity["userAgent"], identity["apiKey"]) == (
        "192.0.2.7",
        "curl/8.7.1",
        None,
    )


async def test_the_body_is_not_read_for_it() -> None:
    """H6: a body is not taken in before somebody may send it."""
    for version in ("1.0", "2.0"):
        event = await event_of(version, *SOURCES)
        assert not {"body", "isBase64Encoded"} & event.keys()
        assert "content-length" not in event["headers"]


async def test_no_identity_source_is_null() -> None:
    spec = spec_of(identity_source=())
    door = open_door(spec)
    assert await door.status(key=None) == 200
    assert door.event["identitySource"] is None
    spec = spec_of(identity_source=(), payload_version="1.0", simple_responses=False)
    door = open_door(spec, policy())
    assert await door.status(key=None) == 200
    assert (door.event["identitySource"], door.event["authorizationToken"]) == (None, None)


async def test_what_is_empty_is_absent_in_2_and_an_object_in_1() -> None:
    door = open_door()
    await door.get()
    assert not {"cookies", "queryStringParameters", "pathParameters", "stageVariables"} & door.event.keys()
    door = open_door(spec_of(payload_version="1.0", simple_responses=False), policy())
    await door.get()
    for name in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
    ):
        assert door.event[name] == {}


async def test_the_call_carries_the_trace_and_its_budget() -> None:
    door = open_door()
    await door.get(x_amzn_trace_id="Root=1-67891233-abcdef012345678912345678;Sampled=1")
    [call] = door.asked.calls
    assert call.trace.startswith("Root=1-67891233-abcdef012345678912345678;Parent=")
    assert (call.function, call.qualifier, call.kind, call.budget_ms) == (
        "check",
        None,
        "RequestResponse",
        10_000,
    )


# Published samples

SAMPLES = {
    "aws-lambda-go/apigw-v2-custom-authorizer-v1-request.json": "1.0",
    "aws-lambda-go/apigw-v2-custom-authorizer-v2-request.json": "2.0",
    "aws-lambda-go/apigw-custom-auth-request-type-request.json": "1.0",
    "powertools/apiGatewayAuthorizerV2Event.json": "2.0",
    "powertools/apiGatewayAuthorizerRequestEvent.json": "1.0",
}
# Maps whose names come from the request or the configuration.
OPEN = frozenset(
    {
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
    }
)
NULL_HERE = {
    "requestContext.identity.apiKey": "HTTP APIs have no API keys",
    "requestContext.identity.clientCert": "mutual TLS is not offered",
    "requestContext.resourceId": "there are no resources of a REST API",
}
ABSENT_HERE = {"requestContext.authentication": "mutual TLS is not offered"}
samples()  # skips the module, or fails in CI, where the folder is missing


def shape_of(value: object, path: str = "") -> dict[str, str]:
    """Dotted path → JSON type of every member."""
    if path in ABSENT_HERE:
        return {}
    if path in NULL_HERE:
        return {path: NULL_HERE[path]}
    if not isinstance(value, dict) or path in OPEN:
        return {path: type(value).__name__}
    shape = {}
    for name, member in value.items():
        shape |= shape_of(member, f"{path}.{name}" if path else name)
    return shape


@pytest.mark.parametrize(("name", "version"), SAMPLES.items(), ids=SAMPLES)
async def test_every_member_of_a_sample_is_there_with_its_type(name: str, version: str) -> None:
    sample = json.loads((FOLDER / name).read_bytes())
    ours = shape_of(await event_of(version, *SOURCES))
    theirs = shape_of(sample)
    assert len(theirs) >= 15
    assert {path: ours.get(path) for path in theirs} == theirs


async def test_a_sample_of_format_2_comes_out_as_it_is() -> None:
    name = "powertools/apiGatewayAuthorizerV2Event.json"
    sample = json.loads((FOLDER / name).read_bytes())
    context = sample["requestContext"]
    door = open_door(
        spec_of("$request.header.header1", "$request.querystring.parameter2"),
        routes=(sample["routeKey"].replace("GET", "POST"),),
        stages=[Stage(variables=sample["stageVariables"])],
        names=ApiNames(account_id=context["accountId"], api_id=context["apiId"], region="us-east-1"),
        time_ns=lambda: context["timeEpoch"] * 1_000_000,
    )
    headers = [
        ("host", context["domainName"]),
        ("user-agent", "agent"),
        *((key, value) for key, value in sample["headers"].items() if not key.startswith("x-")),
        ("cookie", "; ".join(sample["cookies"])),
    ]
    target = f"{sample['rawPath']}?{sample['rawQueryString']}"
    received = await door.harness.request("POST", target, headers=headers, peer="10.10.10.10")
    assert received.status == 200
    event = door.event
    for member in (
        "version",
        "type",
        "rawPath",
        "rawQueryString",
        "cookies",
        "queryStringParameters",
        "stageVariables",
    ):
        assert event[member] == sample[member], member
    assert event["identitySource"] == ["value1", "value"]
    assert event["requestContext"]["http"] == context["http"]
    assert {k: v for k, v in event["headers"].items() if k in ("header1", "header2", "authorization")} == {
        key.lower(): value for key, value in sample["headers"].items() if not key.startswith("x-")
    }
