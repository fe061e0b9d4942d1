"""What a function's result becomes for an HTTP client, through a real gateway and a real function."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer

pytestmark = pytest.mark.xdist_group("function-answers")

INTERNAL = b'{"message":"Internal Server Error"}'
UNAVAILABLE = b'{"message":"Service Unavailable"}'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("answers")
    with (
        RunningServer(configure(folder), folder / "state") as server,
        httpx.Client(base_url=server.gateway, trust_env=False, timeout=15) as client,
    ):
        yield client


def configure(folder: Path) -> Path:
    copy_function("echo", folder)
    echo: dict[str, Any] = {"code": "echo", "timeout": "1s"}
    functions = {
        "decides": echo | {"handler": "app.decides"},
        "sleeps": echo | {"handler": "app.sleeps"},
        "fails": echo | {"handler": "app.fails"},
        "off": echo | {"handler": "app.returns", "concurrency": {"reserved": 0}},
    }
    routes = {
        "POST /2.0": {"public": True, "function": "decides"},
        "POST /1.0": {"public": True, "function": "decides", "payload": "1.0"},
        "GET /sleeps": {"public": True, "function": "sleeps"},
        "GET /sleeps/hurry": {"public": True, "function": "sleeps", "timeout": "100ms"},
        "GET /fails": {"public": True, "function": "fails"},
        "GET /off": {"public": True, "function": "off"},
    }
    return write_routes(folder, functions=functions, routes=routes)


def answer_to(client: httpx.Client, version: str, result: object) -> httpx.Response:
    """The response when the function returns *result*."""
    body = result if isinstance(result, str) and result == "raw" else json.dumps(result)
    return client.post(f"/{version}", content=body, headers={"content-type": "text/plain"})


@pytest.mark.parametrize(
    ("version", "result", "status", "body"),
    [
        pytest.param("2.0", {"statusCode": 201, "body": '{"a": 1}'}, 201, b'{"a": 1}', id="explicit"),
        pytest.param("2.0", {"statusCode": "418"}, 418, b"", id="status-as-text"),
        pytest.param(
            "2.0",
            {"statusCode": 200, "isBase64Encoded": True, "body": "AP8="},
            200,
            b"\x00\xff",
            id="base64",
        ),
        pytest.param("2.0", {"inferred": "é"}, 200, '{"inferred":"é"}'.encode(), id="inferred-object"),
        pytest.param("2.0", "hello", 200, b"hello", id="inferred-text"),
        pytest.param("2.0", None, 200, b"null", id="null"),
        pytest.param("2.0", "raw", 500, INTERNAL, id="no-json"),
        pytest.param("2.0", {"statusCode": 99}, 500, INTERNAL, id="status-out-of-range"),
        pytest.param("2.0", {"statusCode": 200, "isBase64Encoded": True, "body": "?"}, 500, INTERNAL, id="bad-base64"),
        pytest.param("1.0", {"statusCode": 202, "body": "one"}, 202, b"one", id="1.0-explicit"),
        pytest.param("1.0", {"no": "statusCode"}, 500, INTERNAL, id="1.0-infers-nothing"),
        pytest.param("1.0", "hello", 500, INTERNAL, id="1.0-text"),
    ],
)  # fmt: skip
def test_a_result_becomes_a_response(
    client: httpx.Client, version: str, result: object, status: int, body: bytes
) -> None:
    response = answer_to(client, version, result)
    assert response.status_code == status
    assert response.content == body
    assert response.headers["content-type"] == "application/json"
    assert response.headers["apigw-requestid"]


def test_headers_and_cookies_of_format_2(client: httpx.Client) -> None:
    result = {
        "statusCode": 200,
        "headers": {
            "Content-Type": "text/x",
            "x-number": 7,
            "connection": "upgrade",
            "content-length": "999",
        },
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "text",
    }
    response = answer_to(client, "2.0", result)
    assert (response.text, response.headers["content-type"], response.headers["x-number"]) == (
        "text",
        "text/x",
        "7",
    )
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert "upgrade" not in response.headers.get("connection", "")
    assert response.headers["content-length"] == "4"


def test_several_values_of_format_1(client: httpx.Client) -> None:
    result = {
        "statusCode": 200,
        "headers": {"x-one": "alone", "x-both": "lost"},
        "multiValueHeaders": {"x-both": ["first", "second"]},
    }
    response = answer_to(client, "1.0", result)
    assert response.headers["x-one"] == "alone"
    assert response.headers.get_list("x-both") == ["first", "second"]


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        pytest.param("/fails", 500, INTERNAL, id="raises"),
        pytest.param("/sleeps?s=5", 500, INTERNAL, id="functions-own-timeout"),
        pytest.param("/sleeps/hurry?s=0.9", 503, UNAVAILABLE, id="routes-timeout"),
        pytest.param("/off", 503, UNAVAILABLE, id="no-concurrency"),
    ],
)
def test_what_went_wrong_is_not_shown_to_the_client(
    client: httpx.Client, target: str, status: int, body: bytes
) -> None:
    response = client.get(target)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["apigw-requestid"]
    assert response.headers.get("retry-after") == ("1" if target == "/off" else None)
