"""argon2id over passwords (B8). Slow on purpose: 21 ms and 19 MiB each, so only ever on the lane for it.

Hashes that people brought along from elsewhere are verified too, until their first sign-in replaces them.
"""

import os
import threading
from dataclasses import dataclass

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from auth.core.password_hash import Argon2Hash, PasswordHash
from auth.core.password_policy import fits
from auth.flows.foreign_passwords import foreign, is_password

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
        # One foreign hash at a time: it may take 256 MiB and a second, and the others' sign-ins go on beside it.
        self._foreign_turn = threading.BoundedSemaphore(1)
        self._own = Argon2Hash(memory_kib=memory_kib, passes=passes, lanes=THREADS)
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=THREADS)
        self._nobodys = self._argon2.hash("of nobody")

    def hash(self, text: str) -> str:
        """As a PHC string, with a salt of its own. The whole text counts: nothing is cut off."""
        with self._turns:
            return self._argon2.hash(text)

    def verify(self, hash: str | None, text: str) -> Verified:
        """:param hash: None: nobody has that password; the same work is done all the same (B6).

        A foreign hash costs its own work besides: until its owner first signs in, a patient clock can tell that name
        from one that nobody has. It never costs less: who is refused has had one of ours computed, too.
        """
        kind = None if hash is None else foreign(hash)
        ours = hash if kind == self._own else None
        if hash is not None and kind is not None and ours is None and self._is_password(hash, kind, text):
            return Verified(ok=True, needs_rehash=True)
        try:
            with self._turns:
                self._argon2.verify(self._nobodys if ours is None else ours, _hashable(text))
        except (VerificationError, InvalidHashError):
            return Verified(ok=False)
        if ours is None or not fits(text):
            return Verified(ok=False)
        return Verified(ok=True, needs_rehash=self._argon2.check_needs_rehash(ours))

    def _is_password(self, hash: str, kind: PasswordHash, text: str) -> bool:
        with self._foreign_turn:
            is_right = is_password(hash, kind, _hashable(text))
        return is_right and fits(text)


def _hashable(text: str) -> bytes:
    """What is too long is nobody's password, and costs no more than another."""
    return text.encode("utf-8", "surrogatepass") if fits(text) else b""
