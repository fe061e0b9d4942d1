"""A group of a pool, as the store hands it out: without its members."""

from dataclasses import dataclass
from datetime import datetime

from auth.pool import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """:param precedence: lower is stronger; None: weaker than all that have one.

    :param role_arn: an AWS role that ID tokens may name; nothing is done with it here. Empty: none.
    """

    pool_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    role_arn: str = ""
    precedence: int | None = None
    source: Source = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """None: it stays as it is."""

    description: str | None = None
    role_arn: str | None = None
    precedence: int | None = None
