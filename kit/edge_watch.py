"""Whether a client still reads what it is sent. Pure: sizes and times in, a verdict out."""

from kit.edge_limits import EdgeLimits


class WriteWatch:
    """Progress of one connection's write buffer, over windows of ``stall_s``."""

    __slots__ = ("_bytes", "_since", "_stall_s", "_wanted")

    def __init__(self, limits: EdgeLimits) -> None:
        self._stall_s = limits.stall_s
        self._wanted = limits.stall_s * limits.body_rate  # bytes that a window must move
        self._bytes = 0
        self._since = 0.0

    def is_stalled(self, buffered_bytes: int, now: float) -> bool:
        """Take the size of the write buffer at *now* (loop clock) and say whether to give up."""
        if not buffered_bytes:
            self._bytes = 0
        elif not self._bytes or buffered_bytes > self._bytes:
            self._bytes, self._since = buffered_bytes, now  # new bytes: a new window
        elif now - self._since >= self._stall_s:
            if self._bytes - buffered_bytes < self._wanted:
                return True
            self._bytes, self._since = buffered_bytes, now
        return False
