"""The two payload formats, field by field, through the whole gateway."""

import base64
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events.body import encode_body
from gateway.integrations.function import FunctionTarget
from gateway.stage import Stage
from tests.support.gateway_harness import Harness, build

V1 = FunctionTarget(function="echo", payload_version="1.0")
V2 = FunctionTarget(function="echo")
STAGE = Stage(name="prod", variables={"v": "1"})
HEADERS = [
    ("Host", "abc123.execute-api.us-west-2.amazonaws.com:8443"),
    ("User-Agent", "curl/8.7.1"),
    ("Accept", "*/*"),
    ("X-Probe", "first"),
    ("X-Probe", "second"),
    ("Cookie", "session=abc123; theme=dark"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("Content-Type", "application/json; charset=utf-8"),
]
RANDOM = bytes(range(31))


def _gateway(key: str, target: FunctionTarget, *stages: Stage) -> Harness:
    return build({key: target}, stages=stages or (Stage(),), entropy=lambda size: RANDOM[:size])


async def test_format_2_in_full() -> None:
    harness = _gateway("POST /capture/{proxy+}", V2, STAGE)
    target = "/prod/capture/space%20value?repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    await harness.request("POST", target, headers=HEADERS, body=b'{"a": "\xc3\xa9"}')
    assert harness.invoker.event == {
        "version": "2.0",
        "routeKey": "POST /capture/{proxy+}",
        "rawPath": "/prod/capture/space value",
        "rawQueryString": "repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty=",
        "cookies": ["session=abc123", "theme=dark"],
        "headers": {
            "accept": "*/*",
            "content-length": "11",
            "content-type": "application/json; charset=utf-8",
            "host": "abc123.execute-api.us-west-2.amazonaws.com:8443",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-6a5145a9-0b0c0d0e0f10111213141516",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-probe": "first,second",
        },
        "queryStringParameters": {
            "repeat": "one,two",
            "literalPlus": "a b",
            "encodedPlus": "a+b",
            "empty": "",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/prod/capture/space value",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "AAECAwQFBgcICQo=",
            "routeKey": "POST /capture/{proxy+}",
            "stage": "prod",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1783711145766,
        },
        "pathParameters": {"proxy": "space value"},
        "stageVariables": {"v": "1"},
        "body": '{"a": "é"}',
        "isBase64Encoded": False,
    }


async def test_format_2_leaves_empty_members_out() -> None:
    harness = _gateway("$default", V2)
    await harness.request("GET", "/", headers=[("host", "localhost")])
    event = harness.invoker.event
    assert set(event) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }
    assert (event["routeKey"], event["rawPath"], event["rawQueryString"]) == ("$default", "/", "")
    assert event["headers"]["content-length"] == "0"
    assert not {"authorizer", "authentication"} & set(event["requestContext"])
    assert event["requestContext"]["http"]["userAgent"] == ""


async def test_format_1_in_full() -> None:
    harness = _gateway("ANY /my/{id}", V1, STAGE)
    await harness.request("PUT", "/prod/my/7?p=value1&p=value2", headers=HEADERS, body=b"\x00\xff")
    event = harness.invoker.event
    sent = {
        "accept": ["*/*"],
        "content-length": ["2"],
        "content-type": ["application/json; charset=utf-8"],
        "cookie": ["session=abc123; theme=dark"],
        "host": ["abc123.execute-api.us-west-2.amazonaws.com:8443"],
        "user-agent": ["curl/8.7.1"],
        "x-amzn-trace-id": ["Root=1-6a5145a9-0b0c0d0e0f10111213141516"],
        "x-forwarded-for": ["192.0.2.7"],
        "x-forwarded-port": ["443"],
        "x-forwarded-proto": ["https"],
        "x-probe": ["first", "second"],
    }
    assert event == {
        "version": "1.0",
        "resource": "/my/{id}",
        "path": "/prod/my/7",
        "httpMethod": "PUT",
        "headers": {name: values[-1] for name, values in sent.items()},
        "multiValueHeaders": sent,
        "queryStringParameters": {"p": "value2"},
        "multiValueQueryStringParameters": {"p": ["value1", "value2"]},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "authorizer": {"claims": None, "scopes": None},
            "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
            "domainPrefix": "abc123",
            "extendedRequestId": "AAECAwQFBgcICQo=",
            "httpMethod": "PUT",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "192.0.2.7",
                "user": None,
                "userAgent": "curl/8.7.1",
                "userArn": None,
                "clientCert": None,
            },
            "path": "/prod/my/7",
            "protocol": "HTTP/1.1",
            "requestId": "AAECAwQFBgcICQo=",
            "requestTime": "10/Jul/2026:19:19:05 +0000",
            "requestTimeEpoch": 1783711145766,
            "resourceId": None,
            "resourcePath": "/my/{id}",
            "stage": "prod",
        },
        "pathParameters": {"id": "7"},
        "stageVariables": {"v": "1"},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }


