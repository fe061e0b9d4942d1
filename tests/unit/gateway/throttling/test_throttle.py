"""Throttles in the gateway: who is refused, how, at which place, and what a reload keeps."""

import asyncio
import json
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.deployment import Deployment, RouteSpec
from gateway.errors import DeploymentError, TooManyRequests, Unauthorized
from gateway.exchange import Authorization, Exchange
from gateway.integrations.function import FunctionTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from gateway.throttling.spec import ThrottleKey, ThrottleSpec
from gateway.throttling.throttle import Throttle
from tests.support.gateway_harness import NAMES, Harness, build

SECOND = 1_000_000_000
ECHO = FunctionTarget(function="echo")
# Slow enough that no token comes while a test runs.
ONCE = ThrottleSpec(rate=0.001, burst=1)
HOST = ("host", "api.example.com")


def exchange(source_ip: str = "192.0.2.7") -> Exchange:
    return cast(Exchange, SimpleNamespace(request=SimpleNamespace(source_ip=source_ip), authorization=None))


class Subject:
    """An authorizer that takes the header x-user for the claim ``sub``, and refuses without one."""

    def __init__(self) -> None:
        self.count = 0

    async def authorize(self, exchange: Exchange) -> Authorization:
        self.count += 1
        user = exchange.request.fields.get("x-user")
        if user is None:
            raise Unauthorized("identity_missing")
        return Authorization(v2={}, v1={}, values={"claims.sub": user})


async def statuses(harness: Harness, *requests: tuple[str, ...], path: str = "/") -> list[int]:
    """Send requests, each given as its header fields ``name: value``."""
    found = []
    for fields in requests:
        headers = [HOST, *(cast(tuple[str, str], tuple(field.split(": ", 1))) for field in fields)]
        found.append((await harness.request("GET", path, headers=headers)).status)
    return found


def test_take_refuses_until_the_time_that_it_says() -> None:
    """R5: the answer says when to come again, and then it is taken."""
    now_ns = [0]
    throttle = Throttle(ThrottleSpec(rate=0.25, burst=1), clock_ns=lambda: now_ns[0])
    throttle.take(exchange())
    now_ns[0] = SECOND // 2
    with pytest.raises(TooManyRequests) as refused:
        throttle.take(exchange())
    assert refused.value.headers == ((b"retry-after", b"4"),)
    assert refused.value.reason == "throttled"
    now_ns[0] += 4 * SECOND
    throttle.take(exchange())


def test_default_clock_is_monotonic_and_not_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """R6: an hour's jump of the wall clock gives and takes nothing."""
    throttle = Throttle(ONCE)
    throttle.take(exchange())
    monkeypatch.setattr("time.time", lambda: 1e12)
    monkeypatch.setattr("time.time_ns", lambda: 10**21)
    with pytest.raises(TooManyRequests):
        throttle.take(exchange())


def test_another_limiter_can_stand_behind_it() -> None:
    """One that several nodes share answers at once as well."""
    asked: list[bytes] = []

    class Shared:
        def take(self, caller: bytes) -> int:
            asked.append(caller)
            return 7

    throttle = Throttle(ThrottleSpec(rate=1, burst=1, by=ThrottleKey(kind="source_ip")), limiter=Shared())
    with pytest.raises(TooManyRequests) as refused:
        throttle.take(exchange())
    assert (asked, refused.value.headers) == ([b"192.0.2.7"], ((b"retry-after", b"7"),))


@pytest.mark.parametrize(
    ("rate", "burst"), [(0, 1), (-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0), (1, -1)]
)
def test_impossible_spec_is_no_throttle(rate: float, burst: int) -> None:
    with pytest.raises(DeploymentError, match="throttle: rate"):
        Throttle(ThrottleSpec(rate=rate, burst=burst))
    Throttle(ThrottleSpec(rate=abs(rate) if abs(rate) > 0 and abs(rate) < 9 else 1, burst=max(1, burst)))


def test_throttle_says_what_it_is() -> None:
    by = ThrottleKey(kind="header", name="x-api-key")
    assert repr(Throttle(ThrottleSpec(rate=0.5, burst=3, by=by))) == (
        "<Throttle rate 0.5, burst 3, by header.x-api-key>"
    )


