"""SRP verifiers, sealed, and each bound to the moment at which its password was set."""

from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, select

from auth.sealing import Sealer
from auth.store.ports.srp import SrpVerifier
from auth.store.sql import tables as t
from auth.store.sql.statements import put
from kit.sql import Database

_of, _password = t.srp_verifiers.c, t.passwords.c
_COLUMN = "srp_verifiers.verifier"
_FRESH = (
    select(_of.user_id, _of.salt, _of.verifier)
    .join(t.passwords, and_(_password.pool_id == _of.pool_id, _password.sub == _of.sub))
    .where(_password.set_at == _of.password_set_at)
    .where(_of.pool_id == bindparam("pool"), _of.sub == bindparam("owner"))
)


class SqlSrp:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def get(self, pool_id: str, sub: str) -> SrpVerifier | None:
        with self._db.read() as connection:
            row = connection.execute(_FRESH, {"pool": pool_id, "owner": sub}).first()
        if row is None:
            return None
        opened = self._sealer.open(_COLUMN, pool_id, sub, sealed=row.verifier)
        return SrpVerifier(user_id=row.user_id, salt=row.salt, verifier=int.from_bytes(opened, "big"))

    def put(self, pool_id: str, sub: str, verifier: SrpVerifier, hash: str) -> bool:
        password = (
            select(_password.set_at)
            .where(_password.pool_id == pool_id, _password.sub == sub, _password.hash == hash)
            .with_for_update()
        )
        with self._db.write() as connection:
            set_at = connection.execute(password).scalar()
            if set_at is None:
                return False
            put_verifier(connection, self._sealer, pool_id, sub, verifier, set_at)
            return True


def put_verifier(
    connection: Connection,
    sealer: Sealer,
    pool_id: str,
    sub: str,
    verifier: SrpVerifier | None,
    password_set_at: datetime,
) -> None:
    """In the transaction that writes the password. :param verifier: None: that of the password before goes."""
    if verifier is None:
        connection.execute(delete(t.srp_verifiers).where(_of.pool_id == pool_id, _of.sub == sub))
        return
    number = verifier.verifier
    plain = number.to_bytes(number.bit_length() // 8 + 1, "big")
    put(
        connection,
        t.srp_verifiers,
        pool_id=pool_id,
        sub=sub,
        user_id=verifier.user_id,
        salt=verifier.salt,
        verifier=sealer.seal(_COLUMN, pool_id, sub, plain=plain),
        password_set_at=password_set_at,
    )
