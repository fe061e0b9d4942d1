"""Seeds of authenticators, sealed, and the time steps that were used."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import SoftwareTokenNotFound, UserNotFound
from auth.sealing import Sealer
from auth.store.sql import tables as t
from auth.store.sql.statements import insert, insert_if_absent
from kit.sql import Database

_of = t.totp.c


class SqlSoftwareTokens:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def put_secret(self, pool_id: str, sub: str, secret: bytes, now: datetime) -> None:  # noqa: ARG002  # the port's
        pending = self._sealer.seal("totp.pending", pool_id, sub, plain=secret)
        try:
            with self._db.write() as connection:
                statement = insert(connection, t.totp).values(
                    pool_id=pool_id, sub=sub, pending=pending, name=""
                )
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["pool_id", "sub"], set_={"pending": pending}
                    )
                )
        except IntegrityError as error:  # the foreign key
            raise UserNotFound from error

    def secret(self, pool_id: str, sub: str, *, confirmed: bool) -> bytes | None:
        column = "secret" if confirmed else "pending"
        with self._db.read() as connection:
            sealed = connection.execute(select(_of[column]).where(_is(pool_id, sub))).scalar()
        return None if sealed is None else self._sealer.open(f"totp.{column}", pool_id, sub, sealed=sealed)

    def confirm(self, pool_id: str, sub: str, name: str, now: datetime) -> None:
        with self._db.write() as connection:
            pending = connection.execute(select(_of.pending).where(_is(pool_id, sub))).scalar()
            if pending is None:
                raise SoftwareTokenNotFound
            plain = self._sealer.open("totp.pending", pool_id, sub, sealed=pending)
            sealed = self._sealer.seal("totp.secret", pool_id, sub, plain=plain)
            done = connection.execute(
                update(t.totp)
                .where(_is(pool_id, sub), _of.pending == pending)
                .values(secret=sealed, pending=None, name=name, confirmed_at=now)
            )
            if done.rowcount != 1:  # another seed took its place
                raise SoftwareTokenNotFound

    def use_step(self, pool_id: str, sub: str, step: int, expires_at: datetime) -> bool:
        try:
            with self._db.write() as connection:
                return insert_if_absent(
                    connection, t.totp_used, pool_id=pool_id, sub=sub, step=step, expires_at=expires_at
                )
        except IntegrityError:  # the foreign key: the user is gone
            return False


def _is(pool_id: str, sub: str) -> ColumnElement[bool]:
    return and_(_of.pool_id == pool_id, _of.sub == sub)
