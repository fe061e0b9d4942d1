"""One request through the whole gateway: answers, errors, limits, departures, log, metrics."""

import asyncio
import base64
import json
import logging
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.connection import Connection
from gateway.deployment import Deployment, RouteSpec
from gateway.errors import DeploymentError, Forbidden
from gateway.exchange import ApiNames, Authorization, Exchange
from gateway.integrations import function
from gateway.integrations.function import MAX_EVENT_BYTES, FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.issuers.issuer import Issuers
from gateway.pipeline import MAX_BODY_BYTES
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from tests.support.gateway_harness import (
    FUNCTION_REQUEST_ID,
    NAMES,
    EdgeDouble,
    Received,
    RecordingInvoker,
    answer_of,
    build,
)

ECHO = FunctionTarget(function="echo", timeout_s=2.5)
INTERNAL = {"message": "Internal Server Error"}
UNAVAILABLE = {"message": "Service Unavailable"}


def _message(received: Received) -> object:
    assert received.get("content-type") == "application/json"
    return json.loads(received.body)


async def test_function_answers() -> None:
    harness = build({"POST /notes": ECHO}, answer=answer_of({"statusCode": 201, "body": "é"}))
    received = await harness.request("POST", "/notes")
    assert (received.status, received.body) == (201, "é".encode())
    assert received.get("content-length") == "2"
    assert received.get("server-timing") is None
    [call] = harness.invoker.calls
    assert (call.function, call.qualifier, call.kind, call.budget_ms) == (
        "echo",
        None,
        "RequestResponse",
        2500,
    )
    assert call.trace.startswith("Root=1-6a5145a9-")
    assert received.get("apigw-requestid") == harness.invoker.event["requestContext"]["requestId"]


@pytest.mark.parametrize(
    ("answer", "status", "body", "log"),
    [
        pytest.param(
            answer_of({"errorMessage": "secret"}, x_amz_function_error="Unhandled"),
            500,
            INTERNAL,
            "the function echo failed: Unhandled",
            id="function-raised",
        ),
        pytest.param(
            answer_of({}, status=404, x_amzn_errortype="ResourceNotFoundException"),
            500,
            INTERNAL,
            "invoking echo answered 404 ResourceNotFoundException",
            id="no-such-function",
        ),
        pytest.param(
            answer_of({}, status=429, x_amzn_errortype="TooManyRequestsException"),
            503,
            UNAVAILABLE,
            "invoking echo answered 429 TooManyRequestsException",
            id="throttled",
        ),
        pytest.param(
            answer_of({}, status=503), 503, UNAVAILABLE, "invoking echo answered 503 error", id="busy"
        ),
        pytest.param(
            answer_of({}, status=413), 500, INTERNAL, "invoking echo answered 413 error", id="too-large"
        ),
        pytest.param(BudgetExceeded(), 503, UNAVAILABLE, "echo gave no answer in 2500 ms", id="timeout"),
        pytest.param(answer_of(b"no json"), 500, INTERNAL, "the output is not JSON", id="malformed"),
        pytest.param(
            answer_of({"statusCode": 200, "body": "a", "isBase64Encoded": True}),
            500,
            INTERNAL,
            None,
            id="base64",
        ),
    ],
)
async def test_failed_integration(answer: object, status: int, body: object, log: str | None) -> None:
    """H18, C12: the reason is for the log; the client gets a fixed text and the id under which it is logged."""
    harness = build({"$default": ECHO}, answer=answer)
    received = await harness.request("GET", "/x")
    assert (received.status, _message(received)) == (status, body)
    assert received.get("apigw-requestid")
    is_saturated = isinstance(answer, InvokeAnswer) and answer.status in (429, 503)
    assert received.get("retry-after") == ("1" if is_saturated else None)
    [record] = harness.records
    assert record["status"] == status
    assert log is None or record["integrationErrorMessage"] == log


