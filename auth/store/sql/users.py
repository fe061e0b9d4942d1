"""People: names and addresses are unique by the row that is written first, never by a look before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, literal, select, union_all, update
from sqlalchemy.exc import IntegrityError

from auth.errors import AliasExists, TooManyRequests, UsernameExists, UserNotFound
from auth.sealing import Sealer
from auth.store.ports import NewUser, SrpVerifier, StoredPassword
from auth.store.sql import tables as t
from auth.store.sql.aliases import drop_alias, take_alias, take_alias_over
from auth.store.sql.ending import end_sessions
from auth.store.sql.groups import SqlGroups
from auth.store.sql.removing import remove_user
from auth.store.sql.srp_verifiers import put_verifier
from auth.store.sql.statements import insert_if_absent, put
from auth.store.sql.user_list import SqlUserList
from auth.store.sql.user_rows import USER_COLUMNS, is_user, read_user, select_user, write_index
from auth.user import MfaPreference, User, UserStatus
from kit.sql import Database, Key

TRIES = 2  # of an update whose row was changed in between
_NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)


class SqlUsers(SqlGroups, SqlUserList):
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def find(self, pool_id: str, key: str) -> tuple[User, StoredPassword | None] | None:
        with self._db.read() as connection:
            row = connection.execute(_FIND, {"pool": pool_id, "key": key}).mappings().first()
        if row is None:
            return None
        return read_user(dict(row)), _password(dict(row))

    def get(self, pool_id: str, sub: str) -> User | None:
        with self._db.read() as connection:
            return _get(connection, pool_id, sub)

    def create(self, new: NewUser, now: datetime) -> User:
        with self._db.write() as connection:
            if not insert_if_absent(connection, t.users, **_row(new, now)):
                raise UsernameExists
            for kind, value in new.aliases:
                if new.takes_over:
                    take_alias_over(connection, new.pool_id, new.sub, kind, value)
                elif not take_alias(connection, new.pool_id, new.sub, kind, value):
                    raise AliasExists
            listed = {**new.attributes, "username": new.username}
            write_index(connection, new.pool_id, new.sub, listed)
            if new.password_hash is not None:
                put_password(connection, new.pool_id, new.sub, new.password_hash, now, new.temporary_until)
                if new.verifier is not None:
                    put_verifier(connection, self._sealer, new.pool_id, new.sub, new.verifier, now)
            return _surely(_get(connection, new.pool_id, new.sub))

    def set_password(
        self,
        pool_id: str,
        sub: str,
        hash: str,
        now: datetime,
        *,
        temporary_until: datetime | None = None,
        status: UserStatus | None = None,
        end_sessions: bool = True,
        except_grant: str | None = None,
        verifier: SrpVerifier | None = None,
    ) -> None:
        with self._db.write() as connection:
            values: dict[str, Any] = {} if status is None else {"status": status}
            _update(connection, pool_id, sub, now, **values)
            put_password(connection, pool_id, sub, hash, now, temporary_until)
            put_verifier(connection, self._sealer, pool_id, sub, verifier, now)
            if end_sessions:
                _end(connection, pool_id, sub, "password changed", now, except_grant)

    def rehash(self, pool_id: str, sub: str, old_hash: str, new_hash: str) -> None:
        of = t.passwords.c
        with self._db.write() as connection:
            connection.execute(
                update(t.passwords)
                .where(of.pool_id == pool_id, of.sub == sub, of.hash == old_hash)
                .values(hash=new_hash)
            )

    def update_attributes(
        self,
        user: User,
        attributes: Mapping[str, str | None],
        now: datetime,
        *,
        aliases: Sequence[tuple[str, str | None]] = (),
        username: tuple[str, str] | None = None,
    ) -> User:
        seen = user
        with self._db.write() as connection:
            for _ in range(TRIES):
                if _change(connection, seen, attributes, username, now):
                    _move_aliases(connection, seen, aliases)
                    return _surely(_get(connection, user.pool_id, user.sub))
                seen = _surely(_get(connection, user.pool_id, user.sub))
        raise TooManyRequests

    def set_status(self, pool_id: str, sub: str, status: UserStatus, now: datetime) -> None:
        with self._db.write() as connection:
            _update(connection, pool_id, sub, now, status=status)
            if status == "RESET_REQUIRED":
                end_sessions(connection, pool_id, sub, "password reset", now)

    def set_enabled(self, pool_id: str, sub: str, is_enabled: bool, now: datetime) -> None:
        with self._db.write() as connection:
            _update(connection, pool_id, sub, now, enabled=is_enabled)
            if not is_enabled:
                end_sessions(connection, pool_id, sub, "user disabled", now)

    def set_mfa(self, pool_id: str, sub: str, preference: MfaPreference, now: datetime) -> None:
        mfa = {"enabled": sorted(preference.enabled), "preferred": preference.preferred}
        with self._db.write() as connection:
            _update(connection, pool_id, sub, now, mfa=mfa)

    def delete(self, pool_id: str, sub: str, now: datetime) -> None:
        """What hangs on their names goes too: codes, counters, half-way sign-ins."""
        with self._db.write() as connection:
            if not remove_user(connection, pool_id, sub, now):
                raise UserNotFound


def _find() -> Select[Any]:
    """Who may be meant, best first: branches of their own, so that each uses its index."""
    user, alias, password = t.users.c, t.user_aliases.c, t.passwords.c
    pool_id, key = bindparam("pool", type_=Key), bindparam("key", type_=Key)
    named = union_all(
        select(user.sub.label("sub"), literal(0).label("rank")).where(
            user.pool_id == pool_id, user.username_key == key
        ),
        select(alias.sub, literal(1)).where(alias.pool_id == pool_id, alias.alias_key == key),
        select(user.sub, literal(2)).where(user.pool_id == pool_id, user.sub == key),
    ).subquery("named")
    return (
        select(*USER_COLUMNS, password.hash, password.set_at, password.temporary_until)
        .select_from(named)
        .join(t.users, (user.pool_id == pool_id) & (user.sub == named.c.sub))
        .outerjoin(t.passwords, (password.pool_id == pool_id) & (password.sub == named.c.sub))
        .order_by(named.c.rank)
        .limit(1)
    )


_FIND = _find()  # made once: to make it again costs more than to execute it


def _password(row: Mapping[str, Any]) -> StoredPassword | None:
    if row["hash"] is None:
        return None
    return StoredPassword(hash=row["hash"], set_at=row["set_at"], temporary_until=row["temporary_until"])


def _get(connection: Connection, pool_id: str, sub: str) -> User | None:
    row = connection.execute(select_user(pool_id, sub)).mappings().first()
    return None if row is None else read_user(dict(row))


def _surely(user: User | None) -> User:
    if user is None:
        raise UserNotFound
    return user


def _row(new: NewUser, now: datetime) -> dict[str, Any]:
    return {
        "pool_id": new.pool_id,
        "sub": new.sub,
        "username": new.username,
        "username_key": new.username_key,
        "status": new.status,
        "enabled": True,
        "attributes": dict(new.attributes),
        "mfa": {"enabled": [], "preferred": None},
        "tokens_valid_from": _NOT_YET,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def put_password(
    connection: Connection, pool_id: str, sub: str, hash: str, now: datetime, temporary_until: datetime | None
) -> None:
    put(
        connection,
        t.passwords,
        pool_id=pool_id,
        sub=sub,
        hash=hash,
        set_at=now,
        temporary_until=temporary_until,
    )


def _end(
    connection: Connection, pool_id: str, sub: str, why: str, now: datetime, except_grant: str | None
) -> None:
    end_sessions(connection, pool_id, sub, why, now, except_grant=except_grant)


def _update(connection: Connection, pool_id: str, sub: str, now: datetime, **values: object) -> None:
    """:raises UserNotFound: it was deleted meanwhile."""
    statement = update(t.users).where(is_user(pool_id, sub))
    values = {**values, "updated_at": now, "version": t.users.c.version + 1}
    if connection.execute(statement.values(values)).rowcount != 1:
        raise UserNotFound


def _change(
    connection: Connection,
    seen: User,
    attributes: Mapping[str, str | None],
    username: tuple[str, str] | None,
    now: datetime,
) -> bool:
    """:returns: False: the row is not the one that was seen."""
    merged = {**seen.attributes, **attributes}
    kept = {name: value for name, value in merged.items() if value is not None}
    values: dict[str, Any] = {"attributes": kept, "updated_at": now, "version": seen.version + 1}
    if username is not None:
        values |= {"username": username[0], "username_key": username[1]}
    statement = update(t.users).where(is_user(seen.pool_id, seen.sub), t.users.c.version == seen.version)
    try:
        if connection.execute(statement.values(values)).rowcount != 1:
            return False
    except IntegrityError as error:  # the unique index of names; the transaction ends with it
        raise AliasExists from error
    write_index(
        connection, seen.pool_id, seen.sub, {**kept, "username": username[0] if username else seen.username}
    )
    return True


def _move_aliases(connection: Connection, user: User, aliases: Sequence[tuple[str, str | None]]) -> None:
    for kind, value in aliases:
        drop_alias(connection, user.pool_id, user.sub, kind)
        if value is not None and not take_alias(connection, user.pool_id, user.sub, kind, value):
            raise AliasExists
