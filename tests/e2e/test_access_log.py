"""The server's own log: one JSON line a request, where its time went, and nothing that is a secret or a trap."""

import http.client
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.leftovers import Watch, new_uid_base
from tests.support.observed import access_record, access_records, function_log, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call, invoke
from tests.support.raw_client import RawClient, statuses
from tests.support.server import RunningServer

CONFIG = Path(__file__).parent / "bad_functions" / "access.yaml"
FIELDS = {
    "requestId", "requestTime", "requestTimeEpoch", "ip", "httpMethod", "path", "routeKey", "stage", "protocol",
    "domainName", "userAgent", "status", "responseLength", "responseLatency", "integrationStatus",
    "integrationLatency", "integrationRequestId", "integrationErrorMessage", "error.message", "error.responseType",
    "authorizer.error", "denial",
    "latency_us", "route_us", "authorizer_us", "queue_us", "start_us", "init_us", "handler_us",
}  # fmt: skip
SLACK_US = 5000  # between the two clocks' readings on a busy machine

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.xdist_group("access_log"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    uid_base = new_uid_base()
    state = tmp_path_factory.mktemp("access") / "state"
    server = RunningServer(CONFIG, state, extra=("--uid-base", str(uid_base)))
    with server:
        watch = Watch(server, uid_base)
        # The first call of all: the only cold one of this function.
        first = call(server.gateway_address, "/good")
        access_record(server, first.request_id)
        yield server
    watch.expect_nothing()


def get(server: RunningServer, path: str, **headers: str) -> Reply:
    return call(server.gateway_address, path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_record_has_the_fields_of_api_gateway(server: RunningServer) -> None:
    reply = get(server, "/files/a%20b?x=1", user_agent="tester/1")

    record = access_record(server, reply.request_id)
    assert set(record) == FIELDS
    told = {
        name: record[name] for name in ("ip", "httpMethod", "path", "routeKey", "stage", "protocol", "status")
    }
    assert told == {
        "ip": "127.0.0.1", "httpMethod": "GET", "path": "/files/a b", "routeKey": "GET /files/{name+}",
        "stage": "$default", "protocol": "HTTP/1.1", "status": 200,
    }  # fmt: skip
    assert record["userAgent"] == "tester/1"
    assert record["domainName"] == "127.0.0.1"
    assert record["responseLength"] == len(reply.body)
    assert record["integrationStatus"] == 200
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", record["requestTime"])
    assert re.fullmatch(r"[0-9a-f-]{36}", record["integrationRequestId"])


def test_ledger_tells_cold_from_warm(server: RunningServer) -> None:
    [cold, *_] = wait_until(
        lambda: [record for record in access_records(server) if record["routeKey"] == "GET /good"],
        "the first",
    )
    warm = access_record(server, get(server, "/good").request_id)
    fixed = access_record(server, get(server, "/fixed").request_id)

    assert cold["start_us"] + cold["init_us"] > 0
    assert (warm["start_us"], warm["init_us"]) == (0, 0)
    for record in (cold, warm):
        assert record["handler_us"] > 0
        spent = sum(record[name] for name in ("queue_us", "start_us", "init_us", "handler_us"))
        assert spent <= record["latency_us"] + SLACK_US
    assert [fixed[name] for name in ("queue_us", "start_us", "init_us", "handler_us")] == [None] * 4


def test_failed_requests_say_why(server: RunningServer) -> None:
    missing = access_record(server, get(server, "/nowhere").request_id)
    failed = access_record(server, get(server, "/failing").request_id)

    assert (missing["status"], missing["error.responseType"], missing["routeKey"]) == (
        404,
        "RESOURCE_NOT_FOUND",
        None,
    )
    assert (failed["status"], failed["error.responseType"]) == (500, "INTEGRATION_FAILURE")
    assert failed["integrationStatus"] == 200


def test_secrets_are_in_no_log(server: RunningServer) -> None:
    """Every kind of request that there is carries a canary wherever a secret may stand (L2)."""
    canary = f"canary{uuid4().hex}"
    headers = {
        "authorization": f"Bearer {canary}", "cookie": f"session={canary}", "x-api-key": canary,
        "proxy-authorization": canary, "referer": f"http://x/?token={canary}",
    }  # fmt: skip
    query = f"?access_token={canary}&code={canary}&password={canary}"
    address = server.gateway_address
    for path in ("/good", "/failing", "/fixed", "/nowhere", "/files/..", "/files/a%2fb"):
        last = call(address, path + query, headers=headers)
    body = f"password={canary}".encode()
    assert call(address, "/length" + query, method="POST", body=body, headers=headers).status == 200
    raw = (
        f"GET /good{query} HTTP/1.1\r\nhost: x\r\nhost: {canary}\r\nauthorization: {canary}\r\n\r\n",
        f"POST /length{query} HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\nconnection: close\r\n\r\n{canary}",
        f"GET /good{query}#{canary} HTTP/1.1\r\nhost: x\r\n\r\n",
        f"GET /good{query} HTTP/1.1\r\nhost: x\r\nauthorization : {canary}\r\n\r\n",
    )
    for text in raw:
        with RawClient(address, text.encode()) as client:
            assert statuses(client.rest()) in ([400], [413])
    control, admin = (address_of(server.endpoints[name]) for name in ("control", "admin"))
    invocations = "/2015-03-31/functions/length/invocations"
    refused = call(control, invocations + query, method="POST", body=canary.encode(), headers=headers)
    assert refused.status in (400, 403)
    assert call(admin, "/metrics" + query, headers=headers).status == 200
    assert invoke(server.endpoints, "length", f'{{"body": "{canary}"}}'.encode()).status == 200
    assert invoke(server.endpoints, "failing", f'{{"body": "{canary}"}}'.encode()).status == 200
    access_record(server, last.request_id)

    secrets = (canary, server.endpoints["secret_access_key"])
    for function in ("good", "failing", "length"):
        wait_until(lambda name=function: function_log(server, name), f"the log of {function}")
    texts = {server.stderr_path.name: server.stderr()}
    texts |= {str(path): path.read_text() for path in (server.state / "logs").rglob("*.jsonl")}
    assert len(texts) >= 4
    assert [(name, secret) for name, text in texts.items() for secret in secrets if secret in text] == []


def test_values_cannot_forge_lines_or_drive_a_terminal(server: RunningServer) -> None:
    """Quotes, C1 controls, direction marks and line separators, wherever a client can put them (L1)."""
    agent = '","status":1,"x":"\x9b2J\x85'
    request = (
        b"GET /files/%E2%80%A8%E2%80%AE%C2%9B%22%7D HTTP/1.1\r\nhost: x\r\nconnection: close\r\nuser-agent: "
        + agent.encode("latin-1")
        + b"\r\n\r\n"
    )
    with RawClient(server.gateway_address, request) as client:
        answer = client.rest()
    long = get(server, "/fixed", user_agent="a" * 12_000)

    request_id = re.search(rb"apigw-requestid: (\S+)", answer)
    assert request_id is not None
    record = access_record(server, request_id[1].decode())
    assert record["status"] == statuses(answer)[0]
    assert '","status":1,"x":"' in record["userAgent"]
    assert len(access_record(server, long.request_id)["userAgent"]) <= 8192
    text = server.stderr()
    steering = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
    assert steering.search(text) is None


def test_random_requests_add_no_series(server: RunningServer) -> None:
    """2,000 paths, hosts and agents that nobody configured share one set of labels (L3)."""
    methods = ("GET", "POST", "DELETE", "PROPFIND", "MKCOL")
    connection = http.client.HTTPConnection(*server.gateway_address, timeout=10)

    def send(method: str, path: str) -> int:
        connection.request(method, path, headers={"host": uuid4().hex, "user-agent": uuid4().hex})
        response = connection.getresponse()
        response.read()
        return response.status

    for method in methods:
        send(method, "/nowhere")
    invoke(server.endpoints, "nowhere")
    before = set(metrics(server))
    try:
        for number in range(2000):
            assert send(methods[number % len(methods)], f"/{uuid4().hex}/{number}?{number}") in (
                404,
                405,
                501,
            )
    finally:
        connection.close()
    for _ in range(20):
        assert invoke(server.endpoints, uuid4().hex).status == 404

    assert set(metrics(server)) == before


@pytest.mark.parametrize("listener", ["admin", "control"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"host": "rebound.example"}, id="foreign-host"),
        pytest.param({"host": "rebound.example:8083"}, id="foreign-host-and-port"),
        pytest.param({"origin": "http://evil.example"}, id="cross-site"),
        pytest.param({"origin": "null"}, id="sandboxed"),
    ],
)
def test_web_pages_cannot_use_local_listeners(
    server: RunningServer, listener: str, headers: dict[str, str]
) -> None:
    address = address_of(server.endpoints[listener])
    for method, path in (("GET", "/metrics"), ("POST", "/2015-03-31/functions/length/invocations")):
        reply = call(address, path, method=method, body=b"{}", headers=headers)
        assert reply.status == 403
        assert b"lockgate_" not in reply.body


def test_local_names_reach_the_admin_listener(server: RunningServer) -> None:
    address = address_of(server.endpoints["admin"])
    for host in ("localhost", f"localhost:{address[1]}", "127.0.0.1", "[::1]:1"):
        assert call(address, "/health", headers={"host": host}).status == 200
