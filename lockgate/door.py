"""From the file's words for who may call to the gateway's. A mapping only: the file has been checked."""

from dataclasses import dataclass
from typing import Literal, cast

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.cors import CorsSpec
from gateway.throttling.spec import ThrottleSpec
from lockgate.config.grammar.authorizers import FunctionAuthorizer, JwtAuthorizer
from lockgate.config.grammar.cors import Cors
from lockgate.config.grammar.throttle import Throttle
from lockgate.pool_names import PoolNames

POOL_ALGORITHM = "RS256"  # J1: what our own pools sign with, as Cognito's do


def authorizer_spec(
    name: str, authorizer: JwtAuthorizer | FunctionAuthorizer, pools: PoolNames
) -> JwtSpec | FunctionAuthorizerSpec:
    if isinstance(authorizer, JwtAuthorizer):
        return _jwt_spec(authorizer, pools)
    return FunctionAuthorizerSpec(
        name=name,
        function=authorizer.function,
        identity_source=authorizer.identity_source,
        payload_version=cast(Literal["1.0", "2.0"], authorizer.payload),
        simple_responses=authorizer.has_simple_responses,
        ttl_s=authorizer.ttl_s,
    )


def _jwt_spec(authorizer: JwtAuthorizer, pools: PoolNames) -> JwtSpec:
    return JwtSpec(
        issuer=_issuer_spec(authorizer, pools),
        audience=_audience(authorizer, pools),
        identity_source=authorizer.identity_source,
        token_use=authorizer.token_use,
        leeway_s=authorizer.leeway_s,
    )


def _issuer_spec(authorizer: JwtAuthorizer, pools: PoolNames) -> IssuerSpec:
    if authorizer.user_pool is not None:
        return IssuerSpec(
            issuer=pools.issuer(authorizer.user_pool),
            algorithms=(POOL_ALGORITHM,),
            user_pool=pools.pools[authorizer.user_pool].pool_id,
        )
    assert authorizer.issuer is not None  # `check` refuses an authorizer without
    return IssuerSpec(
        issuer=authorizer.issuer, algorithms=authorizer.algorithms, allow_http=authorizer.allow_http
    )


def _audience(authorizer: JwtAuthorizer, pools: PoolNames) -> frozenset[str]:
    """The ids of the clients that it names; of all that the pool has where it names none."""
    if authorizer.user_pool is None:
        return frozenset(authorizer.audience)
    clients = pools.pools[authorizer.user_pool].clients
    return frozenset(clients[name] for name in authorizer.clients or clients)


def cors_spec(cors: Cors) -> CorsSpec:
    return CorsSpec(
        allow_origins=cors.allow_origins,
        allow_methods=cors.allow_methods,
        allow_headers=cors.allow_headers,
        expose_headers=cors.expose_headers,
        max_age_s=cors.max_age_s,
        allow_credentials=cors.allow_credentials,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of a limit is this process's. :param index: 0 … *of* - 1."""

    index: int
    of: int

    def burst(self, whole: int) -> int:
        """All shares together are *whole*, but for one that is smaller than *of*: no bucket is without a token."""
        return max(1, whole // self.of + (self.index < whole % self.of))


WHOLE = Share(index=0, of=1)


def throttle_spec(throttle: Throttle, share: Share = WHOLE) -> ThrottleSpec:
    return ThrottleSpec(rate=throttle.rate / share.of, burst=share.burst(throttle.burst), by=throttle.by)
