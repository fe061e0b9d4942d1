"""CORS: who gets which headers, preflights that meet nothing else, and specs that can never work."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cors import CorsSpec, origin_problem, spec_problem
from gateway.errors import (
    AccessDenied,
    AuthorizerFailure,
    AuthorizerUnavailable,
    DeploymentError,
    GatewayError,
    TooManyRequests,
    Unauthorized,
)
from gateway.exchange import Authorization, Exchange
from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.throttling.spec import ThrottleSpec
from kit.invoke import BudgetExceeded
from tests.support.gateway_harness import Harness, Received, answer_of, build

APP = "https://app.example.com"
EVIL = "https://evil.example.net"
HOST = ("host", "api.example.com")
ECHO = FunctionTarget(function="echo")
SPEC = CorsSpec(
    allow_origins=(APP, "http://localhost:3000"),
    allow_methods=("GET", "PUT"),
    allow_headers=("authorization", "x-tenant"),
    expose_headers=("etag", "x-total"),
    max_age_s=600,
    allow_credentials=True,
)


class Recording:
    """An authorizer that notes whom it sees, and lets in or raises."""

    def __init__(self, error: GatewayError | None = None) -> None:
        self.seen: list[str] = []
        self.error = error

    async def authorize(self, exchange: Exchange) -> Authorization:
        self.seen.append(exchange.request.method)
        if self.error is not None:
            raise self.error
        return Authorization(v2={}, v1={})


async def send(harness: Harness, method: str = "GET", path: str = "/notes", **headers: str) -> Received:
    """A request with these headers, ``_`` standing for ``-``."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return await harness.request(method, path, headers=[HOST, *named])


async def preflight(harness: Harness, path: str = "/notes", *, origin: str = APP, **more: str) -> Received:
    headers = {"access_control_request_method": "PUT", "origin": origin, **more}
    return await send(harness, "OPTIONS", path, **headers)


def cors_of(received: Received) -> dict[str, str]:
    """The access-control-* headers without their prefix; each was sent once."""
    names = [name for name, _ in received.headers if name.startswith("access-control-")]
    assert len(names) == len(set(names)), names
    return {n.removeprefix("access-control-"): v for n, v in received.headers if n in names}


# --- preflights ---


async def test_preflight_answers_what_is_configured() -> None:
    received = await preflight(build(cors=SPEC))
    assert (received.status, received.body) == (204, b"")
    assert received.get("content-length") is None
    assert received.get("apigw-requestid")
    assert received.get("vary") == "origin"
    assert cors_of(received) == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "allow-methods": "GET,PUT",
        "allow-headers": "authorization,x-tenant",
        "max-age": "600",
    }


async def test_preflight_says_nothing_that_is_not_configured() -> None:
    received = await preflight(build(cors=CorsSpec(allow_origins=(APP,))))
    assert (received.status, cors_of(received)) == (204, {"allow-origin": APP})


@pytest.mark.parametrize(
    ("routes", "path"),
    [
        pytest.param({"$default": ECHO}, "/notes", id="default"),
        pytest.param({"ANY /notes": ECHO}, "/notes", id="any"),
        pytest.param({"OPTIONS /notes": ECHO}, "/notes", id="options-route-of-its-own"),
        pytest.param({"OPTIONS /{proxy+}": ECHO}, "/notes", id="greedy-options"),
        pytest.param({"GET /notes": ECHO}, "/notes", id="no-options-route"),
        pytest.param({"GET /notes": ECHO}, "/nowhere", id="unknown-path"),
        pytest.param({"GET /notes": RespondTarget(body="{}")}, "/notes", id="respond"),
    ],
)
async def test_preflight_meets_no_authorizer_throttle_or_integration(
    routes: dict[str, Any], path: str
) -> None:
    """H17: a preflight carries no credentials, so whoever asks for some answers 401 and the browser gives up."""
    authorizer = Recording(Unauthorized("identity_missing"))
    throttle = ThrottleSpec(rate=0.001, burst=1)
    harness = build(
        routes, cors=SPEC, authorizer=authorizer, throttle=throttle, stage_throttles={"$default": throttle}
    )
    for _ in range(3):
        received = await preflight(harness, path)
        assert (received.status, received.get("access-control-allow-origin")) == (204, APP)
    assert (authorizer.seen, harness.invoker.calls) == ([], [])


