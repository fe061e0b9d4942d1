"""Counters, codes, half-way points, authenticators: what is used up."""

from datetime import datetime, timedelta

import pytest

from auth.errors import AliasExists, CodeMismatch, ExpiredCode, SoftwareTokenNotFound
from auth.store.ports import Attempts, ConfirmUser, LockRule, ResetPassword, VerifyAttribute
from auth.store.sql import SqlStore
from auth.user import UserStatus
from tests.support.auth_store import CLIENT, HOUR, MINUTE, NOW, POOL, new_user, peopled, refresh_token

RULE = LockRule()
SECOND = timedelta(seconds=1)


def _fail(store: SqlStore, times: int, now: object = NOW) -> list[int | None]:
    return [store.attempts.count(POOL, "password", "ann", RULE, now) for _ in range(times)]  # type: ignore[arg-type]


def test_five_attempts_are_judged_and_the_sixth_is_refused(store: SqlStore) -> None:
    """B7: counted before they are judged; each is a failure or refused."""
    assert _fail(store, 7) == [1, 2, 3, 4, 5, None, None]
    assert store.attempts.read(POOL, "password", "ann") == Attempts(
        failures=5, refused=2, locked_until=NOW + SECOND
    )
    assert _fail(store, 1, NOW + SECOND) == [6]


def test_each_lock_is_twice_as_long_up_to_fifteen_minutes(store: SqlStore) -> None:
    """B7: refused attempts do not lengthen it."""
    now, lengths = NOW, []
    _fail(store, 4)
    for _ in range(14):
        assert _fail(store, 2, now)[1] is None
        counted = store.attempts.read(POOL, "password", "ann")
        assert counted is not None
        assert counted.locked_until is not None
        lengths.append((counted.locked_until - now).total_seconds())
        now = counted.locked_until

    assert lengths[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert lengths[10:] == [900] * 4
    assert _fail(store, 1, now + 15 * MINUTE) == [1]


def test_a_success_clears_and_quiet_forgets(store: SqlStore) -> None:
    """B7: fifteen minutes without an attempt forget all."""
    _fail(store, 5)
    store.attempts.clear(POOL, "password", "ann")
    assert _fail(store, 1) == [1]
    assert _fail(store, 1, NOW + 15 * MINUTE - SECOND) == [2]
    assert _fail(store, 1, NOW + 31 * MINUTE) == [1]


def test_subjects_and_kinds_are_counted_apart(store: SqlStore) -> None:
    _fail(store, 6)

    assert store.attempts.count(POOL, "password", "bob", RULE, NOW) == 1
    assert store.attempts.count(POOL, "mfa", "ann", RULE, NOW) == 1
    assert store.attempts.read(POOL, "client", "ann") is None


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_clock_that_jumps_locks_nobody_out(store: SqlStore, step: timedelta) -> None:
    """R6: a lock from another time than any lock could be of does not hold."""
    _fail(store, 6, NOW)

    assert _fail(store, 1, NOW + step)[0] is not None


def test_a_clock_that_is_a_second_off_opens_no_lock(store: SqlStore) -> None:
    """R6: the twin: processes whose clocks differ a little."""
    _fail(store, 6, NOW)

    assert _fail(store, 1, NOW - SECOND) == [None]


def test_a_window_takes_no_more_than_its_limit(store: SqlStore) -> None:
    """B10: how many codes are sent."""

    def take(now: object) -> bool:
        return store.attempts.take(POOL, "send", "ann", limit=2, window_s=60, now=now)  # type: ignore[arg-type]

    assert [take(NOW), take(NOW), take(NOW)] == [True, True, False]
    assert not take(NOW + 59 * SECOND)
    assert take(NOW + MINUTE)
    assert take(NOW - HOUR)  # R6
    assert not store.attempts.take(POOL, "send", "bob", limit=0, window_s=60, now=NOW)


def test_a_window_begins_anew_when_a_clock_was_set_back(store: SqlStore) -> None:
    """R6: or nobody is sent a mail for an hour. Twin: processes whose clocks differ by a second."""

    def take(now: datetime) -> bool:
        return store.attempts.take(POOL, "send", "ann", limit=1, window_s=60, now=now)

    assert [take(NOW), take(NOW - SECOND), take(NOW - HOUR)] == [True, False, True]


def _put(store: SqlStore, code: str = "123456", purpose: str = "reset") -> None:
    store.codes.put(POOL, "name-of-sub-1", purpose, code, "a@example.com", NOW + HOUR, NOW)  # type: ignore[arg-type]


def _use(store: SqlStore, code: str = "123456", now: object = NOW, **more: object) -> str:
    purpose = more.pop("purpose", "reset")
    return store.codes.use(POOL, "name-of-sub-1", purpose, code, now, **more)  # type: ignore[arg-type]


def test_a_code_works_once(store: SqlStore) -> None:
    """B10"""
    _put(store)

    assert _use(store) == "a@example.com"
    with pytest.raises(ExpiredCode):
        _use(store)


def test_five_wrong_codes_and_the_right_one_is_dead(store: SqlStore) -> None:
    """B10: at most five tries."""
    _put(store)
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            _use(store, "000000")

    with pytest.raises(ExpiredCode):
        _use(store)


def test_four_wrong_codes_and_the_right_one_works(store: SqlStore) -> None:
    """B10: the twin."""
    _put(store)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            _use(store, "000000")

    assert _use(store) == "a@example.com"


def test_a_code_is_of_its_time_its_subject_and_its_purpose(store: SqlStore) -> None:
    """B10: bound to user and purpose; dead at its end."""
    _put(store)

    with pytest.raises(ExpiredCode):
        _use(store, now=NOW + HOUR)
    with pytest.raises(ExpiredCode):
        _use(store, purpose="sign_up")
    with pytest.raises(ExpiredCode):
        store.codes.use(POOL, "name-of-sub-2", "reset", "123456", NOW)
    assert _use(store, now=NOW + HOUR - SECOND) == "a@example.com"


def test_a_new_code_replaces_the_old_one(store: SqlStore) -> None:
    """B10: asking again gives no second chance for the first."""
    _put(store, "111111")
    _put(store, "222222")

    with pytest.raises(CodeMismatch):
        _use(store, "111111")
    assert _use(store, "222222") == "a@example.com"


def test_a_code_is_stored_as_a_mac_of_its_row(store: SqlStore) -> None:
    """B10: whoever reads the table cannot try a million codes on it."""
    _put(store)
    with store.database.engine.connect() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM codes").all())

    assert "123456" not in rows
    assert "a@example.com" in rows


def test_a_sign_up_code_confirms(store: SqlStore) -> None:
    peopled(store)
    store.users.create(new_user("sub-2", status="UNCONFIRMED"), NOW)
    _put(store, purpose="sign_up")
    effect = ConfirmUser(sub="sub-2", verified=("email",), aliases=(("email", "sub-2@example.com"),))

    _use(store, purpose="sign_up", effect=effect)

    found = store.users.find(POOL, "sub-2@example.com")
    assert found is not None
    assert (found[0].status, found[0].is_verified("email")) == ("CONFIRMED", True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param("UNCONFIRMED", "hash-2", id="unconfirmed"),
        pytest.param("CONFIRMED", "hash-1", id="confirmed"),
    ],
)
def test_a_sign_up_code_sets_the_password_of_nobody_who_is_confirmed(
    store: SqlStore, status: UserStatus, expected: str
) -> None:
    peopled(store)
    store.users.set_status(POOL, "sub-1", status, NOW)
    store.codes.put(POOL, "sub-1", "sign_up", "123456", "a@example.com", NOW + HOUR, NOW)
    store.codes.use(POOL, "sub-1", "sign_up", "123456", NOW, ConfirmUser(sub="sub-1", hash="hash-2"))
    found = store.users.find(POOL, "name-of-sub-1")
    assert found is not None
    assert found[1] is not None
    assert (found[0].status, found[1].hash) == ("CONFIRMED", expected)


def test_an_alias_of_another_stops_the_confirmation_and_the_code_lives(store: SqlStore) -> None:
    store.pools.declare([], NOW)
    user = peopled(store)
    user = store.users.update_attributes(
        user, {"email_verified": "true"}, NOW, aliases=[("email", "same@example.com")]
    )
    store.users.create(new_user("sub-2", status="UNCONFIRMED"), NOW)
    _put(store, purpose="sign_up")
    effect = ConfirmUser(sub="sub-2", verified=("email",), aliases=(("email", "same@example.com"),))

    with pytest.raises(AliasExists):
        _use(store, purpose="sign_up", effect=effect)
    second = store.users.get(POOL, "sub-2")
    assert second is not None
    assert second.status == "UNCONFIRMED"
    forced = ConfirmUser(sub="sub-2", verified=("email",), aliases=effect.aliases, takes_over=True)
    _use(store, purpose="sign_up", effect=forced)
    found, loser = store.users.find(POOL, "same@example.com"), store.users.get(POOL, "sub-1")
    assert found is not None
    assert loser is not None
    assert (found[0].sub, loser.is_verified("email")) == ("sub-2", False)