async def test_fault_of_our_own_is_a_plain_500(caplog: pytest.LogCaptureFixture) -> None:
    """H18: what went wrong is in the log, never in the answer."""
    harness = build({"$default": ECHO}, answer=ZeroDivisionError("secret"))
    with caplog.at_level(logging.CRITICAL + 1):
        received = await harness.request("GET", "/x")
    assert (received.status, _message(received)) == (500, INTERNAL)
    assert harness.records[0]["error.message"] == "ZeroDivisionError in the gateway"


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        pytest.param("GET", "/nowhere", 404, "Not Found", id="no-route"),
        pytest.param("POST", "/a", 404, "Not Found", id="no-method-is-no-405"),
        pytest.param("FOO", "/any", 404, "Not Found", id="unknown-method"),
        pytest.param("GET", "/a/../a", 400, "Bad Request", id="dot-segment"),
        pytest.param("GET", "/a?x=\x01", 400, "Bad Request", id="control-character-in-the-query"),
        pytest.param("GET", "/a?" + "x&" * 1001, 400, "Bad Request", id="too-many-pairs"),
    ],
)
async def test_request_without_answer(method: str, target: str, status: int, message: str) -> None:
    """H18: a fixed text for each status."""
    harness = build({"GET /a": ECHO, "ANY /any": ECHO})
    received = await harness.request(method, target)
    assert (received.status, _message(received)) == (status, {"message": message})
    assert not harness.invoker.calls


async def test_head_is_not_get() -> None:
    received = await build({"GET /a": ECHO}).request("HEAD", "/a")
    assert (received.status, received.body) == (404, b"")


@pytest.mark.parametrize("host", ["api.example.com", "API.example.com:443"])
async def test_configured_host_is_answered(host: str) -> None:
    harness = build(names=_names_of("api.example.com"))
    assert (await harness.request("GET", "/", headers=[("host", host)])).status == 200


@pytest.mark.parametrize("host", ["evil.example.com", "api.example.com.evil", ""])
async def test_unknown_host_is_forbidden(host: str) -> None:
    """H10: once domains are set; the twin is the test above."""
    harness = build(names=_names_of("api.example.com"))
    received = await harness.request("GET", "/", headers=[("host", host)])
    assert (received.status, _message(received)) == (403, {"message": "Forbidden"})


def _names_of(*domains: str) -> ApiNames:
    return ApiNames(
        account_id=NAMES.account_id, api_id=NAMES.api_id, region=NAMES.region, domains=frozenset(domains)
    )


async def test_named_stage_is_a_prefix() -> None:
    harness = build({"GET /items": ECHO}, stages=[Stage(name="prod")])
    assert (await harness.request("GET", "/prod/items")).status == 200
    assert harness.invoker.event["rawPath"] == "/prod/items"
    assert (await harness.request("GET", "/items")).status == 404


# The request's body


@pytest.mark.parametrize("declared", [True, False])
async def test_body_above_the_event_limit_is_refused(declared: bool) -> None:
    harness = build({"$default": ECHO})
    size = MAX_EVENT_BYTES + 1
    edge = EdgeDouble(body=None if declared else bytes(size), content_length=size if declared else None)
    received = await harness.request("POST", "/", edge=edge)
    assert (received.status, _message(received)) == (413, {"message": "Request Entity Too Large"})
    assert not harness.invoker.calls


