"""Half-way points of sign-ins. Taking one is deleting it: there is one winner."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from auth.sealing import Sealer, digest
from auth.store.sql import tables as t
from kit.sql import Database, UtcMs

_of = t.challenges.c
# Made once: to make them again costs more than to execute them.
_PUT = t.challenges.insert()
_TAKE = (
    delete(t.challenges)
    .where(_of.handle == bindparam("key"), _of.client_id == bindparam("of_client"))
    .where(_of.expires_at > bindparam("now", type_=UtcMs))
    .returning(_of.state)
)


class SqlChallenges:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def put(
        self,
        handle: str,
        pool_id: str,
        client_id: str,
        subject: str,
        sub: str | None,
        state: bytes,
        expires_at: datetime,
    ) -> None:
        key = digest(handle)
        values = {
            "handle": key,
            "pool_id": pool_id,
            "client_id": client_id,
            "subject": subject,
            "sub": sub,
            "state": self._sealer.seal("challenges.state", key.hex(), plain=state),
            "expires_at": expires_at,
        }
        with self._db.write() as connection:
            connection.execute(_PUT, values)

    def client_of(self, handle: str, now: datetime) -> str | None:
        statement = select(_of.client_id).where(_of.handle == digest(handle), _of.expires_at > now)
        with self._db.read() as connection:
            return connection.execute(statement).scalar()

    def consume(self, handle: str, client_id: str, now: datetime) -> bytes | None:
        key = digest(handle)
        with self._db.write() as connection:
            given = {"key": key, "of_client": client_id, "now": now}
            sealed = connection.execute(_TAKE, given).scalar()
        return None if sealed is None else self._sealer.open("challenges.state", key.hex(), sealed=sealed)
