"""What a JWT authorizer is configured to be. Values only: equal ones share keys and caches over reloads."""

from dataclasses import dataclass
from typing import Literal

from gateway.errors import DeploymentError
from gateway.selection import Selection
from kit.jwt.algorithms import FAMILIES, RS_FAMILY
from kit.jwt.claims import ClaimRules

# 60: clocks that are further apart are broken (J9).
MAX_LEEWAY_S = 60

DEFAULT_IDENTITY_SOURCE = Selection.parse("$request.header.Authorization")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSpec:
    """:param issuer: exactly what ``iss`` must be, and where discovery begins.
    :param algorithms: of one of `FAMILIES` (J1).
    :param allow_http: plain http also beyond loopback.
    :param user_pool: the id of a pool of this installation, whose keys are at hand; empty: they are fetched. A process
        that has no keys of pools fetches these as well.

    :raises DeploymentError: algorithms of no family, or of two.
    """

    issuer: str
    algorithms: tuple[str, ...] = RS_FAMILY
    allow_http: bool = False
    user_pool: str = ""

    def __post_init__(self) -> None:
        wanted = set(self.algorithms)
        if not wanted or not any(wanted <= set(family) for family in FAMILIES):  # J1
            listed = " or ".join(", ".join(family) for family in FAMILIES)
            raise DeploymentError(
                f"algorithms must be some of {listed}, not {', '.join(self.algorithms) or 'none'}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSpec:
    """:param audience: accepted ``aud``, or ``client_id`` where ``aud`` is absent; never empty.
    :param identity_source: a header or a query parameter.
    :param token_use: None: not checked, as on API Gateway.
    :param leeway_s: 0 to 60, for ``exp``, ``nbf`` and ``iat`` alike.

    :raises DeploymentError: one of them is not so.
    """

    issuer: IssuerSpec
    audience: frozenset[str]
    identity_source: Selection = DEFAULT_IDENTITY_SOURCE
    token_use: Literal["access", "id"] | None = None
    leeway_s: int = 0

    def __post_init__(self) -> None:
        if not self.audience or "" in self.audience:  # J11: a token for nobody is not for us
            raise DeploymentError("a JWT authorizer needs an audience")
        if not 0 <= self.leeway_s <= MAX_LEEWAY_S:  # J9
            raise DeploymentError(f"the leeway must be 0 to {MAX_LEEWAY_S} seconds, not {self.leeway_s}")
        if self.identity_source.kind not in ("header", "querystring"):  # J14
            raise DeploymentError(f"a token is in a header or the query, not at {self.identity_source.text}")

    def rules(self) -> ClaimRules:
        """What a token's claims must say."""
        return ClaimRules(
            issuer=self.issuer.issuer,
            audience=self.audience,
            token_use=self.token_use,
            leeway_s=self.leeway_s,
        )
