"""Times and durations in words. Pure: now is given."""

from datetime import UTC, datetime

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_MAX_EPOCH_S = 253_402_300_799  # the end of the year 9999, beyond which there are no words


def duration(seconds: float) -> str:
    """As ``12 minutes``, ``1 hour 5 minutes``, ``0 seconds``; two units at most, the rest cut off."""
    left = int(abs(seconds))
    words: list[str] = []
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count and len(words) < 2:
            words.append(f"{count:,} {name}{'' if count == 1 else 's'}")
        elif words:
            break
    return " ".join(words) or "0 seconds"


def relative(at_s: float, now_s: float) -> str:
    """As ``12 minutes ago``, ``in 5 seconds``, ``now``."""
    if int(abs(at_s - now_s)) == 0:
        return "now"
    return f"{duration(now_s - at_s)} ago" if at_s < now_s else f"in {duration(at_s - now_s)}"


def moment(value: object, now_s: float) -> str:
    """A NumericDate as ``12 minutes ago (2026-07-10T19:19:05Z)``; what is none says so."""
    if type(value) is not int and type(value) is not float:
        return "not a time"
    if not -_MAX_EPOCH_S <= value <= _MAX_EPOCH_S:
        return "not a time that anybody will see; perhaps it is in milliseconds"
    try:
        at = datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return "not a time of this calendar"
    return f"{relative(value, now_s)} ({at:%Y-%m-%dT%H:%M:%S}Z)"
