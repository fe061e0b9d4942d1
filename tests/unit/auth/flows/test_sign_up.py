"""Sign-up: nobody until the code came back; on pages, a name that is taken is answered as a new one (B6, B10, B13)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from auth.core.lockout import Limits, Window
from auth.core.steps import SignedIn
from auth.errors import (
    AliasExists,
    AuthError,
    CodeMismatch,
    ExpiredCode,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    NotAuthorized,
    ResourceNotFound,
    TooManyRequests,
    UsernameExists,
    UserNotConfirmed,
    UserNotFound,
)
from auth.flows.delivery import Delivery
from auth.flows.signed_up import SignedUp
from tests.support.sql_statements import sent_statements
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

ALIASES = frozenset({"username", "email"})
EMAILS = frozenset({"email"})


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path) as people:
        yield people


@pytest.fixture
def by_email(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, sign_in_with=EMAILS) as people:
        yield people


def sign_up(
    people: UserPool,
    username: str = "ada",
    attributes: Mapping[str, str] | None = None,
    *,
    password: str = PASSWORD,
    quiet: bool = False,
) -> SignedUp:
    given = {"email": "ada@example.com"} if attributes is None else attributes
    return people.sign_up.sign_up(
        people.pool, people.client, username, password, given, origin=ORIGIN, now=people.now, quiet=quiet
    )


def confirm(people: UserPool, code: str, username: str = "ada", *, takes_over: bool = False) -> None:
    people.sign_up.confirm(
        people.pool, people.client, username, code, origin=ORIGIN, now=people.now, takes_over=takes_over
    )


def resend(people: UserPool, username: str = "ada") -> Delivery:
    return people.sign_up.resend(people.pool, people.client, username, origin=ORIGIN, now=people.now)


def test_a_code_from_the_mail_makes_somebody(people: UserPool) -> None:
    done = sign_up(people)
    assert done.delivery == Delivery(destination_masked="a***@e***")
    assert not done.is_confirmed
    with pytest.raises(UserNotConfirmed):
        people.log_in()
    confirm(people, people.code())
    step = people.log_in()
    assert isinstance(step, SignedIn)
    assert step.user.sub == done.sub
    assert step.user.is_verified("email")
    assert people.audited() == [
        ("sign_up", "ok"),
        ("sign_in", "refused"),
        ("sign_up_confirmed", "ok"),
        ("sign_in", "ok"),
    ]


def test_five_wrong_tries_kill_a_code(people: UserPool) -> None:
    """B10: twin: the right one after four."""
    sign_up(people)
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            confirm(people, people.wrong_code())
    with pytest.raises(ExpiredCode):
        confirm(people, people.code())
    resend(people)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            confirm(people, people.wrong_code())
    confirm(people, people.code())


@pytest.mark.parametrize(("hours", "is_good"), [(23.99, True), (24, False)])
def test_a_code_lives_for_a_day(people: UserPool, hours: float, is_good: bool) -> None:
    """B10."""
    sign_up(people)
    people.clock.move(hours * 3600)
    if is_good:
        confirm(people, people.code())
        return
    with pytest.raises(ExpiredCode):
        confirm(people, people.code())


def test_a_code_works_once(people: UserPool) -> None:
    """B10."""
    sign_up(people)
    confirm(people, people.code())
    with pytest.raises(ExpiredCode):
        confirm(people, people.code())


def test_a_code_is_for_its_purpose(people: UserPool) -> None:
    """B10: a sign-up code resets no password."""
    sign_up(people)
    with pytest.raises(ExpiredCode):
        people.recovery.reset(
            people.pool,
            people.client,
            "ada",
            people.code(),
            "another password",
            origin=ORIGIN,
            now=people.now,
        )


def test_codes_are_tried_so_often_and_no_more(people: UserPool) -> None:
    """B10: fifteen an hour for one person, however many codes are sent."""
    sign_up(people)
    for _ in range(15):
        with pytest.raises((CodeMismatch, ExpiredCode)):
            confirm(people, "000000" if people.code() != "000000" else "000001")
    resend(people)
    with pytest.raises(LimitExceeded):
        confirm(people, people.code())
    people.clock.move(3600)
    confirm(people, people.code())


def test_mails_are_sent_so_often_and_no_more(people: UserPool) -> None:
    """B10: five an hour to one person, and as many answers for somebody who does not exist. Twin: an hour later."""
    sign_up(people)
    for name in ("ada", "nobody"):
        for _ in range(5):
            resend(people, name)
        with pytest.raises(LimitExceeded):
            resend(people, name)
    assert people.purposes() == ["sign_up"] + ["resend"] * 5
    people.clock.move(3600)
    resend(people)
    confirm(people, people.code())


def test_one_address_asks_for_so_many_mails(tmp_path: Path) -> None:
    """B10."""
    with UserPool(tmp_path, limits=Limits(address_sends=Window(limit=2, window_s=60))) as people:
        resend(people, "one")
        resend(people, "two")
        with pytest.raises(TooManyRequests):
            resend(people, "three")


@pytest.mark.parametrize("quiet", [False, True])
def test_no_mailbox_is_flooded_by_sign_ups(people: UserPool, quiet: bool) -> None:
    """B10: five an hour, whatever the names. Twin: another mailbox, and an hour later."""
    for number in range(5):
        sign_up(people, f"ada{number}", quiet=quiet)
    with pytest.raises(LimitExceeded):
        sign_up(people, "ada5", {"email": "ADA@example.com"}, quiet=quiet)
    sign_up(people, "bob", {"email": "bob@example.com"}, quiet=quiet)
    people.clock.move(3600)
    sign_up(people, "ada5", quiet=quiet)
    assert len(people.mails) == 7


def test_one_address_makes_so_many_accounts(tmp_path: Path) -> None:
    """B6: SignUp says who exists, so it is limited. Twin: within the limit."""
    with UserPool(tmp_path, limits=Limits(address_sign_ups=Window(limit=2, window_s=60))) as people:
        sign_up(people, "one")
        with pytest.raises(UsernameExists):
            sign_up(people, "one")
        with pytest.raises(TooManyRequests):
            sign_up(people, "two")


# --- names ---


@pytest.mark.parametrize("again", ["ada", " ADA ", "\uff21da"])
def test_a_name_is_taken_in_all_ways_of_writing_it(people: UserPool, again: str) -> None:
    """B13: twin: a name that reads otherwise."""
    sign_up(people)
    with pytest.raises(UsernameExists, match="User already exists"):
        sign_up(people, again)
    sign_up(people, "adam")


def test_capitals_make_two_people_where_the_pool_says_so(tmp_path: Path) -> None:
    """B13."""
    with UserPool(tmp_path, is_case_sensitive=True) as people:
        sign_up(people, "ada")
        sign_up(people, "Ada")
        with pytest.raises(UsernameExists):
            sign_up(people, "Ada")


@pytest.mark.parametrize(
    "username",
    [
        pytest.param("eve@example.com", id="an-address"),
        pytest.param("4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10", id="an-id"),
        pytest.param("a\u202eda", id="bidi"),
        pytest.param("", id="empty"),
    ],
)
def test_no_name_looks_like_what_else_people_are_found_by(tmp_path: Path, username: str) -> None:
    """B13: or one person answers to another one's address or id."""
    with UserPool(tmp_path, sign_in_with=ALIASES) as people, pytest.raises(InvalidParameter):
        sign_up(people, username)


