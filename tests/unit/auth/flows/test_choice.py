"""USER_AUTH: the client says how somebody proves who they are, and learns nothing about who there is."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth.core.lockout import Limits, Window
from auth.core.steps import Challenge, SignedIn, Step
from auth.errors import (
    AuthError,
    CodeMismatch,
    InvalidParameter,
    InvalidSession,
    LimitExceeded,
    LockedOut,
    NotAuthorized,
    TooManyRequests,
    UserNotFound,
)
from auth.flows.srp_sign_in import SrpSignIn
from auth.user import MfaPreference
from tests.support.srp_client import SRP_A, answers
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

BY_CHOICE = replace(CLIENT, flows=frozenset({"user_auth", "srp", "refresh"}))
SELECT = "SELECT_CHALLENGE"
WRONG = "not the right password"


def pool_of(folder: Path, **changes: Any) -> UserPool:
    given: dict[str, Any] = {"client": BY_CHOICE, "first_factors": ("PASSWORD", "EMAIL_OTP")} | changes
    return UserPool(folder, **given)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with pool_of(tmp_path) as people:
        people.add()
        yield people


def begin(people: UserPool, username: str = "ada", preferred: str = "", **parameters: str) -> Step:
    given = {"USERNAME": username, **({"PREFERRED_CHALLENGE": preferred} if preferred else {}), **parameters}
    return people.sign_in.begin_choice(
        people.pool, people.client, username, given, origin=ORIGIN, now=people.now
    )


def asked(people: UserPool, username: str = "ada", preferred: str = "", **parameters: str) -> Challenge:
    step = begin(people, username, preferred, **parameters)
    assert isinstance(step, Challenge)
    return step


def choose(people: UserPool, step: Challenge, answer: str, **more: str) -> Step:
    return people.answer(SELECT, step.handle, {"ANSWER": answer, **more})


def with_code(people: UserPool, handle: str, code: str) -> Step:
    return people.answer("EMAIL_OTP", handle, {"EMAIL_OTP_CODE": code})


def shape(step: Challenge) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
    return step.name, dict(step.parameters), step.available


def test_there_is_a_choice(people: UserPool) -> None:
    assert shape(asked(people)) == (SELECT, {"USERNAME": "ada"}, ("PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"))


def test_a_password_is_chosen(people: UserPool) -> None:
    done = choose(people, asked(people), "PASSWORD", PASSWORD=PASSWORD)
    assert isinstance(done, SignedIn)
    assert done.amr == ("pwd",)
    step = choose(people, asked(people), "PASSWORD")
    assert isinstance(step, Challenge)
    assert step.name == "PASSWORD"
    assert isinstance(people.answer("PASSWORD", step.handle, {"PASSWORD": PASSWORD}), SignedIn)


def test_a_password_is_preferred(people: UserPool) -> None:
    assert isinstance(begin(people, preferred="PASSWORD", PASSWORD=PASSWORD), SignedIn)
    assert asked(people, preferred="PASSWORD").name == "PASSWORD"
    with pytest.raises(NotAuthorized):
        begin(people, preferred="PASSWORD", PASSWORD=WRONG)


@pytest.mark.parametrize("is_preferred", [True, False])
def test_srp_is_chosen(people: UserPool, is_preferred: bool) -> None:
    if is_preferred:
        step = asked(people, preferred="PASSWORD_SRP", SRP_A=SRP_A)
    else:
        chosen = choose(people, asked(people), "PASSWORD_SRP", SRP_A=SRP_A)
        assert isinstance(chosen, Challenge)
        step = chosen
    assert step.name == "PASSWORD_VERIFIER"
    srp = SrpSignIn(people.tools, people.sign_in)
    given = answers(step.parameters, people.pool.pool_id, PASSWORD, people.now)
    assert isinstance(srp.answer(people.pool, people.client, given, origin=ORIGIN, now=people.now), SignedIn)


@pytest.mark.parametrize("is_preferred", [True, False])
def test_a_code_by_mail_is_chosen(people: UserPool, is_preferred: bool) -> None:
    chosen = (
        begin(people, preferred="EMAIL_OTP") if is_preferred else choose(people, asked(people), "EMAIL_OTP")
    )
    assert isinstance(chosen, Challenge)
    assert shape(chosen)[:2] == (
        "EMAIL_OTP",
        {
            "USERNAME": "ada",
            "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL",
            "CODE_DELIVERY_DESTINATION": "a***@e***",
        },
    )
    with pytest.raises(CodeMismatch):
        with_code(people, chosen.handle, people.wrong_code())
    done = with_code(people, chosen.handle, people.code())
    assert isinstance(done, SignedIn)
    assert done.amr == ("otp",)
    with pytest.raises(InvalidSession):
        with_code(people, chosen.handle, people.code())


def test_only_what_the_pool_has_is_chosen(tmp_path: Path) -> None:
    """B12: twin: what it has, with the same handle."""
    with pool_of(tmp_path, first_factors=("PASSWORD",)) as people:
        people.add()
        step = asked(people, preferred="EMAIL_OTP")
        assert (step.name, step.available) == (SELECT, ("PASSWORD", "PASSWORD_SRP"))
        for answer in ("EMAIL_OTP", "WEB_AUTHN", ""):
            with pytest.raises(InvalidParameter):
                choose(people, step, answer)
        assert people.mails == []
        assert isinstance(choose(people, step, "PASSWORD", PASSWORD=PASSWORD), SignedIn)


def test_without_an_srp_client_there_is_no_srp(tmp_path: Path) -> None:
    with pool_of(tmp_path, client=replace(CLIENT, flows=frozenset({"user_auth"}))) as people:
        people.add()
        assert asked(people).available == ("PASSWORD", "EMAIL_OTP")


# --- nobody learns who there is ---


def others(people: UserPool) -> tuple[str, ...]:
    """Names of those who get no code: of nobody, and of people who may not begin with one."""
    people.add("dora", email="dora@example.com")
    people.administration.disable(people.pool, "dora", now=people.now)
    people.add("eve", email="eve@example.com", email_verified="false")
    people.add("fay", email="fay@example.com", is_permanent=False)
    return ("nobody", "dora", "eve", "fay")


def test_nobody_learns_who_exists(people: UserPool) -> None:
    """B6: the same steps, the same words, the same tries; and no mail. Twin: somebody."""
    names = others(people)
    known = asked(people, preferred="EMAIL_OTP")
    for name in names:
        assert asked(people, name).available == ("PASSWORD", "PASSWORD_SRP", "EMAIL_OTP")
        step = asked(people, name, "EMAIL_OTP")
        assert (step.name, set(step.parameters)) == (known.name, set(known.parameters))
        for tried in range(5):
            with pytest.raises(CodeMismatch, match="Invalid code received for user"):
                with_code(people, step.handle, f"00000{tried}")
        with pytest.raises(InvalidSession):
            with_code(people, step.handle, "000000")
        with pytest.raises(NotAuthorized, match="Incorrect username or password"):
            choose(people, asked(people, name), "PASSWORD", PASSWORD=WRONG)
    assert [mail.to for mail in people.mails if mail.purpose == "mfa"] == ["ada@example.com"]


def test_a_name_of_somebody_else_is_refused_alike(people: UserPool) -> None:
    """B6, B12: whether the one who began exists or not. Twin: the own name."""
    for name in ("ada", "nobody"):
        step = asked(people, name, "EMAIL_OTP")
        with pytest.raises(InvalidSession):
            people.answer("EMAIL_OTP", step.handle, {"EMAIL_OTP_CODE": "000000", "USERNAME": "eve"})
        step = asked(people, name, "EMAIL_OTP")
        with pytest.raises(CodeMismatch):
            people.answer("EMAIL_OTP", step.handle, {"EMAIL_OTP_CODE": "00000x", "USERNAME": name.upper()})


def test_a_client_that_may_know_is_told(tmp_path: Path) -> None:
    with (
        pool_of(tmp_path, client=replace(BY_CHOICE, hides_users=False)) as people,
        pytest.raises(UserNotFound),
    ):
        begin(people, "nobody")


def test_where_no_mail_went_no_code_is_right(people: UserPool) -> None:
    """B6: an empty code, too."""
    step = asked(people, "nobody", "EMAIL_OTP")
    for code in (" ", "\u200b", "None"):
        with pytest.raises(CodeMismatch):
            with_code(people, step.handle, code)


# --- tries and mails have an end ---


def test_five_wrong_answers_of_any_kind_end_it(people: UserPool) -> None:
    """B10: twin: the right one at the fifth."""
    for last_is_right in (True, False):
        step = asked(people)
        for _ in range(4):
            with pytest.raises(NotAuthorized):
                choose(people, step, "PASSWORD", PASSWORD=WRONG)
        people.clock.move(60)
        if last_is_right:
            assert isinstance(choose(people, step, "PASSWORD", PASSWORD=PASSWORD), SignedIn)
            continue
        with pytest.raises(NotAuthorized):
            choose(people, step, "PASSWORD", PASSWORD=WRONG)
        with pytest.raises(InvalidSession):
            choose(people, step, "PASSWORD", PASSWORD=PASSWORD)


def test_wrong_passwords_lock_as_everywhere(people: UserPool) -> None:
    """B7: however many sign-ins they are spread over."""
    for _ in range(5):
        with pytest.raises(NotAuthorized):
            choose(people, asked(people), "PASSWORD", PASSWORD=WRONG)
    with pytest.raises(LockedOut):
        choose(people, asked(people), "PASSWORD", PASSWORD=PASSWORD)


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_starting_over_gives_no_more_codes_and_no_more_tries(tmp_path: Path, name: str) -> None:
    """B6, B10: so many mails, so many tries, whoever it is; a reset is still sent."""
    limits = Limits(person_sends=Window(limit=2, window_s=3600), person_codes=Window(limit=3, window_s=3600))
    with pool_of(tmp_path, limits=limits) as people:
        people.add()
        asked(people, name, "EMAIL_OTP")
        step = asked(people, name, "EMAIL_OTP")
        with pytest.raises(LimitExceeded):
            begin(people, name, "EMAIL_OTP")
        for _ in range(3):
            with pytest.raises(CodeMismatch):
                with_code(people, step.handle, "00000x")
        with pytest.raises(LimitExceeded):
            with_code(people, step.handle, "00000x")
        people.recovery.forgot(people.pool, people.client, name, origin=ORIGIN, now=people.now)


def test_one_address_begins_so_often(tmp_path: Path) -> None:
    """B7: twin: a minute later."""
    limits = Limits(address_sign_ins=Window(limit=2, window_s=60))
    with pool_of(tmp_path, limits=limits) as people:
        for _ in range(2):
            asked(people)
        with pytest.raises(TooManyRequests):
            begin(people)
        people.clock.move(60)
        asked(people)


def test_a_code_is_for_the_sign_in_that_it_was_sent_for(people: UserPool) -> None:
    """B12: twin: each its own."""
    first, code = asked(people, preferred="EMAIL_OTP"), people.code()
    second = asked(people, preferred="EMAIL_OTP")
    with pytest.raises(CodeMismatch):
        with_code(people, second.handle, code)
    assert isinstance(with_code(people, first.handle, code), SignedIn)


def test_of_fifty_at_once_one_signs_in(people: UserPool) -> None:
    """B12."""
    step, code = asked(people, preferred="EMAIL_OTP"), people.code()

    def attempt(_: int) -> str:
        try:
            with_code(people, step.handle, code)
        except AuthError as error:
            return type(error).__name__
        return "signed in"

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(attempt, range(50))) == ["InvalidSession"] * 49 + ["signed in"]


# --- nothing is skipped ---


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("EMAIL_OTP", {"EMAIL_OTP_CODE": "123456"}),
        ("PASSWORD", {"PASSWORD": PASSWORD}),
        ("SOFTWARE_TOKEN_MFA", {"SOFTWARE_TOKEN_MFA_CODE": "123456"}),
        ("NEW_PASSWORD_REQUIRED", {"NEW_PASSWORD": "another password"}),
        ("CUSTOM_CHALLENGE", {"ANSWER": "5"}),
        ("MFA_SETUP", {}),
    ],
)
def test_the_choice_is_not_skipped(people: UserPool, name: str, given: dict[str, str]) -> None:
    """B12: another answer ends it."""
    step = asked(people)
    with pytest.raises(InvalidSession):
        people.answer(name, step.handle, given)
    with pytest.raises(InvalidSession):
        choose(people, step, "PASSWORD", PASSWORD=PASSWORD)


def test_a_second_factor_is_asked_for_after_either(tmp_path: Path) -> None:
    """B12: the app after a code; the password after a code that would be both."""
    kinds = frozenset({"software_token", "email"})
    with pool_of(tmp_path, mfa="optional", mfa_kinds=kinds) as people:
        people.add()
        seed = people.with_app()
        step = with_code(people, asked(people, preferred="EMAIL_OTP").handle, people.code())
        assert isinstance(step, Challenge)
        assert step.name == "SOFTWARE_TOKEN_MFA"
        given = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
        done = people.answer("SOFTWARE_TOKEN_MFA", step.handle, given)
        assert isinstance(done, SignedIn)
        assert done.amr == ("otp", "mfa")
        mail_only = MfaPreference(enabled=frozenset({"EMAIL_OTP"}))
        people.store.users.set_mfa(people.pool.pool_id, people.user().sub, mail_only, people.now)
        step = with_code(people, asked(people, preferred="EMAIL_OTP").handle, people.code())
        assert isinstance(step, Challenge)
        assert step.name == "PASSWORD"
        with pytest.raises(NotAuthorized):
            people.answer("PASSWORD", step.handle, {"PASSWORD": WRONG})
        done = people.answer("PASSWORD", step.handle, {"PASSWORD": PASSWORD})
        assert isinstance(done, SignedIn)
        assert done.amr == ("pwd", "otp", "mfa")


def test_a_new_password_is_asked_for(people: UserPool) -> None:
    people.add("bob", is_permanent=False)
    step = choose(people, asked(people, "bob"), "PASSWORD", PASSWORD=PASSWORD)
    assert isinstance(step, Challenge)
    assert step.name == "NEW_PASSWORD_REQUIRED"
