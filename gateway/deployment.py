"""The deployment: routes, stages and names compiled into one immutable value that requests only read.

Building is synchronous, may run on any thread, and reads the files of ``respond:`` routes.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.authorizer import JwtGate
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.connection import Connection
from gateway.cors import CorsPolicy, CorsSpec
from gateway.errors import DeploymentError
from gateway.exchange import ApiNames, Authorization, Exchange
from gateway.integrations.function import FunctionIntegration, FunctionTarget, LargeAnswers
from gateway.integrations.large_files import LargeFiles
from gateway.integrations.respond import build_respond
from gateway.ledger import Ledger
from gateway.locator import Locator
from gateway.metrics import GatewayMetrics, RouteMetrics
from gateway.response import HttpResponse
from gateway.route_key import RouteKey, find_conflicts
from gateway.route_spec import Authorizer, RouteSpec
from gateway.route_table import RouteTable
from gateway.services import Services
from gateway.stage import Stage, StageSet
from gateway.throttling.spec import ThrottleSpec
from gateway.throttling.throttle import Throttle


class Integration(Protocol):
    """Answers the requests of one route.

    :param body_limit: the largest request body that it takes, bytes; None: it never looks at the body.
    """

    body_limit: int | None

    async def answer(self, exchange: Exchange, connection: Connection, ledger: Ledger) -> HttpResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """One route, ready to be run.

    :param recall: what the authorizer knows without waiting; None in place of it or of its answer: ask `authorizer`.
    :param throttle: asked before the authorizer; :param quota: after it, because it counts by a claim.
    """

    key: RouteKey
    integration: Integration
    authorizer: Authorizer | None
    recall: Callable[[Exchange], Authorization | None] | None
    throttle: Throttle | None
    quota: Throttle | None
    metrics: RouteMetrics


class Visits:
    """The requests that a deployment is answering now: it is done with when it is replaced and they have ended."""

    __slots__ = ("_ended", "count")

    def __init__(self) -> None:
        self.count = 0
        self._ended: asyncio.Event | None = None

    def leave(self) -> None:
        self.count -= 1
        if self._ended is not None and not self.count:
            self._ended.set()

    async def ended(self) -> None:
        """Wait for the last of them; nothing new may begin."""
        if self.count:
            self._ended = asyncio.Event()
            await self._ended.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """:param stage_throttles: stage name → what its routes without one of their own take from together.
    :param logged_claims: whose values the access record holds.
    """

    names: ApiNames
    stages: StageSet
    routes: RouteTable[RoutePlan]
    cors: CorsPolicy | None
    stage_throttles: Mapping[str, Throttle]
    logged_claims: tuple[str, ...]
    visits: Visits

    @classmethod
    def build(
        cls,
        *,
        names: ApiNames,
        stages: Iterable[Stage],
        routes: Iterable[RouteSpec],
        locator: Locator,
        metrics: GatewayMetrics,
        services: Services,
        cors: CorsSpec | None = None,
        stage_throttles: Mapping[str, ThrottleSpec] | None = None,
        logged_claims: tuple[str, ...] = (),
    ) -> "Deployment":
        """Compile; what does not depend on a request is computed here.

        :raises DeploymentError: two routes for the same requests, a bad stage, or a ``respond:`` that
            cannot be.
        """
        specs = list(routes)
        for conflict in find_conflicts(spec.key for spec in specs):
            if conflict.kind == "duplicate":
                raise DeploymentError(conflict.reason)
        large_answers, large_files = LargeAnswers(), LargeFiles()
        services.begin()
        plans = [
            (spec.key, _plan(spec, locator, large_answers, large_files, metrics, services)) for spec in specs
        ]
        return cls(
            names=names,
            stages=StageSet(stages),
            routes=RouteTable(plans),
            cors=None if cors is None else CorsPolicy(cors),
            stage_throttles={
                name: services.throttle(f"stage {name}", spec)
                for name, spec in (stage_throttles or {}).items()
            },
            logged_claims=logged_claims,
            visits=Visits(),
        )

    def throttle_of(self, plan: RoutePlan, stage: Stage) -> Throttle | None:
        """What a request takes from before its authorizer: the route's, else the stage's.

        A route that counts by a claim does so after its authorizer: the stage's still stands before that, or
        requests without a good token would be unlimited.
        """
        return plan.throttle or self.stage_throttles.get(stage.name)


def _plan(
    spec: RouteSpec,
    locator: Locator,
    large_answers: LargeAnswers,
    large_files: LargeFiles,
    metrics: GatewayMetrics,
    services: Services,
) -> RoutePlan:
    try:
        integration: Integration
        if isinstance(spec.target, FunctionTarget):
            integration = FunctionIntegration(spec.target, locator, large_answers)
        else:
            integration = build_respond(spec.target, large_files)
    except DeploymentError as exc:
        raise DeploymentError(f"{spec.key.text}: {exc}") from exc
    throttle = None if spec.throttle is None else services.throttle(spec.key.text, spec.throttle)
    is_quota = spec.throttle is not None and spec.throttle.by is not None and spec.throttle.by.kind == "claim"
    authorizer = _authorizer(spec, locator, services)
    return RoutePlan(
        key=spec.key,
        integration=integration,
        authorizer=authorizer,
        recall=authorizer.recall if isinstance(authorizer, JwtGate) else None,
        throttle=None if is_quota else throttle,
        quota=throttle if is_quota else None,
        metrics=metrics.route(spec.key.text),
    )


def _authorizer(spec: RouteSpec, locator: Locator, services: Services) -> Authorizer | None:
    if isinstance(spec.authorizer, JwtSpec):
        return services.jwt(spec.authorizer).for_route(spec.scopes)
    if isinstance(spec.authorizer, FunctionAuthorizerSpec):
        return services.function(spec.authorizer).for_route(locator)
    return spec.authorizer
