"""Many people at once: read by pages, and written by batches short enough for a server that works beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, select
from sqlalchemy.exc import IntegrityError

from auth.errors import ResourceNotFound
from auth.sealing import Sealer
from auth.store.ports.moving import Choice, Clash, MovedUser, Outcome
from auth.store.ports.people import StoredPassword
from auth.store.ports.srp import SrpVerifier
from auth.store.sql import tables as t
from auth.store.sql.removing import remove_user
from auth.store.sql.srp_verifiers import put_verifier
from auth.store.sql.user_rows import LISTED, USER_COLUMNS, fold, read_user
from kit.sql import Database

BATCH_S = 20.0  # a batch may wait for the server's own writers, and takes far less
TRIES = 3  # of a batch: somebody signed up between its look and its rows

_users, _alias, _password, _srp = t.users.c, t.user_aliases.c, t.passwords.c, t.srp_verifiers.c


class SqlMoving:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def read(self, pool_id: str, *, limit: int, after: str | None = None) -> tuple[MovedUser, ...]:
        statement = _PAGE.where(_users.pool_id == pool_id).order_by(_users.sub).limit(limit)
        if after is not None:
            statement = statement.where(_users.sub > after)
        with self._db.read(seconds=BATCH_S) as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(self._read(dict(row)) for row in rows)

    def clashes(self, pool_id: str, users: Sequence[MovedUser]) -> tuple[Clash | None, ...]:
        with self._db.read(seconds=BATCH_S) as connection:
            return tuple(None if met is None else met.clash for met in _met(connection, pool_id, users))

    def write(
        self, pool_id: str, users: Sequence[MovedUser], now: datetime, *, choice: Choice
    ) -> tuple[Outcome, ...]:
        for _ in range(TRIES):
            try:
                with self._db.write(seconds=BATCH_S) as connection:
                    return self._write(connection, pool_id, users, now, choice)
            except IntegrityError as error:
                refused = error
        raise ResourceNotFound("The user pool or a group is gone.") from refused

    def _write(
        self, connection: Connection, pool_id: str, users: Sequence[MovedUser], now: datetime, choice: Choice
    ) -> tuple[Outcome, ...]:
        outcomes: list[Outcome] = []
        coming: list[MovedUser] = []
        for user, met in zip(users, _met(connection, pool_id, users), strict=True):
            if met is None:
                outcomes.append("written")
                coming.append(user)
            elif choice == "replace" and met.clash == "same":
                remove_user(connection, pool_id, met.sub, now)
                outcomes.append("replaced")
                coming.append(_in_place_of(met.sub, user, now))
            else:
                outcomes.append("skipped")
        for table, rows in _rows(coming, now):
            if rows:
                connection.execute(table.insert(), rows)
        self._write_secrets(connection, coming, now)
        return tuple(outcomes)

    def _write_secrets(self, connection: Connection, users: Iterable[MovedUser], now: datetime) -> None:
        for each in users:
            pool_id, sub = each.user.pool_id, each.user.sub
            if each.totp_secret is not None:
                sealed = self._sealer.seal("totp.secret", pool_id, sub, plain=each.totp_secret)
                connection.execute(
                    t.totp.insert().values(pool_id=pool_id, sub=sub, secret=sealed, name="", confirmed_at=now)
                )
            if each.verifier is not None and each.password is not None:
                put_verifier(connection, self._sealer, pool_id, sub, each.verifier, each.password.set_at)

    def _read(self, row: dict[str, Any]) -> MovedUser:
        pool_id, sub = row["pool_id"], row["sub"]
        password = None
        if row["hash"] is not None:
            password = StoredPassword(
                hash=row["hash"], set_at=row["set_at"], temporary_until=row["temporary_until"]
            )
        verifier = None
        if row["srp_sealed"] is not None:
            plain = self._sealer.open("srp_verifiers.verifier", pool_id, sub, sealed=row["srp_sealed"])
            verifier = SrpVerifier(
                user_id=row["srp_user_id"], salt=row["srp_salt"], verifier=int.from_bytes(plain, "big")
            )
        seed = row["totp_sealed"]
        if seed is not None:
            seed = self._sealer.open("totp.secret", pool_id, sub, sealed=seed)
        return MovedUser(
            user=read_user(row),
            key=row["username_key"],
            password=password,
            totp_secret=seed,
            verifier=verifier,
        )


def _page() -> Select[Any]:
    password = (_password.pool_id == _users.pool_id) & (_password.sub == _users.sub)
    seed = (t.totp.c.pool_id == _users.pool_id) & (t.totp.c.sub == _users.sub)
    fresh = (_srp.pool_id == _users.pool_id) & (_srp.sub == _users.sub)
    fresh &= _srp.password_set_at == _password.set_at
    return (
        select(
            *USER_COLUMNS,
            _password.hash,
            _password.set_at,
            _password.temporary_until,
            t.totp.c.secret.label("totp_sealed"),
            _srp.user_id.label("srp_user_id"),
            _srp.salt.label("srp_salt"),
            _srp.verifier.label("srp_sealed"),
        )
        .select_from(t.users)
        .outerjoin(t.passwords, password)
        .outerjoin(t.totp, seed)
        .outerjoin(t.srp_verifiers, fresh)
    )


_PAGE = _page()


@dataclass(frozen=True, slots=True)
class _Met:
    """:param sub: of the same person; of others nothing is told."""

    clash: Clash
    sub: str = ""


def _met(connection: Connection, pool_id: str, users: Sequence[MovedUser]) -> list[_Met | None]:
    """For each of *users* who is in the way."""
    by_sub = select(_users.sub).where(_users.sub.in_([each.user.sub for each in users]))
    subs = set(connection.scalars(by_sub.where(_users.pool_id == pool_id)))
    by_name = select(_users.username_key, _users.sub).where(_users.username_key.in_([u.key for u in users]))
    names = {row[0]: row[1] for row in connection.execute(by_name.where(_users.pool_id == pool_id))}
    addresses = [value for each in users for _, value in each.aliases]
    by_address = select(_alias.kind, _alias.alias_key, _alias.sub).where(_alias.alias_key.in_(addresses))
    held = {
        (row[0], row[1]): row[2] for row in connection.execute(by_address.where(_alias.pool_id == pool_id))
    }
    found: list[_Met | None] = []
    for each in users:
        themselves = {each.user.sub} & subs
        if each.key in names:
            themselves.add(names[each.key])
        holders = {held[alias] for alias in each.aliases if alias in held}
        found.append(_judged(each, themselves, holders))
    return found


def _judged(user: MovedUser, themselves: set[str], holders: set[str]) -> _Met | None:
    """:param themselves: who have their sub or name. :param holders: who have one of their addresses."""
    met = themselves | holders
    if not met:
        return None
    is_named_by_address = user.user.username == user.user.sub
    if len(met) == 1 and (themselves or is_named_by_address):
        return _Met("same", met.pop())
    return _Met("other")


def _in_place_of(sub: str, user: MovedUser, now: datetime) -> MovedUser:
    """Tokens from before count no more, also if the same ``sub`` goes on."""
    ended = replace(user.user, tokens_valid_from=now)
    if user.keeps_sub or user.user.sub == sub:
        return replace(user, user=ended)
    is_named_by_address = ended.username == ended.sub
    named = replace(ended, sub=sub, username=sub if is_named_by_address else ended.username)
    return replace(user, user=named, key=sub if is_named_by_address else user.key)


def _rows(users: Sequence[MovedUser], now: datetime) -> Iterable[tuple[Table, list[dict[str, Any]]]]:
    """By table, in the order of their foreign keys."""
    yield t.users, [_user_row(each) for each in users]
    yield (
        t.user_aliases,
        [{**_mine(each), "kind": kind, "alias_key": value} for each in users for kind, value in each.aliases],
    )
    yield (
        t.user_index,
        [
            {**_mine(each), "name": name, "value_key": fold(value)}
            for each in users
            for name, value in {**each.user.attributes, "username": each.user.username}.items()
            if name in LISTED
        ],
    )
    yield (
        t.group_members,
        [
            {**_mine(each), "group_name": group, "added_at": now}
            for each in users
            for group in each.user.groups
        ],
    )
    yield t.passwords, [{**_mine(each), **asdict(each.password)} for each in users if each.password]


def _mine(each: MovedUser) -> dict[str, Any]:
    return {"pool_id": each.user.pool_id, "sub": each.user.sub}


def _user_row(each: MovedUser) -> dict[str, Any]:
    user = each.user
    return {
        "pool_id": user.pool_id,
        "sub": user.sub,
        "username": user.username,
        "username_key": each.key,
        "status": user.status,
        "enabled": user.is_enabled,
        "attributes": dict(user.attributes),
        "mfa": {"enabled": sorted(user.mfa.enabled), "preferred": user.mfa.preferred},
        "tokens_valid_from": user.tokens_valid_from,
        "version": 1,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