async def test_over_is_429_before_authorizer_and_integration() -> None:
    """R5: shed early, with Retry-After."""
    authorizer = Subject()
    harness = build(throttle=ONCE, authorizer=authorizer)
    assert await statuses(harness, ("x-user: u",)) == [200]
    received = await harness.request("GET", "/", headers=[HOST, ("x-user", "u")])
    assert (received.status, json.loads(received.body)) == (429, {"message": "Too Many Requests"})
    assert received.get("retry-after") == "1000"
    assert (authorizer.count, len(harness.invoker.calls)) == (1, 1)
    assert harness.records[-1]["error.message"] == "throttled: rate 0.001, burst 1"


async def test_twin_without_throttle_goes_on() -> None:
    assert await statuses(build(), *[()] * 5) == [200] * 5


async def test_one_bucket_for_all_callers() -> None:
    harness = build(throttle=ThrottleSpec(rate=0.001, burst=3))
    found = [(await harness.request("GET", "/", peer=f"192.0.2.{n}")).status for n in range(5)]
    assert found == [200] * 3 + [429] * 2


async def test_by_source_ip() -> None:
    spec = ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="source_ip"))
    harness = build(throttle=spec)
    peers = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
    found = [(await harness.request("GET", "/", peer=peer)).status for peer in peers]
    assert found == [200, 429, 200, 200, 429, 200]


async def test_forwarded_address_of_a_stranger_is_no_new_caller() -> None:
    """A header that anybody can send must not be a way out of the bucket."""
    harness = build(throttle=ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="source_ip")))
    assert await statuses(harness, ("x-forwarded-for: 203.0.113.1",), ("x-forwarded-for: 203.0.113.2",)) == [
        200,
        429,
    ]


async def test_by_header() -> None:
    harness = build(
        throttle=ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="header", name="x-api-key"))
    )
    found = await statuses(harness, ("X-Api-Key: a",), ("x-api-key: a",), ("x-api-key: b",))
    assert found == [200, 429, 200]


async def test_without_the_header_all_share_one_bucket() -> None:
    harness = build(
        throttle=ThrottleSpec(rate=0.001, burst=2, by=ThrottleKey(kind="header", name="x-api-key"))
    )
    found = [(await harness.request("GET", "/", peer=f"192.0.2.{n}")).status for n in range(3)]
    assert found == [200, 200, 429]


async def test_by_claim_is_asked_after_the_authorizer() -> None:
    authorizer = Subject()
    harness = build(
        throttle=ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="claim", name="sub")),
        authorizer=authorizer,
    )
    found = await statuses(harness, ("x-user: a",), ("x-user: a",), (), ("x-user: b",), ())
    assert found == [200, 429, 401, 200, 401]
    assert (authorizer.count, len(harness.invoker.calls)) == (5, 2)


async def test_without_the_claim_all_share_one_bucket() -> None:
    """On a public route there is nobody to tell apart; that must not mean unlimited."""
    harness = build(throttle=ThrottleSpec(rate=0.001, burst=2, by=ThrottleKey(kind="claim", name="sub")))
    assert await statuses(harness, (), (), ()) == [200, 200, 429]


async def test_throttle_of_a_route_goes_before_the_stages() -> None:
    """Source: API Gateway, "Throttle requests to your HTTP APIs": the route's own settings win."""
    harness = build(throttle=ThrottleSpec(rate=0.001, burst=3), stage_throttles={"$default": ONCE})
    assert await statuses(harness, *[()] * 4) == [200, 200, 200, 429]


async def test_stage_limits_who_has_no_token_where_a_route_counts_by_a_claim() -> None:
    """The claim is known after the authorizer only; what comes before it must not be unlimited (R5)."""
    by_sub = ThrottleSpec(rate=0.001, burst=3, by=ThrottleKey(kind="claim", name="sub"))
    harness = build(throttle=by_sub, stage_throttles={"$default": ONCE})
    assert await statuses(harness, (), ()) == [200, 429]
    alone = build(throttle=by_sub)
    assert await statuses(alone, (), (), (), ()) == [200, 200, 200, 429]


async def test_routes_of_a_stage_share_its_bucket() -> None:
    routes = {"GET /a": ECHO, "GET /b": ECHO}
    harness = build(routes, stage_throttles={"$default": ONCE})
    assert await statuses(harness, (), path="/a") == [200]
    assert await statuses(harness, (), path="/b") == [429]


async def test_routes_with_their_own_do_not_share() -> None:
    harness = build({"GET /a": ECHO, "GET /b": ECHO}, throttle=ONCE)
    assert await statuses(harness, (), path="/a") == [200]
    assert await statuses(harness, (), path="/b") == [200]
    assert await statuses(harness, (), path="/a") == [429]


