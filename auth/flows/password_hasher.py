"""argon2id over passwords (B8). Slow on purpose: 21 ms and 19 MiB each, so only ever on the lane for it."""

import os
import threading
from dataclasses import dataclass

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from auth.core.password_policy import fits

# OWASP's second row: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
THREADS = 1


@dataclass(frozen=True, slots=True)
class Verified:
    """:param needs_rehash: it is right, and kept under weaker parameters than today's."""

    ok: bool
    needs_rehash: bool = False


class PasswordHasher:
    """:param memory_kib: and *passes*: less than the defaults is for tests.

    :param at_once: hashes; more threads may call, and wait here. One a core: each is all computing, and 19 MiB.
    """

    def __init__(
        self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, at_once: int = os.cpu_count() or 1
    ) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=THREADS)
        self._nobodys = self._argon2.hash("of nobody")

    def hash(self, text: str) -> str:
        """As a PHC string, with a salt of its own. The whole text counts: nothing is cut off."""
        with self._turns:
            return self._argon2.hash(text)

    def verify(self, hash: str | None, text: str) -> Verified:
        """:param hash: None: nobody has that password; the same work is done all the same (B6)."""
        try:
            with self._turns:
                self._argon2.verify(self._nobodys if hash is None else hash, _hashable(text))
        except (VerificationError, InvalidHashError):
            return Verified(ok=False)
        if hash is None or not fits(text):
            return Verified(ok=False)
        return Verified(ok=True, needs_rehash=self._argon2.check_needs_rehash(hash))


def _hashable(text: str) -> bytes:
    """What is too long is nobody's password, and costs no more than another."""
    return text.encode("utf-8", "surrogatepass") if fits(text) else b""
