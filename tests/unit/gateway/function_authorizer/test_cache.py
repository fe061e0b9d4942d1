"""Answers that are kept: for whom, for what, and how long."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorizers.function.answer import Answer, read_simple
from gateway.authorizers.function.cache import AnswerCache
from gateway.authorizers.function.identity import cache_key
from gateway.issuers.issuer import Issuers
from gateway.services import Services
from gateway.stage import Stage
from kit.invoke import BudgetExceeded
from tests.support.function_door import (
    ALLOW,
    ARN,
    DENY,
    KEY_HEADER,
    PROD,
    Door,
    open_door,
    policy,
    spec_of,
    statement,
)
from tests.support.gateway_harness import answer_of

QUERY = "$request.querystring.id"


def kept(*sources: str, answer: Any = ALLOW, ttl_s: float = 60, **more: Any) -> Door:
    return open_door(spec_of(*sources, ttl_s=ttl_s), answer, **more)


def kept_policy(answer: Any, **more: Any) -> Door:
    return open_door(spec_of(ttl_s=60, simple_responses=False), answer, **more)


# Simple answers


@pytest.mark.parametrize(("answer", "status"), [(ALLOW, 200), (DENY, 403)])
async def test_an_answer_is_kept_for_its_time(answer: object, status: int) -> None:
    """J19: denials too; then the function is asked again."""
    door = kept(answer=answer)
    assert await door.status() == status
    door.clock.now += 59.9
    assert await door.status() == status
    assert door.calls == 1
    door.clock.now += 0.1
    assert await door.status() == status
    assert door.calls == 2


async def test_use_does_not_lengthen_an_answers_time() -> None:
    """J19: a caller that never rests is asked about again all the same."""
    door = kept()
    for _ in range(7):
        assert await door.status() == 200
        door.clock.now += 10
    assert door.calls == 2


async def test_without_ttl_each_request_asks() -> None:
    door = open_door()
    assert [await door.status(), await door.status()] == [200, 200]
    assert door.calls == 2
    assert len(door.authorizer.cache) == 0


async def test_without_identity_nothing_is_kept() -> None:
    """J19: else the answer for the first caller would be everybody's."""
    door = open_door(spec_of(identity_source=(), ttl_s=60), ALLOW)
    assert [await door.status(), await door.status()] == [200, 200]
    assert door.calls == 2


@pytest.mark.parametrize(
    ("sources", "calls"),
    [
        pytest.param(("$context.routeKey",), 2, id="route"),
        pytest.param(("$context.stage", "$context.http.path"), 2, id="stage-and-path"),
        pytest.param(("$request.header.Host",), 2, id="host"),
        pytest.param(("$context.routeKey", "$request.header.x-other"), 1, id="route-and-key"),
        pytest.param(("$context.identity.sourceIp",), 1, id="address"),
    ],
)
async def test_what_callers_have_in_common_is_no_identity(sources: tuple[str, ...], calls: int) -> None:
    """J19: with the route alone as identity source, what the first caller may do was everybody's."""
    door = open_door(spec_of(*sources, ttl_s=60), ALLOW)
    assert [await door.status(key="a", x_other="o"), await door.status(key="b", x_other="o")] == [200, 200]
    assert door.calls == calls


@pytest.mark.parametrize(
    ("first", "second", "calls"),
    [
        pytest.param({"key": "a"}, {"key": "a"}, 1, id="same"),
        pytest.param({"key": "a"}, {"key": "b"}, 2, id="another-key"),
        pytest.param({"key": "a"}, {"key": "A"}, 2, id="values-count-by-case"),
        pytest.param({"key": "a"}, {"key": "a", "x_other": "b"}, 1, id="what-is-no-identity"),
        pytest.param({"target": "/notes"}, {"target": "/notes?id=2"}, 1, id="a-query-that-is-no-identity"),
        pytest.param({"target": "/notes"}, {"target": "/other"}, 1, id="another-path-of-the-route"),
        pytest.param({"target": "/notes"}, {"target": "/lone"}, 2, id="another-route"),
        pytest.param({"method": "GET"}, {"method": "DELETE"}, 2, id="another-method-of-the-route"),
        pytest.param({"target": "/notes"}, {"target": "/prod/notes"}, 2, id="another-stage"),
    ],
)
async def test_a_simple_answer_holds_for_caller_stage_route_and_method(
    first: dict[str, Any], second: dict[str, Any], calls: int
) -> None:
    """J19: a kept Allow for one route or method opens no other."""
    door = kept(routes=("$default", "GET /lone"), stages=[Stage(), PROD])
    assert await door.status(**first) == 200
    if calls == 2:
        door.answers(DENY)
    assert await door.status(**second) == (200 if calls == 1 else 403)
    assert door.calls == calls