async def test_body_that_only_as_an_event_is_too_large_is_refused() -> None:
    harness = build({"$default": ECHO})
    body = bytes(MAX_EVENT_BYTES * 3 // 4 + 10)
    assert (await harness.request("POST", "/", edge=EdgeDouble(body, len(body)))).status == 413
    assert not harness.invoker.calls


async def test_endless_body_is_cut_off() -> None:
    harness = build({"$default": ECHO})
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": bytes(1024 * 1024), "more_body": True}

    received = await harness.request("POST", "/", receive=receive)
    assert received.status == 413
    assert chunks == 7


async def test_fixed_answer_never_looks_at_the_body() -> None:
    harness = build({"$default": RespondTarget(body="ok")})

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    assert (await harness.request("POST", "/", receive=receive)).status == 200
    edge = EdgeDouble(content_length=MAX_BODY_BYTES + 1)
    assert (await harness.request("POST", "/", receive=receive, edge=edge)).status == 413


async def test_refused_request_has_its_body_unread() -> None:
    class Refusing:
        async def authorize(self, exchange: Exchange) -> Authorization:
            assert exchange.body == b""
            raise Forbidden("no")

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    harness = build({"$default": ECHO}, authorizer=Refusing())
    assert (await harness.request("POST", "/", receive=receive)).status == 403
    assert harness.records[0]["routeKey"] == "$default"


async def test_body_in_chunks_arrives_whole() -> None:
    harness = build({"$default": ECHO})
    chunks = [b"a", b"", b"bc"]

    async def receive() -> dict[str, Any]:
        if not chunks:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    headers = [("host", "x"), ("content-type", "text/plain")]
    assert (await harness.request("POST", "/", headers=headers, receive=receive)).status == 200
    assert harness.invoker.event["body"] == "abc"
    assert harness.invoker.event["headers"]["content-length"] == "3"


# Clients that leave


async def test_client_that_leaves_cancels_the_call() -> None:
    edge = EdgeDouble()
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(call: InvokeCall) -> InvokeAnswer:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    harness = build({"$default": ECHO}, answer=hang)
    task = asyncio.create_task(harness.request("GET", "/", edge=edge))
    await started.wait()
    edge.leave()
    received = await task
    assert cancelled.is_set()
    assert received.status == 0, "nobody is there to be answered"
    assert harness.records[0]["status"] == 499
    assert edge.callback is None
    assert task.cancelling() == 0


async def test_client_that_left_before_the_call_costs_none() -> None:
    harness = build({"$default": ECHO})
    received = await harness.request("GET", "/", edge=EdgeDouble(gone=True))
    assert (received.status, harness.records[0]["status"]) == (0, 499)
    assert not harness.invoker.calls


async def test_client_that_leaves_later_changes_nothing() -> None:
    edge = EdgeDouble()
    harness = build({"$default": ECHO})
    assert (await harness.request("GET", "/", edge=edge)).status == 200
    edge.leave()
    await asyncio.sleep(0)  # a cancellation would arrive here
    assert harness.records[0]["status"] == 200


async def test_disconnect_message_cancels_the_call_on_other_servers() -> None:
    started = asyncio.Event()

    async def hang(call: InvokeCall) -> InvokeAnswer:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await started.wait()
        return {"type": "http.disconnect"}

    harness = build({"$default": ECHO}, answer=hang)
    received = await harness.request("GET", "/", receive=receive)
    assert (received.status, harness.records[0]["status"]) == (0, 499)


async def test_client_that_leaves_in_its_body() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    harness = build({"$default": ECHO})
    received = await harness.request("POST", "/", receive=receive)
    assert (received.status, harness.records[0]["status"]) == (0, 499)


async def test_shutdown_is_not_taken_for_a_departure() -> None:
    started = asyncio.Event()

    async def hang(call: InvokeCall) -> InvokeAnswer:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    edge = EdgeDouble()
    harness = build({"$default": ECHO}, answer=hang)
    task = asyncio.create_task(harness.request("GET", "/", edge=edge))
    await started.wait()
    task.cancel()
    edge.leave()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_departure_that_meets_the_answer() -> None:
    """The answer is there and the client leaves before the request's task runs again."""
    edge = EdgeDouble()
    started = asyncio.Event()
    answered: asyncio.Future[InvokeAnswer] = asyncio.get_running_loop().create_future()

    async def wait(call: InvokeCall) -> InvokeAnswer:
        started.set()
        return await answered

    harness = build({"$default": ECHO}, answer=wait)
    task = asyncio.create_task(harness.request("GET", "/", edge=edge))
    await started.wait()
    answered.set_result(answer_of({"statusCode": 200}))
    edge.leave()
    received = await task
    assert (received.status, harness.records[0]["status"]) == (0, 499)


# Large answers


async def test_large_answers_are_parsed_two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "LARGE_ANSWER_BYTES", 10)
    running, most = 0, 0
    original = function.iter_base64

    def counted(text: str) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        yield from original(text)
        running -= 1

    monkeypatch.setattr(function, "iter_base64", counted)
    body = base64.b64encode(bytes(900_000)).decode()
    harness = build(
        {"$default": ECHO}, answer=answer_of({"statusCode": 200, "body": body, "isBase64Encoded": True})
    )
    answers = await asyncio.gather(*(harness.request("GET", "/", edge=EdgeDouble()) for _ in range(5)))
    assert {len(received.body) for received in answers} == {900_000}
    assert most == 2


