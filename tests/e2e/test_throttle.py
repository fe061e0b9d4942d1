"""Throttles of a real server: exact bursts over many connections, and a Retry-After that can be relied on."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.observed import access_record, metrics
from tests.support.plain_http import Reply, call
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

OK = {"public": True, "respond": {"body": "{}"}}
SLOW = 0.001  # tokens a second: none comes while a test runs

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("throttle")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("throttle")
    by_key = {"rate": SLOW, "burst": 2, "by": "header.X-Api-Key"}
    config = write_routes(
        folder,
        functions={},
        routes={
            "GET /burst": OK | {"throttle": {"rate": SLOW, "burst": 20}},
            "GET /second": OK | {"throttle": {"rate": 1, "burst": 1}},
            "GET /key": OK | {"throttle": by_key},
            "GET /address": OK | {"throttle": {"rate": SLOW, "burst": 1, "by": "source_ip"}},
            "GET /one": OK,
            "GET /two": OK,
        },
        stages={"$default": {"throttle": {"rate": SLOW, "burst": 3}}},
    )
    with RunningServer(config, folder / "state") as server:
        yield server


def get(server: RunningServer, path: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(server.gateway_address, path, headers=named)


def test_burst_from_many_connections_is_exact(server: RunningServer) -> None:
    """R5: of 60 at once on connections of their own, 20 are taken."""
    with ThreadPoolExecutor(30) as clients:
        replies = list(clients.map(lambda _: get(server, "/burst"), range(60)))
    assert Counter(reply.status for reply in replies) == {200: 20, 429: 40}
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.json() == {"message": "Too Many Requests"}
    assert 900 < int(refused.headers["retry-after"]) <= 1000
    assert access_record(server, refused.request_id)["status"] == 429
    series = 'lockgate_gateway_denials_total{reason="throttled",route="GET /burst"}'
    assert metrics(server)[series] == 40


def test_request_is_taken_after_the_time_that_was_said(server: RunningServer) -> None:
    """R5"""
    assert get(server, "/second").status == 200
    refused = get(server, "/second")
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    time.sleep(int(refused.headers["retry-after"]))  # what is tested is that this is long enough
    assert get(server, "/second").status == 200


def test_each_key_has_its_own_bucket(server: RunningServer) -> None:
    keys = ("a", "a", "a", "b", "b", "b")
    assert [get(server, "/key", x_api_key=key).status for key in keys] == [200, 200, 429] * 2
    assert [get(server, "/key").status for _ in range(3)] == [200, 200, 429], "without a key: together"


def test_address_is_that_of_the_connection(server: RunningServer) -> None:
    """H9: a client's own X-Forwarded-For is no way out."""
    found = [get(server, "/address", x_forwarded_for=f"203.0.113.{number}").status for number in range(3)]
    assert found == [200, 429, 429]


def test_routes_without_their_own_share_the_stages(server: RunningServer) -> None:
    assert [get(server, path).status for path in ("/one", "/two", "/one", "/two")] == [200, 200, 200, 429]
    assert get(server, "/nowhere").status == 404, "a path that is none takes nothing"
