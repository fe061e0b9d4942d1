"""What goes with a person: their rows by foreign keys, and what hangs on their names."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from auth.store.sql import tables as t
from auth.store.sql.ending import announce
from auth.store.sql.user_rows import is_user


def remove_user(connection: Connection, pool_id: str, sub: str, now: datetime) -> bool:
    """With their codes, counters and half-way sign-ins. :returns: False: there was nobody."""
    alias = t.user_aliases.c
    names = connection.execute(
        select(alias.alias_key).where(alias.pool_id == pool_id, alias.sub == sub)
    ).scalars()
    subjects = [sub, *names]
    gone = delete(t.users).where(is_user(pool_id, sub)).returning(t.users.c.username_key)
    username_key = connection.execute(gone).scalar()
    if username_key is None:
        return False
    for table in (t.codes, t.attempts, t.challenges):
        of = table.c
        mine = of.subject.in_([username_key, *subjects])
        connection.execute(delete(table).where(of.pool_id == pool_id, mine))
    announce(connection, pool_id, "user", sub, now)
    return True