async def test_twin_without_cors_meets_the_authorizer() -> None:
    """H17: only where CORS is configured does a preflight pass by."""
    authorizer = Recording(Unauthorized("identity_missing"))
    received = await preflight(build(authorizer=authorizer))
    assert (received.status, authorizer.seen, cors_of(received)) == (401, ["OPTIONS"], {})


async def test_preflight_of_a_foreign_origin_is_a_204_that_allows_nothing() -> None:
    """H17"""
    harness = build(cors=SPEC)
    received = await preflight(harness, origin=EVIL)
    assert (received.status, cors_of(received), received.get("vary")) == (204, {}, "origin")
    assert harness.invoker.calls == []


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("OPTIONS", {"origin": APP}, id="without-request-method"),
        pytest.param("OPTIONS", {"access_control_request_method": "PUT"}, id="without-origin"),
        pytest.param("GET", {"origin": APP, "access_control_request_method": "PUT"}, id="not-options"),
    ],
)
async def test_request_that_is_no_preflight_reaches_the_integration(
    method: str, headers: dict[str, str]
) -> None:
    harness = build({"OPTIONS /notes": ECHO, "GET /notes": ECHO}, cors=SPEC)
    received = await send(harness, method, **headers)
    assert (received.status, received.body) == (200, b"ok")
    assert [call.function for call in harness.invoker.calls] == ["echo"]


async def test_preflight_that_is_no_request_is_refused_like_any() -> None:
    harness = build(cors=SPEC)
    assert (await preflight(harness, "/a/../b")).status == 400


async def test_preflights_do_not_share_what_one_changes() -> None:
    """The answers are made once: the request id of one must not be in the next."""
    harness = build(cors=SPEC)
    first, second = await preflight(harness), await preflight(harness)
    assert first.get("apigw-requestid") != second.get("apigw-requestid")
    assert cors_of(first) == cors_of(second)


# --- "*" in lists ---


async def test_wildcards_are_sent_as_they_are_without_credentials() -> None:
    """Fetch: * never covers Authorization, so that is named beside it."""
    spec = CorsSpec(allow_origins=("*",), allow_methods=("*",), allow_headers=("*",), expose_headers=("*",))
    harness = build(cors=spec)
    assert cors_of(await preflight(harness, origin=EVIL)) == {
        "allow-origin": "*",
        "allow-methods": "*",
        "allow-headers": "*,authorization",
    }
    assert cors_of(await send(harness, origin=EVIL)) == {"allow-origin": "*", "expose-headers": "*"}


async def test_authorization_is_not_named_twice() -> None:
    spec = CorsSpec(allow_origins=("*",), allow_headers=("Authorization", "*"))
    assert cors_of(await preflight(build(cors=spec)))["allow-headers"] == "Authorization,*"


async def test_wildcards_are_spelt_out_with_credentials() -> None:
    """Fetch: in the answer to a request with credentials, * is a method or header of that name."""
    spec = CorsSpec(
        allow_origins=(APP,),
        allow_methods=("*",),
        allow_headers=("x-always", "*"),
        expose_headers=("*",),
        allow_credentials=True,
    )
    answer = answer_of(
        {"statusCode": 200, "headers": {"ETag": "1", "X-Total": "2"}, "cookies": ["a=1"], "body": "ok"}
    )
    harness = build(cors=spec, answer=answer)
    asked = await preflight(
        harness, access_control_request_headers="authorization, x-tenant,bad name,,x\u00e9"
    )
    assert cors_of(asked) == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "allow-methods": "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS",
        "allow-headers": "x-always,authorization,x-tenant",
    }
    assert asked.get("vary") == "origin, access-control-request-headers"
    assert cors_of(await preflight(harness))["allow-headers"] == "x-always"
    assert cors_of(await preflight(harness, origin=EVIL, access_control_request_headers="x-a")) == {}
    assert cors_of(await send(harness, origin=APP)) == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "expose-headers": "etag,x-total,apigw-requestid",
    }


