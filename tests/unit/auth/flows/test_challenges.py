"""After the password: new passwords, authenticator apps, and handles that open once (B10, B12)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from auth.core.steps import Challenge, SignedIn
from auth.core.totp import secret_of
from auth.errors import (
    AuthError,
    CodeMismatch,
    EnableSoftwareToken,
    InvalidParameter,
    InvalidPassword,
    InvalidSession,
    LimitExceeded,
    NotAuthorized,
    SoftwareTokenNotFound,
    UsedCode,
)
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

NEW = "another password"
MFA = "SOFTWARE_TOKEN_MFA"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, mfa="optional") as people:
        people.add()
        yield people


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[UserPool]:
    with UserPool(tmp_path, mfa="required") as people:
        people.add()
        yield people


def challenge(people: UserPool, username: str = "ada", password: str = PASSWORD) -> Challenge:
    step = people.log_in(username, password)
    assert isinstance(step, Challenge)
    return step


def with_code(people: UserPool, handle: str, code: str) -> SignedIn:
    step = people.answer(MFA, handle, {"SOFTWARE_TOKEN_MFA_CODE": code})
    assert isinstance(step, SignedIn)
    return step


# --- new password ---


def test_a_temporary_password_must_be_changed(people: UserPool) -> None:
    people.add("bob", is_permanent=False)
    step = challenge(people, "bob")
    assert step.name == "NEW_PASSWORD_REQUIRED"
    assert step.parameters["USER_ID_FOR_SRP"] == "bob"
    done = people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": NEW, "USERNAME": "bob"})
    assert isinstance(done, SignedIn)
    assert done.user.status == "CONFIRMED"
    people.clock.move(30 * 86400)  # it is not temporary any more
    assert people.is_let_in("bob", NEW)
    with pytest.raises(NotAuthorized):
        people.log_in("bob")


def test_a_new_password_that_does_not_conform_may_be_tried_again(people: UserPool) -> None:
    people.add("bob", is_permanent=False)
    step = challenge(people, "bob")
    with pytest.raises(InvalidPassword):
        people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": "short"})
    with pytest.raises(InvalidParameter):
        people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": "x" * 257})
    assert isinstance(people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": NEW}), SignedIn)


def test_attributes_come_with_a_new_password(people: UserPool) -> None:
    """As Cognito's ``userAttributes.name``."""
    people.add("bob", is_permanent=False)
    step = challenge(people, "bob")
    answers = {"NEW_PASSWORD": NEW, "userAttributes.name": "Bob", "userAttributes.email": "new@example.com"}
    done = people.answer("NEW_PASSWORD_REQUIRED", step.handle, answers)
    assert isinstance(done, SignedIn)
    assert done.user.attributes["name"] == "Bob"
    assert not done.user.is_verified("email")  # B11


