"""How many hashes run at once: each takes a core and 19 MiB."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from auth.flows.password_hasher import PasswordHasher

CALLERS = 6


class Crowd:
    """Stands for the slow work of a hash, and counts who is in it. A hash ends when *full* are in it, or none comes."""

    def __init__(self, full: int) -> None:
        self._full = threading.Barrier(full)
        self._counting = threading.Lock()
        self._inside = 0
        self.most = 0

    def work(self, hash: str, _: bytes) -> bool:
        with self._counting:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._full.wait(10)
        with self._counting:
            self._inside -= 1
        return True


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_hashes_are_bounded_however_many_threads_ask(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """B8: memory is that of *at_once* hashes. All the callers are served, that many at a time."""
    hasher = PasswordHasher(memory_kib=8, passes=1, at_once=at_once)
    kept = hasher.hash("a password")
    crowd = Crowd(at_once)
    fake: Callable[..., Any] = crowd.work
    monkeypatch.setattr(hasher, "_argon2", _Slow(fake))

    with ThreadPoolExecutor(CALLERS) as pool:
        verdicts = list(pool.map(lambda _: hasher.verify(kept, "a password"), range(CALLERS)))

    assert [verdict.ok for verdict in verdicts] == [True] * CALLERS
    assert crowd.most == at_once


class _Slow:
    def __init__(self, work: Callable[..., Any]) -> None:
        self.verify = work

    def check_needs_rehash(self, _: str) -> bool:
        return False