# --- origins ---


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        pytest.param((APP,), APP, APP, id="exact"),
        pytest.param((APP,), EVIL, None, id="foreign"),
        pytest.param((APP,), "https://app.example.com.evil.net", None, id="suffix"),
        pytest.param((APP,), "https://evil-app.example.com", None, id="prefix"),
        pytest.param((APP,), "https://x.app.example.com", None, id="subdomain"),
        pytest.param((APP,), "https://appXexample.com", None, id="a-dot-is-a-dot"),
        pytest.param((APP,), "https://APP.example.com", None, id="case"),
        pytest.param((APP,), "http://app.example.com", None, id="scheme"),
        pytest.param((APP,), APP + ":443", None, id="default-port"),
        pytest.param((APP,), APP + ":8443", None, id="other-port"),
        pytest.param((APP,), APP + "/", None, id="trailing-slash"),
        pytest.param((APP,), APP + "/x", None, id="path"),
        pytest.param((APP,), "null", None, id="null"),
        pytest.param((APP,), "", None, id="empty"),
        pytest.param(("http://localhost:3000",), "http://localhost:3000", "http://localhost:3000", id="port"),
        pytest.param(("http://localhost:3000",), "http://localhost", None, id="without-the-port"),
        pytest.param(("capacitor://localhost",), "capacitor://localhost", "capacitor://localhost", id="app"),
        pytest.param(("*",), EVIL, "*", id="any"),
        pytest.param(("*",), "null", "*", id="any-null"),
        pytest.param((APP, "*"), APP, "*", id="any-beats-exact"),
        pytest.param(("https://*",), EVIL, EVIL, id="any-https"),
        pytest.param(("https://*",), EVIL + ":8443", EVIL + ":8443", id="any-https-port"),
        pytest.param(("https://*",), "https://[2001:db8::1]:1", "https://[2001:db8::1]:1", id="any-https-v6"),
        pytest.param(("https://*",), "http://evil.example.net", None, id="any-https-not-http"),
        pytest.param(("https://*",), "null", None, id="any-https-not-null"),
        pytest.param(("https://*",), EVIL + "/", None, id="any-https-slash"),
        pytest.param(("https://*",), "https://a@b.example", None, id="any-https-user"),
        pytest.param(("https://*",), "https://\u00e9.example", None, id="any-https-not-ascii"),
        pytest.param(("https://*",), "https://", None, id="any-https-nothing"),
        pytest.param(("https://*",), "https://a.example\n", None, id="any-https-newline"),
        pytest.param(("http://*",), "http://a.example", "http://a.example", id="any-http"),
        pytest.param(("http://*",), EVIL, None, id="any-http-not-https"),
        pytest.param(("http://*", "https://*"), EVIL, EVIL, id="either-scheme"),
        pytest.param(("http://*", APP), APP, APP, id="exact-beside-wildcard"),
        pytest.param((), APP, None, id="no-origin-allowed"),
    ],
)
async def test_origin_is_compared_as_text(allowed: tuple[str, ...], origin: str, answer: str | None) -> None:
    """H17: an exact list; the answers to a preflight and to the request agree."""
    harness = build(cors=CorsSpec(allow_origins=allowed))
    actual = await send(harness, origin=origin)
    assert (actual.status, actual.body) == (200, b"ok"), "the request itself always goes through"
    for received in (actual, await preflight(harness, origin=origin)):
        assert received.get("access-control-allow-origin") == answer
        assert received.get("vary") == ("origin" if allowed else None)


@pytest.mark.parametrize("allowed", [(APP,), ("*",), ("https://*",)])
async def test_two_origin_headers_are_nobody(allowed: tuple[str, ...]) -> None:
    """H17"""
    harness = build(cors=CorsSpec(allow_origins=allowed))
    received = await harness.request("GET", "/", headers=[HOST, ("origin", APP), ("origin", APP)])
    assert (received.status, cors_of(received)) == (200, {})
    twin = await harness.request("GET", "/", headers=[HOST, ("origin", APP)])
    assert list(cors_of(twin)) == ["allow-origin"]


# --- actual answers ---


async def test_answer_carries_the_headers_of_the_policy() -> None:
    received = await send(build(cors=SPEC), origin=APP)
    assert cors_of(received) == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "expose-headers": "etag,x-total",
    }
    assert received.get("vary") == "origin"