def test_attributes_that_may_not_be_written_change_nothing(people: UserPool) -> None:
    people.add("bob", is_permanent=False)
    step = challenge(people, "bob")
    with pytest.raises(NotAuthorized):
        people.answer(
            "NEW_PASSWORD_REQUIRED",
            step.handle,
            {"NEW_PASSWORD": NEW, "userAttributes.email_verified": "true"},
        )
    assert people.user("bob").status == "FORCE_CHANGE_PASSWORD"
    assert isinstance(people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": NEW}), SignedIn)


def test_a_new_password_does_not_stand_for_a_second_factor(strict: UserPool) -> None:
    """B12."""
    strict.add("bob", is_permanent=False)
    step = challenge(strict, "bob")
    step = strict.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": NEW})
    assert isinstance(step, Challenge)
    assert step.name == "MFA_SETUP"


# --- authenticator apps ---


def test_an_app_is_asked_for_and_its_code_signs_in(people: UserPool) -> None:
    seed = people.with_app()
    step = challenge(people)
    assert step.name == MFA
    done = with_code(people, step.handle, people.app_code(seed))
    assert done.amr == ("pwd", "otp", "mfa")
    assert people.audited()[-1] == ("sign_in", "ok")


def test_a_used_code_is_refused(people: UserPool) -> None:
    """B10: a used step is not accepted twice. Twin: the code of the next step."""
    seed = people.with_app()
    code = people.app_code(seed)
    with_code(people, challenge(people).handle, code)
    step = challenge(people)
    with pytest.raises(UsedCode, match="already been used once"):
        with_code(people, step.handle, code)
    with_code(people, step.handle, people.app_code(seed, steps=1))


def test_a_used_code_stays_used_when_the_clock_is_set_back(people: UserPool) -> None:
    """R6: the time comes again; the code does not."""
    seed = people.with_app()
    code = people.app_code(seed)
    with_code(people, challenge(people).handle, code)
    people.clock.move(3600)
    people.store.clean(people.now, limit=1000)
    people.clock.move(-3600)
    step = challenge(people)
    with pytest.raises(UsedCode, match="already been used once"):
        with_code(people, step.handle, code)


def test_the_fifth_wrong_code_ends_the_sign_in(people: UserPool) -> None:
    """B10, B12: twin: right after four wrong ones (below)."""
    seed = people.with_app()
    step = challenge(people)
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            with_code(people, step.handle, "000000" if people.app_code(seed) != "000000" else "000001")
    with pytest.raises(InvalidSession):
        with_code(people, step.handle, people.app_code(seed))


def test_a_right_code_after_four_wrong_ones(people: UserPool) -> None:
    """B10: twin of the one above."""
    seed = people.with_app()
    step = challenge(people)
    for _ in range(4):
        with pytest.raises(CodeMismatch):
            with_code(people, step.handle, "12345")
    with_code(people, step.handle, people.app_code(seed))


def test_starting_over_gives_no_more_tries(people: UserPool) -> None:
    """B10: the password is known; a million codes are not to be tried by signing in again and again."""
    seed = people.with_app()
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            with_code(people, challenge(people).handle, "12345")
    step = challenge(people)
    with pytest.raises(LimitExceeded):
        with_code(people, step.handle, people.app_code(seed))
    people.clock.move(1)
    with_code(people, step.handle, people.app_code(seed))


def test_an_app_that_is_switched_off_is_not_asked_for(people: UserPool) -> None:
    people.with_app()
    people.second_factor.prefer(people.pool, people.user().sub, software_token=False, now=people.now)
    assert people.is_let_in()


# --- handles ---


def test_a_handle_opens_once(people: UserPool) -> None:
    """B12: of eight at once with the right code, one signs in."""
    seed = people.with_app()
    step = challenge(people)
    code = people.app_code(seed)

    def attempt(_: int) -> str:
        try:
            with_code(people, step.handle, code)
        except AuthError as error:
            return type(error).__name__
        return "signed in"

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(attempt, range(8)))
    assert answers == ["InvalidSession"] * 7 + ["signed in"]


def test_the_next_challenge_cannot_be_answered_first(people: UserPool) -> None:
    """B12: skipping is refused, and ends the sign-in."""
    people.with_app()
    people.administration.set_password(
        people.pool, "ada", "temporary one", is_permanent=False, now=people.now
    )
    step = challenge(people, "ada", "temporary one")
    assert step.name == "NEW_PASSWORD_REQUIRED"
    with pytest.raises(InvalidSession):
        people.answer("MFA_SETUP", step.handle, {})
    with pytest.raises(InvalidSession):
        people.answer("NEW_PASSWORD_REQUIRED", step.handle, {"NEW_PASSWORD": NEW})


def test_a_right_answer_under_the_name_of_another_challenge(people: UserPool) -> None:
    """B12: ends the sign-in; so does asking for a code by mail instead. Twin: under its own name."""
    seed = people.with_app()
    given = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed), "EMAIL_OTP_CODE": "123456"}
    step = challenge(people)
    with pytest.raises(InvalidSession):
        people.answer("EMAIL_OTP", step.handle, given)
    with pytest.raises(InvalidSession):
        people.answer(MFA, step.handle, given)
    with pytest.raises(InvalidSession):
        people.sign_in.resend(
            people.pool, people.client, challenge(people).handle, origin=ORIGIN, now=people.now
        )
    assert people.mails == []
    assert isinstance(people.answer(MFA, challenge(people).handle, given), SignedIn)


def test_a_second_factor_is_not_replaced_instead_of_shown(people: UserPool) -> None:
    """B12: the handle of SOFTWARE_TOKEN_MFA gives no new seed."""
    people.with_app()
    with pytest.raises(InvalidSession):
        people.sign_in.associate(people.pool, people.client, challenge(people).handle, now=people.now)


def test_a_handle_is_one_clients(people: UserPool) -> None:
    """B12: twin: the client that it was given to."""
    seed = people.with_app()
    step = challenge(people)
    other = replace(CLIENT, client_id="other")
    answers = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)}
    with pytest.raises(InvalidSession):
        people.sign_in.answer(people.pool, other, MFA, step.handle, answers, origin=ORIGIN, now=people.now)
    with_code(people, step.handle, people.app_code(seed))


