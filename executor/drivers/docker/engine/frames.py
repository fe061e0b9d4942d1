"""The engine's multiplexed output: 8 bytes of head (stream, 3 × 0, length big-endian), then so many bytes.

Source: Docker Engine API reference, "Attach to a container", "Stream format". Without I/O.
"""

_HEAD_BYTES = 8


class FrameReader:
    """Takes the bytes as they come and returns what containers wrote, stdout and stderr in the engine's order."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    def feed(self, data: bytes) -> list[bytes]:
        """What the bytes hold of output, in pieces that end anywhere."""
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                pieces.append(piece)
                continue
            missing = _HEAD_BYTES - len(self._head)
            self._head += data[at : at + missing]
            at += missing
            if len(self._head) == _HEAD_BYTES:
                self._left = int.from_bytes(self._head[4:], "big")
                self._head = b""
        return pieces
