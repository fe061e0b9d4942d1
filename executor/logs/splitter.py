"""Makes lines of a function's output, which arrives in chunks that end anywhere."""

# CloudWatch Logs took 256 KiB an event for most of Lambda's life, so that is where programs expect a cut.
MAX_LINE_BYTES = 256 * 1024
_LONGEST_SEQUENCE = 4  # bytes of one character in UTF-8


class LineSplitter:
    """Keeps the beginning of the line that has not ended yet. The lines do not depend on the chunks."""

    __slots__ = ("_held", "_max_bytes")

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_line_bytes
        self._held = bytearray()  # grows in place: a line may come in thousands of chunks

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that are complete now, without their ends. What is no UTF-8 becomes U+FFFD."""
        if b"\n" not in chunk and len(self._held) + len(chunk) <= self._max_bytes:
            self._held += chunk
            return []
        *whole, rest = (bytes(self._held) + chunk if self._held else chunk).split(b"\n")
        lines: list[str] = []
        for line in whole:
            lines.append(_decode(self._cut(line, lines).removesuffix(b"\r")))
        self._held = bytearray(self._cut(rest, lines))
        return lines

    def flush(self) -> list[str]:
        """Return the line without an end, if there is one: its invocation or its process is over."""
        held, self._held = self._held, bytearray()
        return [_decode(held)] if held else []

    def forget(self) -> int:
        """Drop the beginning of the unfinished line; return its bytes."""
        held, self._held = self._held, bytearray()
        return len(held)

    def _cut(self, line: bytes, lines: list[str]) -> bytes:
        """Move full pieces of a line that is too long to `lines`; return its last piece."""
        if len(line) <= self._max_bytes:
            return line
        start = 0
        while len(line) - start > self._max_bytes:
            stop = start + self._max_bytes
            while line[stop] & 0xC0 == 0x80 and stop > start + self._max_bytes - _LONGEST_SEQUENCE + 1:
                stop -= 1  # not in the middle of a character
            lines.append(_decode(line[start:stop]))
            start = stop
        return line[start:]


def _decode(line: bytes | bytearray) -> str:
    return line.decode("utf-8", "replace")