async def test_large_text_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "LARGE_ANSWER_BYTES", 10)
    harness = build({"$default": ECHO}, answer=answer_of("é" * 100))
    assert (await harness.request("GET", "/")).body == "é".encode() * 100


async def test_malformed_large_answer_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "LARGE_ANSWER_BYTES", 10)
    harness = build({"$default": ECHO}, answer=answer_of(b"no json, but long"))
    for _ in range(3):
        assert (await harness.request("GET", "/")).status == 500


# What every answer has


async def test_head_has_the_length_and_no_body() -> None:
    harness = build({"HEAD /a": ECHO}, answer=answer_of({"statusCode": 200, "body": "hello"}))
    received = await harness.request("HEAD", "/a")
    assert (received.get("content-length"), received.body) == ("5", b"")
    assert harness.records[0]["responseLength"] == 0


async def test_head_without_a_body_claims_no_length() -> None:
    harness = build({"HEAD /a": ECHO}, answer=answer_of({"statusCode": 200}))
    assert (await harness.request("HEAD", "/a")).get("content-length") is None


@pytest.mark.parametrize("status", [204, 304])
async def test_bodiless_status_has_neither_body_nor_length(status: int) -> None:
    harness = build({"$default": ECHO}, answer=answer_of({"statusCode": status, "body": "ignored"}))
    received = await harness.request("GET", "/")
    assert (received.status, received.body, received.get("content-length")) == (status, b"", None)


async def test_server_timing_only_where_it_is_switched_on() -> None:
    harness = build({"$default": ECHO}, server_timing=True)
    timing = (await harness.request("GET", "/")).get("server-timing")
    assert timing is not None
    assert timing.endswith("queue;dur=0.001, start;dur=0.002, init;dur=0.003, handler;dur=0.004")
    refused = (await harness.request("GET", "/a/../b")).get("server-timing")
    assert refused == "route;dur=0.000"


# Log and metrics


async def test_access_record_in_full() -> None:
    harness = build({"GET /notes/{id}": ECHO}, answer=answer_of({"statusCode": 200, "body": "hello"}))
    headers = [
        ("host", "api.example.com:8080"),
        ("user-agent", "curl/8"),
        ("authorization", "Bearer canary1"),
    ]
    headers += [("cookie", "session=canary2")]
    await harness.request("GET", "/notes/7?token=canary3", headers=headers)
    [record] = harness.records
    assert "canary" not in json.dumps(record)
    measured = ("responseLatency", "integrationLatency", "latency_us", "route_us")
    assert all(isinstance(record.pop(name), int) for name in measured)
    assert isinstance(record.pop("requestId"), str)
    assert record == {
        "requestTime": "10/Jul/2026:19:19:05 +0000",
        "requestTimeEpoch": 1783711145766,
        "ip": "192.0.2.7",
        "httpMethod": "GET",
        "path": "/notes/7",
        "routeKey": "GET /notes/{id}",
        "stage": "$default",
        "protocol": "HTTP/1.1",
        "domainName": "api.example.com",
        "userAgent": "curl/8",
        "status": 200,
        "responseLength": 5,
        "integrationStatus": 200,
        "integrationRequestId": FUNCTION_REQUEST_ID,
        "integrationErrorMessage": None,
        "error.message": None,
        "authorizer.error": None,
        "denial": None,
        "authorizer_us": None,
        "error.responseType": None,
        "queue_us": 1,
        "start_us": 2,
        "init_us": 3,
        "handler_us": 4,
    }


