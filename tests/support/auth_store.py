"""Builders for tests of the user pool's store: a pool, people, grants, and a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auth.client import Client
from auth.grant import Grant
from auth.key_file import KeyFile
from auth.pool import Pool
from auth.store.ports import Declared, NewCode, NewUser
from auth.store.sql import SqlStore, open_store
from auth.user import User

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
PATIENT_S = 15.0
POOL = "us-east-1_Main00001"
CLIENT = "client1"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@contextmanager
def opened(url: str, folder: Path, *, answer_s: float = PATIENT_S) -> Iterator[SqlStore]:
    """:param answer_s: only tests of the deadline have the product's; others have a machine that does much beside."""
    store = open_store(url, KeyFile.open_or_make(folder / "key"), answer_s=answer_s)
    try:
        yield store
    finally:
        store.close()


def declared(pool_id: str = POOL, name: str = "main", **changes: Any) -> Declared:
    """A pool with one client, ``client1``; *changes* are the pool's."""
    pool = Pool(pool_id=pool_id, name=name, **changes)
    return Declared(pool=pool, clients=(Client(client_id=CLIENT, pool_id=pool_id, name="web"),))


def new_user(sub: str = "sub-1", **changes: Any) -> NewUser:
    values: dict[str, Any] = {
        "pool_id": POOL,
        "sub": sub,
        "username": sub.title(),
        "username_key": f"name-of-{sub}",
        "status": "CONFIRMED",
        "attributes": {"email": f"{sub}@example.com"},
        "password_hash": "hash-1",
    }
    return NewUser(**(values | changes))


def peopled(store: SqlStore) -> User:
    """A pool with its client and one user."""
    store.pools.declare([declared()], NOW)
    return store.users.create(new_user(), NOW)


def a_grant(grant_id: str = "grant-1", **changes: Any) -> Grant:
    values: dict[str, Any] = {
        "grant_id": grant_id,
        "pool_id": POOL,
        "client_id": CLIENT,
        "sub": "sub-1",
        "kind": "code",
        "scopes": ("openid", "email"),
        "auth_time": NOW,
        "amr": ("pwd",),
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=30),
        "nonce": "n-1",
    }
    return Grant(**(values | changes))


def a_code(code: str = "code-with-128-random-bits", **changes: Any) -> NewCode:
    values: dict[str, Any] = {
        "code": code,
        "redirect_uri": "https://app.example/callback",
        "challenge": "challenge",
        "expires_at": NOW + 5 * MINUTE,
    }
    return NewCode(**(values | changes))


def refresh_token(store: SqlStore, grant_id: str = "grant-1", **changes: Any) -> str:
    """Of a new grant."""
    token = store.grants.start(a_grant(grant_id, **changes), NOW, refresh=True)
    assert token is not None
    return token
