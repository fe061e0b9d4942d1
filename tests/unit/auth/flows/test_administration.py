"""What operators do with people (A8, L4)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auth.core.password_policy import check
from auth.core.steps import Challenge
from auth.errors import (
    AliasExists,
    AuthError,
    InvalidParameter,
    InvalidPassword,
    LockedOut,
    NotAuthorized,
    PasswordResetRequired,
    ResourceNotFound,
    UsernameExists,
    UserNotFound,
)
from tests.support.grants import a_grant
from tests.support.user_pool import ORIGIN, PASSWORD, POOL, UserPool

NEW = "another password"
STRICT = replace(POOL.password, min_length=12, require=frozenset({"lower", "upper", "digit", "symbol"}))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, groups=("admins", "readers")) as people:
        yield people


def test_a_new_user_is_invited_with_a_temporary_password(tmp_path: Path) -> None:
    with UserPool(tmp_path, password=STRICT) as people:
        made = people.administration.create_user(
            people.pool, "bob", {"email": "bob@example.com"}, now=people.now
        )
        check(STRICT, made.password)
        assert made.password not in repr(made)
        assert [(mail.to, mail.purpose) for mail in people.mails] == [("bob@example.com", "invitation")]
        assert made.password in people.mails[0].text
        step = people.log_in("bob", made.password)
        assert isinstance(step, Challenge)
        assert step.name == "NEW_PASSWORD_REQUIRED"
        assert people.audited()[0] == ("user_created", "ok")


def test_a_permanent_password_lets_in_at_once_and_mails_nobody(people: UserPool) -> None:
    people.administration.create_user(
        people.pool,
        "bob",
        {"email": "bob@example.com"},
        password=PASSWORD,
        is_permanent=True,
        groups=["readers"],
        now=people.now,
    )
    assert people.mails == []
    assert people.is_let_in("bob")
    assert people.user("bob").groups == ("readers",)


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [("ada", NEW, UsernameExists), ("new", "short", InvalidPassword), ("a b", NEW, InvalidParameter)],
)
def test_who_cannot_be_made(people: UserPool, username: str, password: str, error: type[AuthError]) -> None:
    people.add()
    with pytest.raises(error):
        people.administration.create_user(people.pool, username, {}, password=password, now=people.now)


def test_a_verified_address_opens_the_account_and_is_one_persons(tmp_path: Path) -> None:
    """Twin: one that is not verified opens nothing."""
    with UserPool(tmp_path, sign_in_with=frozenset({"username", "email"})) as people:
        people.add("ada")
        people.add("bob", email="bob@example.com", email_verified="false")
        assert people.is_let_in("ada@example.com")
        with pytest.raises(NotAuthorized):
            people.log_in("bob@example.com")
        with pytest.raises(AliasExists):
            people.add("eve")
        people.administration.update_attributes(
            people.pool, "bob", {"email_verified": "true"}, now=people.now
        )
        assert people.is_let_in("bob@example.com")


def test_an_address_is_taken_where_there_are_only_addresses(tmp_path: Path) -> None:
    with UserPool(tmp_path, sign_in_with=frozenset({"email"})) as people:
        people.add("ada@example.com")
        with pytest.raises(UsernameExists):
            people.add("ADA@example.com", email=None)


def test_setting_a_password_ends_sessions_and_a_lock(people: UserPool) -> None:
    """A8, B7."""
    people.add()
    grant = a_grant(people)
    for _ in range(5):
        with pytest.raises(NotAuthorized):
            people.log_in("ada", "wrong one")
    with pytest.raises(LockedOut):
        people.log_in()
    people.clock.move(0.5)
    people.administration.set_password(people.pool, "ada", NEW, now=people.now)
    assert people.store.grants.live(grant, people.now) is None
    assert people.is_let_in("ada", NEW)
    people.administration.set_password(people.pool, "ada", PASSWORD, is_permanent=False, now=people.now)
    assert isinstance(people.log_in(), Challenge)
    with pytest.raises(InvalidPassword):
        people.administration.set_password(people.pool, "ada", "short", now=people.now)


def test_requiring_a_reset_ends_sessions(people: UserPool) -> None:
    """A8."""
    people.add()
    people.add("without", email=None)
    grant = a_grant(people)
    people.clock.move(1)
    people.administration.reset_password(people.pool, "ada", now=people.now)
    assert people.store.grants.live(grant, people.now) is None
    assert people.purposes() == ["reset"]
    with pytest.raises(PasswordResetRequired):
        people.log_in()
    with pytest.raises(InvalidParameter):
        people.administration.reset_password(people.pool, "without", now=people.now)


def test_disabling_ends_sessions_and_enabling_lets_in_again(people: UserPool) -> None:
    """A8."""
    people.add()
    grant = a_grant(people)
    people.clock.move(1)
    people.administration.disable(people.pool, "ada", now=people.now)
    assert people.store.grants.live(grant, people.now) is None
    people.administration.enable(people.pool, "ada", now=people.now)
    assert people.is_let_in()


@pytest.mark.parametrize("verb", ["delete", "sign_out"])
def test_deleting_and_signing_out_end_sessions(people: UserPool, verb: str) -> None:
    """A8."""
    people.add()
    grant = a_grant(people)
    people.clock.move(1)
    getattr(people.administration, verb)(people.pool, "ada", now=people.now)
    assert people.store.grants.live(grant, people.now) is None


def test_confirming_without_a_code_proves_no_address(people: UserPool) -> None:
    people.sign_up.sign_up(
        people.pool,
        people.client,
        "new",
        PASSWORD,
        {"email": "new@example.com"},
        origin=ORIGIN,
        now=people.now,
    )
    people.administration.confirm(people.pool, "new", now=people.now)
    assert people.is_let_in("new")
    assert not people.user("new").is_verified("email")
    with pytest.raises(NotAuthorized, match="Current status is CONFIRMED"):
        people.administration.confirm(people.pool, "new", now=people.now)


def test_nobody_is_made_for_a_group_that_is_not_there(people: UserPool) -> None:
    """The operator mends the name of the group and tries again, and the user's name is still free."""
    create = people.administration.create_user
    with pytest.raises(ResourceNotFound):
        create(people.pool, "bob", {}, now=people.now, groups=["readers", "nobodys"])
    assert create(people.pool, "bob", {}, now=people.now, groups=["readers"]).user.groups == ("readers",)


