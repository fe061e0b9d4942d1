"""What becomes of a request, by what its authorizer's function did."""

import asyncio
from typing import Any

import pytest

from gateway.authorizers.function.answer import MAX_ANSWER_BYTES
from kit.invoke import BudgetExceeded
from tests.support.function_door import (
    ALLOW,
    ARN,
    DENY,
    Door,
    document,
    open_door,
    policy,
    spec_of,
    statement,
)
from tests.support.gateway_harness import answer_of

SIMPLE = spec_of()
POLICY = spec_of(simple_responses=False)
V1 = spec_of(payload_version="1.0", simple_responses=False)
BODIES = {
    401: b'{"message":"Unauthorized"}',
    403: b'{"message":"Forbidden"}',
    500: b'{"message":"Internal Server Error"}',
    503: b'{"message":"Service Unavailable"}',
}


async def refused(door: Door, status: int, reason: str, **more: Any) -> None:
    received = await door.get(**more)
    assert (received.status, received.body) == (status, BODIES[status])
    assert received.get("content-type") == "application/json"
    assert received.get("www-authenticate") is None
    assert received.get("apigw-requestid")
    assert door.record["denial"] == reason
    assert door.record["authorizer.error"] == door.record["error.message"]
    assert door.ran == 0


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        pytest.param(SIMPLE, ALLOW, id="simple"),
        pytest.param(SIMPLE, ALLOW | {"context": {"a": 1}}, id="simple-with-context"),
        pytest.param(SIMPLE, ALLOW | {"context": None}, id="simple-with-null-context"),
        pytest.param(POLICY, policy(), id="policy"),
        pytest.param(POLICY, policy(usageIdentifierKey="x", context={}), id="policy-with-all-its-members"),
        pytest.param(V1, policy(), id="1.0"),
        pytest.param(
            spec_of(payload_version="1.0", simple_responses=True), policy(), id="1.0-is-never-simple"
        ),
    ],
)
async def test_an_allow_lets_pass(spec: Any, answer: object) -> None:
    """J19: the accepted twins of all that is refused below."""
    door = open_door(spec, answer)
    assert await door.status() == 200
    assert (door.calls, door.ran) == (1, 1)
    assert door.record["denial"] is None
    assert door.record["authorizer_us"] is not None


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        pytest.param(SIMPLE, DENY, id="simple"),
        pytest.param(POLICY, policy(statement(effect="Deny")), id="policy-denies"),
        pytest.param(POLICY, policy(statement(f"{ARN}/$default/GET/other")), id="policy-for-another-route"),
        pytest.param(
            POLICY, policy(statement(), statement(effect="Deny")), id="policy-denies-what-it-allows"
        ),
        pytest.param(V1, policy(statement(effect="Deny")), id="1.0"),
    ],
)
async def test_a_denial_is_403(spec: Any, answer: object) -> None:
    """J19: and the integration does not run."""
    door = open_door(spec, answer)
    await refused(door, 403, "authorizer_denied")
    assert door.record["error.message"].startswith("check: ")


# Answers that are none

BROKEN_SIMPLE = {
    "true": True,
    "text": "Allow",
    "null": None,
    "list": [True],
    "empty-object": {},
    "text-true": {"isAuthorized": "true"},
    "number": {"isAuthorized": 1},
    "null-member": {"isAuthorized": None},
    "other-case": {"IsAuthorized": True},
    "both-shapes": policy() | ALLOW,
    "policy-instead": policy(),
    "http-answer": {"statusCode": 200, "body": '{"isAuthorized":true}'},
    "context-list": ALLOW | {"context": []},
    "context-text": ALLOW | {"context": "a"},
}
BROKEN_POLICY = {
    "true": True,
    "null": None,
    "simple-instead": ALLOW,
    "both-shapes": policy() | ALLOW,
    "no-principal": {"policyDocument": document()},
    "empty-principal": policy(principal=""),
    "principal-null": policy() | {"principalId": None},
    "principal-number": policy() | {"principalId": 7},
    "no-policy": {"principalId": "a"},
    "policy-text": policy() | {"policyDocument": "Allow"},
    "no-statement": policy() | {"policyDocument": {"Version": "2012-10-17"}},
    "effect-misspelt": policy(statement(effect="allow")),
    "condition": policy(statement(Condition={"Bool": {"aws:SecureTransport": "true"}})),
    "second-statement-broken": policy(statement(), statement("*", "deny")),
    "context-list": policy(context=[]),
}


@pytest.mark.parametrize("name", BROKEN_SIMPLE)
async def test_a_simple_answer_of_another_shape_is_500(name: str) -> None:
    """J19: closed, whatever it may have meant."""
    door = open_door(SIMPLE, BROKEN_SIMPLE[name])
    await refused(door, 500, "authorizer_failed")
    assert "is not an authorizer's answer" in door.record["error.message"]


