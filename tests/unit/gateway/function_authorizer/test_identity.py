"""Who calls: the values at the identity sources, all of them, or 401 without a call."""

import pytest

from tests.support.function_door import open_door, spec_of


@pytest.mark.parametrize(
    ("source", "target", "headers", "expected"),
    [
        pytest.param("$request.header.x-key", "/notes", {"x_key": "a"}, 200, id="header"),
        pytest.param("$request.header.X-KEY", "/notes", {"x_key": "a"}, 200, id="header-in-any-case"),
        pytest.param("$request.header.x-key", "/notes", {}, 401, id="no-header"),
        pytest.param("$request.header.x-key", "/notes", {"x_key": ""}, 401, id="empty-header"),
        pytest.param("$request.header.x-key", "/notes?x-key=a", {"x_other": "a"}, 401, id="another-header"),
        pytest.param("$request.querystring.key", "/notes?key=a", {}, 200, id="query"),
        pytest.param("$request.querystring.key", "/notes?Key=a", {}, 401, id="query-in-another-case"),
        pytest.param("$request.querystring.key", "/notes?key=", {}, 401, id="empty-query"),
        pytest.param("$request.querystring.key", "/notes?key=&key=", {}, 401, id="empty-query-twice"),
        pytest.param("$request.querystring.key", "/notes", {"x_key": "a"}, 401, id="no-query"),
        pytest.param("$context.identity.sourceIp", "/notes", {}, 200, id="context"),
        pytest.param("$context.identity.userAgent", "/notes", {}, 401, id="empty-context"),
        pytest.param("$stageVariables.colour", "/notes", {}, 401, id="no-stage-variable"),
        pytest.param(
            "$request.header.authorization", "/notes", {"authorization": "Bearer x"}, 200, id="token"
        ),
    ],
)
async def test_identity_is_there_or_401_without_a_call(
    source: str, target: str, headers: dict[str, str], expected: int
) -> None:
    """J19: something missing at an identity source is 401, and nobody is asked."""
    door = open_door(spec_of(source))
    if expected == 401:
        assert await door.status(target, None, **headers) == 401
        assert (door.calls, door.ran, door.record["denial"]) == (0, 0, "identity_missing")
        assert door.record["error.message"] == f"nothing at {source}"
    else:
        assert await door.status(target, None, **headers) == 200
        assert door.calls == 1


@pytest.mark.parametrize(("query", "expected"), [("?id=1", 200), ("", 401)])
async def test_every_identity_source_is_needed(query: str, expected: int) -> None:
    """J19: one of two is not enough."""
    door = open_door(spec_of("$request.header.x-key", "$request.querystring.id"))
    assert await door.status(f"/notes{query}") == expected
    assert door.calls == (expected == 200)


async def test_two_authorization_headers_are_refused() -> None:
    """J14: nobody can say which of them counts."""
    door = open_door(spec_of("$request.header.Authorization"))
    fields = [("host", "h"), ("authorization", "Bearer a"), ("authorization", "Bearer b")]
    received = await door.harness.request("GET", "/notes", headers=fields)
    assert (received.status, door.calls, door.record["denial"]) == (401, 0, "identity_repeated")
    assert (await door.harness.request("GET", "/notes", headers=fields[:2])).status == 200
    assert door.event["identitySource"] == ["Bearer a"]


async def test_other_headers_may_be_repeated() -> None:
    door = open_door()
    fields = [("host", "h"), ("x-key", "a"), ("x-key", "b")]
    assert (await door.harness.request("GET", "/notes", headers=fields)).status == 200
    assert door.event["identitySource"] == ["a,b"]


async def test_a_query_that_is_too_long_is_a_bad_request() -> None:
    door = open_door(spec_of("$request.querystring.key"))
    assert await door.status("/notes?key=a" + "&a=1" * 1000, None) == 400
    assert door.calls == 0
