"""Tokens that were verified lately, so that a caller's next request costs a hash instead of a signature.

Named by the SHA-256 of the exact token, so that no token is kept. Bounded in number and bytes; the least
recently used goes first. Emptied when a key of the issuer went away. Not thread-safe: one loop owns it.
"""

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from gateway.authorizers.jwt.verified_token import VerifiedToken
from kit.jwt.token import MAX_TOKEN_CHARS

# 10,000 callers in five minutes; more of them pay 60 µs each time.
MAX_ENTRIES = 10_000
MAX_BYTES = 32 * 1024 * 1024
# Five minutes: so long may a token be accepted after its key was taken back without our hearing of it.
MAX_AGE_S = 300

# What an entry takes at most, measured with tracemalloc (test_cache): its objects, and for each claim and scope
# their share of dictionaries and text objects, beside the characters themselves.
ENTRY_BYTES = 1200
CLAIM_BYTES = 260
SCOPE_BYTES = 80
CHARACTER_BYTES = 3


class _Entry(NamedTuple):
    token: VerifiedToken
    from_s: float
    until_s: float
    cost_bytes: int


class VerifiedTokens:
    """:ivar used_bytes: estimated."""

    __slots__ = ("_entries", "_generation", "_max_bytes", "_max_entries", "used_bytes")

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._generation = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self.used_bytes = 0

    def get(self, digest: bytes, generation: int, now_s: float) -> VerifiedToken | None:
        """:param generation: of the keys; another one than last time empties the cache.
        :param now_s: of the request, seconds since the epoch.
        """
        if generation != self._generation:  # J18: what a lost key has signed is believed no longer
            self._entries.clear()
            self.used_bytes = 0
            self._generation = generation
            return None
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if not entry.from_s <= now_s < entry.until_s:  # J18, R6: also when the clock was set back
            self._remove(digest)
            return None
        self._entries.move_to_end(digest)
        return entry.token

    def put(
        self, digest: bytes, generation: int, token: VerifiedToken, *, characters: int, now_s: float
    ) -> None:
        """Keep what was verified just now.

        :param generation: of the keys when the token's was asked for; not kept when it is no longer theirs.
        :param characters: of the token's text.
        """
        if generation != self._generation:  # J18: keys were lost since, perhaps the one that verified it
            return
        until_s = min(token.expires_at_s, now_s + MAX_AGE_S)  # J18
        cost_bytes = _cost(token, characters)
        if until_s <= now_s or cost_bytes > self._max_bytes:
            return
        if digest in self._entries:
            self._remove(digest)
        self._entries[digest] = _Entry(token, now_s, until_s, cost_bytes)
        self.used_bytes += cost_bytes
        while len(self._entries) > self._max_entries or self.used_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def __len__(self) -> int:
        return len(self._entries)

    def _remove(self, digest: bytes) -> None:
        self.used_bytes -= self._entries.pop(digest).cost_bytes


def _cost(token: VerifiedToken, characters: int) -> int:
    parts = CLAIM_BYTES * len(token.unscoped.values) + SCOPE_BYTES * len(token.scopes)
    return ENTRY_BYTES + parts + CHARACTER_BYTES * characters


def digest_of(text: str) -> bytes | None:
    """The name of a token in the cache; None for a text that can be no token."""
    if len(text) > MAX_TOKEN_CHARS or not text.isascii():
        return None
    return hashlib.sha256(text.encode("ascii")).digest()  # J18: of the exact text, not of parts of it
