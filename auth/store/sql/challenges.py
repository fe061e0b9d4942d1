"""Half-way points of sign-ins. Taking one is deleting it: there is one winner."""

from datetime import datetime

from sqlalchemy import delete, select

from auth.sealing import Sealer, digest
from auth.store.sql import tables as t
from kit.sql import Database


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
        sealed = self._sealer.seal("challenges.state", key.hex(), plain=state)
        with self._db.write() as connection:
            connection.execute(
                t.challenges.insert().values(
                    handle=key,
                    pool_id=pool_id,
                    client_id=client_id,
                    subject=subject,
                    sub=sub,
                    state=sealed,
                    expires_at=expires_at,
                )
            )

    def client_of(self, handle: str, now: datetime) -> str | None:
        of = t.challenges.c
        statement = select(of.client_id).where(of.handle == digest(handle), of.expires_at > now)
        with self._db.read() as connection:
            return connection.execute(statement).scalar()

    def consume(self, handle: str, client_id: str, now: datetime) -> bytes | None:
        key, of = digest(handle), t.challenges.c
        statement = delete(t.challenges).where(
            of.handle == key, of.client_id == client_id, of.expires_at > now
        )
        with self._db.write() as connection:
            sealed = connection.execute(statement.returning(of.state)).scalar()
        return None if sealed is None else self._sealer.open("challenges.state", key.hex(), sealed=sealed)