@pytest.mark.parametrize("name", ["eve", "EVE", "sub-of-eve"])
def test_a_handle_is_one_persons(people: UserPool, name: str) -> None:
    """B12: bound to the first factor's user. Twin: the names of that user."""
    seed = people.with_app()
    eve = people.add("eve", email="eve@example.com")
    step = challenge(people)
    answers = {
        "SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed),
        "USERNAME": eve.sub if "sub" in name else name,
    }
    with pytest.raises(InvalidSession):
        people.answer(MFA, step.handle, answers)
    for own in ("Ada", people.user().sub):
        answers = {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed), "USERNAME": own}
        assert isinstance(people.answer(MFA, challenge(people).handle, answers), SignedIn)
        people.clock.move(60)


def test_a_handle_ends(people: UserPool) -> None:
    """B9: three minutes. Twin: a second before."""
    seed = people.with_app()
    early, late = challenge(people), challenge(people)
    people.clock.move(people.client.challenge_s - 1)
    with_code(people, early.handle, people.app_code(seed))
    people.clock.move(1)
    with pytest.raises(InvalidSession):
        with_code(people, late.handle, people.app_code(seed, steps=1))


def test_a_handle_does_not_live_longer_by_a_clock_that_is_set_back(people: UserPool) -> None:
    """R6."""
    seed = people.with_app()
    step = challenge(people)
    people.clock.move(-3600)
    with pytest.raises(InvalidSession):
        with_code(people, step.handle, people.app_code(seed))


@pytest.mark.parametrize("what", ["set_password", "disable", "sign_out", "delete"])
def test_a_half_way_sign_in_ends_with_the_sessions(people: UserPool, what: str) -> None:
    """A8: a reset between the password and the code; whoever had the old password does not get in."""
    seed = people.with_app()
    step = challenge(people)
    people.clock.move(1)
    more = {"password": NEW} if what == "set_password" else {}
    getattr(people.administration, what)(people.pool, "ada", now=people.now, **more)
    with pytest.raises(NotAuthorized):
        with_code(people, step.handle, people.app_code(seed))


# --- setting one up ---


def test_where_it_is_required_it_is_set_up_first(strict: UserPool) -> None:
    step = challenge(strict)
    assert (step.name, step.parameters["MFAS_CAN_SETUP"]) == ("MFA_SETUP", '["SOFTWARE_TOKEN_MFA"]')
    text, step = strict.sign_in.associate(strict.pool, strict.client, step.handle, now=strict.now)
    assert len(text) == 52
    seed = secret_of(text)
    with pytest.raises(EnableSoftwareToken):
        verify(strict, step.handle, "12345")
    step = verify(strict, step.handle, strict.app_code(seed))
    done = strict.answer("MFA_SETUP", step.handle, {})
    assert isinstance(done, SignedIn)
    assert done.amr == ("pwd", "otp", "mfa")
    assert ("mfa_changed", "ok") in strict.audited()
    strict.clock.move(60)
    assert challenge(strict).name == MFA


@pytest.mark.parametrize("is_associated", [False, True])
def test_there_is_time_to_install_an_app(strict: UserPool, is_associated: bool) -> None:
    """B10: fifteen minutes, and not one more. Twin: a second before; a client may allow more, never less."""
    early, late = challenge(strict), challenge(strict)
    if is_associated:
        text, early = strict.sign_in.associate(strict.pool, strict.client, early.handle, now=strict.now)
        _, late = strict.sign_in.associate(strict.pool, strict.client, late.handle, now=strict.now)
        text, early = strict.sign_in.associate(strict.pool, strict.client, early.handle, now=strict.now)
    strict.clock.move(15 * 60 - 1)
    if is_associated:
        assert verify(strict, early.handle, strict.app_code(secret_of(text))).name == "MFA_SETUP"
    else:
        strict.sign_in.associate(strict.pool, strict.client, early.handle, now=strict.now)
    strict.clock.move(1)
    with pytest.raises(InvalidSession):
        strict.sign_in.associate(strict.pool, strict.client, late.handle, now=strict.now)