async def test_format_1_has_null_for_empty_members() -> None:
    harness = _gateway("$default", V1)
    await harness.request("GET", "/", headers=[("host", "localhost")])
    event = harness.invoker.event
    empty = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert {event[name] for name in empty} == {None}
    assert event["isBase64Encoded"] is False
    assert (event["resource"], event["requestContext"]["resourcePath"]) == ("$default", "$default")


@pytest.mark.parametrize("target", [V1, V2])
async def test_repeated_trace_header_cannot_stay_in_the_event(target: FunctionTarget) -> None:
    harness = _gateway("$default", target)
    forged = ("x-amzn-trace-id", "Root=1-00000000-000000000000000000000000")
    await harness.request("GET", "/", headers=[("host", "localhost"), forged, forged])
    assert "1-00000000" not in json.dumps(harness.invoker.event)
    assert "1-00000000" not in harness.invoker.calls[0].trace


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("text/plain", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("application/json", True),
        ("application/json;charset=utf-8", True),
        (" application/xml ", True),
        ("application/javascript", True),
        ("application/problem+json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/octet-stream", False),
        ("image/png", False),
        ("textual/plain", False),
        ("", False),
        (None, False),
    ],
)
def test_body_is_text_only_for_text_types(content_type: str | None, is_text: bool) -> None:
    expected = ("héllo", False) if is_text else (base64.b64encode("héllo".encode()).decode(), True)
    assert encode_body("héllo".encode(), content_type) == expected


def test_text_type_that_is_not_utf_8_is_base64() -> None:
    assert encode_body(b"caf\xe9", "text/plain; charset=latin-1") == ("Y2Fm6Q==", True)


@pytest.mark.parametrize("host", ["", "localhost:8080", "[::1]:8080", "[::1]", "EXAMPLE.com"])
async def test_domain_is_the_host_without_its_port(host: str) -> None:
    harness = _gateway("$default", V2)
    await harness.request("GET", "/", headers=[("host", host)])
    expected = {"localhost:8080": "localhost", "[::1]:8080": "[::1]"}.get(host, host)
    context = harness.invoker.event["requestContext"]
    assert context["domainName"] == expected
    assert context["domainPrefix"] == expected.partition(".")[0]


_names = st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=1, max_size=8).map(
    str.encode
)
_values = st.binary(max_size=20).filter(lambda value: not set(value) & set(b"\r\n\0"))


@given(
    method=st.sampled_from(["GET", "POST", "OPTIONS"]),
    path=st.binary(max_size=20),
    query=st.binary(max_size=30),
    headers=st.lists(
        st.tuples(_names | st.sampled_from([b"cookie", b"host", b"content-type"]), _values), max_size=6
    ),
    body=st.binary(max_size=30),
    version=st.sampled_from(["1.0", "2.0"]),
)
async def test_any_request_is_refused_or_gives_a_json_event(
    method, path, query, headers, body, version
) -> None:  # type: ignore[no-untyped-def]
    harness = _gateway("$default", FunctionTarget(function="echo", payload_version=version))
    text_headers = [(name.decode(), value.decode("latin-1")) for name, value in headers]
    received = await harness.request(
        method, b"/" + path.replace(b"?", b"") + b"?" + query, headers=text_headers, body=body
    )
    assert received.status in (200, 400)
    if received.status == 200:
        event = orjson.loads(harness.invoker.calls[0].payload)
        assert event["version"] == version
        carried = event.get("body") or ""
        assert (base64.b64decode(carried) if event["isBase64Encoded"] else carried.encode()) == body
