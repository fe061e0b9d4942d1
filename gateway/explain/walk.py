"""The way of a request through the pipeline, in its order and by its own steps, taken without acting.

No function is called, no key fetched, no token taken from a bucket, nothing kept. What only a real request would
show is ``unknown``, and the way goes on as if it had passed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import pipeline
from gateway.connection import Connection, Scope
from gateway.deployment import Deployment, RoutePlan
from gateway.errors import Denial, GatewayError, NotFound, TooManyRequests
from gateway.exchange import Authorization, Exchange
from gateway.explain import answers
from gateway.explain.door import Opinion, opinion, token_source
from gateway.explain.near import nearest
from gateway.explain.question import EdgeRefusal, Question, scope_of, with_token
from gateway.explain.token_steps import shown_claims
from gateway.explain.values import Answer, Asked, Explanation, Integration, NotChosen, Outcome, Step
from gateway.integrations.function import FunctionIntegration
from gateway.ledger import Ledger
from gateway.path import canonical_path
from gateway.query import check_query, parse_query
from gateway.request import HttpRequest
from gateway.request_clock import Moment
from gateway.response import HttpResponse
from gateway.route_table import Match
from gateway.stage import Stage
from gateway.throttling.throttle import Throttle
from kit.edge_limits import EdgeLimits
from kit.forwarded import NO_TRUST, ProxyTrust


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """:param is_live: the deployment serves requests, so that its buckets mean something.
    :param all_claims: show also claims that may name a person.
    """

    at: Moment
    trust: ProxyTrust = NO_TRUST
    limits: EdgeLimits = field(default_factory=EdgeLimits)
    is_live: bool = False
    all_claims: bool = False


async def explain(deployment: Deployment, question: Question, terms: Terms) -> Explanation:
    """Explain one request. The routes that were not chosen are looked for on a worker thread."""
    way = _Way(deployment, question, terms)
    try:
        await way.go()
    except EdgeRefusal as error:
        way.refuse(error, answers.of_edge(error))
    except GatewayError as error:
        assert way.request is not None
        way.refuse(error, answers.of_error(error, way.request, deployment.cors))
    near: tuple[NotChosen, ...] = ()
    if way.segments is not None:
        keys = (plan.key for plan in deployment.routes)
        chosen = None if way.plan is None else way.plan.key
        near = await asyncio.to_thread(nearest, keys, question.method, way.segments, chosen)
    return way.told(near)


class _Way:
    """How far the request has come. :ivar segments: that routes are matched against, once they are known."""

    def __init__(self, deployment: Deployment, question: Question, terms: Terms) -> None:
        self.request: HttpRequest | None = None
        self.segments: list[str] | None = None
        self.plan: RoutePlan | None = None
        self._deployment = deployment
        self._question = question
        self._terms = terms
        self._steps: list[Step] = []
        self._at = "request"
        self._stage: Stage | None = None
        self._parameters: Mapping[str, str] = {}
        self._opinion: Opinion | None = None
        self._answer: Answer | None = None
        self._integration: Integration | None = None
        self._error: GatewayError | None = None
        self._end = ""

    async def go(self) -> None:
        """:raises GatewayError: the step that is noted as the current one refuses."""
        scope = scope_of(self._question, self._terms.limits)
        request = self.request = self._request(scope)
        self._pass(
            "request",
            f"{request.method} from {request.source_ip}, {_count(len(scope['headers']) - 1, 'header')} beside Host",
        )
        found = self._select(request)
        if found is None:
            return
        plan, stage, raw_query = found
        if self._question.token is not None:
            request, raw_query = self._place_token(scope, plan, request, raw_query)
        exchange = Exchange(
            names=self._deployment.names,
            request=request,
            path=canonical_path(request.raw_path),
            raw_query=raw_query,
            stage=stage,
            key=plan.key,
            parameters=dict(self._parameters),
        )
        self._throttle("throttle", self._deployment.throttle_of(plan, stage), exchange)
        self._authorize(plan, exchange)
        self._throttle("quota", plan.quota, exchange)
        await self._integrate(plan, exchange, Connection(scope, _unread))

    def _request(self, scope: Scope) -> HttpRequest:
        return HttpRequest.from_scope(scope, self._terms.at, bytes, self._terms.trust)

    def _select(self, request: HttpRequest) -> tuple[RoutePlan, Stage, str] | None:
        """Everything up to the route; None: CORS has answered."""
        deployment = self._deployment
        self._at = "host"
        pipeline.check_host(deployment.names, request.host)
        limited = "one of server.domains" if deployment.names.domains else "any host is answered"
        self._pass("host", f"{request.host}: {limited}")
        self._at = "path"
        path = canonical_path(request.raw_path)
        raw_query = check_query(request.raw_query)
        self._pass("path", f"{path.text}, and a query" if raw_query else path.text)
        self._at = "stage"
        try:
            stage, segments = deployment.stages.select(path.segments)
        except NotFound as error:
            raise NotFound(f"{error.detail}; there are {', '.join(deployment.stages.names)}") from error
        self._stage, self.segments = stage, segments
        self._pass("stage", stage.name)
        if self._is_preflight(request):
            return None
        self._at = "route"
        match = deployment.routes.match(request.method, segments)
        if match is None:
            raise NotFound("no route matches")
        self._take(match)
        return match.value, stage, raw_query

    def _is_preflight(self, request: HttpRequest) -> bool:
        cors = self._deployment.cors
        if cors is None:
            return False
        response = cors.preflight(request)
        if response is None:
            return False
        allowed = any(name == b"access-control-allow-origin" for name, _ in response.headers)
        origin = (
            "its origin is allowed" if allowed else "its origin is not allowed, so a browser goes no further"
        )
        self._end = f"A preflight, which cors: answers for every path: {origin}."
        self._pass("preflight", f"answered by cors:, before any route; {origin}")
        self._answer = answers.of_preflight(response, request)
        return True

    def _take(self, match: Match[RoutePlan]) -> None:
        self.plan, self._parameters = match.value, match.parameters
        values = ", ".join(f"{name} = {value}" for name, value in match.parameters.items())
        self._pass("route", f"{match.value.key.text}{f' with {values}' if values else ''}")

    def _place_token(
        self, scope: Scope, plan: RoutePlan, request: HttpRequest, raw_query: str
    ) -> tuple[HttpRequest, str]:
        source = token_source(plan.authorizer)
        if source is None:
            self._pass("token", "this route looks at no token: the one that was given is left out")
            return request, raw_query
        self._at = "token"
        placed = with_token(scope, self._question.token or "", source, self._terms.limits)
        self._pass("token", f"put at {source.text}")
        self.request = self._request(placed)
        return self.request, check_query(self.request.raw_query)

    def _throttle(self, name: str, throttle: Throttle | None, exchange: Exchange) -> None:
        self._at = name
        if throttle is None:
            return
        if not self._terms.is_live:
            self._note(name, "unknown", f"{throttle.text}; only a running server knows what is left")
            return
        if name == "quota" and self._is_open:
            self._note(name, "unknown", f"{throttle.text}; it depends on the caller, who is not known yet")
            return
        room = throttle.peek(exchange)
        if room.wait_s:
            raise TooManyRequests(f"throttled: {throttle.text}", retry_after_s=room.wait_s)
        self._pass(name, f"{throttle.text}: {room.tokens} left")

    def _authorize(self, plan: RoutePlan, exchange: Exchange) -> None:
        self._at = "authorizer"
        if plan.authorizer is None:
            self._pass("authorizer", "the route is public")
            return
        self._opinion = found = opinion(plan.authorizer, exchange)
        self._steps.append(found.step)
        if found.error is not None:
            raise found.error
        exchange.authorization = found.authorization or Authorization(v2={}, v1={})

    async def _integrate(self, plan: RoutePlan, exchange: Exchange, connection: Connection) -> None:
        integration = plan.integration
        self._at = "body"
        limit_bytes = pipeline.body_limit(connection, integration.body_limit)
        if limit_bytes is None:
            self._pass("body", "not looked at")
        else:
            connection.body_now(limit_bytes)
            self._pass("body", f"{limit_bytes:,} bytes at most, and no more as an event")
        self._at = "integration"
        if isinstance(integration, FunctionIntegration):
            target = integration.target
            parse_query(exchange.raw_query)  # its event would need the pairs
            self._end = (
                f"The function {target.function} would be called, with at most {target.timeout_s:g} s."
            )
            self._integration = Integration(
                function=target.function, payload=target.payload_version, timeout_s=target.timeout_s
            )
            sentence = (
                f"calls {target.function}, payload {target.payload_version}, at most {target.timeout_s:g} s"
            )
            self._pass("integration", sentence)
            return
        response: HttpResponse = await integration.answer(exchange, connection, Ledger(plan.metrics))
        self._integration = Integration(function=None)
        self._end = "The route's respond: would answer, without a function."
        self._pass("integration", f"respond: {response.status}, {len(response.body)} bytes")
        if not self._is_open:
            self._answer = answers.of_respond(response, exchange.request, self._deployment.cors)

    @property
    def _is_open(self) -> bool:
        """Whether nobody knows yet if the request is let in."""
        return self._opinion is not None and self._opinion.step.outcome == "unknown"

    def refuse(self, error: GatewayError, answer: Answer) -> None:
        """End the way at the current step. Behind an authorizer that would have to be asked nothing is certain."""
        if not self._is_open:
            self._error, self._answer = error, answer
        if not self._steps or self._steps[-1].outcome != "refused":
            self._note(self._at, "refused", error.detail)

    def _pass(self, name: str, sentence: str) -> None:
        self._note(name, "ok", sentence)

    def _note(self, name: str, outcome: Outcome, sentence: str) -> None:
        self._steps.append(Step(name=name, outcome=outcome, sentence=sentence))

    def told(self, near: tuple[NotChosen, ...]) -> Explanation:
        question, request, door, error = self._question, self.request, self._opinion, self._error
        claims, others = shown_claims(
            None if door is None else door.claims, all_of_them=self._terms.all_claims
        )
        return Explanation(
            asked=Asked(
                method=question.method,
                path=question.path,
                host=question.host,
                source_ip=question.peer if request is None else request.source_ip,
                headers=question.header_names,
                has_token=question.token is not None,
            ),
            verdict="refused" if error is not None else "unknown" if self._is_open else "allowed",
            sentence=self._sentence(),
            steps=tuple(self._steps),
            stage=None if self._stage is None else self._stage.name,
            route=None if self.plan is None else self.plan.key.text,
            parameters=self._parameters,
            not_chosen=near,
            did_you_mean=_meant(near) if isinstance(error, NotFound) else None,
            code=None if error is None else error.code,
            reason=error.reason if isinstance(error, Denial) else None,
            answer=self._answer,
            integration=self._integration,
            authorizer_s=0.0 if door is None else door.longest_s,
            claims=claims,
            other_claims=others,
        )

    def _sentence(self) -> str:
        if self._error is not None:
            last = self._steps[-1]
            return f"{(last.checks or (last,))[-1].sentence}."
        if self._is_open and self._opinion is not None:
            return f"{self._opinion.step.sentence}."
        return self._end


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _meant(near: tuple[NotChosen, ...]) -> str | None:
    return next((each.instead for each in near if each.instead is not None), None)


async def _unread() -> dict[str, object]:
    raise AssertionError("nobody reads the body of a request that was not sent")