def test_where_people_sign_in_with_addresses_they_are_named_by_their_id(by_email: UserPool) -> None:
    done = sign_up(by_email, "Ada@Example.com", {})
    user = by_email.user("ada@example.com")
    assert user.username == user.sub == done.sub
    assert user.attributes["email"] == "Ada@Example.com"
    confirm(by_email, by_email.code(), "ADA@example.com")
    assert by_email.is_let_in("ada@example.com")
    assert by_email.is_let_in(user.sub)


def test_where_people_sign_in_with_addresses_an_address_is_taken_at_once(by_email: UserPool) -> None:
    """Twin: another address."""
    sign_up(by_email, "ada@example.com", {})
    with pytest.raises(UsernameExists, match="An account with the given email already exists"):
        sign_up(by_email, "ADA@example.com", {})
    sign_up(by_email, "bob@example.com", {})


@pytest.mark.parametrize(
    ("username", "attributes"),
    [
        pytest.param("ada", {}, id="no-address"),
        pytest.param("+15551234567", {}, id="phone-where-mail-is-wanted"),
        pytest.param("ada@example.com", {"email": "eve@example.com"}, id="two-addresses"),
    ],
)
def test_what_is_no_name_where_addresses_are(
    by_email: UserPool, username: str, attributes: Mapping[str, str]
) -> None:
    with pytest.raises(InvalidParameter):
        sign_up(by_email, username, attributes)


