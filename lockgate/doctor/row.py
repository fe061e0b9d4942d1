"""One finding of the doctor: a value that is shown, never an action."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum


class Verdict(Enum):
    """MISSING: `serve` cannot do without it. WEAK: it works, and something that one may expect does not hold."""

    OK = "ok"
    WEAK = "weak"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """:param found: what is there, in a few words. :param follows: what that means, a sentence; "" where all is well.
    :param do: what to do about it, a sentence.
    """

    group: str
    check: str
    verdict: Verdict
    found: str
    follows: str = ""
    do: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self) | {"verdict": self.verdict.value}


def is_fit(rows: Iterable[Row]) -> bool:
    """Whether nothing is missing that `serve` needs."""
    return all(row.verdict is not Verdict.MISSING for row in rows)
