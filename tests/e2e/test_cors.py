"""CORS on the wire: what a browser on another origin is told by a real server, refusals included."""

from collections.abc import Iterator

import pytest

from tests.support.plain_http import Reply, call
from tests.support.raw_client import RawClient
from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer

APP = "https://app.example.com"
EVIL = "https://evil.example.net"

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("cors")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("cors")
    copy_function("echo", folder)
    own = {"access-control-allow-origin": EVIL, "access-control-allow-credentials": "true", "vary": "accept"}
    config = write_routes(
        folder,
        functions={"answers": {"code": "echo", "handler": "app.answers"}},
        routes={
            "GET /own": {"public": True, "respond": {"headers": own, "body": "{}"}},
            "ANY /closed": {"auth": "nobody", "function": "answers"},
            "GET /once": {"public": True, "respond": {"body": "{}"}, "throttle": {"rate": 0.001, "burst": 1}},
            "OPTIONS /options": {"public": True, "function": "answers"},
        },
        authorizers={
            # Nothing listens there, and nothing is asked: no test brings a token.
            "nobody": {"type": "jwt", "issuer": "http://127.0.0.1:9", "audience": ["web"]}
        },
        cors={
            "allow_origins": [APP],
            "allow_methods": ["GET", "PUT"],
            "allow_headers": ["authorization", "content-type"],
            "expose_headers": ["etag"],
            "max_age": "10m",
            "allow_credentials": True,
        },
    )
    with RunningServer(config, folder / "state") as server:
        yield server


def ask(server: RunningServer, path: str, *, method: str = "GET", origin: str | None = APP) -> Reply:
    headers = {} if origin is None else {"origin": origin}
    return call(server.gateway_address, path, method=method, headers=headers)


def preflight(server: RunningServer, path: str, *, origin: str = APP) -> Reply:
    headers = {
        "origin": origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization",
    }
    return call(server.gateway_address, path, method="OPTIONS", headers=headers)


def cors_of(reply: Reply) -> dict[str, str]:
    prefix = "access-control-"
    return {name.removeprefix(prefix): v for name, v in reply.headers.items() if name.startswith(prefix)}


@pytest.mark.parametrize("path", ["/closed", "/own", "/once", "/options", "/nowhere"])
def test_preflight_is_answered_everywhere(server: RunningServer, path: str) -> None:
    """H17: also where a route asks for a token, and where there is none."""
    for _ in range(3):
        reply = preflight(server, path)
        assert (reply.status, reply.body) == (204, b"")
        assert cors_of(reply) == {
            "allow-origin": APP,
            "allow-credentials": "true",
            "allow-methods": "GET,PUT",
            "allow-headers": "authorization,content-type",
            "max-age": "600",
        }
        assert reply.headers["vary"] == "origin"


def test_preflight_of_a_foreign_origin_is_allowed_nothing(server: RunningServer) -> None:
    """H17"""
    reply = preflight(server, "/closed", origin=EVIL)
    assert (reply.status, cors_of(reply)) == (204, {})


def test_options_that_is_no_preflight_reaches_the_function(server: RunningServer) -> None:
    reply = ask(server, "/options", method="OPTIONS")
    assert reply.status == 200
    assert reply.json()["requestContext"]["http"]["method"] == "OPTIONS"


def test_policy_replaces_what_the_route_says(server: RunningServer) -> None:
    allowed, foreign, absent = (ask(server, "/own", origin=origin) for origin in (APP, EVIL, None))
    assert cors_of(allowed) == {"allow-origin": APP, "allow-credentials": "true", "expose-headers": "etag"}
    assert cors_of(foreign) == cors_of(absent) == {}
    assert {reply.headers["vary"] for reply in (allowed, foreign, absent)} == {"accept, origin"}
    assert {reply.status for reply in (allowed, foreign, absent)} == {200}


def test_refusals_can_be_read(server: RunningServer) -> None:
    """A page must see that it is to log in, or to come again later."""
    assert ask(server, "/once").status == 200
    for path, status in (("/closed", 401), ("/nowhere", 404), ("/once", 429)):
        reply = ask(server, path)
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, APP)
        assert cors_of(ask(server, path, origin=EVIL)) == {}


def test_two_origins_in_one_request_are_nobody(server: RunningServer) -> None:
    """H17"""
    head = f"GET /own HTTP/1.1\r\nhost: a\r\nconnection: close\r\norigin: {APP}\r\n"
    with RawClient(server.gateway_address, f"{head}origin: {APP}\r\n\r\n".encode()) as client:
        answer = client.rest()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"access-control" not in answer.lower()
    with RawClient(server.gateway_address, f"{head}\r\n".encode()) as client:
        assert client.rest().lower().count(b"access-control-allow-origin") == 1
