"""How much an environment may log: a bucket of bytes, or of lines, that fills with time."""

# A chatty function writes some KiB a call. At 1 MiB/s one that prints in a loop takes a quarter of an hour to
# go once around the default log space, and a twentieth of one core to write.
RATE_BYTES_S = 1024 * 1024
BURST_BYTES = 4 * 1024 * 1024  # a stack dump or a data set printed once goes through whole
# Each line costs the serving thread and the writing one 5 µs, however short it is.
RATE_LINES_S = 4096
BURST_LINES = 16384


class RateCap:
    """:param now: seconds on any clock that only goes forward; the same one as in `take`."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(
        self, now: float, *, rate_bytes_s: float = RATE_BYTES_S, burst_bytes: float = BURST_BYTES
    ) -> None:
        self._rate = rate_bytes_s
        self._burst = burst_bytes
        self._left = burst_bytes
        self._at = now

    def is_spent(self, now: float) -> bool:
        """Whether it is not worth asking for less than a sixty-fourth of the burst."""
        return self._left + (now - self._at) * self._rate < self._burst / 64

    def take(self, size: int, now: float) -> bool:
        """Take `size` bytes if they are there."""
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left = left - size if size <= left else left
        return size <= left
