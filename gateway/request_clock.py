"""The wall clock of requests: milliseconds since the epoch, and the same as text, formatted once a second."""

import time
from collections.abc import Callable
from typing import NamedTuple

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Moment(NamedTuple):
    """:param clf: ``10/Jul/2026:19:19:05 +0000``, as in access logs and events."""

    epoch_ms: int
    clf: str

    @property
    def epoch_s(self) -> int:
        return self.epoch_ms // 1000


class RequestClock:
    """:param time_ns: nanoseconds since the epoch; tests pass their own."""

    __slots__ = ("_clf", "_second", "_time_ns")

    def __init__(self, time_ns: Callable[[], int] = time.time_ns) -> None:
        self._time_ns = time_ns
        self._second = -1
        self._clf = ""

    def now(self) -> Moment:
        epoch_ms = self._time_ns() // 1_000_000
        second = epoch_ms // 1000
        if second != self._second:
            self._clf = format_clf(second)
            self._second = second
        return Moment(epoch_ms, self._clf)


def format_clf(epoch_s: int) -> str:
    """Format UTC in the Common Log Format; `time.strftime` would use the locale's months."""
    at = time.gmtime(epoch_s)
    return (
        f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year:04}"
        f":{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"
    )
