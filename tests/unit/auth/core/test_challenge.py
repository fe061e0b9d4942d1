"""B12: the table of challenges. No order of answers reaches the end without every proof that the rules ask for."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from auth.core.challenge import CHALLENGES, MAX_WRONG, Event, Facts, SignInState, amr, begin, handle
from auth.errors import InvalidSession
from auth.pool import MfaMode

NOW = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)


def facts(
    *, must_change: bool = False, mfa: MfaMode = "none", has_app: bool = False, wants: bool = False
) -> Facts:
    return Facts(
        must_change_password=must_change, mfa=mfa, has_software_token=has_app, wants_software_token=wants
    )


@pytest.mark.parametrize(
    ("known", "stage"),
    [
        pytest.param(facts(), "done", id="password-only"),
        pytest.param(
            facts(must_change=True, mfa="required", has_app=True), "new_password", id="change-first"
        ),
        pytest.param(facts(mfa="required"), "setup", id="required-and-none-yet"),
        pytest.param(
            facts(mfa="required", has_app=True), "software_token", id="required-even-if-switched-off"
        ),
        pytest.param(facts(mfa="optional", has_app=True, wants=True), "software_token", id="optional-and-on"),
        pytest.param(facts(mfa="optional", has_app=True), "done", id="optional-and-off"),
        pytest.param(facts(mfa="optional", wants=True), "done", id="optional-and-none"),
        pytest.param(facts(mfa="none", has_app=True, wants=True), "done", id="pool-has-none"),
    ],
)
def test_what_follows_the_password(known: Facts, stage: str) -> None:
    assert begin("sub", "ada", known, NOW).stage == stage


@pytest.mark.parametrize(
    ("event", "known"),
    [
        pytest.param("right_code", facts(must_change=True), id="code-instead-of-password"),
        pytest.param("finished", facts(mfa="required"), id="set-up-finished-before-it-began"),
        pytest.param("right_code", facts(mfa="required"), id="code-before-a-seed"),
        pytest.param("associated", facts(mfa="required", has_app=True), id="a-new-seed-instead-of-a-code"),
        pytest.param("password_set", facts(mfa="required", has_app=True), id="password-instead-of-code"),
    ],
)
def test_skipping_is_refused(event: Event, known: Facts) -> None:
    """B12: what the stage does not take ends the sign-in."""
    with pytest.raises(InvalidSession):
        handle(begin("sub", "ada", known, NOW), event, known, NOW)


def test_the_fifth_wrong_answer_ends_it() -> None:
    """B10: twin: a right one after four wrong ones."""
    assert MAX_WRONG == 5
    known = facts(mfa="required", has_app=True)
    state = begin("sub", "ada", known, NOW)
    for _ in range(MAX_WRONG - 1):
        state = handle(state, "wrong_code", known, NOW)
    assert handle(state, "right_code", known, NOW).stage == "done"
    assert handle(state, "wrong_code", known, NOW).stage == "dead"


class AnyOrder(RuleBasedStateMachine):
    """Somebody who has the password answers whatever they like."""

    @initialize(
        must_change=st.booleans(),
        mfa=st.sampled_from(get_args(MfaMode)),
        has_app=st.booleans(),
        wants=st.booleans(),
    )
    def password(self, must_change: bool, mfa: MfaMode, has_app: bool, wants: bool) -> None:
        self.facts = facts(must_change=must_change, mfa=mfa, has_app=has_app, wants=wants)
        self.state: SignInState = begin("sub", "ada", self.facts, NOW)
        self.events: list[Event] = []

    @rule(event=st.sampled_from(get_args(Event)))
    def answer(self, event: Event) -> None:
        try:
            self.state = handle(self.state, event, self.facts, NOW)
        except InvalidSession:
            return
        self.events.append(event)

    @invariant()
    def the_end_needs_every_proof(self) -> None:
        if self.state.stage != "done":
            return
        must_have_code = self.facts.mfa == "required" or (
            self.facts.mfa == "optional" and self.facts.has_software_token and self.facts.wants_software_token
        )
        assert not self.facts.must_change_password or "password_set" in self.events
        assert not must_have_code or "right_code" in self.events
        assert amr(self.state) == (("pwd", "otp", "mfa") if must_have_code else ("pwd",))

    @invariant()
    def an_app_that_exists_is_never_replaced(self) -> None:
        if self.facts.has_software_token:
            assert "associated" not in self.events

    @invariant()
    def every_stage_is_a_challenge_or_an_end(self) -> None:
        assert self.state.stage in CHALLENGES or self.state.stage in ("done", "dead")
        assert self.state.wrong <= MAX_WRONG
        assert (self.state.wrong == MAX_WRONG) == (self.state.stage == "dead")


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=15, deadline=None)
