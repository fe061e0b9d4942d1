"""Counters that decide before anything is judged. One statement each: the database has counted, or refused."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, literal, null, or_, select

from auth.store.ports import AttemptKind, Attempts, LockRule
from auth.store.sql import tables as t
from auth.store.sql.statements import insert
from kit.sql import Database, UtcMs

# A clock that was set back leaves times in the future. Beyond this they are not of this time, and lock nobody out.
CLOCK_STEP = timedelta(minutes=1)
_of = t.attempts.c


class SqlAttempts:
    def __init__(self, database: Database) -> None:
        self._db = database

    def count(
        self, pool_id: str, kind: AttemptKind, subject: str, rule: LockRule, now: datetime
    ) -> int | None:
        first = {"failures": 1, "refused": 0, "was_refused": False, "last_at": now}
        first |= {"locked_until": _lock_after(1, rule, now), "expires_at": now + _kept(rule)}
        locked = _is_locked(rule, now)
        failures = case((locked, _of.failures), (_is_forgotten(rule, now), 1), else_=_of.failures + 1)
        refused = case((locked, _of.refused + 1), (_is_forgotten(rule, now), 0), else_=_of.refused)
        with self._db.write() as connection:
            statement = insert(connection, t.attempts).values(
                pool_id=pool_id, kind=kind, subject=subject, **first
            )
            statement = statement.on_conflict_do_update(
                index_elements=["pool_id", "kind", "subject"],
                set_={
                    "failures": failures,
                    "refused": refused,
                    "was_refused": locked,
                    "last_at": now,
                    "locked_until": case((locked, _of.locked_until), else_=_lock(failures, rule, now)),
                    "expires_at": now + _kept(rule),
                },
            ).returning(_of.failures, _of.was_refused)
            row = connection.execute(statement).one()
        return None if row.was_refused else int(row.failures)

    def clear(self, pool_id: str, kind: AttemptKind, subject: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(t.attempts).where(_is(pool_id, kind, subject)))

    def read(self, pool_id: str, kind: AttemptKind, subject: str) -> Attempts | None:
        with self._db.read() as connection:
            row = connection.execute(select(t.attempts).where(_is(pool_id, kind, subject))).first()
        if row is None:
            return None
        return Attempts(failures=row.failures, refused=row.refused, locked_until=row.locked_until)

    def take(
        self, pool_id: str, kind: AttemptKind, subject: str, *, limit: int, window_s: float, now: datetime
    ) -> bool:
        if limit <= 0:
            return False
        window = timedelta(seconds=window_s)
        is_over = or_(_of.last_at <= now - window, _of.last_at > now + CLOCK_STEP)
        first = {
            "failures": 1,
            "refused": 0,
            "was_refused": False,
            "last_at": now,
            "expires_at": now + window,
        }
        with self._db.write() as connection:
            statement = insert(connection, t.attempts).values(
                pool_id=pool_id, kind=kind, subject=subject, **first
            )
            statement = statement.on_conflict_do_update(
                index_elements=["pool_id", "kind", "subject"],
                set_={
                    "failures": case((is_over, 1), else_=_of.failures + 1),
                    "last_at": case((is_over, literal(now, UtcMs)), else_=_of.last_at),
                    "expires_at": case((is_over, literal(now + window, UtcMs)), else_=_of.expires_at),
                },
                where=or_(is_over, _of.failures < limit),
            ).returning(_of.failures)
            return connection.execute(statement).first() is not None


def _is(pool_id: str, kind: str, subject: str) -> ColumnElement[bool]:
    return and_(_of.pool_id == pool_id, _of.kind == kind, _of.subject == subject)


def _is_locked(rule: LockRule, now: datetime) -> ColumnElement[bool]:
    """Not by a time that no lock could have: a clock was set back since (R6)."""
    longest = timedelta(seconds=rule.longest_s) + CLOCK_STEP
    return and_(_of.locked_until.is_not(None), _of.locked_until > now, _of.locked_until <= now + longest)


def _is_forgotten(rule: LockRule, now: datetime) -> ColumnElement[bool]:
    """Quiet begins when an attempt could be made: who only waits for the longest lock to end is not forgotten."""
    since = now - timedelta(seconds=rule.forget_s)
    return and_(_of.last_at <= since, or_(_of.locked_until.is_(None), _of.locked_until <= since))


def _lock(failures: Any, rule: LockRule, now: datetime) -> ColumnElement[Any]:
    """Until when, by the number of failures: a table, as neither database has powers of two in common."""
    steps = [
        (failures == n, literal(_lock_after(n, rule, now), UtcMs)) for n in range(rule.free, _last(rule))
    ]
    longest = now + timedelta(seconds=rule.longest_s)
    return case((failures < rule.free, null()), *steps, else_=literal(longest, UtcMs))


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


def _kept(rule: LockRule) -> timedelta:
    return timedelta(seconds=rule.forget_s + rule.longest_s)
