"""What an allowed request is given of the function's answer."""

import json
from typing import Any

import pytest

from gateway.authorizers.function.answer import read_policy_answer, read_simple
from gateway.integrations.function import FunctionTarget
from tests.support.function_door import ALLOW, open_door, policy, spec_of
from tests.support.gateway_harness import answer_of

SIMPLE = spec_of()
POLICY = spec_of(simple_responses=False)
V1 = spec_of(payload_version="1.0", simple_responses=False)


CONTEXT = {
    "text": "a",
    "number": 1,
    "float": 1.5,
    "flag": True,
    "none": None,
    "list": [1, "a"],
    "map": {"a": {"b": 2}},
}


@pytest.mark.parametrize(
    ("spec", "answer", "v2", "v1"),
    [
        pytest.param(SIMPLE, ALLOW | {"context": CONTEXT}, CONTEXT, CONTEXT, id="simple"),
        pytest.param(SIMPLE, ALLOW, {}, {}, id="simple-without-context"),
        pytest.param(
            POLICY, policy(context=CONTEXT), CONTEXT, CONTEXT | {"principalId": "user-1"}, id="policy"
        ),
        pytest.param(V1, policy(context=CONTEXT), CONTEXT, CONTEXT | {"principalId": "user-1"}, id="1.0"),
        pytest.param(
            POLICY,
            policy(context={"principalId": "user-2"}),
            {"principalId": "user-2"},
            {"principalId": "user-1"},
            id="context-cannot-rename-the-principal",
        ),
        pytest.param(
            SIMPLE,
            ALLOW | {"context": {"claims": {"sub": "a"}, "b": 1}},
            {"claims": {"sub": "a"}, "b": 1},
            {"b": 1},
            id="claims-are-a-tokens-in-1.0-events",
        ),
    ],
)
async def test_context_reaches_the_integration(spec: Any, answer: object, v2: object, v1: object) -> None:
    door = open_door(spec, answer, target=FunctionTarget(function="notes"))
    assert await door.status() == 200
    assert door.integration_event["requestContext"]["authorizer"] == {"lambda": v2}
    door = open_door(spec, answer, target=FunctionTarget(function="notes", payload_version="1.0"))
    assert await door.status() == 200
    assert door.integration_event["requestContext"]["authorizer"] == v1


async def test_claims_are_reserved_in_format_1() -> None:
    door = open_door(V1, policy(context={"claims": {"sub": "a"}}))
    assert (await door.status(), door.ran, door.record["denial"]) == (500, 0, "authorizer_failed")
    assert "claims" in door.record["error.message"]


async def test_values_for_mappings_and_logs() -> None:
    answer = policy(context={"tenant": "t", "n": 1, "claims.sub": "forged"})
    found = read_policy_answer(json.dumps(answer).encode()).authorization
    assert found.values == {"tenant": "t", "n": 1, "principalId": "user-1"}
    found = read_simple(json.dumps(ALLOW | {"context": {"tenant": "t"}}).encode()).authorization
    assert found.values == {"tenant": "t"}


async def test_a_context_may_be_nested_as_deep_as_an_event_can_show_it() -> None:
    depth = 200
    payload = b'{"isAuthorized": true, "context": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    for version in ("1.0", "2.0"):
        door = open_door(
            SIMPLE, answer_of(payload), target=FunctionTarget(function="notes", payload_version=version)
        )
        assert await door.status() == 200
