"""The pools' signing keys. Two partial unique indices give a rotation its one winner."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select, update

from auth.sealing import Sealer
from auth.store.ports import KeyUse, StoredKey
from auth.store.sql import tables as t
from auth.store.sql.statements import grow, insert_if_absent
from kit.sql import Database

_of = t.keys.c
_VALUE = select(t.versions.c.value).where(t.versions.c.name == bindparam("of"))


class SqlKeys:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def keys(self, pool_id: str) -> tuple[StoredKey, ...]:
        statement = select(t.keys).where(_of.pool_id == pool_id).order_by(_of.published_at, _of.kid)
        with self._db.read() as connection:
            return tuple(self._read(dict(row)) for row in connection.execute(statement).mappings())

    def add(self, key: StoredKey) -> bool:
        with self._db.write() as connection:
            added = insert_if_absent(connection, t.keys, **self._values(key))
            if added:
                grow(connection, _version(key.pool_id))
            return added

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
        retire = update(t.keys).where(_are(pool_id, use, "current"))
        activate = update(t.keys).where(_are(pool_id, use, "next"), _of.published_at < published_before)
        try:
            with self._db.write() as connection:
                retired = connection.execute(
                    retire.values(state="retired", retired_at=now, expires_at=retire_until)
                ).rowcount
                activated = connection.execute(activate.values(state="current", activated_at=now)).rowcount
                if (retired, activated) != (1, 1):
                    raise _Lost
                if not insert_if_absent(connection, t.keys, **self._values(next_key)):
                    raise _Lost
                grow(connection, _version(pool_id))
        except _Lost:
            return False
        return True

    def version(self, pool_id: str) -> int:
        with self._db.read() as connection:
            return int(connection.execute(_VALUE, {"of": _version(pool_id)}).scalar() or 0)

    def _values(self, key: StoredKey) -> dict[str, Any]:
        return {
            "pool_id": key.pool_id,
            "kid": key.kid,
            "use": key.use,
            "state": key.state,
            "public_jwk": dict(key.public_jwk),
            "private": self._sealer.seal("keys.private", key.pool_id, key.kid, plain=key.private_pem),
            "published_at": key.published_at,
            "activated_at": key.activated_at,
            "retired_at": key.retired_at,
            "expires_at": key.expires_at,
        }

    def _read(self, row: Mapping[str, Any]) -> StoredKey:
        return StoredKey(
            pool_id=row["pool_id"],
            kid=row["kid"],
            use=row["use"],
            state=row["state"],
            public_jwk=row["public_jwk"],
            private_pem=self._sealer.open("keys.private", row["pool_id"], row["kid"], sealed=row["private"]),
            published_at=row["published_at"],
            activated_at=row["activated_at"],
            retired_at=row["retired_at"],
            expires_at=row["expires_at"],
        )


class _Lost(Exception):
    """Another process rotates, or it is too early: roll back."""


def _are(pool_id: str, use: str, state: str) -> ColumnElement[bool]:
    return and_(_of.pool_id == pool_id, _of.use == use, _of.state == state)


def _version(pool_id: str) -> str:
    return f"keys:{pool_id}"
