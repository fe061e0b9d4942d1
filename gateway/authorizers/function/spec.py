"""What a Lambda authorizer is configured to be. Values only: equal ones share their cache over reloads."""

from dataclasses import dataclass
from typing import Literal

from gateway.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAuthorizerSpec:
    """:param identity_source: all must be there, else 401 without a call; in order the key of the cache.
    :param simple_responses: the function answers ``{isAuthorized, context}``; format 2.0 only.
    :param ttl_s: how long an answer is kept, 0 to 3600; more than 0 needs an identity source.
    """

    name: str
    function: str
    identity_source: tuple[Selection, ...] = ()
    payload_version: Literal["1.0", "2.0"] = "2.0"
    simple_responses: bool = True
    ttl_s: float = 0.0
