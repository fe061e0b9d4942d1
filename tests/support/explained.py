"""A gateway and the explanations of what it does: the same request goes to both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.app import Gateway
from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.cors import CorsSpec
from gateway.deployment import Deployment, RouteSpec
from gateway.exchange import ApiNames
from gateway.explain.question import Question
from gateway.explain.values import REQUEST_ID, Explanation
from gateway.explain.walk import Terms, explain
from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.request_clock import Moment, RequestClock
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from gateway.throttling.spec import ThrottleSpec
from tests.support.gateway_harness import NAMES, Harness, Received, RecordingInvoker
from tests.support.jwt_world import NOW_S, FakeKeys, rsa_key, spec

HOST = "api.example.com"
NOTES = FunctionTarget(function="notes", timeout_s=12)


@dataclass(frozen=True)
class Route:
    """:param scopes: None: public; else behind the JWT authorizer with so many scopes."""

    key: str
    scopes: tuple[str, ...] | None = None
    throttle: ThrottleSpec | None = None
    target: FunctionTarget | RespondTarget = NOTES
    authorizer: Any = None


class World:
    """:ivar harness: the real gateway over `deployment`."""

    def __init__(
        self,
        *routes: Route,
        keys: FakeKeys | None = None,
        token: JwtSpec | None = None,
        cors: CorsSpec | None = None,
        stages: Iterable[Stage] = (Stage(),),
        names: ApiNames = NAMES,
        now_s: float = NOW_S,
    ) -> None:
        self.now_s = now_s
        self.invoker = RecordingInvoker()
        self.keys = keys or FakeKeys(rsa_key())
        self.authorizer = JwtAuthorizer(token or spec(), self.keys)
        registry = CollectorRegistry()
        metrics = GatewayMetrics(registry)
        self.deployment = Deployment.build(
            names=names,
            stages=stages,
            routes=[self._route(route) for route in routes],
            locator=SingleLocator(self.invoker),
            metrics=metrics,
            services=Services(Issuers()),
            cors=cors,
        )
        records: list[Any] = []
        gateway = Gateway(
            self.deployment,
            sink=records.append,
            metrics=metrics,
            clock=RequestClock(lambda: int(now_s * 10**9)),
        )
        self.harness = Harness(gateway, self.invoker, metrics, registry, records)

    def _route(self, route: Route) -> RouteSpec:
        gate = None if route.scopes is None else self.authorizer.for_route(route.scopes)
        return RouteSpec(
            key=RouteKey.parse(route.key),
            target=route.target,
            authorizer=gate or route.authorizer,
            throttle=route.throttle,
        )

    async def explain(
        self,
        method: str,
        target: str | bytes,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        host: str = HOST,
        live: bool = True,
        **more: Any,
    ) -> Explanation:
        """:param more: `token` and `peer` of the question, `all_claims` of the terms."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        terms = {name: more.pop(name) for name in ("all_claims", "trust") if name in more}
        question = Question(
            method=method,
            target=target.encode("latin-1") if isinstance(target, str) else target,
            host=host,
            headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs),
            **more,
        )
        at = Moment(int(self.now_s * 1000), "")
        return await explain(self.deployment, question, Terms(at=at, is_live=live, **terms))

    async def request(
        self,
        method: str,
        target: str | bytes,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        host: str = HOST,
    ) -> Received:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        return await self.harness.request(method, target, headers=[("host", host), *pairs])


def answer_of(found: Explanation) -> tuple[int, list[tuple[str, str]], bytes | None]:
    """Status, headers and body of the answer; the status is 0 where there is none."""
    if found.answer is None:
        return 0, [], None
    headers = [(name.decode(), value.decode()) for name, value in found.answer.headers]
    return found.answer.status, sorted(headers), found.answer.body


def received_of(received: Received) -> tuple[int, list[tuple[str, str]], bytes]:
    """The same of what a client got; its id is replaced."""
    headers = [(name, REQUEST_ID if name == "apigw-requestid" else value) for name, value in received.headers]
    return received.status, sorted(headers), received.body
