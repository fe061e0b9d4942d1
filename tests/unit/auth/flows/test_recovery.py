"""A forgotten password: for whom a code is sent, what it does, and that nobody learns who exists (A8, B6, B10, B11)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auth.core.lockout import Limits, Window
from auth.errors import (
    AuthError,
    CodeMismatch,
    ExpiredCode,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    NotAuthorized,
    ResourceNotFound,
    TooManyRequests,
    UserNotFound,
)
from auth.flows.delivery import Delivery
from tests.support.grants import a_grant
from tests.support.sql_statements import sent_statements
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

NEW = "another password"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path) as people:
        people.add()
        yield people


def forgot(people: UserPool, username: str = "ada") -> Delivery:
    return people.recovery.forgot(people.pool, people.client, username, origin=ORIGIN, now=people.now)


def reset(people: UserPool, code: str, username: str = "ada", password: str = NEW) -> None:
    people.recovery.reset(people.pool, people.client, username, code, password, origin=ORIGIN, now=people.now)


def test_a_code_from_the_mail_changes_the_password(people: UserPool) -> None:
    assert forgot(people) == Delivery(destination_masked="a***@e***")
    reset(people, people.code())
    assert people.is_let_in("ada", NEW)
    with pytest.raises(NotAuthorized):
        people.log_in()
    assert people.purposes() == ["reset", "password_changed"]
    assert ("password_reset", "ok") in people.audited()


def test_a_reset_ends_every_session(people: UserPool) -> None:
    """A8: twin: until then it lives."""
    grant = a_grant(people)
    forgot(people)
    people.clock.move(1)
    assert people.store.grants.live(grant, people.now) is not None
    reset(people, people.code())
    assert people.store.grants.live(grant, people.now) is None


@pytest.mark.parametrize(("minutes", "is_good"), [(59.9, True), (60, False)])
def test_a_code_lives_for_an_hour(people: UserPool, minutes: float, is_good: bool) -> None:
    """B10."""
    forgot(people)
    people.clock.move(minutes * 60)
    if is_good:
        reset(people, people.code())
        return
    with pytest.raises(ExpiredCode):
        reset(people, people.code())


def test_a_code_works_once(people: UserPool) -> None:
    """B10."""
    forgot(people)
    reset(people, people.code())
    with pytest.raises(ExpiredCode):
        reset(people, people.code(), password="a third password")


def test_five_wrong_tries_kill_a_code(people: UserPool) -> None:
    """B10: twin: the right one after four."""
    forgot(people)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            reset(people, people.wrong_code())
    reset(people, people.code())
    forgot(people)
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            reset(people, people.wrong_code())
    with pytest.raises(ExpiredCode):
        reset(people, people.code())


def test_a_code_is_one_persons(people: UserPool) -> None:
    """B10: twin: the person that it was sent to."""
    people.add("bob", email="bob@example.com")
    forgot(people, "bob")
    with pytest.raises(ExpiredCode):
        reset(people, people.code(), "ada")
    reset(people, people.code(), "bob")


def test_codes_are_tried_so_often_and_no_more(people: UserPool) -> None:
    """B10."""
    for _ in range(15):
        with pytest.raises(ExpiredCode):
            reset(people, "123456")
    forgot(people)
    with pytest.raises(LimitExceeded):
        reset(people, people.code())


def test_one_address_tries_so_many_codes(tmp_path: Path) -> None:
    """B10: whoever's."""
    with UserPool(tmp_path, limits=Limits(address_codes=Window(limit=2, window_s=60))) as people:
        for name in ("one", "two"):
            with pytest.raises(ExpiredCode):
                reset(people, "123456", name)
        with pytest.raises(TooManyRequests):
            reset(people, "123456", "three")


def test_a_password_that_does_not_conform_uses_no_try(people: UserPool) -> None:
    forgot(people)
    for _ in range(6):
        with pytest.raises(InvalidPassword):
            reset(people, people.code(), password="short")
    reset(people, people.code())


def test_mails_are_sent_so_often_and_no_more(people: UserPool) -> None:
    """B10: to one person, under all names, and as many answers for nobody."""
    sub = people.user().sub
    for name in ("ada", "ADA", sub, "ada", sub):
        forgot(people, name)
    with pytest.raises(LimitExceeded):
        forgot(people)
    for _ in range(5):
        forgot(people, "nobody")
    with pytest.raises(LimitExceeded):
        forgot(people, "nobody")
    assert len(people.mails) == 5


def _make(people: UserPool) -> None:
    """Everybody for whom nothing is sent."""
    people.add("unverified", email="unverified@example.com", email_verified="false")
    people.add("without", email=None)
    people.add("invited", email="invited@example.com", is_permanent=False)
    people.add("disabled", email="disabled@example.com")
    people.administration.disable(people.pool, "disabled", now=people.now)


