"""What is written down of signing in: in order, when, who, from where, with which result (L4)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.core.steps import Challenge, SignedIn
from auth.errors import AuthError
from auth.store.ports import AuditRecord
from tests.support.user_pool import ORIGIN, PASSWORD, UserPool

NEW = "another password"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, mfa="optional") as people:
        people.add()
        yield people


def last(people: UserPool) -> AuditRecord:
    return people.store.audit.read(limit=1)[0]


def refused(people: UserPool, username: str = "ada", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(AuthError):
            people.log_in(username, "wrong one")


def test_a_sign_in_is_written_down(people: UserPool) -> None:
    """L4: who it was, by which proofs."""
    people.log_in()
    record, sub = last(people), people.user().sub
    assert (record.action, record.result, record.detail) == ("sign_in", "ok", "pwd")
    assert (record.actor, record.target, record.pool_id) == (f"user:{sub}", sub, people.pool.pool_id)
    assert (record.at, record.source_ip) == (people.now, ORIGIN.address)


def test_a_failure_is_written_down(people: UserPool) -> None:
    """L4: of whom, where there is such a person; the actor is nobody yet."""
    refused(people)
    known = last(people)
    refused(people, "nobody")
    unknown = last(people)
    assert (known.action, known.result, known.actor, known.target) == (
        "sign_in",
        "refused",
        "",
        people.user().sub,
    )
    assert (unknown.result, unknown.target, unknown.source_ip) == ("refused", "", ORIGIN.address)


def test_a_lock_is_written_down(people: UserPool) -> None:
    """L4: when it begins, and every attempt while it lasts. Twin: four failures are no lock."""
    refused(people, times=4)
    assert "lock" not in [action for action, _ in people.audited()]
    refused(people)
    assert (last(people).action, last(people).detail) == ("lock", "5 failures")
    refused(people)
    assert (last(people).action, last(people).detail) == ("sign_in", "locked")


def test_a_changed_password_is_written_down(people: UserPool) -> None:
    """L4: by whom; a wrong old one as well."""
    sub = people.user().sub

    def change(previous: str) -> None:
        people.account.change_password(
            people.pool, sub, previous, NEW, grant_id=None, origin=ORIGIN, now=people.now
        )

    with pytest.raises(AuthError):
        change("wrong one")
    assert (last(people).action, last(people).result) == ("password_changed", "refused")
    change(PASSWORD)
    record = last(people)
    assert (record.action, record.result, record.actor) == ("password_changed", "ok", f"user:{sub}")


def test_a_reset_password_is_written_down(people: UserPool) -> None:
    """L4: that it was asked for, and what came of it."""
    people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.now)
    people.recovery.reset(
        people.pool, people.client, "ada", people.code(), NEW, origin=ORIGIN, now=people.now
    )
    assert people.audited()[-2:] == [("password_forgotten", "ok"), ("password_reset", "ok")]


def test_a_second_factor_is_written_down(people: UserPool) -> None:
    """L4: set up, switched on, and each wrong code."""
    seed = people.with_app()
    assert ("mfa_associated", "ok") in people.audited()
    switched = last(people)
    assert (switched.action, switched.result, switched.detail) == ("mfa_changed", "ok", "SOFTWARE_TOKEN_MFA")
    step = people.log_in()
    assert isinstance(step, Challenge)
    wrong = {"SOFTWARE_TOKEN_MFA_CODE": "12345"}
    with pytest.raises(AuthError):
        people.answer("SOFTWARE_TOKEN_MFA", step.handle, wrong)
    record = last(people)
    assert (record.action, record.result, record.detail) == ("challenge", "refused", "wrong code 1")
    right = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
    assert isinstance(people.answer("SOFTWARE_TOKEN_MFA", step.handle, right), SignedIn)
    assert last(people).detail == "pwd otp mfa"
