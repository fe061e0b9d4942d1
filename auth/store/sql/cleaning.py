"""Deletes what has expired, a small batch at a time, so that nobody waits long behind it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, select, tuple_

from auth.store.sql import tables as t
from auth.store.sql.statements import grow
from kit.sql import Database

# A code that was redeemed is still known for a while, so that its second use is noticed (A6).
REPLAY = timedelta(minutes=10)

_EXPIRING: tuple[Table, ...] = (
    t.codes,
    t.challenges,
    t.attempts,
    t.totp_used,
    t.browser_sessions,
    t.authorization_codes,
    t.grants,  # their codes and refresh families go with them
    t.revocations,
    t.client_secrets,
)


def clean(database: Database, now: datetime, limit: int) -> int:
    """:param limit: of each table, in a transaction of its own. :returns: how many rows went."""
    gone = sum(_clean(database, table, now, limit) for table in _EXPIRING)
    return gone + _clean_keys(database, now, limit)


def _clean(database: Database, table: Table, now: datetime, limit: int) -> int:
    expired = select(*table.primary_key).where(table.c.expires_at <= now - REPLAY).limit(limit)
    with database.read() as connection:
        if connection.execute(expired.limit(1)).first() is None:
            return 0  # the usual case costs no transaction
    with database.write() as connection:
        return _delete(connection, table, expired)


def _delete(connection: Connection, table: Table, expired: Any) -> int:
    # With the time once more beside the keys: a row that was renewed while we waited for it stays.
    still = [clause for clause in (expired.whereclause,) if clause is not None]
    keys = tuple_(*table.primary_key).in_(expired)
    return connection.execute(delete(table).where(keys, *still)).rowcount


def _clean_keys(database: Database, now: datetime, limit: int) -> int:
    of = t.keys.c
    expired = select(of.pool_id, of.kid).where(of.state == "retired", of.expires_at <= now).limit(limit)
    with database.read() as connection:
        if connection.execute(expired.limit(1)).first() is None:
            return 0
    with database.write() as connection:
        pools = {row.pool_id for row in connection.execute(expired)}
        gone = _delete(connection, t.keys, expired)
        for pool_id in sorted(pools):
            grow(connection, f"keys:{pool_id}")
        return gone