def test_a_phone_number_is_a_name_too(tmp_path: Path) -> None:
    """No text messages are sent: an operator confirms such people."""
    with UserPool(tmp_path, sign_in_with=frozenset({"email", "phone"})) as people:
        assert sign_up(people, "+15551234567", {}).delivery is None
        people.administration.confirm(people.pool, "+15551234567", now=people.now)
        assert people.is_let_in("+15551234567")


# --- an address beside a name ---


def test_an_address_opens_an_account_once_its_code_came_back(tmp_path: Path) -> None:
    """B11: twin: before, it does not."""
    with UserPool(tmp_path, sign_in_with=ALIASES) as people:
        sign_up(people)
        with pytest.raises(NotAuthorized):
            people.log_in("ada@example.com")
        confirm(people, people.code())
        assert people.is_let_in("ada@example.com")


def test_an_address_that_somebody_signs_in_with_is_taken_over_only_when_asked(tmp_path: Path) -> None:
    """ForceAliasCreation, with a code that came to that address."""
    with UserPool(tmp_path, sign_in_with=ALIASES) as people:
        people.add("ada")
        sign_up(people, "second")
        with pytest.raises(AliasExists):
            confirm(people, people.code(), "second")
        confirm(people, people.code(), "second", takes_over=True)
        assert people.user("ada@example.com").username == "second"
        assert not people.user("ada").is_verified("email")


# --- who exists ---


@pytest.mark.parametrize(
    "sign_in_with", [frozenset({"username"}), ALIASES, EMAILS], ids=["names", "aliases", "emails"]
)
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_on_pages_a_taken_name_is_answered_as_a_new_one(
    tmp_path: Path, sign_in_with: frozenset[str], is_confirmed: bool
) -> None:
    """B6: the same answer, the same hash, the same statements, one mail to the address that was typed."""
    seen = []
    name = "ada@example.com" if sign_in_with == EMAILS else "ada"
    for is_taken in (False, True):
        folder = tmp_path / str(is_taken)
        folder.mkdir()
        with UserPool(folder, sign_in_with=sign_in_with) as people:
            if is_taken:
                sign_up(people, name)
                if is_confirmed:
                    confirm(people, people.code(), name)
                people.mails.clear()
            people.hasher.work.clear()
            with sent_statements() as sent:
                done = sign_up(people, name, quiet=True)
            reads = [
                statement for statement in sent if statement.startswith("SELECT") and "named" in statement
            ]
            seen.append(
                (
                    done.delivery,
                    done.is_confirmed,
                    people.hasher.work,
                    len(reads),
                    [m.to for m in people.mails],
                )
            )
            with pytest.raises(CodeMismatch):
                confirm(people, "wrong", name)
            if is_taken:
                expected = "taken_address" if is_confirmed else "sign_up"
                assert people.purposes() == [expected]
    assert seen[0] == seen[1]


def test_on_pages_somebody_elses_half_way_sign_up_is_left_alone(people: UserPool) -> None:
    sign_up(people)
    code = people.code()
    sign_up(people, "ada", {"email": "eve@example.com"}, quiet=True)
    assert [mail.to for mail in people.mails] == ["ada@example.com", "eve@example.com"]
    assert people.purposes()[-1] == "taken_address"
    confirm(people, code)
    assert people.is_let_in()


def test_a_taken_name_does_not_change_its_owners_password(by_email: UserPool) -> None:
    """Whoever began is not overwritten by whoever comes second."""
    sign_up(by_email, "ada@example.com", {})
    sign_up(by_email, "ada@example.com", {}, password="another password", quiet=True)
    confirm(by_email, by_email.code(), "ada@example.com")
    assert by_email.is_let_in("ada@example.com")


