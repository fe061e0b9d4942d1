"""CUSTOM_AUTH: triggers say what is asked; what they may not say is who exists, and what the pool requires."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth.core.steps import Challenge, ChallengeName, Origin, SignedIn, Step
from auth.errors import (
    InvalidLambdaResponse,
    InvalidParameter,
    InvalidSession,
    NotAuthorized,
    PasswordResetRequired,
    UserNotFound,
)
from auth.flows.custom_auth import MAX_ANSWER, MAX_ROUNDS
from auth.flows.srp_sign_in import SrpSignIn
from auth.flows.triggers import Asked
from tests.support.scripted_triggers import ScriptedTriggers, challenges
from tests.support.srp_client import SRP_A, answers
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, UserPool

CUSTOM: ChallengeName = "CUSTOM_CHALLENGE"
VERIFIER = "PASSWORD_VERIFIER"
BY_TRIGGERS = replace(CLIENT, flows=frozenset({"custom", "srp", "refresh"}))
World = Callable[..., UserPool]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A pool with Ada in it, and the given triggers."""
    with ExitStack() as stack:

        def make(triggers: ScriptedTriggers, **changes: Any) -> UserPool:
            given: dict[str, Any] = {"client": BY_TRIGGERS, "functions": triggers} | changes
            people = stack.enter_context(UserPool(tmp_path, **given))
            people.add()
            return people

        yield make


def begin(people: UserPool, username: str = "ada", origin: Origin = ORIGIN, **given: str) -> Step:
    return people.sign_in.begin_custom(
        people.pool, people.client, username, {"USERNAME": username, **given}, origin=origin, now=people.now
    )


def asked(people: UserPool, username: str = "ada", **given: str) -> Challenge:
    step = begin(people, username, ORIGIN, **given)
    assert isinstance(step, Challenge)
    return step


def with_srp(people: UserPool, username: str = "ada") -> Challenge:
    return asked(people, username, CHALLENGE_NAME="SRP_A", SRP_A=SRP_A)


def say(people: UserPool, step: Challenge, answer: str) -> Step:
    return people.answer(CUSTOM, step.handle, {"ANSWER": answer})


def signed(people: UserPool, step: Challenge, password: str = PASSWORD) -> Step:
    given = answers(step.parameters, people.pool.pool_id, password, people.now)
    return people.answer(VERIFIER, step.handle, given)


def always(**response: Any) -> Callable[[Asked], Mapping[str, Any]]:
    return lambda _: response


def test_what_the_right_answer_is_stays_here(world: World) -> None:
    """B12: neither in what is sent nor, readable, in the database."""
    people = world(challenges(CUSTOM, answer="the secret of this test"))
    step = asked(people)
    assert dict(step.parameters) == {"question": "2 + 3", "USERNAME": "ada"}
    assert "secret" not in json.dumps(dict(step.parameters))
    assert isinstance(say(people, step, "the secret of this test"), SignedIn)


def test_each_answer_has_its_handle(world: World) -> None:
    """B12: twin: the one that was given last."""
    people = world(challenges(CUSTOM, CUSTOM))
    first = asked(people)
    second = say(people, first, "5")
    assert isinstance(second, Challenge)
    with pytest.raises(InvalidSession):
        say(people, first, "5")
    done = say(people, second, "5")
    assert isinstance(done, SignedIn)
    assert done.amr == ("custom",)


def test_the_password_goes_first(world: World) -> None:
    """By SRP, which the triggers are told as rounds of their own."""
    triggers = challenges(VERIFIER, CUSTOM)
    people = world(triggers)
    step = with_srp(people)
    assert step.name == VERIFIER
    assert step.handle != step.parameters["SECRET_BLOCK"]
    custom = signed(people, step)
    assert isinstance(custom, Challenge)
    assert custom.name == CUSTOM
    done = say(people, custom, "5")
    assert isinstance(done, SignedIn)
    assert done.amr == ("pwd", "custom")
    session = [
        (one["challengeName"], one["challengeResult"]) for one in triggers.asked[-1].request["session"]
    ]
    assert session == [("SRP_A", True), (VERIFIER, True), (CUSTOM, True)]


def test_a_wrong_password_is_no_round(world: World) -> None:
    """B9, B12: five in all, as everywhere. Twin: right at the third."""
    people = world(challenges(VERIFIER))
    step = with_srp(people)
    for _ in range(2):
        with pytest.raises(NotAuthorized):
            signed(people, step, "not the right password")
    assert isinstance(signed(people, step), SignedIn)
    with pytest.raises(InvalidSession):
        signed(people, step)