def test_an_app_that_is_set_up_is_finished_at_once(strict: UserPool) -> None:
    """B10: the code was right: what is left lives as long as any other challenge."""
    text, step = strict.sign_in.associate(
        strict.pool, strict.client, challenge(strict).handle, now=strict.now
    )
    step = verify(strict, step.handle, strict.app_code(secret_of(text)))
    strict.clock.move(strict.client.challenge_s)
    with pytest.raises(InvalidSession):
        strict.answer("MFA_SETUP", step.handle, {})


def verify(people: UserPool, handle: str, code: str) -> Challenge:
    return people.sign_in.verify_association(
        people.pool, people.client, handle, code, "phone", origin=ORIGIN, now=people.now
    )


@pytest.mark.parametrize("is_associated", [False, True])
def test_setting_up_is_not_skipped(strict: UserPool, is_associated: bool) -> None:
    """B12: MFA_SETUP is answered with the handle that a right code has given, and with no other."""
    step = challenge(strict)
    if is_associated:
        _, step = strict.sign_in.associate(strict.pool, strict.client, step.handle, now=strict.now)
    with pytest.raises(InvalidSession):
        strict.answer("MFA_SETUP", step.handle, {})


def test_a_new_app_does_not_answer_for_one_that_is_in_use(strict: UserPool) -> None:
    """B12: its code is right, and it is nobody's second factor yet. Twin: as the answer that this step takes."""
    begun = []
    for _ in range(2):
        text, step = strict.sign_in.associate(
            strict.pool, strict.client, challenge(strict).handle, now=strict.now
        )
        begun.append(step.handle)
    code = strict.app_code(secret_of(text))
    with pytest.raises(InvalidSession):
        with_code(strict, begun[0], code)
    assert verify(strict, begun[1], code).name == "MFA_SETUP"


def test_a_code_without_a_seed(strict: UserPool) -> None:
    with pytest.raises(SoftwareTokenNotFound):
        verify(strict, challenge(strict).handle, "123456")


def test_the_first_to_set_it_up_wins(strict: UserPool) -> None:
    """B12: somebody else who knows the password began too; their seed does not replace the one that is in use."""
    mine, theirs = challenge(strict), challenge(strict)
    text, mine = strict.sign_in.associate(strict.pool, strict.client, mine.handle, now=strict.now)
    verify(strict, mine.handle, strict.app_code(secret_of(text)))
    with pytest.raises(InvalidSession):
        strict.sign_in.associate(strict.pool, strict.client, theirs.handle, now=strict.now)


def test_a_code_that_is_missing_or_of_a_kind_that_is_not_offered(people: UserPool) -> None:
    people.with_app()
    with pytest.raises(InvalidParameter, match="SOFTWARE_TOKEN_MFA_CODE"):
        people.answer(MFA, challenge(people).handle, {})
    with pytest.raises(InvalidSession):
        people.answer("EMAIL_OTP", challenge(people).handle, {})


# --- those who are signed in ---


def test_an_app_is_confirmed_by_its_first_code(people: UserPool) -> None:
    sub = people.user().sub
    with pytest.raises(SoftwareTokenNotFound):
        people.second_factor.verify(people.pool, sub, "123456", "phone", now=people.now)
    seed = secret_of(people.second_factor.associate(people.pool, sub, now=people.now))
    with pytest.raises(InvalidParameter):
        people.second_factor.prefer(people.pool, sub, software_token=True, now=people.now)
    with pytest.raises(EnableSoftwareToken):
        people.second_factor.verify(people.pool, sub, "12345", "phone", now=people.now)
    people.second_factor.verify(people.pool, sub, people.app_code(seed), "phone", now=people.now)
    people.second_factor.prefer(people.pool, sub, software_token=True, now=people.now)
    assert people.user().mfa.preferred == MFA


def test_a_new_app_replaces_the_old_one_once_it_is_confirmed(people: UserPool) -> None:
    old = people.with_app()
    sub = people.user().sub
    new = secret_of(people.second_factor.associate(people.pool, sub, now=people.now))
    with_code(people, challenge(people).handle, people.app_code(old))
    people.second_factor.verify(people.pool, sub, people.app_code(new, steps=1), "phone", now=people.now)
    people.clock.move(90)
    step = challenge(people)
    with pytest.raises(CodeMismatch):
        with_code(people, step.handle, people.app_code(old))
    with_code(people, step.handle, people.app_code(new))


def test_what_a_pool_requires_is_not_switched_off(strict: UserPool) -> None:
    strict.with_app()
    with pytest.raises(InvalidParameter, match="requires"):
        strict.second_factor.prefer(strict.pool, strict.user().sub, software_token=False, now=strict.now)