async def test_without_origin_there_is_only_vary() -> None:
    received = await send(build(cors=SPEC))
    assert (cors_of(received), received.get("vary")) == ({}, "origin")


@pytest.mark.parametrize("origin", [APP, EVIL, None], ids=["allowed", "foreign", "none"])
async def test_headers_of_the_integration_are_removed(origin: str | None) -> None:
    """H17: a function that reflects any origin opens nothing."""
    own = {
        "Access-Control-Allow-Origin": EVIL,
        "access-control-allow-credentials": "true",
        "ACCESS-CONTROL-EXPOSE-HEADERS": "x-secret",
        "access-control-allow-private-network": "true",
        "x-kept": "1",
    }
    answer = answer_of({"statusCode": 200, "headers": own, "cookies": ["a=1", "b=2"], "body": "ok"})
    harness = build(cors=CorsSpec(allow_origins=(APP,)), answer=answer)
    received = await send(harness, **({} if origin is None else {"origin": origin}))
    assert cors_of(received) == ({"allow-origin": APP} if origin == APP else {})
    assert (received.get("x-kept"), received.all("set-cookie")) == ("1", ["a=1", "b=2"])


async def test_twin_without_cors_keeps_the_headers_of_the_integration() -> None:
    headers = {"access-control-allow-origin": EVIL, "vary": "accept"}
    answer = answer_of({"statusCode": 200, "headers": headers})
    received = await send(build(answer=answer), origin=EVIL)
    assert (cors_of(received), received.get("vary")) == ({"allow-origin": EVIL}, "accept")


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        pytest.param({}, "origin", id="none"),
        pytest.param({"vary": "Accept-Encoding"}, "Accept-Encoding, origin", id="another"),
        pytest.param({"vary": "accept, Origin"}, "accept, Origin", id="has-it"),
        pytest.param({"vary": "*"}, "*", id="any"),
        pytest.param({"vary": "x-origin"}, "x-origin, origin", id="a-longer-name"),
        pytest.param({"vary": ["accept", "accept-language"]}, "accept, accept-language, origin", id="two"),
    ],
)
@pytest.mark.parametrize("origin", [APP, None], ids=["with-origin", "without"])
async def test_vary_is_merged(own: dict[str, Any], merged: str, origin: str | None) -> None:
    """H17: a cache that has seen the answer without Origin must not give it to a request that has one."""
    answer: dict[str, Any] = {"statusCode": 200}
    if isinstance(own.get("vary"), list):
        answer["multiValueHeaders"] = own
    else:
        answer["headers"] = own
    harness = build(cors=CorsSpec(allow_origins=(APP,)), answer=answer_of(answer))
    received = await send(harness, **({} if origin is None else {"origin": origin}))
    assert received.get("vary") == merged


async def test_policy_without_origins_only_removes() -> None:
    headers = {"vary": "accept", "access-control-allow-origin": "*"}
    harness = build(
        cors=CorsSpec(allow_origins=()), answer=answer_of({"statusCode": 200, "headers": headers})
    )
    received = await send(harness, origin=APP)
    assert (cors_of(received), received.get("vary")) == ({}, "accept")


async def test_shared_answer_of_the_integration_stays_as_it_is() -> None:
    """A ``respond:`` route gives the same object every time: what one origin got must not reach the next."""
    headers = {"access-control-allow-origin": "*", "vary": "accept", "x-kept": "1"}
    target = RespondTarget(body="{}", headers=headers)
    harness = build({"GET /notes": target}, cors=SPEC)
    for origin in (APP, "http://localhost:3000", EVIL, APP):
        received = await send(harness, origin=origin)
        assert received.get("access-control-allow-origin") == (None if origin == EVIL else origin)
        assert received.get("vary") == "accept, origin"
    plan = harness.gateway.deployment.routes.match("GET", ["notes"])
    assert plan is not None
    shared = await plan.value.integration.answer(None, None, None)  # type: ignore[arg-type]  # it looks at none
    assert (b"access-control-allow-origin", b"*") in shared.headers


