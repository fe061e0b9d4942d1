"""Counters that decide before anything is judged. One statement each: the database has counted, or refused."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, null, or_, select

from auth.store.ports import AttemptKind, Attempts, LockRule
from auth.store.sql import tables as t
from auth.store.sql.statements import insert_of
from kit.sql import Database, UtcMs

# A clock that was set back leaves times in the future. Beyond this they are not of this time, and lock nobody out.
CLOCK_STEP = timedelta(minutes=1)
_of = t.attempts.c
_KEY: Final = ["pool_id", "kind", "subject"]


class SqlAttempts:
    """Statements are made once: each sign-in runs four of these, and making them cost more than running them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def count(
        self, pool_id: str, kind: AttemptKind, subject: str, rule: LockRule, now: datetime
    ) -> int | None:
        with self._db.write() as connection:
            given = {**_key(pool_id, kind, subject), **_times(rule, now)}
            row = connection.execute(_counting(_dialect(connection), rule), given).one()
        return None if row.was_refused else int(row.failures)

    def clear(self, pool_id: str, kind: AttemptKind, subject: str) -> None:
        with self._db.write() as connection:
            connection.execute(_CLEAR, _key(pool_id, kind, subject))

    def read(self, pool_id: str, kind: AttemptKind, subject: str) -> Attempts | None:
        with self._db.read() as connection:
            row = connection.execute(_READ, _key(pool_id, kind, subject)).first()
        if row is None:
            return None
        return Attempts(failures=row.failures, refused=row.refused, locked_until=row.locked_until)

    def take(
        self, pool_id: str, kind: AttemptKind, subject: str, *, limit: int, window_s: float, now: datetime
    ) -> bool:
        if limit <= 0:
            return False
        window = timedelta(seconds=window_s)
        given = {
            **_key(pool_id, kind, subject),
            "now": now,
            "over": now - window,
            "soon": now + CLOCK_STEP,
            "until": now + window,
            "limit": limit,
        }
        with self._db.write() as connection:
            return connection.execute(_taking(_dialect(connection)), given).first() is not None


def _key(pool_id: str, kind: str, subject: str) -> dict[str, object]:
    return {"of_pool": pool_id, "of_kind": kind, "of_subject": subject}


def _dialect(connection: Connection) -> str:
    return connection.dialect.name


def _at(name: str) -> Any:
    return bindparam(name, type_=UtcMs)


_NAMED: Final[Mapping[str, Any]] = {
    "pool_id": bindparam("of_pool"),
    "kind": bindparam("of_kind"),
    "subject": bindparam("of_subject"),
}
_FIRST: Final[Mapping[str, Any]] = {
    **_NAMED,
    "failures": 1,
    "refused": 0,
    "was_refused": False,
    "last_at": _at("now"),
    "expires_at": _at("until"),
}
_IS: Final = and_(*(_of[name] == given for name, given in _NAMED.items()))
_CLEAR: Final = delete(t.attempts).where(_IS)
_READ: Final = select(t.attempts).where(_IS)


@cache
def _taking(dialect: str) -> Any:
    is_over = or_(_of.last_at <= _at("over"), _of.last_at > _at("soon"))
    return (
        insert_of(dialect, t.attempts)
        .values(**_FIRST)
        .on_conflict_do_update(
            index_elements=_KEY,
            set_={
                "failures": case((is_over, 1), else_=_of.failures + 1),
                "last_at": case((is_over, _at("now")), else_=_of.last_at),
                "expires_at": case((is_over, _at("until")), else_=_of.expires_at),
            },
            where=or_(is_over, _of.failures < bindparam("limit")),
        )
        .returning(_of.failures)
    )


@cache
def _counting(dialect: str, rule: LockRule) -> Any:
    """With the parameters of `_times`."""
    locked, is_forgotten = _is_locked(), _is_forgotten()
    failures = case((locked, _of.failures), (is_forgotten, 1), else_=_of.failures + 1)
    refused = case((locked, _of.refused + 1), (is_forgotten, 0), else_=_of.refused)
    return (
        insert_of(dialect, t.attempts)
        .values(**_FIRST, locked_until=_at("first_lock"))
        .on_conflict_do_update(
            index_elements=_KEY,
            set_={
                "failures": failures,
                "refused": refused,
                "was_refused": locked,
                "last_at": _at("now"),
                "locked_until": case((locked, _of.locked_until), else_=_lock(failures, rule)),
                "expires_at": _at("until"),
            },
        )
        .returning(_of.failures, _of.was_refused)
    )


def _times(rule: LockRule, now: datetime) -> Mapping[str, datetime | None]:
    longest = timedelta(seconds=rule.longest_s)
    steps = {f"lock_{n}": _lock_after(n, rule, now) for n in range(rule.free, _last(rule))}
    return {
        **steps,
        "now": now,
        "first_lock": _lock_after(1, rule, now),
        "longest": now + longest,
        "too_late": now + longest + CLOCK_STEP,
        "quiet": now - timedelta(seconds=rule.forget_s),
        "until": now + timedelta(seconds=rule.forget_s + rule.longest_s),
    }


def _is_locked() -> ColumnElement[bool]:
    """Not by a time that no lock could have: a clock was set back since (R6)."""
    until = _of.locked_until
    return and_(until.is_not(None), until > _at("now"), until <= _at("too_late"))


def _is_forgotten() -> ColumnElement[bool]:
    """Quiet begins when an attempt could be made: who only waits for the longest lock to end is not forgotten."""
    until = _of.locked_until
    return and_(_of.last_at <= _at("quiet"), or_(until.is_(None), until <= _at("quiet")))


def _lock(failures: Any, rule: LockRule) -> ColumnElement[Any]:
    """Until when, by the number of failures: a table, as neither database has powers of two in common."""
    steps = [(failures == n, _at(f"lock_{n}")) for n in range(rule.free, _last(rule))]
    return case((failures < rule.free, null()), *steps, else_=_at("longest"))


def _lock_after(failures: int, rule: LockRule, now: datetime) -> datetime | None:
    if failures < rule.free:
        return None
    return now + timedelta(seconds=min(rule.longest_s, rule.first_s * 2 ** (failures - rule.free)))


def _last(rule: LockRule) -> int:
    """The first number of failures whose lock is the longest."""
    n = rule.free
    while rule.first_s * 2 ** (n - rule.free) < rule.longest_s:
        n += 1
    return n