NOT_SENT = ("unverified", "without", "invited", "disabled", "nobody")


def test_asking_tells_nobody_who_exists(people: UserPool) -> None:
    """B6: the same form of answer and the same statements, whether a mail goes out or not."""
    _make(people)
    asked = set()
    for name in ("ada", *NOT_SENT):
        with sent_statements() as sent:
            answer = forgot(people, name)
        assert answer == forgot(people, name)  # and the same each time
        assert answer.destination_masked[1:5] == "***@"
        asked.add(tuple(sent))
    assert len(asked) == 1
    assert [mail.to for mail in people.mails] == ["ada@example.com"] * 2


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_wrong_code_tells_nobody_who_exists(people: UserPool, is_asked: bool) -> None:
    """B6: the same words, hashes and statements for a wrong code, whether one was asked for or not."""
    _make(people)
    outcomes = set()
    for name in ("ada", *NOT_SENT):
        if is_asked:
            forgot(people, name)
        people.hasher.work.clear()
        with sent_statements() as sent, pytest.raises(AuthError) as caught:
            reset(people, "wrong", name)
        outcomes.add((type(caught.value), str(caught.value), tuple(people.hasher.work), tuple(sent)))
    assert len(outcomes) == 1
    assert next(iter(outcomes))[0] is (CodeMismatch if is_asked else ExpiredCode)


def test_a_client_may_ask_to_be_told(people: UserPool) -> None:
    """Cognito's LEGACY: its words."""
    _make(people)
    people.client = replace(CLIENT, hides_users=False)
    for name, error, words in (
        ("nobody", UserNotFound, "combination not found"),
        ("disabled", UserNotFound, "combination not found"),
        ("invited", NotAuthorized, "cannot be reset in the current state"),
        ("without", InvalidParameter, "no registered/verified email"),
        ("unverified", InvalidParameter, "no registered/verified email"),
    ):
        with pytest.raises(error, match=words):
            forgot(people, name)
    with pytest.raises(UserNotFound):
        reset(people, "123456", "nobody")


def test_decoys_cannot_be_told_by_who_has_not_the_key(tmp_path: Path) -> None:
    """B6: another server answers otherwise for the same name; the same one always alike."""
    with UserPool(tmp_path) as people:
        names = [f"nobody{number}" for number in range(20)]
        one = [forgot(people, name) for name in names]
        people.tools = replace(people.tools, decoy_key=b"another key")
        other = type(people.recovery)(people.tools)
        again = [
            other.forgot(people.pool, people.client, name, origin=ORIGIN, now=people.now) for name in names
        ]
    assert one != again


def test_a_code_that_went_to_an_address_is_dead_once_the_address_is_changed(people: UserPool) -> None:
    """B11: whoever reads the old mailbox. Twin: without the change it is good."""
    forgot(people)
    code = people.code()
    people.administration.update_attributes(people.pool, "ada", {"email": "new@example.com"}, now=people.now)
    with pytest.raises(ExpiredCode):
        reset(people, code)
    people.administration.update_attributes(people.pool, "ada", {"email_verified": "true"}, now=people.now)
    forgot(people)
    assert people.mails[-1].to == "new@example.com"
    reset(people, people.code())


def test_a_right_code_does_nothing_for_somebody_who_was_disabled_since(people: UserPool) -> None:
    """B6, A8: answered as a wrong one, and used up. Twin: enabled again, with a new code."""
    forgot(people)
    people.administration.disable(people.pool, "ada", now=people.now)
    with pytest.raises(CodeMismatch):
        reset(people, people.code())
    people.administration.enable(people.pool, "ada", now=people.now)
    assert people.is_let_in("ada", PASSWORD)
    forgot(people)
    reset(people, people.code())
    assert people.is_let_in("ada", NEW)


def test_after_an_operators_reset_only_the_code_helps(people: UserPool) -> None:
    people.administration.reset_password(people.pool, "ada", now=people.now)
    reset(people, people.code())
    assert people.user().status == "CONFIRMED"
    assert people.is_let_in("ada", NEW)


def test_closed_pools_reset_nothing(people: UserPool) -> None:
    closed = replace(people.pool, is_closed=True)
    with pytest.raises(ResourceNotFound):
        people.recovery.forgot(closed, people.client, "ada", origin=ORIGIN, now=people.now)
    with pytest.raises(ResourceNotFound):
        people.recovery.reset(closed, people.client, "ada", "1", NEW, origin=ORIGIN, now=people.now)
    assert people.is_let_in("ada", PASSWORD)