async def test_unchanged_file_varies_too(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    harness = build({"GET /notes": RespondTarget(file=file)}, cors=SPEC)
    etag = (await send(harness, origin=APP)).get("etag")
    assert etag is not None
    received = await send(harness, origin=APP, if_none_match=etag)
    assert (received.status, received.get("vary")) == (304, "origin")
    assert received.get("access-control-allow-origin") == APP


# --- refusals ---

_REFUSALS: list[tuple[int, Callable[[], GatewayError]]] = [
    (401, lambda: Unauthorized("token_malformed", challenge="Bearer")),
    (403, lambda: AccessDenied("scope_insufficient")),
    (429, lambda: TooManyRequests("busy", retry_after_s=3)),
    (500, lambda: AuthorizerFailure("authorizer_failed")),
    (503, lambda: AuthorizerUnavailable("no keys")),
]


@pytest.mark.parametrize(("status", "error"), _REFUSALS, ids=[str(status) for status, _ in _REFUSALS])
async def test_refusals_can_be_read_by_the_page(status: int, error: Callable[[], GatewayError]) -> None:
    """A page that cannot read a 401 cannot know that it should log in again."""
    harness = build(cors=SPEC, authorizer=Recording(error()))
    received = await send(harness, origin=APP)
    assert (received.status, received.get("vary")) == (status, "origin")
    assert cors_of(received)["allow-origin"] == APP
    assert cors_of(await send(harness, origin=EVIL)) == {}
    assert (received.get("www-authenticate") is not None) == (status == 401)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(500, answer_of(b"not json"), id="malformed"),
        pytest.param(500, RuntimeError("a fault of ours"), id="bug"),
        pytest.param(503, BudgetExceeded(), id="timeout"),
        pytest.param(503, answer_of({}, status=429), id="saturated"),
    ],
)
async def test_failures_of_the_integration_can_be_read_too(status: int, answer: Any) -> None:
    received = await send(build(cors=SPEC, answer=answer), origin=APP)
    assert (received.status, received.get("access-control-allow-origin")) == (status, APP)


async def test_unknown_path_can_be_read_too() -> None:
    received = await send(build({"GET /a": ECHO}, cors=SPEC), path="/b", origin=APP)
    assert (received.status, received.get("access-control-allow-origin")) == (404, APP)


async def test_throttle_of_the_route_answers_with_cors() -> None:
    harness = build(cors=SPEC, throttle=ThrottleSpec(rate=0.01, burst=1))
    assert (await send(harness, origin=APP)).status == 200
    received = await send(harness, origin=APP)
    assert (received.status, received.get("access-control-allow-origin")) == (429, APP)
    assert received.get("retry-after") == "100"


async def test_origins_side_by_side_do_not_mix() -> None:
    """Two requests in the air at once each get their own origin."""
    arrived = asyncio.Barrier(2)

    async def answer(call: Any) -> Any:
        await arrived.wait()
        return answer_of({"statusCode": 200})

    harness = build(cors=SPEC, answer=answer)
    origins = (APP, "http://localhost:3000")
    both = await asyncio.gather(*(send(harness, origin=origin) for origin in origins))
    assert tuple(received.get("access-control-allow-origin") for received in both) == origins