def test_the_exchange_is_of_this_sign_in(world: World) -> None:
    """B12: neither another one of the same person, nor the classic flow takes it. Twin: its own."""
    people = world(challenges(VERIFIER))
    mine, other = with_srp(people), with_srp(people)
    given = answers(other.parameters, people.pool.pool_id, PASSWORD, people.now)
    with pytest.raises(InvalidSession):
        people.answer(VERIFIER, mine.handle, given)
    assert isinstance(people.answer(VERIFIER, other.handle, given), SignedIn)
    step = with_srp(people)
    given = answers(step.parameters, people.pool.pool_id, PASSWORD, people.now)
    with pytest.raises(InvalidSession):
        SrpSignIn(people.tools, people.sign_in).answer(
            people.pool, people.client, given, origin=ORIGIN, now=people.now
        )


@pytest.mark.parametrize("half", [{"CHALLENGE_NAME": "SRP_A"}, {"CHALLENGE_NAME": "x", "SRP_A": SRP_A}])
def test_half_a_beginning_is_refused(world: World, half: dict[str, str]) -> None:
    people = world(challenges(VERIFIER))
    with pytest.raises(InvalidParameter, match="SRP_A"):
        begin(people, "ada", ORIGIN, **half)


def test_srp_needs_people_with_verifiers(world: World) -> None:
    """Twin: a pool with a client of SRP, above."""
    people = world(challenges(VERIFIER), client=replace(CLIENT, flows=frozenset({"custom"})))
    with pytest.raises(InvalidParameter, match="SRP"):
        with_srp(people)


def test_a_verifier_without_a_beginning(world: World) -> None:
    """The trigger asks for a password, and no half of an exchange was sent: its fault."""
    people = world(challenges(VERIFIER))
    with pytest.raises(InvalidLambdaResponse):
        begin(people)


# --- what triggers may not say ---


@pytest.mark.parametrize("name", ["nobody", "dora"])
def test_nobody_gets_tokens(world: World, name: str) -> None:
    """B6, B12: the triggers are asked the same, with userNotFound, and let nobody in. Twin: somebody."""
    triggers = challenges(CUSTOM)
    people = world(triggers)
    people.add("dora", email="dora@example.com")
    people.administration.disable(people.pool, "dora", now=people.now)
    step = asked(people, name)
    assert (step.name, set(step.parameters)) == (CUSTOM, {"question", "USERNAME"})
    with pytest.raises(NotAuthorized, match="Incorrect username or password"):
        say(people, step, "5")
    assert {one.request["userNotFound"] for one in triggers.asked} == {True}
    assert {tuple(one.attributes or ()) for one in triggers.asked} == {()}
    triggers.asked.clear()
    assert isinstance(say(people, asked(people), "5"), SignedIn)
    assert {one.request["userNotFound"] for one in triggers.asked} == {False}


def test_nobody_is_asked_for_a_password_too(world: World) -> None:
    """B6."""
    people = world(challenges(VERIFIER, CUSTOM))
    known, unknown = with_srp(people), with_srp(people, "nobody")
    assert (unknown.name, set(unknown.parameters)) == (known.name, set(known.parameters))
    with pytest.raises(NotAuthorized, match="Incorrect username or password"):
        signed(people, unknown)


def test_a_client_that_may_know_is_told(world: World) -> None:
    people = world(challenges(CUSTOM), client=replace(BY_TRIGGERS, hides_users=False))
    with pytest.raises(UserNotFound):
        begin(people, "nobody")


def test_what_the_pool_requires_is_asked_for_all_the_same(world: World) -> None:
    """B12: tokens were issued; a second factor is still to be shown. Twin: one that the triggers have asked for."""
    people = world(challenges(CUSTOM), mfa="required")
    seed = people.with_app()
    step = say(people, asked(people), "5")
    assert isinstance(step, Challenge)
    assert step.name == "SOFTWARE_TOKEN_MFA"
    done = people.answer(step.name, step.handle, {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)})
    assert isinstance(done, SignedIn)
    assert done.amr == ("custom", "otp", "mfa")


def test_a_second_factor_is_a_round(world: World) -> None:
    triggers = challenges("SOFTWARE_TOKEN_MFA", CUSTOM)
    people = world(triggers, mfa="required")
    seed = people.with_app()
    step = asked(people)
    assert step.name == "SOFTWARE_TOKEN_MFA"
    custom = people.answer(step.name, step.handle, {"SOFTWARE_TOKEN_MFA_CODE": people.app_code(seed)})
    assert isinstance(custom, Challenge)
    assert custom.name == CUSTOM
    assert isinstance(say(people, custom, "5"), SignedIn)
    assert triggers.asked[-1].request["session"][0]["challengeName"] == "SOFTWARE_TOKEN_MFA"
    with pytest.raises(NotAuthorized):
        begin(people, "nobody")
    people.add("bob", email="bob@example.com")
    with pytest.raises(InvalidSession):  # who has no app
        begin(people, "bob")


