"""Answers that are kept for a while: bounded in number and bytes, the least recently used one goes first."""

from dataclasses import dataclass

from gateway.authorizers.function.answer import Answer

# 10,000 callers at once for each authorizer, and 16 MiB, so that no flood of made-up keys takes the memory.
MAX_ENTRIES = 10_000
MAX_BYTES = 16 * 1024 * 1024

# An answer's objects beside its text: parsed context in three shapes, compiled policy, the entry itself.
OVERHEAD_BYTES = 1024
# Parsed, a text of JSON takes some times its length.
EXPANSION = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """:param until_mono: seconds on the monotonic clock."""

    answer: Answer
    until_mono: float

    @property
    def size_bytes(self) -> int:
        return self.answer.size_bytes * EXPANSION + OVERHEAD_BYTES


class AnswerCache:
    """:param ttl_s: how long an answer is kept."""

    def __init__(self, ttl_s: float, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[bytes, Entry] = {}  # the least recently used one first
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<AnswerCache {len(self)} answers, {self.size_bytes} bytes>"

    def get(self, key: bytes, now: float) -> Answer | None:
        """:param now: on the monotonic clock."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        if now >= entry.until_mono:
            self.size_bytes -= entry.size_bytes
            return None
        self._entries[key] = entry
        return entry.answer

    def peek(self, key: bytes, now: float) -> Entry | None:
        """What `get` would find, without using it."""
        entry = self._entries.get(key)
        return None if entry is None or now >= entry.until_mono else entry

    def put(self, key: bytes, answer: Answer, now: float) -> None:
        entry = Entry(answer, now + self._ttl_s)
        if entry.size_bytes > self._max_bytes:
            return
        self._remove(key)
        self._entries[key] = entry
        self.size_bytes += entry.size_bytes
        while len(self._entries) > self._max_entries or self.size_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes
