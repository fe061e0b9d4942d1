"""Browser sessions, signing keys, the audit, and the janitor."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from auth.errors import NotAuthorized, Unavailable
from auth.store.ports import AuditRecord, BrowserSession, LockRule, StoredKey
from auth.store.sql import SqlStore
from tests.support.auth_store import (
    CLIENT,
    HOUR,
    MINUTE,
    NOW,
    POOL,
    a_code,
    a_grant,
    new_user,
    peopled,
    refresh_token,
)

SESSION = BrowserSession(
    pool_id=POOL,
    sub="sub-1",
    auth_time=NOW,
    amr=("pwd", "otp"),
    csrf="csrf-1",
    data=b"data",
    expires_at=NOW + 8 * HOUR,
)
IDLE = NOW + HOUR


def test_a_session_is_read_back_and_kept_alive(store: SqlStore) -> None:
    """B1"""
    peopled(store)
    store.browser_sessions.put("handle", SESSION, IDLE)

    assert store.browser_sessions.get("handle", NOW, NOW + 2 * HOUR) == SESSION
    assert store.browser_sessions.get("handle", NOW + HOUR, NOW + 2 * HOUR) == SESSION
    assert store.browser_sessions.get("other", NOW, IDLE) is None
    store.browser_sessions.save("handle", b"more")
    assert store.browser_sessions.get("handle", NOW, IDLE) == replace(SESSION, data=b"more")


def test_a_session_ends_idle_or_old(store: SqlStore) -> None:
    """B1"""
    peopled(store)
    store.browser_sessions.put("idle", SESSION, IDLE)
    store.browser_sessions.put("old", replace(SESSION, expires_at=NOW + MINUTE), IDLE)

    assert store.browser_sessions.get("idle", IDLE, IDLE) is None
    assert store.browser_sessions.get("old", NOW + MINUTE, IDLE) is None
    assert store.browser_sessions.get("old", NOW, IDLE) is not None


def test_a_log_in_changes_the_handle(store: SqlStore) -> None:
    """B1"""
    peopled(store)
    before = replace(SESSION, sub=None, auth_time=None, amr=())
    store.browser_sessions.put("before", before, IDLE)
    assert store.browser_sessions.get("before", NOW, IDLE) == before

    store.browser_sessions.replace("before", "after", SESSION, IDLE)

    assert store.browser_sessions.get("before", NOW, IDLE) is None
    assert store.browser_sessions.get("after", NOW, IDLE) == SESSION
    store.browser_sessions.delete("after")
    assert store.browser_sessions.get("after", NOW, IDLE) is None
    with pytest.raises(NotAuthorized):
        store.browser_sessions.put("nobody", replace(SESSION, sub="nobody"), IDLE)


@pytest.mark.parametrize("how", ["disable", "sign-out", "late"])
def test_a_session_ends_with_its_user(store: SqlStore, how: str) -> None:
    """A8: also one that is written just after the sign-out, of a log-in from before it."""
    peopled(store)
    store.browser_sessions.put("handle", SESSION, IDLE)
    ends: dict[str, Callable[[], object]] = {
        "disable": lambda: store.users.set_enabled(POOL, "sub-1", False, NOW),
        "sign-out": lambda: store.grants.sign_out(POOL, "sub-1", NOW),
        "late": lambda: store.grants.sign_out(POOL, "sub-1", NOW + MINUTE),
    }
    ends[how]()
    if how == "late":
        store.browser_sessions.put("handle", SESSION, IDLE)

    assert store.browser_sessions.get("handle", NOW, IDLE) is None


def _key(kid: str, state: str = "next", **changes: object) -> StoredKey:
    values = {"pool_id": POOL, "kid": kid, "use": "access", "state": state, "public_jwk": {"kid": kid}}
    values |= {"private_pem": b"pem of " + kid.encode(), "published_at": NOW}
    return StoredKey(**(values | changes))  # type: ignore[arg-type]


def _rotate(store: SqlStore, new: str, *, published_before: object = NOW + MINUTE) -> bool:
    return store.keys.rotate(
        POOL,
        "access",
        _key(new, published_at=NOW + HOUR),
        NOW + HOUR,
        published_before=published_before,  # type: ignore[arg-type]
        retire_until=NOW + 2 * HOUR,
    )


def test_one_key_of_each_use_and_state(store: SqlStore) -> None:
    """J17"""
    store.pools.declare([], NOW)
    peopled(store)

    assert store.keys.add(_key("k1", "current"))
    assert not store.keys.add(_key("k2", "current"))
    assert store.keys.add(_key("k2"))
    assert store.keys.add(_key("k3", "current", use="id"))
    assert {key.kid: (key.use, key.state, key.private_pem) for key in store.keys.keys(POOL)} == {
        "k1": ("access", "current", b"pem of k1"),
        "k2": ("access", "next", b"pem of k2"),
        "k3": ("id", "current", b"pem of k3"),
    }


def test_a_rotation_moves_all_three(store: SqlStore) -> None:
    """J17"""
    peopled(store)
    store.keys.add(_key("k1", "current"))
    store.keys.add(_key("k2"))
    version = store.keys.version(POOL)

    assert _rotate(store, "k3")

    keys = {key.kid: key for key in store.keys.keys(POOL)}
    assert {kid: key.state for kid, key in keys.items()} == {"k1": "retired", "k2": "current", "k3": "next"}
    assert (keys["k1"].retired_at, keys["k1"].expires_at) == (NOW + HOUR, NOW + 2 * HOUR)
    assert keys["k2"].activated_at == NOW + HOUR
    assert store.keys.version(POOL) > version
    assert not _rotate(store, "k4")  # k3 was not published long enough
    assert {key.kid for key in store.keys.keys(POOL)} == {"k1", "k2", "k3"}


def test_a_key_that_was_published_too_late_does_not_rotate(store: SqlStore) -> None:
    """J17: the twin."""
    peopled(store)
    store.keys.add(_key("k1", "current"))
    store.keys.add(_key("k2"))
    version = store.keys.version(POOL)

    assert not _rotate(store, "k3", published_before=NOW)

    assert {key.kid: key.state for key in store.keys.keys(POOL)} == {"k1": "current", "k2": "next"}
    assert store.keys.version(POOL) == version


def test_the_audit_is_read_newest_first(store: SqlStore) -> None:
    records = [
        AuditRecord(at=NOW, action=f"action-{n}", result="ok", pool_id=POOL if n % 2 else "", detail="d")
        for n in range(4)
    ]
    for record in records:
        store.audit.append(record)

    assert store.audit.read(limit=3) == tuple(reversed(records[1:]))
    assert store.audit.read(limit=9, pool_id=POOL) == (records[3], records[1])


@pytest.mark.parametrize("statement", ["UPDATE audit SET result = 'x'", "DELETE FROM audit"])
def test_the_audit_is_append_only(store: SqlStore, statement: str) -> None:
    """L4: also for whoever has the server's own connection."""
    store.audit.append(AuditRecord(at=NOW, action="a", result="ok"))

    with pytest.raises((DBAPIError, Unavailable)), store.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert [record.result for record in store.audit.read(limit=9)] == ["ok"]


def test_the_janitor_takes_what_has_expired_in_batches(store: SqlStore) -> None:
    peopled(store)
    store.users.create(new_user("sub-2"), NOW)
    for number in range(5):
        store.challenges.put(f"h{number}", POOL, CLIENT, "ann", None, b"", NOW + MINUTE)
    store.codes.put(POOL, "ann", "reset", "123456", "a@example.com", NOW + MINUTE, NOW)
    store.attempts.count(POOL, "password", "ann", LockRule(), NOW)
    store.grants.start(a_grant(expires_at=NOW + MINUTE), NOW, code=a_code(), refresh=True)
    refresh_token(store, "alive")
    store.browser_sessions.put("gone", replace(SESSION, expires_at=NOW + MINUTE), IDLE)
    store.browser_sessions.put("handle", SESSION, IDLE)
    store.software_tokens.use_step(POOL, "sub-1", 1, NOW + MINUTE)
    store.keys.add(_key("k1", "retired", expires_at=NOW + MINUTE))
    store.keys.add(_key("k2", "current"))

    assert store.clean(NOW, limit=3) == 0
    first = store.clean(NOW + HOUR, limit=3)
    rest = [store.clean(NOW + HOUR, limit=3) for _ in range(2)]

    assert first == 10  # of eight tables, three of the five challenges
    assert rest == [2, 0]
    assert store.grants.live("alive", NOW) is not None
    assert store.browser_sessions.get("handle", NOW, IDLE) == SESSION
    assert [key.kid for key in store.keys.keys(POOL)] == ["k2"]
