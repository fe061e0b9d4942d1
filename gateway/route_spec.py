"""One route as configured: values only. Who merely compares or passes on routes need not load what serves them."""

from dataclasses import dataclass
from typing import Protocol

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.exchange import Authorization, Exchange
from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.route_key import RouteKey
from gateway.throttling.spec import ThrottleSpec


class Authorizer(Protocol):
    """Decides on a request before its body is read."""

    async def authorize(self, exchange: Exchange) -> Authorization:
        """:raises GatewayError: the request is refused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec:
    """One route as configured.

    :param authorizer: None: the route is public.
    :param scopes: any one of them must be in the token; none: the token alone is enough.
    :param throttle: None: the stage's.
    """

    key: RouteKey
    target: FunctionTarget | RespondTarget
    authorizer: JwtSpec | FunctionAuthorizerSpec | Authorizer | None = None
    scopes: tuple[str, ...] = ()
    throttle: ThrottleSpec | None = None
