"""Browser sessions behind a random cookie. A session that its user has ended is none, whatever its row says."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import NotAuthorized
from auth.sealing import Sealer, digest
from auth.store.ports import BrowserSession
from auth.store.sql import tables as t
from auth.store.sql.ending import is_after_sign_outs, moments
from auth.store.sql.statements import put
from kit.sql import Database

# A page more or less does not move the end of idleness: most requests write nothing.
IDLE_STEP = timedelta(seconds=30)
_of = t.browser_sessions.c


class SqlBrowserSessions:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def put(self, handle: str, session: BrowserSession, idle_until: datetime) -> None:
        self.replace(None, handle, session, idle_until)

    def get(self, handle: str, now: datetime, idle_until: datetime) -> BrowserSession | None:
        key = digest(handle)
        is_alive = and_(t.users.c.enabled.is_(True), is_after_sign_outs(_of.auth_time))
        statement = (
            select(t.browser_sessions)
            .outerjoin(t.users, and_(t.users.c.pool_id == _of.pool_id, t.users.c.sub == _of.sub))
            .where(
                _of.handle == key, _of.expires_at > now, _of.idle_at > now, or_(_of.sub.is_(None), is_alive)
            )
        )
        with self._db.read() as connection:
            row = connection.execute(statement, moments(now)).first()
        if row is None:
            return None
        if abs(idle_until - row.idle_at) >= IDLE_STEP:
            self._stay(key, idle_until)
        return self._read(key, row)

    def save(self, handle: str, data: bytes) -> None:
        key = digest(handle)
        sealed = self._sealer.seal("browser_sessions.data", key.hex(), plain=data)
        with self._db.write() as connection:
            connection.execute(update(t.browser_sessions).where(_of.handle == key).values(data=sealed))

    def replace(self, old: str | None, new: str, session: BrowserSession, idle_until: datetime) -> None:
        """:raises NotAuthorized: its user is gone."""
        try:
            with self._db.write() as connection:
                if old is not None:
                    connection.execute(delete(t.browser_sessions).where(_of.handle == digest(old)))
                self._insert(connection, digest(new), session, idle_until)
        except IntegrityError as error:  # the foreign key
            raise NotAuthorized from error

    def delete(self, handle: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(t.browser_sessions).where(_of.handle == digest(handle)))

    def _stay(self, key: bytes, idle_until: datetime) -> None:
        with self._db.write() as connection:
            connection.execute(update(t.browser_sessions).where(_of.handle == key).values(idle_at=idle_until))

    def _insert(
        self, connection: Connection, key: bytes, session: BrowserSession, idle_until: datetime
    ) -> None:
        values = {
            "handle": key,
            "pool_id": session.pool_id,
            "sub": session.sub,
            "auth_time": session.auth_time,
            "amr": list(session.amr),
            "csrf": self._sealer.seal("browser_sessions.csrf", key.hex(), plain=session.csrf.encode()),
            "data": self._sealer.seal("browser_sessions.data", key.hex(), plain=session.data),
            "idle_at": idle_until,
            "expires_at": session.expires_at,
        }
        put(
            connection, t.browser_sessions, **values
        )  # a form that was sent twice writes one row at once, twice

    def _read(self, key: bytes, row: Any) -> BrowserSession:
        session = BrowserSession(
            pool_id=row.pool_id,
            sub=row.sub,
            auth_time=row.auth_time,
            amr=tuple(row.amr),
            csrf=self._sealer.open("browser_sessions.csrf", key.hex(), sealed=row.csrf).decode(),
            expires_at=row.expires_at,
        )
        return replace(session, data=self._sealer.open("browser_sessions.data", key.hex(), sealed=row.data))
