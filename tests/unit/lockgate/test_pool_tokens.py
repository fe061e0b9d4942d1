"""Tokens of our own pools at the gateway's door: the keys are at hand, the claims arrive as AWS's do."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from auth.tokens.tokens import TokenSet
from gateway.app import Gateway
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.deployment import Deployment, RouteSpec
from gateway.integrations.function import FunctionTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.request_clock import RequestClock
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from tests.support.gateway_harness import NAMES, Harness, RecordingInvoker
from tests.support.token_world import (
    CLIENT,
    MACHINE,
    NOW,
    POOL,
    TokenWorld,
    issuer_of,
    later,
    live,
    make_keys_quickly,
    user,
)

NOW_S = int(NOW.timestamp())
SPEC = JwtSpec(
    issuer=IssuerSpec(issuer=issuer_of(POOL.pool_id), algorithms=("RS256",), user_pool=POOL.pool_id),
    audience=frozenset({CLIENT.client_id, MACHINE.client_id}),
)


class Feed:
    """The ring of this process, as the server gives it to its gateway."""

    def __init__(self, world: TokenWorld) -> None:
        self._world = world

    def document(self, pool_id: str) -> bytes:
        return self._world.ring.jwks(pool_id)

    async def renew(self, pool_id: str) -> None:
        await asyncio.to_thread(self._world.ring.refresh, NOW)


@dataclass
class Door:
    world: TokenWorld
    harness: Harness

    async def call(self, path: str, token: str) -> int:
        headers = (("host", "api.example.com"), ("authorization", f"Bearer {token}"))
        return (await self.harness.request("GET", path, headers=headers)).status

    @property
    def authorizer(self) -> dict[str, Any]:
        """Of the last call's event."""
        event: dict[str, Any] = json.loads(self.harness.invoker.calls[-1].payload)
        found: dict[str, Any] = event["requestContext"]["authorizer"]["jwt"]
        return found


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    world, registry, invoker = TokenWorld(), CollectorRegistry(), RecordingInvoker()
    metrics, issuers = GatewayMetrics(registry), Issuers(pools=Feed(world))
    issuers.start()
    deployment = Deployment.build(
        names=NAMES,
        stages=[Stage()],
        routes=[
            RouteSpec(key=RouteKey.parse("GET /open"), target=FunctionTarget(function="f"), authorizer=SPEC),
            RouteSpec(
                key=RouteKey.parse("GET /notes"),
                target=FunctionTarget(function="f"),
                authorizer=SPEC,
                scopes=("notes/read",),
            ),
        ],
        locator=SingleLocator(invoker),
        metrics=metrics,
        services=Services(issuers),
    )
    records: list[Any] = []
    gateway = Gateway(
        deployment, sink=records.append, metrics=metrics, clock=RequestClock(lambda: NOW_S * 10**9)
    )
    try:
        yield Door(world, Harness(gateway, invoker, metrics, registry, records))
    finally:
        await issuers.aclose()


@pytest.fixture(autouse=True, scope="module")
def _quick_keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_keys_quickly(patch)
        yield


def tokens(world: TokenWorld, *scopes: str) -> TokenSet:
    who = user(groups=("admin", "staff"))
    return world.tokens.of_grant(POOL, CLIENT, live(who, scopes=("openid", *scopes)), now=NOW)


async def test_claims_of_our_access_token_arrive_as_on_aws() -> None:
    """A20: all are text, groups in brackets; the scope opens the route, and the function is told of it."""
    async with door() as at:
        made = tokens(at.world, "notes/read")
        assert await at.call("/notes", made.access_token) == 200
        claims = at.authorizer["claims"]
        assert at.authorizer["scopes"] == ["openid", "notes/read"]
        assert claims["cognito:groups"] == "[admin staff]"
        assert claims["token_use"] == "access"
        assert claims["client_id"] == CLIENT.client_id
        assert claims["username"] == "Anna"
        assert claims["auth_time"] == str(NOW_S - 600)
        assert claims["version"] == "2"
        assert "aud" not in claims


async def test_claims_of_our_id_token_arrive_as_on_aws() -> None:
    """An unscoped route opens to an ID token, a scoped one does not: it has no scope (as on API Gateway)."""
    async with door() as at:
        made = tokens(at.world, "email", "notes/read")
        assert made.id_token is not None
        assert await at.call("/open", made.id_token) == 200
        assert at.authorizer["claims"]["email_verified"] == "true"
        assert at.authorizer["claims"]["cognito:username"] == "Anna"
        assert at.authorizer["scopes"] is None
        assert await at.call("/notes", made.id_token) == 403
        assert await at.call("/notes", made.access_token) == 200


async def test_a_machine_comes_in_by_its_scopes() -> None:
    """A18, J12: what it was not granted stays shut."""
    async with door() as at:
        reads = at.world.tokens.of_client(POOL, MACHINE, ("notes/read",), now=NOW).access_token
        writes = at.world.tokens.of_client(POOL, MACHINE, ("notes/write",), now=NOW).access_token
        assert await at.call("/notes", reads) == 200
        assert at.authorizer["claims"]["sub"] == MACHINE.client_id
        assert await at.call("/notes", writes) == 403


async def test_a_rotation_changes_nothing_for_those_who_call() -> None:
    """J17: the token of the old key and the first one of the new key are good with the very next request."""
    async with door() as at:
        old = tokens(at.world, "notes/read").access_token
        assert at.world.ring.rotate(POOL.pool_id, "access", NOW, published_s=0)
        new = tokens(at.world, "notes/read").access_token
        assert [await at.call("/notes", token) for token in (old, new)] == [200, 200]


async def test_a_token_dies_with_its_retired_key() -> None:
    """J17, J18: also one that was remembered; its twin is of the key that stays."""
    async with door() as at:
        old = tokens(at.world, "notes/read").access_token
        at.world.ring.rotate(POOL.pool_id, "access", NOW, published_s=0)
        new = tokens(at.world, "notes/read").access_token
        assert [await at.call("/notes", token) for token in (old, new)] == [200, 200]
        at.world.ring.refresh(later(days=2))
        assert [await at.call("/notes", token) for token in (old, new)] == [401, 200]


async def test_no_token_is_in_the_access_log() -> None:
    """L2: neither of one who is let in nor of one who is not."""
    async with door() as at:
        made = tokens(at.world, "notes/read")
        await at.call("/notes", made.access_token)
        await at.call("/notes", f"{made.access_token}x")
        shown = repr(at.harness.records)
        assert len(at.harness.records) == 2
        for part in made.access_token.split("."):
            assert part not in shown
