"""What a throttle is configured to be. Values only: equal ones of one place share their buckets over reloads."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleKey:
    """Whose bucket a request takes from: ``by: source_ip``, ``by: header.NAME``, ``by: claim.NAME``.

    :param name: of the header in lower case, or of the claim; ``""`` for the source address.
    """

    kind: Literal["source_ip", "header", "claim"]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleSpec:
    """:param rate: tokens a second; :param burst: tokens at most. :param by: None: one bucket for all."""

    rate: float
    burst: int
    by: ThrottleKey | None = None
