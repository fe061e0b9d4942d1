"""Rows of grants, and which of them are alive: one condition for all that ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select

from auth.grant import Grant, LiveGrant
from auth.store.sql import tables as t
from auth.store.sql.ending import is_after_sign_outs, moments
from auth.store.sql.user_rows import USER_COLUMNS, read_user
from kit.sql import UtcMs

_of = t.grants.c
_USER_NAMES = tuple(column.name for column in USER_COLUMNS)
_GRANT_NAMES = tuple(column.name for column in t.grants.c)

# A grant and its user, for `read_live`. Names that both tables have are told apart by a mark.
LIVE_COLUMNS = (*USER_COLUMNS, *(column.label(f"g_{column.name}") for column in t.grants.c))
OF_USER = and_(t.users.c.pool_id == _of.pool_id, t.users.c.sub == _of.sub)
IS_ALIVE = and_(  # of a statement that joins the user, and is executed with `moments`
    _of.revoked_at.is_(None),
    _of.expires_at > bindparam("now", type_=UtcMs),
    t.users.c.enabled.is_(True),
    is_after_sign_outs(_of.proven_at),
)
_LIVE = (  # made once: to make it again costs more than to execute it
    select(*LIVE_COLUMNS)
    .select_from(t.grants)
    .join(t.users, OF_USER)
    .where(_of.grant_id == bindparam("grant_id"), IS_ALIVE)
)


def live_grant(connection: Connection, grant_id: str, now: datetime) -> LiveGrant | None:
    row = connection.execute(_LIVE, {"grant_id": grant_id, **moments(now)}).first()
    return None if row is None else read_live(row)


def read_live(row: Sequence[Any]) -> LiveGrant:
    """:param row: begins with `LIVE_COLUMNS`; by position, which costs a tenth of asking it for each name."""
    user = dict(zip(_USER_NAMES, row, strict=False))
    grant = dict(zip(_GRANT_NAMES, row[len(_USER_NAMES) :], strict=False))
    return LiveGrant(grant=read_grant(grant), user=read_user(user))


def read_grant(row: Mapping[str, Any]) -> Grant:
    return Grant(
        grant_id=row["grant_id"],
        pool_id=row["pool_id"],
        client_id=row["client_id"],
        sub=row["sub"],
        kind=row["kind"],
        scopes=tuple(row["scopes"]),
        auth_time=row["auth_time"],
        amr=tuple(row["amr"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        event_id=row["event_id"],
        nonce=row["nonce"],
    )


def grant_values(grant: Grant) -> dict[str, Any]:
    return {
        "grant_id": grant.grant_id,
        "pool_id": grant.pool_id,
        "client_id": grant.client_id,
        "sub": grant.sub,
        "kind": grant.kind,
        "scopes": list(grant.scopes),
        "auth_time": grant.auth_time,
        "amr": list(grant.amr),
        "event_id": grant.event_id,
        "nonce": grant.nonce,
        "created_at": grant.created_at,
        "proven_at": grant.created_at,
        "expires_at": grant.expires_at,
    }
