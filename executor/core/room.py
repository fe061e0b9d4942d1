"""What a node can still take in, during one round of grants.

A start that must wait for memory *claims* it, so that younger work takes only what is left beside the claims.
"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Room:
    """:param coming_mb: memory of environments that are being stopped, not free yet.
    :param places: environments that may still be made; `coming_places` come free as `coming_mb` does.
    :param starts: starts that may still be put in flight.
    """

    free_mb: int
    coming_mb: int
    places: int
    coming_places: int
    starts: int
    claimed_mb: int = 0
    claimed_places: int = 0

    def fits_now(self, memory_mb: int) -> bool:
        """Whether a start can go ahead and every claim can still be met."""
        return memory_mb <= self.free_mb and self.places >= 1 and self.fits_soon(memory_mb)

    def fits_soon(self, memory_mb: int) -> bool:
        """Whether a start can go ahead once all that is being stopped is gone, claims met first."""
        missing_mb, missing_places = self.missing(memory_mb)
        return missing_mb <= 0 and missing_places <= 0

    def missing(self, memory_mb: int) -> tuple[int, int]:
        """Memory and places that must be given up for the start beyond what is coming; negative is spare."""
        missing_mb = memory_mb + self.claimed_mb - self.free_mb - self.coming_mb
        return missing_mb, 1 + self.claimed_places - self.places - self.coming_places

    def take(self, memory_mb: int) -> None:
        self.free_mb -= memory_mb
        self.places -= 1
        self.starts -= 1

    def claim(self, memory_mb: int) -> None:
        self.claimed_mb += memory_mb
        self.claimed_places += 1
        self.starts -= 1

    def expect(self, memory_mb: int) -> None:
        """One more environment is being stopped."""
        self.coming_mb += memory_mb
        self.coming_places += 1