def test_groups(people: UserPool) -> None:
    people.add()
    people.administration.add_to_group(people.pool, "ada", "admins", now=people.now)
    assert people.user().groups == ("admins",)
    page = people.administration.list(people.pool, group="admins")
    assert [user.username for user in page.users] == ["ada"]
    people.administration.remove_from_group(people.pool, "ada", "admins", now=people.now)
    assert people.user().groups == ()
    with pytest.raises(ResourceNotFound):
        people.administration.add_to_group(people.pool, "ada", "nobodys", now=people.now)


def test_everybody_is_listed_page_by_page(people: UserPool) -> None:
    for number in range(5):
        people.add(f"user{number}", email=f"user{number}@example.com")
    first = people.administration.list(people.pool, limit=3)
    rest = people.administration.list(people.pool, limit=3, after=first.next)
    assert sorted(user.username for user in (*first.users, *rest.users)) == [f"user{n}" for n in range(5)]
    found = people.administration.list(people.pool, filter=("email", "=", "user3@example.com"))
    assert [user.username for user in found.users] == ["user3"]


@pytest.mark.parametrize(
    "verb", ["disable", "enable", "delete", "sign_out", "show", "confirm", "reset_password"]
)
def test_nobody_is_nobody(people: UserPool, verb: str) -> None:
    more = {} if verb == "show" else {"now": people.now}
    with pytest.raises(UserNotFound):
        getattr(people.administration, verb)(people.pool, "nobody", **more)


def test_what_an_operator_did_is_audited(people: UserPool) -> None:
    """L4: who, what, to whom, when."""
    ada = people.add()
    people.administration.disable(people.pool, "ada", now=people.now)
    record = people.store.audit.read(limit=1)[0]
    assert (record.action, record.actor, record.target, record.at, record.pool_id) == (
        "user_disabled",
        "operator",
        ada.sub,
        people.now,
        people.pool.pool_id,
    )
