"""What an authorizer says that it would do."""

from typing import Any

import pytest

from gateway.authorizers.function.explanation import Explanation
from gateway.exchange import Authorization, Exchange
from tests.support import gateway_harness
from tests.support.function_door import ARN, DENY, Door, open_door, policy, spec_of, statement


class Catching:
    """An authorizer that hands out the exchange that it was asked about."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None

    async def authorize(self, exchange: Exchange) -> Authorization:
        self.exchange = exchange
        return Authorization(v2={}, v1={})


async def explain(door: Door, target: str = "/notes", key: str | None = "s3cr3t") -> Explanation:
    catching = Catching()
    headers = [("host", "h"), *([("x-key", key)] if key is not None else [])]
    await gateway_harness.build(authorizer=catching).request("GET", target, headers=headers)
    assert catching.exchange is not None
    return door.gate.explain(catching.exchange)


async def test_missing_identity() -> None:
    door = open_door(spec_of("$request.header.x-key", "$request.querystring.id", ttl_s=60))
    found = await explain(door, key="s3cr3t")
    assert found.sources == (("$request.header.x-key", None), ("$request.querystring.id", "identity_missing"))
    assert found.outcome == "unauthorized"
    assert found.sentence == "nothing at $request.querystring.id: 401, the function is not called"
    assert "s3cr3t" not in repr(found)


async def test_nothing_is_kept_yet() -> None:
    found = await explain(open_door(spec_of(ttl_s=60)))
    assert (found.outcome, found.cached_for_s) == ("asks", None)
    assert found.sentence == "no answer is kept for this request: would call check"
    assert (await explain(open_door())).sentence == "no answers are kept: would call check"


@pytest.mark.parametrize(
    ("answer", "more", "outcome", "sentence"),
    [
        pytest.param(DENY, {}, "denied", "isAuthorized is false: 403", id="simple"),
        pytest.param(
            policy(statement(f"{ARN}/*/GET/notes")),
            {"simple_responses": False},
            "allowed",
            "statement 1 of the policy allows it: passes",
            id="policy",
        ),
    ],
)
async def test_a_kept_answer(answer: object, more: dict[str, Any], outcome: str, sentence: str) -> None:
    door = open_door(spec_of(ttl_s=60, **more), answer)
    await door.get(key="s3cr3t")
    door.clock.now += 10
    found = await explain(door)
    assert (found.outcome, found.cached_for_s) == (outcome, 50)
    assert found.sentence == f"by the answer that is kept for 50 s more: {sentence}"
    assert "s3cr3t" not in repr(found)


async def test_a_kept_policy_is_explained_for_the_route_that_is_asked_about() -> None:
    door = open_door(spec_of(ttl_s=60, simple_responses=False), policy(statement(f"{ARN}/*/GET/notes")))
    await door.get(key="s3cr3t")
    found = await explain(door, "/other")
    assert found.outcome == "denied"
    assert "no statement of the policy allows it" in found.sentence


async def test_explaining_changes_nothing() -> None:
    """No call, and no answer that lives longer or goes for it."""
    door = open_door(spec_of(ttl_s=60))
    await door.get(key="s3cr3t")
    door.clock.now += 60
    before = repr(door.authorizer)
    assert (await explain(door)).outcome == "asks"
    assert (door.calls, repr(door.authorizer)) == (1, before)


async def test_explanation_and_decision_agree() -> None:
    """J19: what is explained as refused is refused, and the other way round."""
    for key, target in ((None, "/a"), ("k", "/a"), ("k", "/b")):
        door = open_door(spec_of(ttl_s=60, simple_responses=False), policy(statement(f"{ARN}/*/GET/a")))
        await door.get("/first", "k")
        found = await explain(door, target, key)
        expected = {"unauthorized": 401, "allowed": 200, "denied": 403}[found.outcome]
        assert await door.status(target, key) == expected
