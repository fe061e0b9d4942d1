"""Keys, grants and tokens of our own pools, for tests: a key store in memory, people and clients as builders.

world = TokenWorld()                    # one pool, keys of this process's RSA pairs (made once)
tokens = world.tokens.of_grant(POOL, CLIENT, live(), now=NOW)
"""

import functools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from auth.client import Client
from auth.grant import Grant, LiveGrant
from auth.pool import Pool
from auth.store.ports import KeyUse, StoredKey
from auth.tokens import keyring as keyring_module
from auth.tokens.judge import Judge
from auth.tokens.keyring import KeyRing
from auth.tokens.signing_key import NewKey, make_key
from auth.tokens.tokens import Tokens
from auth.user import User

NOW = datetime(2026, 7, 10, 12, 0, 0, tzinfo=UTC)
AUTH_URL = "https://auth.example.com"
POOL = Pool(pool_id="us-east-1_Main00001", name="main")
OTHER_POOL = Pool(pool_id="us-east-1_Other0001", name="other")
SUB = "4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10"
GRANT_ID = "9a1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"
EVENT_ID = "1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809"
SCOPES = ("openid", "email", "phone", "profile", "notes/read", "notes/write")
CLIENT = Client(
    client_id="1example23456789abcdefghij",
    pool_id=POOL.pool_id,
    name="web",
    flows=frozenset({"code", "refresh"}),
    scopes=SCOPES,
)
MACHINE = Client(
    client_id="2machine3456789abcdefghijk",
    pool_id=POOL.pool_id,
    name="worker",
    flows=frozenset({"client_credentials"}),
    scopes=("notes/read", "notes/write", "openid"),
    has_secret=True,
)


def issuer_of(pool_id: str) -> str:
    return f"{AUTH_URL}/{pool_id}"


def later(**how: float) -> datetime:
    return NOW + timedelta(**how)


def user(**changes: Any) -> User:
    base = User(
        pool_id=POOL.pool_id,
        sub=SUB,
        username="Anna",
        status="CONFIRMED",
        is_enabled=True,
        created_at=later(days=-30),
        updated_at=later(days=-30),
        tokens_valid_from=later(days=-30),
        attributes={"email": "anna@example.com", "email_verified": "true"},
    )
    return replace(base, **changes)


def live(who: User | None = None, **changes: Any) -> LiveGrant:
    """A grant of a code client, ten minutes old. :param changes: of the grant."""
    grant = Grant(
        grant_id=GRANT_ID,
        pool_id=POOL.pool_id,
        client_id=CLIENT.client_id,
        sub=SUB,
        kind="code",
        scopes=("openid", "email"),
        auth_time=later(minutes=-10),
        amr=("pwd",),
        created_at=later(minutes=-10),
        expires_at=later(days=30),
        event_id=EVENT_ID,
    )
    return LiveGrant(grant=replace(grant, **changes), user=who or user())


class MemoryKeys:
    """The key store's port over a list, with the database's rule: one current and one next key of each use.

    :ivar looks: how often `version` was asked for.
    """

    def __init__(self) -> None:
        self.looks = 0
        self.stored: list[StoredKey] = []
        self._versions: dict[str, int] = {}
        self._lock = threading.Lock()

    def keys(self, pool_id: str) -> tuple[StoredKey, ...]:
        with self._lock:
            return tuple(key for key in self.stored if key.pool_id == pool_id)

    def add(self, key: StoredKey) -> bool:
        with self._lock:
            if self._one(key.pool_id, key.use, key.state) is not None:
                return False
            self._write([*self.stored, key], key.pool_id)
            return True

    def rotate(
        self,
        pool_id: str,
        use: KeyUse,
        next_key: StoredKey,
        now: datetime,
        *,
        published_before: datetime,
        retire_until: datetime,
    ) -> bool:
        with self._lock:
            current, upcoming = self._one(pool_id, use, "current"), self._one(pool_id, use, "next")
            if current is None or upcoming is None or upcoming.published_at >= published_before:
                return False
            others = [key for key in self.stored if key not in (current, upcoming)]
            retired = replace(current, state="retired", retired_at=now, expires_at=retire_until)
            self._write(
                [*others, retired, replace(upcoming, state="current", activated_at=now), next_key], pool_id
            )
            return True

    def version(self, pool_id: str) -> int:
        self.looks += 1
        return self._versions.get(pool_id, 0)

    def _one(self, pool_id: str, use: KeyUse, state: str) -> StoredKey | None:
        found = [key for key in self.stored if (key.pool_id, key.use, key.state) == (pool_id, use, state)]
        return found[0] if found else None

    def _write(self, stored: list[StoredKey], pool_id: str) -> None:
        self.stored = stored
        self._versions[pool_id] = self._versions.get(pool_id, 0) + 1


class TokenWorld:
    """:ivar ring: of `POOL`, with its keys. :param store: shared by worlds that are processes of one server."""

    def __init__(self, store: MemoryKeys | None = None, *, pools: tuple[Pool, ...] = (POOL,)) -> None:
        self.store = store or MemoryKeys()
        self.ring = KeyRing(self.store)
        for pool in pools:
            self.ring.ensure(pool.pool_id, NOW)
        self.tokens = Tokens(self.ring, issuer_of)
        self.judge = Judge(self.ring, issuer_of)


@functools.cache
def _key_of(number: int) -> NewKey:
    return make_key()


class QuickKeys:
    """Stands in for `make_key`: hands out pairs of this process in turn, for making one takes 100 ms."""

    def __init__(self) -> None:
        self._made = 0
        self._lock = threading.Lock()

    def __call__(self) -> NewKey:
        with self._lock:
            self._made += 1
            return _key_of(self._made % 40)  # more than any store of a test holds


def make_keys_quickly(monkeypatch: Any) -> None:
    monkeypatch.setattr(keyring_module, "make_key", QuickKeys())
