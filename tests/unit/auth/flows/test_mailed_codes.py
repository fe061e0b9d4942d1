"""Codes by mail as a second factor: for one sign-in, once, a few tries, and never to an address of somebody else's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from auth.core.lockout import Limits, Window
from auth.core.steps import Challenge, SignedIn, Step
from auth.errors import AuthError, CodeMismatch, InvalidParameter, InvalidSession, LimitExceeded
from auth.user import MfaMethod, MfaPreference
from tests.support.user_pool import ORIGIN, UserPool

BOTH = frozenset({"software_token", "email"})
MAIL: MfaMethod = "EMAIL_OTP"
APP: MfaMethod = "SOFTWARE_TOKEN_MFA"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    """In a pool that asks for a second factor, which may be a code by mail."""
    with UserPool(tmp_path, mfa="required", mfa_kinds=BOTH) as people:
        people.add()
        yield people


def asked(people: UserPool, username: str = "ada") -> Challenge:
    step = people.log_in(username)
    assert isinstance(step, Challenge)
    return step


def shown(people: UserPool, handle: str, code: str) -> Step:
    return people.answer(MAIL, handle, {"EMAIL_OTP_CODE": code})


def prefer(people: UserPool, *enabled: MfaMethod, preferred: MfaMethod | None = None) -> None:
    preference = MfaPreference(enabled=frozenset(enabled), preferred=preferred)
    people.store.users.set_mfa(people.pool.pool_id, people.user().sub, preference, people.now)


def test_a_code_by_mail_signs_in(people: UserPool) -> None:
    step = asked(people)
    assert (step.name, dict(step.parameters)) == (
        MAIL,
        {
            "USER_ID_FOR_SRP": "ada",
            "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL",
            "CODE_DELIVERY_DESTINATION": "a***@e***",
        },
    )
    assert [mail.to for mail in people.mails] == ["ada@example.com"]
    assert people.purposes() == ["mfa"]
    done = shown(people, step.handle, people.code())
    assert isinstance(done, SignedIn)
    assert done.amr == ("pwd", "otp", "mfa")


def test_a_code_counts_once(people: UserPool) -> None:
    """B10: twin: the code of the next sign-in."""
    step = asked(people)
    code = people.code()
    shown(people, step.handle, code)
    with pytest.raises(InvalidSession):
        shown(people, step.handle, code)
    step = asked(people)
    with pytest.raises(CodeMismatch):
        shown(people, step.handle, code)
    assert isinstance(shown(people, step.handle, people.code()), SignedIn)


def test_a_code_is_for_the_sign_in_that_it_was_sent_for(people: UserPool) -> None:
    """B12: the code of another one, of the same person at the same time, is wrong. Twin: each its own."""
    first, of_first = asked(people), people.code()
    second, of_second = asked(people), people.code()
    assert of_first != of_second
    with pytest.raises(CodeMismatch):
        shown(people, second.handle, of_first)
    assert isinstance(shown(people, first.handle, of_first), SignedIn)
    assert isinstance(shown(people, second.handle, of_second), SignedIn)


def test_a_code_is_one_persons(people: UserPool) -> None:
    """B12."""
    people.add("eve", email="eve@example.com")
    step = asked(people)
    asked(people, "eve")
    with pytest.raises(CodeMismatch):
        shown(people, step.handle, people.code())
    with pytest.raises(InvalidSession):
        people.answer(MAIL, step.handle, {"EMAIL_OTP_CODE": people.code(), "USERNAME": "eve"})


def test_the_fifth_wrong_code_ends_it(people: UserPool) -> None:
    """B10: twin: right after four."""
    step = asked(people)
    code, wrong = people.code(), people.wrong_code()
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            shown(people, step.handle, wrong)
    with pytest.raises(InvalidSession):
        shown(people, step.handle, code)
    people.clock.move(1800)
    step = asked(people)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            shown(people, step.handle, people.wrong_code())
    assert isinstance(shown(people, step.handle, people.code()), SignedIn)


def test_starting_over_gives_no_more_tries(people: UserPool) -> None:
    """B10: the password is known; a million codes are not to be tried by signing in again and again."""
    for _ in range(5):
        step = asked(people)
        with pytest.raises(CodeMismatch):
            shown(people, step.handle, people.wrong_code())
    step = asked(people)
    with pytest.raises(LimitExceeded):
        shown(people, step.handle, people.code())
    people.clock.move(1)
    assert isinstance(shown(people, step.handle, people.code()), SignedIn)


def test_a_code_ends_with_its_handle(people: UserPool) -> None:
    """B10: three minutes. Twin: a second before."""
    early, code = asked(people), people.code()
    late, too_late = asked(people), people.code()
    people.clock.move(people.client.challenge_s - 1)
    assert isinstance(shown(people, early.handle, code), SignedIn)
    people.clock.move(1)
    with pytest.raises(InvalidSession):
        shown(people, late.handle, too_late)


def test_of_fifty_at_once_one_signs_in(people: UserPool) -> None:
    """B12: with the right code, all."""
    step, code = asked(people), people.code()

    def attempt(_: int) -> str:
        try:
            shown(people, step.handle, code)
        except AuthError as error:
            return type(error).__name__
        return "signed in"

    with ThreadPoolExecutor(8) as threads:
        results = sorted(threads.map(attempt, range(50)))
    assert results == ["InvalidSession"] * 49 + ["signed in"]


def test_another_code_ends_the_one_before(people: UserPool) -> None:
    """B10: and gives no more tries. Twin: the new one."""
    step, code = asked(people), people.code()
    with pytest.raises(CodeMismatch):
        shown(people, step.handle, people.wrong_code())
    again = people.sign_in.resend(people.pool, people.client, step.handle, origin=ORIGIN, now=people.now)
    for handle, error in ((step.handle, InvalidSession), (again.handle, CodeMismatch)):
        with pytest.raises(error):
            shown(people, handle, code)
    for _ in range(2):
        with pytest.raises(CodeMismatch):
            shown(people, again.handle, people.wrong_code())
    assert isinstance(shown(people, again.handle, people.code()), SignedIn)


def test_so_many_codes_are_sent_to_one_person(tmp_path: Path) -> None:
    """B10: twin: an hour later. Strangers who ask for resets take none of them away."""
    limits = Limits(second_sends=Window(limit=2, window_s=3600), person_sends=Window(limit=1, window_s=3600))
    with UserPool(tmp_path, mfa="required", mfa_kinds=BOTH, limits=limits) as people:
        people.add()
        people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.now)
        asked(people)
        step = asked(people)
        with pytest.raises(LimitExceeded):
            asked(people)
        with pytest.raises(LimitExceeded):
            people.sign_in.resend(people.pool, people.client, step.handle, origin=ORIGIN, now=people.now)
        assert isinstance(shown(people, step.handle, people.code()), SignedIn)
        people.clock.move(3600)
        assert asked(people).name == MAIL


def test_an_address_that_changed_meanwhile_proves_nothing(people: UserPool) -> None:
    """B11: twin: it did not."""
    step, code = asked(people), people.code()
    people.administration.update_attributes(
        people.pool, "ada", {"email": "new@example.com", "email_verified": "true"}, now=people.now
    )
    with pytest.raises(CodeMismatch):
        shown(people, step.handle, code)
    assert asked(people).name == MAIL
    assert people.mails[-1].to == "new@example.com"


# --- which one ---


def test_of_two_one_is_chosen(people: UserPool) -> None:
    """B12: nothing but what was offered; a code before the choice ends it."""
    seed = people.with_app()
    prefer(people, APP, MAIL)
    step = asked(people)
    assert (step.name, step.parameters["MFAS_CAN_CHOOSE"]) == (
        "SELECT_MFA_TYPE",
        '["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]',
    )
    assert people.mails == []
    with pytest.raises(InvalidParameter):
        people.answer("SELECT_MFA_TYPE", step.handle, {"ANSWER": "SMS_MFA"})
    for answer in ("EMAIL_OTP", "EMAIL_MFA"):
        mailed = people.answer("SELECT_MFA_TYPE", asked(people).handle, {"ANSWER": answer})
        assert isinstance(mailed, Challenge)
        assert mailed.name == MAIL
    chosen = people.answer("SELECT_MFA_TYPE", asked(people).handle, {"ANSWER": APP})
    assert isinstance(chosen, Challenge)
    done = people.answer(APP, chosen.handle, {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)})
    assert isinstance(done, SignedIn)
    with pytest.raises(InvalidSession):
        people.answer(APP, step.handle, {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed, steps=1)})


def test_the_preferred_one_is_asked_for(people: UserPool) -> None:
    people.with_app()
    prefer(people, APP, MAIL, preferred=MAIL)
    assert asked(people).name == MAIL
    prefer(people, APP, MAIL, preferred=APP)
    assert asked(people).name == APP


def test_a_pool_that_takes_apps_only_sends_no_codes(tmp_path: Path) -> None:
    """Twin of the fixture's pool."""
    with UserPool(tmp_path, mfa="required") as people:
        people.add()
        step = asked(people)
        assert (step.name, step.parameters["MFAS_CAN_SETUP"]) == ("MFA_SETUP", '["SOFTWARE_TOKEN_MFA"]')
        with pytest.raises(InvalidSession):
            people.answer("MFA_SETUP", step.handle, {"EMAIL": "ada@example.com"})
        assert people.mails == []


