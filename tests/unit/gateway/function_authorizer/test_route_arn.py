"""The ARN that an authorizer sees, and that policies are evaluated for."""

import pytest

from gateway.stage import Stage
from tests.support.function_door import ARN, PROD, Door, open_door, policy, spec_of, statement

POLICIES = {"payload_version": "2.0", "simple_responses": False}


@pytest.mark.parametrize(
    ("route", "method", "target", "arn"),
    [
        pytest.param("GET /notes", "GET", "/notes", "$default/GET/notes", id="literal"),
        pytest.param(
            "GET /notes/{id}", "GET", "/notes/7", "$default/GET/notes/7", id="the-paths-value-not-its-name"
        ),
        pytest.param("ANY /{proxy+}", "PUT", "/a/b/", "$default/PUT/a/b/", id="the-requests-method-not-ANY"),
        pytest.param("$default", "DELETE", "/a", "$default/DELETE/a", id="default-route"),
        pytest.param("GET /", "GET", "/", "$default/GET/", id="root"),
        pytest.param("$default", "GET", "/prod/a", "prod/GET/a", id="named-stage-once"),
        pytest.param("$default", "GET", "/prod", "prod/GET/", id="root-of-a-named-stage"),
        pytest.param("$default", "GET", "/a%20b/caf%C3%A9", "$default/GET/a b/café", id="decoded"),
        pytest.param("$default", "GET", "//a", "$default/GET//a", id="empty-segments-stay"),
        pytest.param("$default", "GET", "/a:b;c", "$default/GET/a:b;c", id="colons-stay"),
        pytest.param("$default", "GET", "/a*", "$default/GET/a${*}", id="star"),
        pytest.param("$default", "GET", "/a%3Fb", "$default/GET/a${?}b", id="question-mark"),
        pytest.param("$default", "GET", "/$%7B*%7D", "$default/GET/${$}{${*}}", id="escape-itself"),
    ],
)
async def test_the_arn_of_a_request(route: str, method: str, target: str, arn: str) -> None:
    """H8: it is made of the route's request: canonical path, real method, stage that was chosen."""
    door = open_door(routes=(route,), stages=[Stage(), PROD])
    assert await door.status(target, method=method) == 200
    assert door.event["routeArn"] == f"{ARN}/{arn}"


def _echo(**more: object) -> Door:
    """A function whose first answer is a failure, which is not kept; then it says what a test tells it."""
    return open_door(spec_of(ttl_s=60, **POLICIES), **more)


@pytest.mark.parametrize(
    "path", ["/notes/*", "/notes/%3F", "/notes/$%7B*%7D", "/notes/a%20*?x=1", "/not*s/%3F"]
)
async def test_an_echoed_arn_allows_its_own_request(path: str) -> None:
    """J19: the twin of the next test."""
    door = _echo()
    await door.get(path)
    door.answers(policy(statement(door.event["routeArn"])))
    assert await door.status(path) == 200


@pytest.mark.parametrize(
    ("path", "other"),
    [
        pytest.param("/notes/*", "/notes/secret", id="star"),
        pytest.param("/notes/%3F", "/notes/1", id="question-mark"),
        pytest.param("/*", "/admin", id="star-at-the-root"),
        pytest.param("/notes/$%7B*%7D", "/notes/*", id="escape"),
        pytest.param("/notes/$%7B*%7D", "/notes/x", id="escape-of-anything"),
    ],
)
async def test_a_wildcard_in_a_path_opens_nothing_else(path: str, other: str) -> None:
    """J19: a client asks for ``/notes/*``, the function allows the ARN that it was shown, and the answer is kept."""
    door = _echo()
    await door.get(path)
    door.answers(policy(statement(door.event["routeArn"])))
    assert await door.status(path) == 200
    door.answers(policy(statement(effect="Deny")))
    assert await door.status(other) == 403
    assert door.calls == 2, "the kept answer decided"