def test_a_reset_code_sets_the_password_and_ends_all_sessions(store: SqlStore) -> None:
    """A8"""
    peopled(store)
    refresh_token(store)
    store.users.set_status(POOL, "sub-1", "RESET_REQUIRED", NOW)
    _put(store)

    _use(store, effect=ResetPassword(sub="sub-1", hash="hash-2"))

    found = store.users.find(POOL, "sub-1")
    assert found is not None
    assert found[1] is not None
    assert (found[0].status, found[1].hash) == ("CONFIRMED", "hash-2")
    assert store.grants.live("grant-1", NOW) is None


def test_a_wrong_reset_code_does_nothing(store: SqlStore) -> None:
    """A8: the twin."""
    peopled(store)
    refresh_token(store)
    _put(store)

    with pytest.raises(CodeMismatch):
        _use(store, "000000", effect=ResetPassword(sub="sub-1", hash="hash-2"))
    assert store.grants.live("grant-1", NOW) is not None


def test_an_attribute_code_proves_the_address_that_it_was_sent_to(store: SqlStore) -> None:
    """B11: an address that came after the code is not proven by it. Twin: the one that it went to."""
    user = peopled(store)
    effect = VerifyAttribute(
        sub="sub-1", name="email", value="sub-1@example.com", alias=("email", "sub-1@example.com")
    )
    _put(store, purpose="email")
    user = store.users.update_attributes(user, {"email": "new@example.com"}, NOW)
    with pytest.raises(ExpiredCode):
        _use(store, purpose="email", effect=effect)
    store.users.update_attributes(user, {"email": "sub-1@example.com"}, NOW)

    _use(store, purpose="email", effect=effect)

    found = store.users.find(POOL, "sub-1@example.com")
    assert found is not None
    assert found[0].is_verified("email")


def test_a_challenge_is_answered_once_by_its_client_in_time(store: SqlStore) -> None:
    """B12"""

    def put(handle: str) -> None:
        store.challenges.put(handle, POOL, CLIENT, "ann", None, b"state", NOW + MINUTE)

    put("handle-1")
    assert store.challenges.consume("handle-1", "another", NOW) is None
    assert store.challenges.consume("handle-1", CLIENT, NOW + MINUTE) is None
    assert store.challenges.consume("handle-1", CLIENT, NOW) == b"state"
    assert store.challenges.consume("handle-1", CLIENT, NOW) is None


def test_an_authenticator_counts_when_it_was_confirmed(store: SqlStore) -> None:
    peopled(store)
    tokens = store.software_tokens
    tokens.put_secret(POOL, "sub-1", b"first", NOW)

    before = tokens.secret(POOL, "sub-1", confirmed=True)
    tokens.confirm(POOL, "sub-1", "phone", NOW)
    tokens.put_secret(POOL, "sub-1", b"second", NOW)

    assert before is None
    assert tokens.secret(POOL, "sub-1", confirmed=True) == b"first"
    assert tokens.secret(POOL, "sub-1", confirmed=False) == b"second"
    tokens.confirm(POOL, "sub-1", "phone", NOW)
    assert tokens.secret(POOL, "sub-1", confirmed=True) == b"second"
    user = store.users.get(POOL, "sub-1")
    assert user is not None
    assert user.has_software_token
    with pytest.raises(SoftwareTokenNotFound):
        tokens.confirm(POOL, "sub-1", "phone", NOW)


def test_a_time_step_is_used_once(store: SqlStore) -> None:
    """B10: RFC 6238 section 5.2."""
    peopled(store)

    assert store.software_tokens.use_step(POOL, "sub-1", 100, NOW + MINUTE)
    assert not store.software_tokens.use_step(POOL, "sub-1", 100, NOW + MINUTE)
    assert store.software_tokens.use_step(POOL, "sub-1", 101, NOW + MINUTE)
    assert not store.software_tokens.use_step(POOL, "nobody", 100, NOW + MINUTE)