# --- specs ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(APP + "/", "write https://app.example.com", id="trailing-slash"),
        pytest.param(APP + "/login", "write https://app.example.com", id="path"),
        pytest.param(APP + "?a", "write https://app.example.com", id="query"),
        pytest.param("https://App.Example.com", "write https://app.example.com", id="upper-case"),
        pytest.param("HTTPS://app.example.com", "write https://app.example.com", id="upper-case-scheme"),
        pytest.param(APP + ":443", "write https://app.example.com", id="default-port"),
        pytest.param("http://localhost:80", "write http://localhost", id="default-port-http"),
        pytest.param("app.example.com", "write https://app.example.com", id="no-scheme"),
        pytest.param("https://*.example.com", "only wildcards", id="wildcard-subdomain"),
        pytest.param("https://app.*", "only wildcards", id="wildcard-end"),
        pytest.param("https://*:8443", "only wildcards", id="wildcard-port"),
        pytest.param("**", "only wildcards", id="two-stars"),
        pytest.param("null", "names nobody", id="null"),
        pytest.param("https://me@app.example.com", "write https://app.example.com", id="user"),
        pytest.param("https://b\u00fccher.example", "xn--", id="not-ascii"),
        pytest.param("https://app.example.com:0", "no origin", id="port-0"),
        pytest.param("https://app.example.com:65536", "no origin", id="port-65536"),
        pytest.param("https://app.example.com:", "no origin", id="port-empty"),
        pytest.param("https://app.example.com:0443", "no origin", id="port-octal"),
        pytest.param("https://", "no origin", id="no-host"),
        pytest.param("https:///a", "no origin", id="no-host-but-a-path"),
        pytest.param("://a", "no origin", id="empty-scheme"),
        pytest.param("", "no origin", id="empty"),
        pytest.param(" https://a.example", "no origin", id="space"),
        pytest.param("https://a.example\r\nx: y", "no origin", id="line-break"),
        pytest.param("https://a.example, https://b.example", "no origin", id="list-in-one"),
        pytest.param("HTTPS://Me@App.Example.com:443/a", "write https://app.example.com", id="all-at-once"),
    ],
)
def test_origin_that_no_browser_sends_is_a_problem(text: str, said: str) -> None:
    problem = origin_problem(text)
    assert problem is not None
    assert said in problem
    _, write, better = problem.partition("; write https://")
    assert not write or origin_problem(f"https://{better}") is None, "the advice itself is right"


@pytest.mark.parametrize(
    "text",
    [
        "*", "https://*", "http://*", APP, APP + ":8443", "http://localhost", "http://localhost:3000",
        "http://127.0.0.1:5173", "https://[::1]:8443", "https://[2001:db8::443]", "http://a.example:443",
        "https://xn--bcher-kva.example", "https://app.example.com:65535", "capacitor://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "https://my_app.example.com",
    ],
)  # fmt: skip
def test_origin_that_browsers_send_is_none(text: str) -> None:
    assert origin_problem(text) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param(
            CorsSpec(allow_origins=("*",), allow_credentials=True), "allow_credentials", id="any-credentials"
        ),
        pytest.param(CorsSpec(allow_origins=(APP, APP + "/")), "write https://", id="origin"),
        pytest.param(CorsSpec(allow_origins=(APP,), allow_headers=("x\r\ny",)), "not the name", id="header"),
        pytest.param(
            CorsSpec(allow_origins=(APP,), allow_methods=("GET POST",)), "not the name", id="method"
        ),
        pytest.param(CorsSpec(allow_origins=(APP,), expose_headers=("",)), "not the name", id="exposed"),
        pytest.param(CorsSpec(allow_origins=(APP,), max_age_s=86_401), "max_age", id="max-age"),
        pytest.param(CorsSpec(allow_origins=(APP,), max_age_s=-2), "max_age", id="max-age-negative"),
    ],
)
def test_impossible_spec_is_no_deployment(spec: CorsSpec, said: str) -> None:
    """H17: * with credentials, and values that could not be sent."""
    problem = spec_problem(spec)
    assert problem is not None
    assert said in problem
    with pytest.raises(DeploymentError, match="cors: "):
        build(cors=spec)


@pytest.mark.parametrize(
    "spec",
    [
        CorsSpec(allow_origins=("*",)),
        CorsSpec(allow_origins=(APP,), allow_credentials=True),
        CorsSpec(allow_origins=("https://*",), allow_credentials=True),
        CorsSpec(allow_origins=(APP,), max_age_s=86_400),
        CorsSpec(allow_origins=(APP,), max_age_s=-1),
        CorsSpec(allow_origins=()),
    ],
    ids=["any", "credentials", "any-https-credentials", "max-age", "max-age-none", "nobody"],
)
def test_twin_of_an_impossible_spec(spec: CorsSpec) -> None:
    assert spec_problem(spec) is None
    build(cors=spec)


async def test_any_https_with_credentials_is_echoed() -> None:
    """As on API Gateway, where https://* may go with credentials and * may not."""
    spec = CorsSpec(allow_origins=("https://*",), allow_credentials=True)
    received = await send(build(cors=spec), origin=EVIL)
    assert cors_of(received) == {"allow-origin": EVIL, "allow-credentials": "true"}