@pytest.mark.parametrize("name", BROKEN_POLICY)
@pytest.mark.parametrize("spec", [POLICY, V1], ids=["2.0", "1.0"])
async def test_a_policy_answer_of_another_shape_is_500(spec: Any, name: str) -> None:
    """J19: closed, whatever it may have meant."""
    await refused(open_door(spec, BROKEN_POLICY[name]), 500, "authorizer_failed")


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"true true", id="no-json"),
        pytest.param(b'{"isAuthorized": true', id="cut"),
        pytest.param(b'{"isAuthorized": true}\xff', id="bytes-behind"),
        pytest.param(b'{"isAuthorized": NaN}', id="nan"),
        pytest.param(b'{"isAuthorized": true, "context": ' + b'{"a":' * 400 + b"1" + b"}" * 401, id="deep"),
        pytest.param(
            b'{"isAuthorized": true, "context": ' + b"[" * 5000 + b"]" * 5001, id="too-deep-to-parse"
        ),
    ],
)
async def test_bytes_that_are_no_answer_are_500(payload: bytes) -> None:
    """J19: non-JSON closes."""
    await refused(open_door(SIMPLE, answer_of(payload)), 500, "authorizer_failed")


@pytest.mark.parametrize(("size", "expected"), [(MAX_ANSWER_BYTES, 200), (MAX_ANSWER_BYTES + 1, 500)])
async def test_an_answer_has_a_limit(size: int, expected: int) -> None:
    """J19: what is too large to keep is no answer."""
    payload = b'{"isAuthorized": true, "context": {"a": "%s"}}'
    payload %= b"x" * (size - len(payload) + 2)
    assert len(payload) == size
    assert await open_door(SIMPLE, answer_of(payload)).status() == expected


# Calls that give none


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        pytest.param(
            answer_of({"errorType": "KeyError", "errorMessage": "k1"}, x_amz_function_error="Unhandled"),
            500,
            "authorizer_failed",
            id="throws",
        ),
        pytest.param(
            answer_of(
                {"errorType": "Exception", "errorMessage": "Unauthorized"}, x_amz_function_error="Unhandled"
            ),
            500,
            "authorizer_failed",
            id="throws-the-word-Unauthorized",
        ),
        pytest.param(
            answer_of(ALLOW, x_amz_function_error="Unhandled"),
            500,
            "authorizer_failed",
            id="fails-with-an-allow-in-it",
        ),
        pytest.param(
            answer_of(b"?", x_amz_function_error="Unhandled"), 500, "authorizer_failed", id="fails-unreadably"
        ),
        pytest.param(
            answer_of(
                {"errorType": "Sandbox.Timedout", "errorMessage": ""}, x_amz_function_error="Unhandled"
            ),
            500,
            "authorizer_timeout",
            id="its-own-timeout",
        ),
        pytest.param(BudgetExceeded(), 500, "authorizer_timeout", id="the-authorizers-timeout"),
        pytest.param(
            answer_of({}, status=404, x_amzn_errortype="ResourceNotFoundException"),
            500,
            "authorizer_failed",
            id="no-such-function",
        ),
        pytest.param(
            answer_of(ALLOW, status=202), 500, "authorizer_failed", id="another-status-with-an-allow"
        ),
        pytest.param(answer_of(ALLOW, status=500), 500, "authorizer_failed", id="service-fails"),
        pytest.param(
            answer_of({}, status=429, x_amzn_errortype="TooManyRequestsException"),
            503,
            "authorizer_saturated",
            id="no-concurrency",
        ),
        pytest.param(answer_of(ALLOW, status=503), 503, "authorizer_saturated", id="shutting-down"),
    ],
)
async def test_no_answer_closes(answer: Any, status: int, reason: str) -> None:
    """J19: throw, timeout, or nobody to ask. R5: 503 where the client may try again."""
    door = open_door(SIMPLE, answer)
    await refused(door, status, reason)
    assert (await door.get()).get("retry-after") == ("1" if status == 503 else None)
    assert "check" in door.record["error.message"]


async def test_an_invoker_that_breaks_closes() -> None:
    """J19: also what nobody expected."""
    door = open_door(spec_of(ttl_s=60), RuntimeError("gone"))
    assert await door.status() == 500
    assert door.ran == 0
    door.answers(ALLOW)
    assert await door.status() == 200


# No secret in a record


async def test_no_identity_value_is_in_a_record_or_a_repr() -> None:
    secret = "s3cr3t-canary"
    fault = answer_of({"errorType": "E", "errorMessage": secret}, x_amz_function_error="Unhandled")
    for answer in (DENY, True, {"isAuthorized": secret}, fault, answer_of({}, status=404)):
        door = open_door(spec_of("$request.header.x-key", "$request.querystring.k", ttl_s=60), answer)
        await door.get(f"/notes?k={secret}", secret)
        assert secret not in repr(door.record)
        assert secret not in repr(door.gate) + repr(vars(door.authorizer.cache))


# The route that was chosen


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
@pytest.mark.parametrize("target", ["/notes", "/notes/", "//notes", "/%6Eotes", "/other"])
async def test_no_spelling_of_a_request_goes_round_the_authorizer(method: str, target: str) -> None:
    """H8: whichever method and path, the authorizer of the route that is chosen is asked."""
    door = open_door(SIMPLE, DENY, routes=("ANY /notes", "$default"))
    assert await door.status(target, method=method) == 403
    assert (door.calls, door.ran) == (1, 0)
    door.answers(ALLOW)
    assert await door.status(target, method=method) == 200


async def test_concurrent_requests_without_a_cache_ask_each_for_itself() -> None:
    door = open_door()
    assert await asyncio.gather(*(door.status() for _ in range(5))) == [200] * 5
    assert door.calls == 5