async def test_a_denial_does_not_close_another_route() -> None:
    door = kept(answer=DENY, routes=("GET /a", "GET /b"))
    assert await door.status("/a") == 403
    door.answers(ALLOW)
    assert await door.status("/b") == 200
    assert await door.status("/a") == 403


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("a,b", "c"), ("a", "b,c"), id="comma"),
        pytest.param(("1:a", "b"), ("1", ":ab"), id="lengths-in-values"),
        pytest.param(("a", "1b"), ("a1", "b"), id="digits-at-the-seam"),
        pytest.param(("a", "b"), ("b", "a"), id="order"),
    ],
)
async def test_identities_that_look_alike_in_a_row_are_two(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    """J19: the key is made of values, not of their text joined together."""
    door = kept(KEY_HEADER, QUERY)
    assert await door.status(f"/notes?id={first[1]}", first[0]) == 200
    door.answers(DENY)
    assert await door.status(f"/notes?id={second[1]}", second[0]) == 403
    assert await door.status(f"/notes?id={first[1]}", first[0]) == 200
    assert door.calls == 2


async def test_one_value_with_a_comma_is_not_two_values() -> None:
    """J19: format 1.0 shows the last of two, so the function may have judged another value."""
    door = kept(QUERY)
    assert await door.status("/notes?id=a&id=b", None) == 200
    door.answers(DENY)
    assert await door.status("/notes?id=a,b", None) == 403


async def test_values_belong_to_their_source() -> None:
    """J19: two headers and one query parameter are not one header and two parameters."""
    door = kept(KEY_HEADER, QUERY)
    headers = [("host", "h"), ("x-key", "a"), ("x-key", "b")]
    assert (await door.harness.request("GET", "/notes?id=c", headers=headers)).status == 200
    door.answers(DENY)
    assert (await door.harness.request("GET", "/notes?id=b&id=c", headers=headers[:2])).status == 403


@given(
    st.lists(st.lists(st.text("a,:1", max_size=4), min_size=1, max_size=3), max_size=3),
    st.lists(st.lists(st.text("a,:1", max_size=4), min_size=1, max_size=3), max_size=3),
    st.booleans(),
)
def test_keys_are_equal_for_equal_identities_only(
    first: list[list[str]], second: list[list[str]], is_per_route: bool
) -> None:
    """J19: whatever the values are."""
    exchange = _Exchange()
    keys = [cache_key(b"s" * 32, exchange, i, is_per_route=is_per_route) for i in (first, second)]  # type: ignore[arg-type]
    assert (keys[0] == keys[1]) is (first == second)


class _Exchange:
    """The members of an exchange that a key is made of."""

    class stage:
        name = "$default"

    class key:
        text = "GET /"

    class request:
        method = "GET"


# Policies


async def test_a_kept_policy_is_evaluated_for_each_route() -> None:
    """J19: an Allow for one route opens no other, and its own stays open."""
    door = kept_policy(policy(statement(f"{ARN}/$default/GET/a")), routes=("ANY /a", "ANY /b"))
    assert await door.status("/a") == 200
    assert await door.status("/b") == 403
    assert await door.status("/a", method="DELETE") == 403
    assert await door.status("/a") == 200
    assert door.calls == 1


async def test_a_kept_policy_with_wildcards_opens_what_it_says() -> None:
    """J19: the twin."""
    door = kept_policy(policy(statement(f"{ARN}/$default/*")), routes=("ANY /a", "ANY /b"))
    for target, method in (("/a", "GET"), ("/b", "GET"), ("/a", "DELETE")):
        assert await door.status(target, method=method) == 200
    assert door.calls == 1


async def test_a_kept_policy_is_evaluated_for_each_path_of_a_route() -> None:
    """J19: 7 was allowed, 8 was not."""
    door = kept_policy(policy(statement(f"{ARN}/$default/GET/notes/7")), routes=("GET /notes/{id}",))
    assert [await door.status("/notes/7"), await door.status("/notes/8")] == [200, 403]
    assert door.calls == 1


async def test_a_kept_denial_of_one_route_leaves_another_open() -> None:
    answer = policy(statement(), statement(f"{ARN}/$default/GET/a", "Deny"))
    door = kept_policy(answer, routes=("ANY /a", "ANY /b"))
    assert [await door.status("/a"), await door.status("/b"), await door.status("/a")] == [403, 200, 403]
    assert door.calls == 1


async def test_policies_are_not_shared_over_stages() -> None:
    """J19: stage variables may have decided."""
    door = kept_policy(policy(statement("*")), stages=[Stage(), PROD])
    assert await door.status("/notes") == 200
    door.answers(policy(statement("*", "Deny")))
    assert await door.status("/prod/notes") == 403
    assert await door.status("/notes") == 200


# Failures


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(answer_of(ALLOW, x_amz_function_error="Unhandled"), id="throws"),
        pytest.param(BudgetExceeded(), id="times-out"),
        pytest.param(answer_of(True), id="another-shape"),
        pytest.param(answer_of({}, status=429), id="saturated"),
    ],
)
async def test_failures_are_never_kept(failure: Any) -> None:
    """J19: what went wrong once says nothing about the next time."""
    door = kept(answer=failure)
    assert await door.status() in (500, 503)
    door.answers(ALLOW)
    assert await door.status() == 200
    assert door.calls == 2


