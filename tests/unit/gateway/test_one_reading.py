"""One reading of a request: what the router chose is what was judged, logged and passed on."""

import pytest

from gateway.deployment import Deployment, RouteSpec
from gateway.errors import Forbidden
from gateway.exchange import Authorization, Exchange
from gateway.integrations.function import FunctionTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.route_key import METHODS, RouteKey
from gateway.services import Services
from gateway.stage import Stage
from tests.support.gateway_harness import NAMES, Harness, build

ECHO = FunctionTarget(function="echo")


class Guard:
    """Notes what it is asked about and lets in whom it is told to."""

    def __init__(self, *, lets_in: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self._lets_in = lets_in

    async def authorize(self, exchange: Exchange) -> Authorization:
        self.asked.append((exchange.key.text, exchange.path.text))
        if not self._lets_in:
            raise Forbidden("no")
        return Authorization(v2={}, v1={})


@pytest.mark.parametrize(
    ("target", "text"),
    [
        pytest.param("/caf%C3%A9/x", "/café/x", id="H7-encoded"),
        pytest.param("/caf%c3%a9/%78", "/café/x", id="H7-encoded-otherwise"),
    ],
)
async def test_router_authorizer_event_and_log_see_one_path(target: str, text: str) -> None:
    """H7: the decoded form, whatever its spelling."""
    guard = Guard(lets_in=True)
    harness = build({"GET /café/{id}": ECHO}, authorizer=guard)
    assert (await harness.request("GET", target)).status == 200
    event = harness.invoker.event
    assert guard.asked == [("GET /café/{id}", text)]
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == (text, text)
    assert event["pathParameters"] == {"id": "x"}
    assert harness.records[0]["path"] == text


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("/a/../b", 400, id="H7-dot-segment"),
        pytest.param("/a%2fb", 400, id="H7-encoded-slash"),
        pytest.param("/a%00", 400, id="H7-nul"),
        pytest.param("/a/..b/b", 200, id="H7-twin-dots-in-a-name"),
        pytest.param("/a%20b", 200, id="H7-twin-encoded-blank"),
    ],
)
async def test_an_ambiguous_path_reaches_nobody(target: str, status: int) -> None:
    """H7: neither authorizer nor function."""
    guard = Guard(lets_in=True)
    harness = build({"$default": ECHO}, authorizer=guard)
    assert (await harness.request("GET", target)).status == status
    assert len(guard.asked) == len(harness.invoker.calls) == (status == 200)


def _half_open(guard: Guard) -> Harness:
    """``ANY /admin/{proxy+}`` is guarded, everything else is open."""
    harness = build()
    harness.gateway.swap(
        Deployment.build(
            names=NAMES,
            stages=[Stage()],
            routes=[
                RouteSpec(key=RouteKey.parse("ANY /admin/{proxy+}"), target=ECHO, authorizer=guard),
                RouteSpec(key=RouteKey.parse("$default"), target=ECHO),
            ],
            locator=SingleLocator(harness.invoker),
            metrics=harness.metrics,
            services=Services(Issuers()),
        )
    )
    return harness


@pytest.mark.parametrize("method", [pytest.param(method, id=f"H8-{method}") for method in METHODS])
@pytest.mark.parametrize(
    "target", ["/admin/x", "/admin/%78", "/%61dmin/x", "/admin//x", "/admin/x/", "/admin/x?y=/open"]
)
async def test_no_method_and_no_spelling_passes_a_guard(method: str, target: str) -> None:
    """H8: the guard hangs on the route that was chosen, not on a prefix of what was sent."""
    guard = Guard()
    harness = _half_open(guard)
    assert (await harness.request(method, target)).status == 403
    assert not harness.invoker.calls
    assert [key for key, _ in guard.asked] == ["ANY /admin/{proxy+}"]
    assert (await harness.request(method, "/open/x")).status == 200, "its twin, where no guard is"


@pytest.mark.parametrize("target", ["//admin/x", "/ADMIN/x", "/admin;a=b/x", "/admin%3B/x", "/admin"])
async def test_another_path_is_another_route_everywhere(target: str) -> None:
    """H8 (H7): what is not the guarded path is told so to the function too; nobody cleans it up behind us."""
    guard = Guard()
    harness = _half_open(guard)
    assert (await harness.request("GET", target)).status == 200
    assert guard.asked == []
    assert harness.invoker.event["routeKey"] == "$default"
    assert harness.invoker.event["rawPath"] == target.replace("%3B", ";")


@pytest.mark.parametrize(
    ("method", "status"),
    [
        pytest.param("PROPFIND", 404, id="H8-unknown-method"),
        pytest.param("get", 404, id="H8-other-case"),
        pytest.param("GET", 200, id="H8-twin"),
    ],
)
async def test_an_unknown_method_matches_no_route(method: str, status: int) -> None:
    """H8: ANY and $default are seven methods, not all that can be spelt."""
    harness = build({"ANY /a": ECHO, "$default": ECHO})
    for target in ("/a", "/b"):
        assert (await harness.request(method, target)).status == status
    assert len(harness.invoker.calls) == (2 if status == 200 else 0)
