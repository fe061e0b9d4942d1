"""The values that are handed from step to step of the pipeline.

`HttpRequest` is what arrived, `Exchange` is that plus what was decided about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.path import CanonicalPath
from gateway.request import HttpRequest
from gateway.route_key import RouteKey
from gateway.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiNames:
    """What events say about the API.

    :param domains: host names that are answered; empty: any.
    """

    account_id: str
    api_id: str
    region: str
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What an authorizer found, in the two shapes of ``requestContext.authorizer``.

    :param values: what ``$context.authorizer.NAME`` is: ``claims.NAME`` of a token as text, the members of
        a function's context as they are, ``principalId``.
    """

    v2: Mapping[str, object]
    v1: Mapping[str, object]
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request with its decisions. The pipeline sets the last two members, in this order; steps only read.

    :param raw_query: checked, still encoded.
    :param parameters: path variables, decoded.
    :param body: ``b""`` when there is none, or when the integration does not look at it.
    """

    names: ApiNames
    request: HttpRequest
    path: CanonicalPath
    raw_query: str
    stage: Stage
    key: RouteKey
    parameters: dict[str, str]
    authorization: Authorization | None = None
    body: bytes = b""
