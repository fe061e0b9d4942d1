"""The end of one invocation's log, for callers that ask for it (``X-Amz-Log-Type: Tail``)."""

from base64 import b64encode
from collections import deque

TAIL_BYTES = 4096  # Lambda's X-Amz-Log-Result carries the last 4 KB


class TailBuffer:
    """Keeps the last lines that matter, whole; memory is bounded by `limit` plus one line."""

    __slots__ = ("_bytes", "_limit", "_lines")

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._lines: deque[bytes] = deque()

    def add(self, line: str) -> None:
        """Take one line, without its end."""
        encoded = line.encode("utf-8", "replace")[-self._limit :] + b"\n"
        self._lines.append(encoded)
        self._bytes += len(encoded)
        while self._bytes - len(self._lines[0]) >= self._limit:
            self._bytes -= len(self._lines.popleft())

    def text(self) -> bytes:
        """The last `limit` bytes; a character that the cut would halve is left out."""
        tail = b"".join(self._lines)[-self._limit :]
        return tail.decode("utf-8", "ignore").encode()

    def base64(self) -> str:
        return b64encode(self.text()).decode("ascii")