def test_a_status_is_told_when_tokens_are_issued(world: World) -> None:
    people = world(challenges(CUSTOM))
    people.administration.reset_password(people.pool, "ada", now=people.now)
    with pytest.raises(PasswordResetRequired):
        say(people, asked(people), "5")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"failAuthentication": True, "issueTokens": True}, NotAuthorized),
        ({"issueTokens": False}, InvalidLambdaResponse),
        ({"challengeName": "DEVICE_SRP_AUTH"}, InvalidLambdaResponse),
        ({"challengeName": "NEW_PASSWORD_REQUIRED"}, InvalidLambdaResponse),
    ],
)
def test_a_trigger_that_says_no_or_nonsense(
    world: World, said: dict[str, Any], error: type[Exception]
) -> None:
    """Twin: the last one."""
    people = world(ScriptedTriggers(define_auth_challenge=always(**said)))
    with pytest.raises(error):
        begin(people)
    people.tools.triggers.scripts["define_auth_challenge"] = always(issueTokens=True)  # type: ignore[attr-defined]  # the double
    assert isinstance(begin(people), SignedIn)


def test_a_pool_without_the_triggers(world: World) -> None:
    people = world(ScriptedTriggers())
    with pytest.raises(InvalidParameter, match="not configured"):
        begin(people)
    people.tools.triggers.scripts["define_auth_challenge"] = always(challengeName=CUSTOM)  # type: ignore[attr-defined]  # the double
    with pytest.raises(InvalidParameter, match="not configured"):
        begin(people)


# --- bounds ---


def test_the_fifth_wrong_answer_ends_it(world: World) -> None:
    """B10: whatever the trigger says. Twin: right after four wrong ones."""
    people = world(challenges(CUSTOM))
    for wrong in (4, 5):
        step: Step = asked(people)
        for _ in range(4):
            assert isinstance(step, Challenge)
            step = say(people, step, "4")
        assert isinstance(step, Challenge)
        if wrong == 4:
            assert isinstance(say(people, step, "5"), SignedIn)
            continue
        with pytest.raises(NotAuthorized):
            say(people, step, "4")
        with pytest.raises(InvalidSession):
            say(people, step, "5")


def test_triggers_that_come_to_no_end_are_stopped(world: World) -> None:
    """Twin: the round before."""
    triggers = challenges(*[CUSTOM] * (MAX_ROUNDS + 2))
    people = world(triggers)
    step: Step = asked(people)
    for _ in range(MAX_ROUNDS):
        assert isinstance(step, Challenge)
        step = say(people, step, "5")
    assert isinstance(step, Challenge)
    with pytest.raises(NotAuthorized):
        say(people, step, "5")


def test_an_answer_has_a_length(world: World) -> None:
    """The handle opens once more. Twin: as long as it may be."""
    people = world(challenges(CUSTOM, answer="x" * MAX_ANSWER))
    step = asked(people)
    for answer in ("", "x" * (MAX_ANSWER + 1)):
        with pytest.raises(InvalidParameter):
            say(people, step, answer)
    assert isinstance(say(people, step, "x" * MAX_ANSWER), SignedIn)


def test_a_trigger_may_not_want_everything_remembered(world: World) -> None:
    triggers = challenges(CUSTOM)
    triggers.scripts["create_auth_challenge"] = always(privateChallengeParameters={"answer": "x" * 70_000})
    with pytest.raises(InvalidLambdaResponse):
        begin(world(triggers))


def test_what_comes_with_the_beginning_is_not_for_these_triggers(world: World) -> None:
    """Section "Define auth challenge" of Cognito's guide: only what comes with an answer is."""
    triggers = challenges(CUSTOM)
    people = world(triggers)
    step = begin(people, origin=replace(ORIGIN, client_metadata={"page": "one"}))
    assert [one.request["clientMetadata"] for one in triggers.asked] == [None, None]
    assert isinstance(step, Challenge)
    origin = replace(ORIGIN, client_metadata={"page": "two"})
    people.sign_in.answer(
        people.pool, people.client, CUSTOM, step.handle, {"ANSWER": "5"}, origin=origin, now=people.now
    )
    assert [one.request["clientMetadata"] for one in triggers.asked[2:]] == [{"page": "two"}] * 2