async def test_stage_without_a_throttle_is_free() -> None:
    harness = build(stages=[Stage(), Stage(name="dev")], stage_throttles={"dev": ONCE})
    assert await statuses(harness, (), (), path="/x") == [200, 200]
    assert await statuses(harness, (), (), path="/dev/x") == [200, 429]


async def test_unknown_path_takes_nothing() -> None:
    harness = build({"GET /a": ECHO}, stage_throttles={"$default": ONCE})
    assert await statuses(harness, (), (), path="/b") == [404, 404]
    assert await statuses(harness, (), path="/a") == [200]


async def test_callers_never_become_series() -> None:
    """L3: a label is made of configuration; a thousand callers add nothing to it."""
    harness = build(
        throttle=ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="header", name="x-api-key"))
    )

    def series() -> int:
        return sum(len(family.samples) for family in harness.registry.collect())

    await statuses(harness, ("x-api-key: a",), ("x-api-key: a",))
    before = series()
    await statuses(harness, *((f"x-api-key: {number}",) for number in range(1000)), ("x-api-key: 7",))
    assert series() == before
    denied = harness.registry.get_sample_value(
        "lockgate_gateway_denials_total", {"route": "$default", "reason": "throttled"}
    )
    assert denied == 2


class Reloading:
    """Deployments over one `Services`, as reloads make them."""

    def __init__(self) -> None:
        self.services = Services(Issuers())
        self.harness = build(services=self.services)

    def load(self, *, fails: bool = False, **throttles: ThrottleSpec) -> None:
        """Serve ``GET /NAME`` for each throttle. A load that fails has asked for all but the last of them."""
        routes = [
            RouteSpec(key=RouteKey.parse(f"GET /{name}"), target=ECHO, throttle=spec)
            for name, spec in throttles.items()
        ]
        if fails:
            routes.append(
                RouteSpec(
                    key=RouteKey.parse("GET /bad"), target=ECHO, throttle=ThrottleSpec(rate=-1, burst=1)
                )
            )
        deployment = Deployment.build(
            names=NAMES,
            stages=[Stage()],
            routes=routes,
            locator=SingleLocator(self.harness.invoker),
            metrics=self.harness.metrics,
            services=self.services,
        )
        self.harness.gateway.swap(deployment)
        self.services.sweep()

    async def get(self, path: str) -> int:
        return (await self.harness.request("GET", path)).status


async def test_reload_keeps_the_bucket_of_an_equal_throttle() -> None:
    """A reload must not be a way to a full bucket."""
    world = Reloading()
    world.load(a=ONCE, b=ONCE)
    assert [await world.get(path) for path in ("/a", "/a", "/b")] == [200, 429, 200]
    world.load(a=ThrottleSpec(rate=0.001, burst=1), c=ONCE)
    assert [await world.get(path) for path in ("/a", "/c")] == [429, 200]


async def test_reload_begins_anew_where_the_throttle_has_changed() -> None:
    world = Reloading()
    world.load(a=ONCE)
    assert [await world.get("/a") for _ in range(2)] == [200, 429]
    world.load(a=ThrottleSpec(rate=0.001, burst=2))
    assert [await world.get("/a") for _ in range(3)] == [200, 200, 429]


async def test_bucket_that_no_deployment_asks_for_is_forgotten() -> None:
    world = Reloading()
    world.load(a=ONCE)
    assert await world.get("/a") == 200
    world.load(b=ONCE)
    world.load(a=ONCE)
    assert await world.get("/a") == 200


async def test_failed_reload_forgets_nothing() -> None:
    world = Reloading()
    world.load(a=ONCE)
    assert await world.get("/a") == 200
    with pytest.raises(DeploymentError):
        world.load(fails=True, b=ONCE)
    assert await world.get("/a") == 429
    world.load(a=ONCE)
    assert await world.get("/a") == 429


@pytest.mark.parametrize("by", [None, ThrottleKey(kind="source_ip")], ids=["all", "source_ip"])
async def test_burst_of_callers_at_once_gets_exactly_the_burst(by: ThrottleKey | None) -> None:
    harness = build(throttle=ThrottleSpec(rate=0.001, burst=20, by=by))
    received = await asyncio.gather(*(harness.request("GET", "/") for _ in range(60)))
    assert sorted(one.status for one in received) == [200] * 20 + [429] * 40