def test_codes_by_mail_that_are_switched_on_go_to_a_new_address_too(tmp_path: Path) -> None:
    """B11: who changed it is not let in without it. Twin: an address that was never verified is asked nothing."""
    with UserPool(tmp_path, mfa="optional", mfa_kinds=BOTH) as people:
        people.add()
        assert people.is_let_in()
        prefer(people, MAIL)
        people.administration.update_attributes(
            people.pool, "ada", {"email": "new@example.com"}, now=people.now
        )
        step = asked(people)
        assert isinstance(shown(people, step.handle, people.code()), SignedIn)
        people.add("bob", email="bob@example.com", email_verified="false")
        assert people.is_let_in("bob")


# --- setting it up ---


def test_an_address_becomes_a_second_factor(people: UserPool) -> None:
    """B11, B12: once a code from it came back."""
    people.add("bob", email=None)
    step = asked(people, "bob")
    assert (step.name, step.parameters["MFAS_CAN_SETUP"]) == (
        "MFA_SETUP",
        '["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]',
    )
    with pytest.raises(InvalidParameter):
        people.answer("MFA_SETUP", step.handle, {"EMAIL": "no address"})
    mailed = people.answer("MFA_SETUP", step.handle, {"EMAIL": "bob@example.com"})
    assert isinstance(mailed, Challenge)
    assert (mailed.name, people.mails[-1].to) == (MAIL, "bob@example.com")
    with pytest.raises(CodeMismatch):
        shown(people, mailed.handle, people.wrong_code())
    assert not people.user("bob").is_verified("email")
    assert isinstance(shown(people, mailed.handle, people.code()), SignedIn)
    bob = people.user("bob")
    assert (bob.attributes["email"], bob.is_verified("email")) == ("bob@example.com", True)
    assert bob.mfa == MfaPreference(enabled=frozenset({MAIL}), preferred=MAIL)
    assert asked(people, "bob").name == MAIL