@pytest.mark.parametrize("strangers_return", [False, True], ids=["before", "before-and-after"])
def test_whoever_has_the_code_has_chosen_the_password(by_email: UserPool, strangers_return: bool) -> None:
    """A stranger signs up with somebody's address and waits; its owner signs up later, as new, and confirms. From then
    on the owner's password opens the account, not the stranger's, also where the stranger asked for the last code."""
    name = "ada@example.com"
    sign_up(by_email, name, {}, password="password of a stranger", quiet=True)
    owners = sign_up(by_email, name, {}, password="password of the owner", quiet=True)
    if strangers_return:
        sign_up(by_email, name, {}, password="password of a stranger", quiet=True)
    by_email.sign_up.confirm(
        by_email.pool, by_email.client, name, by_email.code(),
        origin=ORIGIN, now=by_email.now, password_hash=owners.password_hash,
    )  # fmt: skip
    assert by_email.is_let_in(name, "password of the owner")
    with pytest.raises(NotAuthorized):
        by_email.log_in(name, "password of a stranger")


def test_a_sign_up_s_hash_is_not_printed(people: UserPool) -> None:
    """L2"""
    done = sign_up(people)
    assert done.password_hash.startswith("$argon2id$")
    assert "argon2" not in repr(done)


def outcome(people: UserPool, name: str, code: str) -> tuple[str, str, int]:
    with sent_statements() as sent, pytest.raises(AuthError) as caught:
        confirm(people, code, name)
    return type(caught.value).__name__, str(caught.value), len(sent)


def test_confirming_tells_nobody_who_exists(people: UserPool) -> None:
    """B6: confirmed, disabled and unknown people alike. Twin: a client that may know."""
    people.add("confirmed")
    people.add("disabled")
    people.administration.disable(people.pool, "disabled", now=people.now)
    answers = {outcome(people, name, "123456") for name in ("confirmed", "disabled", "nobody")}
    assert len(answers) == 1
    told = replace(CLIENT, hides_users=False)
    for name, error in (("confirmed", NotAuthorized), ("nobody", UserNotFound)):
        with pytest.raises(error):
            people.sign_up.confirm(people.pool, told, name, "123456", origin=ORIGIN, now=people.now)


def test_sending_again_tells_nobody_who_exists(people: UserPool) -> None:
    """B6: the same form of answer, the same statements. Twin: a client that may know."""
    sign_up(people, "newcomer")
    people.add("confirmed")
    counts = set()
    for name in ("newcomer", "confirmed", "nobody"):
        with sent_statements() as sent:
            assert resend(people, name).medium == "EMAIL"
        counts.add(tuple(sent))
    assert len(counts) == 1
    assert people.purposes() == ["sign_up", "resend"]
    told = replace(CLIENT, hides_users=False)
    with pytest.raises(UserNotFound):
        people.sign_up.resend(people.pool, told, "nobody", origin=ORIGIN, now=people.now)
    with pytest.raises(InvalidParameter, match="already confirmed"):
        people.sign_up.resend(people.pool, told, "confirmed", origin=ORIGIN, now=people.now)


# --- what is refused ---


def test_nobody_signs_up_where_only_operators_add_people(tmp_path: Path) -> None:
    with (
        UserPool(tmp_path, self_sign_up=False) as people,
        pytest.raises(NotAuthorized, match="not permitted"),
    ):
        sign_up(people)


@pytest.mark.parametrize(
    ("password", "attributes", "error"),
    [
        pytest.param("short", {}, InvalidPassword, id="password"),
        pytest.param(PASSWORD, {"email_verified": "true"}, NotAuthorized, id="vouching-for-oneself"),
        pytest.param(PASSWORD, {"email": "no address"}, InvalidParameter, id="address"),
        pytest.param(PASSWORD, {"custom:x": "1"}, InvalidParameter, id="unknown-attribute"),
    ],
)
def test_what_is_refused_leaves_nobody_behind(
    people: UserPool, password: str, attributes: Mapping[str, str], error: type[AuthError]
) -> None:
    with pytest.raises(error):
        sign_up(people, attributes=attributes, password=password)
    with pytest.raises(UserNotFound):
        people.user()


def test_closed_pools_take_nobody(people: UserPool) -> None:
    closed = replace(people.pool, is_closed=True)
    for call in (
        lambda: people.sign_up.sign_up(
            closed, people.client, "a", PASSWORD, {}, origin=ORIGIN, now=people.now
        ),
        lambda: people.sign_up.confirm(closed, people.client, "a", "1", origin=ORIGIN, now=people.now),
        lambda: people.sign_up.resend(closed, people.client, "a", origin=ORIGIN, now=people.now),
    ):
        with pytest.raises(ResourceNotFound):
            call()
