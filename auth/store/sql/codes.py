"""Codes of six digits. A try counts before it is compared; who deletes the row has used it, and its effect happens."""

import hmac
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, select, update

from auth.errors import AliasExists, AuthError, CodeMismatch, ExpiredCode
from auth.sealing import Sealer
from auth.store.ports import CodePurpose, ConfirmUser, Effect, ResetPassword, VerifyAttribute
from auth.store.sql import tables as t
from auth.store.sql.aliases import drop_alias, set_attribute, take_alias, take_alias_over
from auth.store.sql.ending import end_sessions
from auth.store.sql.srp_verifiers import put_verifier
from auth.store.sql.statements import put
from auth.store.sql.user_rows import is_user
from auth.store.sql.users import put_password
from kit.sql import Database

TRIES = 5  # B10: at a million codes, one guess in 200,000
_of = t.codes.c


class SqlCodes:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def put(
        self,
        pool_id: str,
        subject: str,
        purpose: CodePurpose,
        code: str,
        destination: str,
        expires_at: datetime,
        now: datetime,
    ) -> None:
        with self._db.write() as connection:
            put(
                connection,
                t.codes,
                pool_id=pool_id,
                subject=subject,
                purpose=purpose,
                mac=self._sealer.mac("codes", pool_id, subject, purpose, code),
                destination=destination,
                tries=0,
                created_at=now,
                expires_at=expires_at,
            )

    def use(
        self,
        pool_id: str,
        subject: str,
        purpose: CodePurpose,
        code: str,
        now: datetime,
        effect: Effect | None = None,
    ) -> str:
        presented = self._sealer.mac("codes", pool_id, subject, purpose, code)
        with self._db.write() as connection:
            judged = _try(connection, (pool_id, subject, purpose), presented, now)
            if isinstance(judged, str) and effect is not None:
                _happen(connection, self._sealer, pool_id, effect, now)
        if isinstance(judged, AuthError):  # raised only here: the try is committed
            raise judged
        return judged


def _try(
    connection: Connection, key: tuple[str, str, str], presented: bytes, now: datetime
) -> str | AuthError:
    """:returns: the destination, for the one who has used it up."""
    mine = and_(_of.pool_id == key[0], _of.subject == key[1], _of.purpose == key[2])
    count = update(t.codes).where(mine, _of.tries < TRIES, _of.expires_at > now).values(tries=_of.tries + 1)
    row = connection.execute(count.returning(_of.mac, _of.destination)).first()
    if row is None:
        return ExpiredCode()
    if not hmac.compare_digest(row.mac, presented):
        return CodeMismatch()
    if connection.execute(delete(t.codes).where(mine, _of.mac == presented)).rowcount != 1:
        return ExpiredCode()
    return str(row.destination)


def _happen(connection: Connection, sealer: Sealer, pool_id: str, effect: Effect, now: datetime) -> None:
    if isinstance(effect, ConfirmUser):
        _confirm(connection, sealer, pool_id, effect, now)
    elif isinstance(effect, ResetPassword):
        _reset(connection, sealer, pool_id, effect, now)
    else:
        _verify(connection, pool_id, effect)


def _set_status(connection: Connection, pool_id: str, sub: str, before: str, now: datetime) -> None:
    """To CONFIRMED, from *before* only. :raises ExpiredCode: there is no such user any more."""
    status = case((t.users.c.status == before, "CONFIRMED"), else_=t.users.c.status)
    values = {"status": status, "updated_at": now, "version": t.users.c.version + 1}
    if connection.execute(update(t.users).where(is_user(pool_id, sub)).values(values)).rowcount != 1:
        raise ExpiredCode


def _confirm(
    connection: Connection, sealer: Sealer, pool_id: str, effect: ConfirmUser, now: datetime
) -> None:
    if effect.hash is not None and _is_unconfirmed(connection, pool_id, effect.sub):
        _replace_password(connection, sealer, pool_id, effect.sub, effect.hash, now)
    _set_status(connection, pool_id, effect.sub, "UNCONFIRMED", now)
    for kind, value in effect.aliases:
        if effect.takes_over:
            take_alias_over(connection, pool_id, effect.sub, kind, value)
        elif not take_alias(connection, pool_id, effect.sub, kind, value):
            raise AliasExists
    for name in effect.verified:
        set_attribute(connection, pool_id, effect.sub, f"{name}_verified", "true")


def _is_unconfirmed(connection: Connection, pool_id: str, sub: str) -> bool:
    row = select(t.users.c.sub).where(is_user(pool_id, sub), t.users.c.status == "UNCONFIRMED")
    return connection.execute(row.with_for_update()).first() is not None


def _replace_password(
    connection: Connection, sealer: Sealer, pool_id: str, sub: str, hash: str, now: datetime
) -> None:
    """By the one that whoever has the code gave; mostly it is there already, and so is its verifier."""
    of = t.passwords.c
    same = select(of.hash).where(of.pool_id == pool_id, of.sub == sub, of.hash == hash)
    if connection.execute(same).first() is None:
        put_password(connection, pool_id, sub, hash, now, None)
        put_verifier(connection, sealer, pool_id, sub, None, now)


def _reset(
    connection: Connection, sealer: Sealer, pool_id: str, effect: ResetPassword, now: datetime
) -> None:
    _set_status(connection, pool_id, effect.sub, "RESET_REQUIRED", now)
    put_password(connection, pool_id, effect.sub, effect.hash, now, None)
    put_verifier(connection, sealer, pool_id, effect.sub, effect.verifier, now)
    end_sessions(connection, pool_id, effect.sub, "password reset", now)


def _verify(connection: Connection, pool_id: str, effect: VerifyAttribute) -> None:
    row = select(t.users.c.attributes).where(is_user(pool_id, effect.sub)).with_for_update()
    attributes = connection.execute(row).scalar()
    if attributes is None or attributes.get(effect.name) != effect.value:
        raise ExpiredCode  # the address was changed after the code had been sent to it
    if effect.alias is not None:
        drop_alias(connection, pool_id, effect.sub, effect.alias[0])
        if not take_alias(connection, pool_id, effect.sub, *effect.alias):
            raise AliasExists
    set_attribute(connection, pool_id, effect.sub, f"{effect.name}_verified", "true")
