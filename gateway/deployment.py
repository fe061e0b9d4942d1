"""The deployment: routes, stages and names compiled into one immutable value that requests only read.

Building is synchronous, may run on any thread, and reads the files of ``respond:`` routes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.connection import Connection
from gateway.errors import DeploymentError
from gateway.exchange import ApiNames, Authorization, Exchange
from gateway.integrations.function import FunctionIntegration, FunctionTarget, LargeAnswers
from gateway.integrations.respond import RespondTarget, build_respond
from gateway.ledger import Ledger
from gateway.locator import Locator
from gateway.metrics import GatewayMetrics, RouteMetrics
from gateway.response import HttpResponse
from gateway.route_key import RouteKey, find_conflicts
from gateway.route_table import RouteTable
from gateway.stage import Stage, StageSet


class Integration(Protocol):
    """Answers the requests of one route.

    :param body_limit: the largest request body that it takes, bytes; None: it never looks at the body.
    """

    body_limit: int | None

    async def answer(self, exchange: Exchange, connection: Connection, ledger: Ledger) -> HttpResponse: ...


class Authorizer(Protocol):
    """Decides on a request before its body is read."""

    async def authorize(self, exchange: Exchange) -> Authorization:
        """:raises GatewayError: the request is refused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec:
    """One route as configured. :param authorizer: None: the route is public."""

    key: RouteKey
    target: FunctionTarget | RespondTarget
    authorizer: Authorizer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """One route, ready to be run."""

    key: RouteKey
    integration: Integration
    authorizer: Authorizer | None
    metrics: RouteMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    names: ApiNames
    stages: StageSet
    routes: RouteTable[RoutePlan]

    @classmethod
    def build(
        cls,
        *,
        names: ApiNames,
        stages: Iterable[Stage],
        routes: Iterable[RouteSpec],
        locator: Locator,
        metrics: GatewayMetrics,
    ) -> "Deployment":
        """Compile; what does not depend on a request is computed here.

        :raises DeploymentError: two routes for the same requests, a bad stage, or a ``respond:`` that
            cannot be.
        """
        specs = list(routes)
        for conflict in find_conflicts(spec.key for spec in specs):
            if conflict.kind == "duplicate":
                raise DeploymentError(conflict.reason)
        large_answers = LargeAnswers()
        plans = [(spec.key, _plan(spec, locator, large_answers, metrics)) for spec in specs]
        return cls(names=names, stages=StageSet(stages), routes=RouteTable(plans))


def _plan(
    spec: RouteSpec, locator: Locator, large_answers: LargeAnswers, metrics: GatewayMetrics
) -> RoutePlan:
    try:
        integration: Integration
        if isinstance(spec.target, FunctionTarget):
            integration = FunctionIntegration(spec.target, locator, large_answers)
        else:
            integration = build_respond(spec.target)
    except DeploymentError as exc:
        raise DeploymentError(f"{spec.key.text}: {exc}") from exc
    return RoutePlan(
        key=spec.key,
        integration=integration,
        authorizer=spec.authorizer,
        metrics=metrics.route(spec.key.text),
    )