async def test_a_failure_does_not_put_out_what_is_kept() -> None:
    door = kept()
    assert await door.status(key="a") == 200
    door.asked.answer = BudgetExceeded()
    assert await door.status(key="b") == 500
    assert await door.status(key="a") == 200


async def test_missing_identity_asks_no_cache() -> None:
    """J19: 401 also while an answer for somebody is kept."""
    door = kept()
    assert await door.status(key="a") == 200
    assert await door.status(key=None) == 401
    assert door.calls == 1


# The store


def _answer(size: int = 100) -> Answer:
    answer = read_simple(b'{"isAuthorized": true}')
    return Answer(decision=answer.decision, authorization=answer.authorization, size_bytes=size)


def _key(number: int) -> bytes:
    return number.to_bytes(4)


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = AnswerCache(60, max_entries=3)
    for number in range(3):
        cache.put(_key(number), _answer(), 0)
    assert cache.get(_key(0), 1) is not None
    cache.put(_key(3), _answer(), 1)
    assert [cache.get(_key(number), 1) is not None for number in range(4)] == [True, False, True, True]


def test_bytes_are_bounded_too() -> None:
    cache = AnswerCache(60, max_bytes=10_000)
    for number in range(100):
        cache.put(_key(number), _answer(1000), 0)
        assert cache.size_bytes <= 10_000
    assert cache.get(_key(99), 0) is not None
    assert len(cache) == 1


def test_an_answer_that_never_fits_puts_out_nothing() -> None:
    cache = AnswerCache(60, max_bytes=10_000)
    cache.put(_key(1), _answer(), 0)
    cache.put(_key(2), _answer(10_000), 0)
    assert cache.get(_key(2), 0) is None
    assert cache.get(_key(1), 0) is not None


def test_the_size_follows_what_is_kept() -> None:
    cache = AnswerCache(60)
    cache.put(_key(1), _answer(), 0)
    cache.put(_key(1), _answer(), 0)
    one = cache.size_bytes
    cache.put(_key(2), _answer(), 0)
    assert cache.size_bytes == 2 * one
    assert cache.get(_key(1), 60) is None
    assert (cache.size_bytes, len(cache)) == (one, 1)
    assert repr(cache) == f"<AnswerCache 1 answers, {one} bytes>"


# Reloads


async def test_kept_answers_outlive_a_reload_that_leaves_the_authorizer_as_it_is() -> None:
    """And end with one that changes it."""
    services = Services(Issuers())
    spec = spec_of(ttl_s=60)
    first = services.function(spec)
    assert services.function(spec_of(ttl_s=60)) is first
    assert services.function(spec_of(ttl_s=61)) is not first


async def test_many_callers_stay_within_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """J19: a flood of made-up keys takes no memory."""
    door = kept()
    monkeypatch.setattr(door.authorizer, "cache", AnswerCache(60, max_entries=10))
    for number in range(100):
        assert await door.status(key=f"k{number}") == 200
    assert len(door.authorizer.cache) == 10
    assert await door.status(key="k99") == 200
    assert door.calls == 100