def test_the_first_to_set_one_up_wins(people: UserPool) -> None:
    """B12: somebody else who knows the password began too; their address does not become the second factor."""
    people.add("bob", email=None)
    thief, bob = asked(people, "bob"), asked(people, "bob")
    begun = people.answer("MFA_SETUP", thief.handle, {"EMAIL": "thief@example.com"})
    assert isinstance(begun, Challenge)
    code = people.code()
    mailed = people.answer("MFA_SETUP", bob.handle, {"EMAIL": "bob@example.com"})
    assert isinstance(mailed, Challenge)
    shown(people, mailed.handle, people.code())
    with pytest.raises(InvalidSession):
        shown(people, begun.handle, code)
    assert people.user("bob").attributes["email"] == "bob@example.com"


def test_a_handle_is_one_clients(people: UserPool) -> None:
    """B12: twin: the client that it was given to."""
    step = asked(people)
    other, given = replace(people.client, client_id="other"), {"EMAIL_OTP_CODE": people.code()}
    with pytest.raises(InvalidSession):
        people.sign_in.answer(people.pool, other, MAIL, step.handle, given, origin=ORIGIN, now=people.now)
    with pytest.raises(InvalidSession):
        people.sign_in.resend(people.pool, other, step.handle, origin=ORIGIN, now=people.now)
    assert isinstance(shown(people, step.handle, people.code()), SignedIn)
