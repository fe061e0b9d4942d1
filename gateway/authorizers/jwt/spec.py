"""What a JWT authorizer is configured to be. Values only: equal ones share keys and caches over reloads."""

from dataclasses import dataclass
from typing import Literal

from gateway.selection import Selection

RS_FAMILY = ("RS256", "RS384", "RS512")  # API Gateway takes RSA with PKCS #1 v1.5 only
PS_FAMILY = ("PS256", "PS384", "PS512")
ES_FAMILY = ("ES256", "ES384", "ES512")
FAMILIES = (RS_FAMILY, PS_FAMILY, ES_FAMILY)

DEFAULT_IDENTITY_SOURCE = Selection.parse("$request.header.Authorization")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSpec:
    """:param issuer: exactly what ``iss`` must be, and where discovery begins.
    :param algorithms: of one of `FAMILIES` (J1).
    :param allow_http: plain http also beyond loopback.
    """

    issuer: str
    algorithms: tuple[str, ...] = RS_FAMILY
    allow_http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSpec:
    """:param audience: accepted ``aud``, or ``client_id`` where ``aud`` is absent; never empty.
    :param token_use: None: not checked, as on API Gateway.
    :param leeway_s: 0 to 60, for ``exp``, ``nbf`` and ``iat`` alike.
    """

    issuer: IssuerSpec
    audience: frozenset[str]
    identity_source: Selection = DEFAULT_IDENTITY_SOURCE
    token_use: Literal["access", "id"] | None = None
    leeway_s: int = 0
