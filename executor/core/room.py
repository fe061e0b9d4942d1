"""What a node can still take in, during one round of grants.

A start that must wait for memory *claims* it, so that younger work takes only what is left beside the claims.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from executor.core.pool import Pool
from executor.core.slots import Slot


class Need(NamedTuple):
    """What one start takes: an environment's memory and place, or what a slot of its shape lacks of them."""

    memory_mb: int
    places: int = 1
    slot: Slot | None = None


@dataclass(slots=True, kw_only=True)
class Room:
    """:param coming_mb: memory of environments and slots that are being stopped, not free yet.
    :param later_mb: memory of environments that will be stopped after their present invocation.
    :param places: environments and slots that may still be made; those that come and later are as with memory.
    :param starts: starts that may still be put in flight; one from a slot needs none.
    :ivar spoken_for: numbers of slots that wait for the room to be used.
    :ivar promised: starts of each pool that wait for room.
    """

    free_mb: int
    coming_mb: int
    places: int
    coming_places: int
    starts: int
    later_mb: int = 0
    later_places: int = 0
    claimed_mb: int = 0
    claimed_places: int = 0
    spoken_for: set[int] = field(default_factory=set)
    promised: dict[Pool, int] = field(default_factory=dict)

    def fits_now(self, need: Need) -> bool:
        """Whether a start can go ahead and every claim can still be met."""
        return need.memory_mb <= self.free_mb and need.places <= self.places and self.fits_soon(need)

    def fits_soon(self, need: Need) -> bool:
        """Whether a start can go ahead once all that is being stopped is gone, claims met first."""
        missing_mb, missing_places = self.missing(need)
        return missing_mb <= 0 and missing_places <= 0

    def fits_later(self, need: Need) -> bool:
        """The same once all those that yield have ended, too."""
        missing_mb, missing_places = self.missing(need)
        return missing_mb <= self.later_mb and missing_places <= self.later_places

    def missing(self, need: Need) -> tuple[int, int]:
        """Memory and places that must be given up for the start beyond what is coming; negative is spare."""
        missing_mb = need.memory_mb + self.claimed_mb - self.free_mb - self.coming_mb
        return missing_mb, need.places + self.claimed_places - self.places - self.coming_places

    def take(self, need: Need) -> None:
        self.free_mb -= need.memory_mb
        self.places -= need.places
        self.starts -= need.places

    def claim(self, need: Need, pool: Pool) -> None:
        self.promised[pool] = self.promised.get(pool, 0) + 1
        self.claimed_mb += need.memory_mb
        self.claimed_places += need.places
        self.starts -= need.places
        if need.slot is not None:
            self.spoken_for.add(need.slot.number)

    def expect(self, memory_mb: int) -> None:
        """One more environment or slot is being stopped."""
        self.coming_mb += memory_mb
        self.coming_places += 1