async def test_access_record_of_a_refused_request() -> None:
    harness = build({"GET /a": ECHO})
    await harness.request(
        "GET", b"/\xff\x1b[31m" + b"x" * 9000, headers=[("host", "h"), ("user-agent", "a\tb\x9b")]
    )
    [record] = harness.records
    assert record["status"] == 400
    assert str(record["path"]).startswith("/\\xff\\x1b[31mxxx")
    assert len(str(record["path"])) == 8192
    assert record["userAgent"] == "a\\tb\\x9b"
    assert (record["routeKey"], record["stage"], record["error.responseType"]) == (None, None, "BAD_REQUEST")


async def test_metrics_count_by_route_method_and_class() -> None:
    harness = build({"GET /notes/{id}": ECHO})
    for target in ("/notes/1", "/notes/2", "/nowhere"):
        await harness.request("GET", target)
    sample = harness.registry.get_sample_value
    labels = {"route": "GET /notes/{id}", "method": "GET", "status": "2xx"}
    assert sample("lockgate_gateway_requests_total", labels) == 2
    unmatched = {"route": "-", "method": "GET", "status": "4xx"}
    assert sample("lockgate_gateway_requests_total", unmatched) == 1
    route = {"route": "GET /notes/{id}"}
    assert sample("lockgate_gateway_request_seconds_count", route) == 2
    for phase in ("queue", "start", "init", "handler"):
        assert sample("lockgate_gateway_function_seconds_count", {**route, "phase": phase}) == 2


async def test_random_requests_do_not_grow_the_series() -> None:
    harness = build({"GET /notes/{id}": ECHO})

    def series() -> int:
        return sum(len(family.samples) for family in harness.registry.collect())

    await harness.request("GET", "/notes/0")
    await harness.request("GET", "/nowhere")
    await harness.request("M0", "/nowhere")
    before = series()
    for number in range(300):
        await harness.request("GET", f"/notes/{number}")
        await harness.request("GET", f"/nowhere/{number}")
        await harness.request(f"M{number}", "/nowhere", headers=[("host", f"h{number}")])
    assert series() == before


# Deployments


async def test_swap_serves_the_next_request_and_leaves_the_running_one() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(call: InvokeCall) -> InvokeAnswer:
        started.set()
        await release.wait()
        return answer_of({"statusCode": 200, "body": "old"})

    harness = build({"GET /a": ECHO}, answer=wait)
    running = asyncio.create_task(harness.request("GET", "/a"))
    await started.wait()
    harness.gateway.swap(_deployment_of({"GET /b": RespondTarget(body="new")}))
    assert (await harness.request("GET", "/b")).body == b"new"
    assert (await harness.request("GET", "/a")).status == 404
    release.set()
    assert (await running).body == b"old"


def _deployment_of(routes: dict[str, Any]) -> Deployment:
    return build(routes).gateway.deployment


def test_two_routes_for_the_same_requests_are_refused() -> None:
    with pytest.raises(DeploymentError, match="same requests"):
        build({"GET /a/{x}": ECHO, "GET /a/{y}": ECHO})


async def test_specs_may_come_from_a_generator() -> None:
    harness = build()
    deployment = Deployment.build(
        names=NAMES,
        stages=(stage for stage in [Stage()]),
        routes=(RouteSpec(key=RouteKey.parse(key), target=ECHO) for key in ["GET /a", "GET /b"]),
        locator=_Nowhere(),
        services=Services(Issuers()),
        metrics=harness.metrics,
    )
    assert len(deployment.routes) == 2


class _Nowhere:
    def locate(self, function: str, qualifier: str | None) -> RecordingInvoker:
        raise AssertionError


# The rest of ASGI


async def test_lifespan_is_acknowledged() -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert await _speak(build().gateway, {"type": "lifespan"}, messages) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_websockets_are_refused() -> None:
    """H20: there are none."""
    assert await _speak(build().gateway, {"type": "websocket"}, []) == ["websocket.close"]


async def _speak(gateway: Gateway, scope: dict[str, Any], messages: list[dict[str, Any]]) -> list[str]:
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    await gateway(scope, receive, send)
    return said


def test_declared_length_is_read_on_other_servers() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError

    assert Connection({"headers": [(b"content-length", b"17")]}, receive).content_length == 17
    assert Connection({"headers": [(b"content-length", b"-1")]}, receive).content_length is None
