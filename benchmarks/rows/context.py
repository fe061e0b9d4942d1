"""What a row gets: a folder of its own, how often and how long to measure, and whether peers run beside."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """
    :param row_s: what one row may spend on measuring; starts and warm-up come on top.
    """

    folder: Path
    rounds: int
    row_s: float
    peers: bool

    def run_s(self, targets: int) -> float:
        """Seconds of one run when *targets* take turns for all rounds. wrk knows whole seconds only."""
        return max(1, int(self.row_s / (targets * self.rounds)))
