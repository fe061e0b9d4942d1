"""Lambda authorizers: real functions decide through a real gateway."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.observed import access_record
from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("function-authorizer")]

BODIES = {
    401: {"message": "Unauthorized"},
    403: {"message": "Forbidden"},
    500: {"message": "Internal Server Error"},
    503: {"message": "Service Unavailable"},
}
CONTEXT = {
    "text": "é",
    "number": 7,
    "float": 1.5,
    "flag": True,
    "none": None,
    "list": [1, "a"],
    "map": {"a": {"b": 2}},
}
KEY = "$request.header.X-Key"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("authorizers")
    with RunningServer(configure(folder), folder / "state") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.gateway, trust_env=False, timeout=30) as client:
        yield client


def configure(folder: Path) -> Path:
    copy_function("echo", folder)
    copy_function("authorizers", folder)
    check: dict[str, Any] = {"code": "authorizers", "timeout": "5s"}
    handlers = ("simple", "says", "echoes", "throws", "slow", "dies")
    functions = {
        "echo": {"code": "echo", "handler": "app.answers"},
        **{name: check | {"handler": f"app.{name}"} for name in handlers},
        "hangs": check | {"handler": "app.hangs", "timeout": "1s"},
        "off": check | {"handler": "app.simple", "concurrency": {"reserved": 0}},
    }

    def asks(function: str, **more: Any) -> dict[str, Any]:
        return {"type": "function", "function": function, "identity_source": [KEY], **more}

    authorizers = {
        "simple": asks("simple"),
        "kept": asks("simple", ttl="5m"),
        "says": asks("says"),
        "says_policy": asks("says", simple_responses=False),
        "echoes": asks("echoes", simple_responses=False, ttl="5m"),
        "v1": asks("echoes", payload="1.0"),
        "slow": asks("slow", ttl="5m"),
        **{name: asks(name) for name in ("throws", "hangs", "dies", "off")},
    }
    routes = {f"ANY /door/{name}": {"function": "echo", "auth": name} for name in authorizers}
    routes |= {
        "GET /door/echoes/{id}": {"function": "echo", "auth": "echoes"},
        "GET /door/kept/other": {"function": "echo", "auth": "kept"},
        "GET /door/v1/old": {"function": "echo", "auth": "v1", "payload": "1.0"},
        "GET /door/simple/old": {"function": "echo", "auth": "simple", "payload": "1.0"},
    }
    return write_routes(folder, functions=functions, routes=routes, authorizers=authorizers)


def ask(client: httpx.Client, path: str, key: str | None = "good", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=sent if key is None else sent | {"x-key": key})


def refused(
    server: RunningServer, response: httpx.Response, status: int, denial: str, secret: str | None = None
) -> dict[str, Any]:
    assert (response.status_code, response.json()) == (status, BODIES[status])
    assert "www-authenticate" not in response.headers
    record = access_record(server, response.headers["apigw-requestid"])
    assert (record["status"], record["denial"], record["integrationStatus"]) == (status, denial, None)
    if secret is not None:
        assert secret not in json.dumps(record)
    return record


def asked_of(response: httpx.Response) -> object:
    assert response.status_code == 200, response.text
    return response.json()["requestContext"]["authorizer"]["lambda"]["asked"]


def test_a_simple_answer_decides(server: RunningServer, client: httpx.Client) -> None:
    """J19: pass, deny, and 401 without an identity."""
    passed = ask(client, "/door/simple")
    assert passed.status_code == 200
    found = passed.json()["requestContext"]["authorizer"]["lambda"]
    assert {name: found[name] for name in CONTEXT} == CONTEXT
    refused(server, ask(client, "/door/simple", "bad-canary"), 403, "authorizer_denied", "bad-canary")
    refused(server, ask(client, "/door/simple", None), 401, "identity_missing")


def test_context_in_an_event_of_format_1(client: httpx.Client) -> None:
    found = ask(client, "/door/simple/old").json()["requestContext"]["authorizer"]
    assert {name: found[name] for name in CONTEXT} == CONTEXT
    assert "principalId" not in found
    found = ask(client, "/door/v1/old").json()["requestContext"]["authorizer"]
    assert {name: found[name] for name in CONTEXT} == CONTEXT
    assert found["principalId"] == "user-1"


def test_the_event_of_format_1(client: httpx.Client) -> None:
    response = client.post("/door/v1?a=1&a=2", headers={"x-key": "k"}, content=b"body")
    event = response.json()["requestContext"]["authorizer"]["lambda"]["event"]
    assert event["type"] == "REQUEST"
    assert event["methodArn"].startswith("arn:aws:execute-api:us-east-1:000000000000:")
    assert event["methodArn"].endswith("/$default/POST/door/v1")
    assert (event["identitySource"], event["authorizationToken"]) == ("k", "k")
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert not {"body", "isBase64Encoded"} & event.keys()


def test_the_event_of_format_2(client: httpx.Client) -> None:
    response = ask(client, "/door/echoes/7?a=1", "format-2")
    event = response.json()["requestContext"]["authorizer"]["lambda"]["event"]
    assert event["routeArn"].endswith("/$default/GET/door/echoes/7")
    assert (event["identitySource"], event["routeKey"]) == (["format-2"], "GET /door/echoes/{id}")
    assert event["pathParameters"] == {"id": "7"}
    assert event["requestContext"]["http"]["method"] == "GET"


@pytest.mark.parametrize(
    ("path", "status", "denial"),
    [
        pytest.param("/door/throws", 500, "authorizer_failed", id="throws-the-word-Unauthorized"),
        pytest.param("/door/dies", 500, "authorizer_failed", id="dies"),
        pytest.param("/door/hangs", 500, "authorizer_timeout", id="hangs"),
        pytest.param("/door/off", 503, "authorizer_saturated", id="no-concurrency"),
    ],
)
def test_no_answer_closes(
    server: RunningServer, client: httpx.Client, path: str, status: int, denial: str
) -> None:
    """J19: what fails lets nobody in, and says nothing to the client."""
    response = ask(client, path, "secret-canary")
    refused(server, response, status, denial, "secret-canary")
    assert response.headers.get("retry-after") == ("1" if status == 503 else None)


@pytest.mark.parametrize(
    "said", [True, None, "Allow", [True], {}, {"isAuthorized": "true"}, {"statusCode": 200}]
)
def test_a_wrong_shape_closes(server: RunningServer, client: httpx.Client, said: object) -> None:
    """J19: anything but isAuthorized true."""
    refused(server, ask(client, "/door/says", x_say=json.dumps(said)), 500, "authorizer_failed")
    assert ask(client, "/door/says", x_say=json.dumps({"isAuthorized": True})).status_code == 200


def policy(resource: str, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return json.dumps({"principalId": "user-1", "policyDocument": document})


@pytest.mark.parametrize(
    ("said", "status", "denial"),
    [
        pytest.param(policy("arn:aws:execute-api:*:*:*/*/GET/door/says_policy"), 200, None, id="allows"),
        pytest.param(
            policy("arn:aws:execute-api:*:*:*/*/GET/other"), 403, "authorizer_denied", id="another-route"
        ),
        pytest.param(
            policy("arn:aws:execute-api:*:*:*/*/POST/*"), 403, "authorizer_denied", id="another-method"
        ),
        pytest.param(policy("*", "Deny"), 403, "authorizer_denied", id="denies"),
        pytest.param(policy("*", "allow"), 500, "authorizer_failed", id="effect-misspelt"),
        pytest.param(
            '{"isAuthorized": true}', 500, "authorizer_failed", id="simple-where-a-policy-is-needed"
        ),
    ],
)
def test_a_policy_decides(
    server: RunningServer, client: httpx.Client, said: str, status: int, denial: str | None
) -> None:
    """J19: for the route that was asked for."""
    response = ask(client, "/door/says_policy", x_say=said)
    if denial is None:
        assert response.status_code == status
    else:
        refused(server, response, status, denial)


def test_a_kept_simple_answer(client: httpx.Client) -> None:
    """J19: it holds for its caller, route and method."""
    first = asked_of(ask(client, "/door/kept"))
    assert asked_of(ask(client, "/door/kept")) == first
    assert asked_of(ask(client, "/door/kept/other")) != first
    assert asked_of(client.post("/door/kept", headers={"X-KEY": "good"})) != first
    assert ask(client, "/door/kept", "bad").status_code == 403
    assert asked_of(ask(client, "/door/kept")) == first


def test_a_kept_policy(server: RunningServer, client: httpx.Client) -> None:
    """J19: an Allow for one path, kept, opens no other; also not when the path is a wildcard."""
    first = asked_of(ask(client, "/door/echoes/7", "caller"))
    assert asked_of(ask(client, "/door/echoes/7", "caller")) == first
    refused(server, ask(client, "/door/echoes/8", "caller"), 403, "authorizer_denied")
    assert ask(client, "/door/echoes/*", "climber").status_code == 200
    refused(server, ask(client, "/door/echoes/8", "climber"), 403, "authorizer_denied")


def test_requests_at_once_share_a_call(server: RunningServer) -> None:
    def get(_: int) -> object:
        return asked_of(
            httpx.get(f"{server.gateway}/door/slow", headers={"x-key": "k"}, trust_env=False, timeout=30)
        )

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(get, range(8)))) == 1
