"""One's own account: passwords, addresses and their codes, the end of sessions (A8, B7, B10, B11)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.errors import (
    AliasExists,
    CodeMismatch,
    ExpiredCode,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    NotAuthorized,
    UserNotFound,
)
from auth.flows.delivery import Delivery
from tests.support.grants import a_grant
from tests.support.user_pool import ORIGIN, PASSWORD, UserPool

NEW = "another password"
ALIASES = frozenset({"username", "email"})
EMAILS = frozenset({"email"})


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, sign_in_with=ALIASES) as people:
        people.add()
        yield people


def change(people: UserPool, previous: str = PASSWORD, proposed: str = NEW, grant: str | None = None) -> None:
    people.account.change_password(
        people.pool, people.user().sub, previous, proposed, grant_id=grant, origin=ORIGIN, now=people.now
    )


def update(people: UserPool, whose: str = "ada", /, **changes: str | None) -> tuple[Delivery, ...]:
    sub = people.user(whose).sub
    return people.account.update_attributes(people.pool, sub, changes, origin=ORIGIN, now=people.now)


def verify(people: UserPool, code: str, name: str = "ada") -> None:
    sub = people.user(name).sub
    people.account.verify_attribute(people.pool, sub, "email", code, origin=ORIGIN, now=people.now)


def test_a_password_is_changed_by_who_knows_it(people: UserPool) -> None:
    change(people)
    assert people.is_let_in("ada", NEW)
    assert people.purposes() == ["password_changed"]
    assert ("password_changed", "ok") in people.audited()


def test_a_change_ends_every_session_but_its_own(people: UserPool) -> None:
    """A8."""
    own, other = a_grant(people), a_grant(people)
    people.clock.move(1)
    change(people, grant=own)
    assert people.store.grants.live(own, people.now) is not None
    assert people.store.grants.live(other, people.now) is None


def test_wrong_old_passwords_lock_as_at_sign_in(people: UserPool) -> None:
    """B7: a stolen session is no way to guess. Twin: four of them do not."""
    for _ in range(4):
        with pytest.raises(NotAuthorized):
            change(people, "wrong one")
    change(people, PASSWORD, NEW)
    for _ in range(5):
        with pytest.raises(NotAuthorized):
            change(people, "wrong one")
    with pytest.raises(LimitExceeded):
        change(people, NEW, PASSWORD)
    with pytest.raises(NotAuthorized, match="exceeded"):
        people.log_in("ada", NEW)


def test_a_new_password_conforms(people: UserPool) -> None:
    with pytest.raises(InvalidPassword):
        change(people, proposed="short")
    assert people.is_let_in()


# --- a new address ---


def test_a_new_address_is_worth_nothing_until_its_code_came_back(people: UserPool) -> None:
    """B11: neither log-in nor recovery; the old one neither. Twin: afterwards the new one is good for both."""
    assert update(people, email="new@example.com") == (Delivery(destination_masked="n***@e***"),)
    assert not people.user().is_verified("email")
    for name in ("ada@example.com", "new@example.com"):
        with pytest.raises(NotAuthorized):
            people.log_in(name)
    people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.now)
    assert "reset" not in people.purposes()
    verify(people, people.code())
    assert people.user().is_verified("email")
    assert people.is_let_in("new@example.com")
    people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.now)
    assert people.mails[-1].to == "new@example.com"


def test_the_old_address_is_told(people: UserPool) -> None:
    """B11: without the new one. Twin: an address that was never verified is not."""
    update(people, email="new@example.com")
    alert = next(mail for mail in people.mails if mail.purpose == "address_changed")
    assert alert.to == "ada@example.com"
    assert "new@example.com" not in alert.text
    update(people, email="newer@example.com")
    assert people.purposes().count("address_changed") == 1


def test_where_there_are_only_addresses_the_old_one_opens_until_the_new_is_verified(tmp_path: Path) -> None:
    """B11: or one slip of the finger locks somebody out."""
    with UserPool(tmp_path, sign_in_with=EMAILS) as people:
        people.add("ada@example.com")
        update(people, "ada@example.com", email="new@example.com")
        assert people.is_let_in("ada@example.com")
        with pytest.raises(NotAuthorized):
            people.log_in("new@example.com")
        verify(people, people.code(), "ada@example.com")
        assert people.is_let_in("new@example.com")
        with pytest.raises(NotAuthorized):
            people.log_in("ada@example.com")


def test_a_code_verifies_the_address_that_it_was_sent_to(people: UserPool) -> None:
    """B11: not the one that came after it."""
    update(people, email="mine@example.com")
    code = people.code()
    update(people, email="victims@example.com")
    with pytest.raises(CodeMismatch):
        verify(people, code if code != people.code() else people.wrong_code())
    verify(people, people.code())


def test_an_address_that_somebody_signs_in_with_is_not_taken(people: UserPool) -> None:
    people.add("bob", email="bob@example.com")
    update(people, email="bob@example.com")
    with pytest.raises(AliasExists):
        verify(people, people.code())
    assert people.user("bob@example.com").username == "bob"


def test_the_same_address_again_changes_nothing(people: UserPool) -> None:
    assert update(people, email="ada@example.com", name="Ada") == ()
    assert people.user().is_verified("email")
    assert people.user().attributes["name"] == "Ada"
    assert people.mails == []


def test_taking_an_address_away_takes_the_right_with_it(people: UserPool) -> None:
    update(people, email=None)
    assert "email" not in people.user().attributes
    assert "email_verified" not in people.user().attributes
    with pytest.raises(NotAuthorized):
        people.log_in("ada@example.com")
    assert people.is_let_in("ada")


def test_nobody_takes_their_only_name_away(tmp_path: Path) -> None:
    with UserPool(tmp_path, sign_in_with=EMAILS) as people:
        people.add("ada@example.com")
        with pytest.raises(InvalidParameter, match="needs an address"):
            update(people, "ada@example.com", email=None)


@pytest.mark.parametrize("name", ["email_verified", "sub"])
def test_nobody_vouches_for_themselves(people: UserPool, name: str) -> None:
    """B11."""
    with pytest.raises(NotAuthorized):
        update(people, **{name: "true"})


def test_codes_for_an_address(people: UserPool) -> None:
    """B10: sent again on request, five times an hour; five tries; a day."""
    sub = people.user().sub
    update(people, email="new@example.com")
    people.account.send_attribute_code(people.pool, sub, "email", now=people.now)
    people.clock.move(86400)
    with pytest.raises(ExpiredCode):
        verify(people, people.code())
    for _ in range(5):
        people.account.send_attribute_code(people.pool, sub, "email", now=people.now)
    with pytest.raises(LimitExceeded):
        people.account.send_attribute_code(people.pool, sub, "email", now=people.now)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            verify(people, people.wrong_code())
    verify(people, people.code())


def test_what_cannot_be_verified(people: UserPool) -> None:
    people.add("without", email=None)
    sub = people.user("without").sub
    for name in ("email", "phone_number"):
        with pytest.raises(InvalidParameter):
            people.account.send_attribute_code(people.pool, sub, name, now=people.now)  # type: ignore[arg-type]
    with pytest.raises(InvalidParameter, match="no email to verify"):
        verify(people, "123456", "without")


# --- the end ---


def test_signing_out_everywhere(people: UserPool) -> None:
    """A8."""
    grant = a_grant(people)
    people.clock.move(1)
    people.account.sign_out(people.pool, people.user().sub, origin=ORIGIN, now=people.now)
    assert people.store.grants.live(grant, people.now) is None
    assert ("signed_out", "ok") in people.audited()


def test_deleting_oneself(people: UserPool) -> None:
    """A8."""
    sub, grant = people.user().sub, a_grant(people)
    people.account.delete(people.pool, sub, origin=ORIGIN, now=people.now)
    assert people.store.grants.live(grant, people.now) is None
    with pytest.raises(UserNotFound):
        people.user()
    with pytest.raises(UserNotFound):
        people.account.update_attributes(people.pool, sub, {"name": "x"}, origin=ORIGIN, now=people.now)
