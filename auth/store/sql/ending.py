"""What ends sessions: one place, so that no reason to end them forgets a kind of them."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, update

from auth.store.sql import tables as t
from auth.store.sql.user_rows import is_user
from kit.sql import UtcMs

LONGEST_TOKEN = timedelta(days=1)  # an access token lives that long at most: Cognito's limit
# A sign-out that lies further in the future was written before a clock was set back: it ended what there was then.
CLOCK_STEP = timedelta(minutes=5)


def end_sessions(
    connection: Connection,
    pool_id: str,
    sub: str,
    why: str,
    now: datetime,
    *,
    except_grant: str | None = None,
) -> bool:
    """Every grant, but one perhaps, and every browser session. :returns: whether there is such a user."""
    of = t.grants.c
    found = connection.execute(
        update(t.users)
        .where(is_user(pool_id, sub))
        .values(tokens_valid_from=now, version=t.users.c.version + 1)
    )
    mine = and_(of.pool_id == pool_id, of.sub == sub)
    connection.execute(
        update(t.grants)
        .where(mine, of.revoked_at.is_(None), of.grant_id != (except_grant or ""))
        .values(revoked_at=now, revoked_why=why)
    )
    if except_grant is not None:
        connection.execute(update(t.grants).where(mine, of.grant_id == except_grant).values(proven_at=now))
    session = t.browser_sessions.c
    connection.execute(delete(t.browser_sessions).where(session.pool_id == pool_id, session.sub == sub))
    announce(connection, pool_id, "user", sub, now)
    return found.rowcount == 1


def revoke_grant(connection: Connection, grant_id: str, why: str, now: datetime) -> bool:
    """:returns: False: it was revoked before, or never was."""
    statement = (
        update(t.grants)
        .where(t.grants.c.grant_id == grant_id, t.grants.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_why=why)
        .returning(t.grants.c.pool_id)
    )
    pool_id = connection.execute(statement).scalar()
    if pool_id is None:
        return False
    announce(connection, pool_id, "grant", grant_id, now)
    return True


def announce(connection: Connection, pool_id: str, kind: str, subject: str, now: datetime) -> None:
    connection.execute(
        t.revocations.insert().values(
            pool_id=pool_id, kind=kind, subject=subject, not_before=now, expires_at=now + LONGEST_TOKEN
        )
    )


def is_after_sign_outs(began: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Of a statement that joins the user, and is executed with `moments`. :param began: when the session did."""
    since = t.users.c.tokens_valid_from
    return or_(began >= since, since > bindparam("wrong_clock", type_=UtcMs))


def moments(now: datetime) -> dict[str, datetime]:
    return {"now": now, "wrong_clock": now + CLOCK_STEP}
