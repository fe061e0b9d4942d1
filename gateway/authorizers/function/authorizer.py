"""The Lambda authorizer: identity, cached answer or one call of the function, decision. Whatever fails, closes (J19).

State: the answers that are kept and the calls in flight. Both belong to the configuration, so they outlive a reload
that leaves it as it is, also when the function's code changed: an answer holds for its time, as on API Gateway.
"""

import os
import time
from collections.abc import Callable, Coroutine

from gateway.authorizers.function.answer import Answer
from gateway.authorizers.function.cache import AnswerCache
from gateway.authorizers.function.call import AuthorizerFunction, Failure
from gateway.authorizers.function.explanation import Explanation, explain_cached, explain_call, explain_fault
from gateway.authorizers.function.flights import Flights
from gateway.authorizers.function.identity import KEY_BYTES, cache_key, fault_of, joined, read_identity
from gateway.authorizers.function.route_arn import route_arn
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.errors import AccessDenied
from gateway.exchange import Authorization, Exchange
from gateway.locator import Locator


class FunctionAuthorizer:
    """:param clock: monotonic seconds."""

    def __init__(self, spec: FunctionAuthorizerSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec = spec
        self.clock = clock
        self.function = AuthorizerFunction(spec)
        # Without an identity all callers would share one answer; a route, a stage or a host is nobody's.
        self.keeps_answers = spec.ttl_s > 0 and any(source.is_identity for source in spec.identity_source)
        self.cache = AnswerCache(spec.ttl_s)
        self.flights: Flights[Answer | Failure] = Flights(f"authorizer {spec.name}")
        self._salt = os.urandom(KEY_BYTES)
        self._is_per_route = spec.simple_responses and spec.payload_version == "2.0"

    def __repr__(self) -> str:
        return f"<FunctionAuthorizer {self.spec.name} calls {self.spec.function}, {self.cache!r}>"

    def for_route(self, locator: Locator) -> "FunctionGate":
        return FunctionGate(self, locator)

    def key_of(self, exchange: Exchange, identity: list[list[str]]) -> bytes:
        return cache_key(self._salt, exchange, identity, is_per_route=self._is_per_route)


class FunctionGate:
    """An authorizer as the routes of one deployment use it."""

    def __init__(self, authorizer: FunctionAuthorizer, locator: Locator) -> None:
        self._authorizer = authorizer
        self._locator = locator

    def __repr__(self) -> str:
        return f"<FunctionGate {self._authorizer!r}>"

    @property
    def spec(self) -> FunctionAuthorizerSpec:
        return self._authorizer.spec

    async def authorize(self, exchange: Exchange) -> Authorization:
        """Let the exchange pass, or raise.

        :raises Unauthorized: something is missing at an identity source; the function was not called.
        :raises AccessDenied: the function's answer does not allow it.
        :raises AuthorizerFailure: the function gave no usable answer.
        :raises AuthorizerSaturated: there was no room to call it.
        :raises BadRequest: the query has too many pairs.
        """
        identity = read_identity(self._authorizer.spec.identity_source, exchange)
        found = await self._find(exchange, identity)
        if isinstance(found, Failure):
            raise found.error()
        verdict = found.decide(route_arn(exchange))
        if not verdict.is_allowed:
            raise AccessDenied("authorizer_denied", f"{self._authorizer.spec.function}: {verdict.why}")
        return found.authorization

    async def _find(self, exchange: Exchange, identity: list[list[str]]) -> Answer | Failure:
        authorizer = self._authorizer
        if not authorizer.keeps_answers:
            return await self._ask(exchange, identity)
        key = authorizer.key_of(exchange, identity)
        kept = authorizer.cache.get(key, authorizer.clock())
        if kept is not None:
            return kept
        return await authorizer.flights.join(key, lambda: self._ask_and_keep(key, exchange, identity))

    def _ask_and_keep(
        self, key: bytes, exchange: Exchange, identity: list[list[str]]
    ) -> Coroutine[object, object, Answer | Failure]:
        # The event is made before there is a call to share: a request that cannot be shown is nobody else's fault.
        event = self._event(exchange, identity)
        return self._call_and_keep(key, event, exchange.request.trace.call)

    async def _call_and_keep(self, key: bytes, event: bytes, trace: str) -> Answer | Failure:
        found = await self._authorizer.function.ask(self._locator, event, trace)
        if isinstance(found, Answer):
            self._authorizer.cache.put(key, found, self._authorizer.clock())
        return found

    async def _ask(self, exchange: Exchange, identity: list[list[str]]) -> Answer | Failure:
        event = self._event(exchange, identity)
        return await self._authorizer.function.ask(self._locator, event, exchange.request.trace.call)

    def _event(self, exchange: Exchange, identity: list[list[str]]) -> bytes:
        # No identity source is null in the event, not an empty list.
        values = joined(identity) if self._authorizer.spec.identity_source else None
        return self._authorizer.function.event(exchange, values)

    def explain(self, exchange: Exchange) -> Explanation:
        """Say what `authorize` would do, and do nothing of it: no call, and no trace in the cache.

        :raises BadRequest: the query has too many pairs.
        """
        authorizer = self._authorizer
        sources = authorizer.spec.identity_source
        identity = [source.resolve_all(exchange) for source in sources]
        faults = [fault_of(source, values) for source, values in zip(sources, identity, strict=True)]
        seen = tuple((source.text, fault) for source, fault in zip(sources, faults, strict=True))
        fault = next((fault for fault in faults if fault is not None), None)
        if fault is not None:
            return explain_fault(seen, fault)
        if authorizer.keeps_answers:
            now = authorizer.clock()
            entry = authorizer.cache.peek(authorizer.key_of(exchange, identity), now)
            if entry is not None:
                verdict = entry.answer.decide(route_arn(exchange))
                return explain_cached(seen, verdict, entry.until_mono - now)
        return explain_call(seen, authorizer.spec)
