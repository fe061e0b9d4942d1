"""B12: the table of challenges. No order of answers reaches the end without every proof that the rules ask for."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from auth.core.challenge import (
    CHALLENGES,
    MAX_WRONG,
    Event,
    Facts,
    Flow,
    SignInState,
    amr,
    begin,
    begin_unproven,
    handle,
    second_factors,
)
from auth.errors import InvalidSession, NotAuthorized
from auth.pool import MfaMode
from auth.user import MfaMethod

NOW = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
APP: MfaMethod = "SOFTWARE_TOKEN_MFA"
MAIL: MfaMethod = "EMAIL_OTP"
BOTH = frozenset({APP, MAIL})


def facts(
    *, must_change: bool = False, mfa: MfaMode = "none", has_app: bool = False, wants: bool = False
) -> Facts:
    """In a pool that knows apps only."""
    app: frozenset[MfaMethod] = frozenset({APP})
    return Facts(
        must_change_password=must_change,
        mfa=mfa,
        has=app if has_app else frozenset(),
        wants=app if wants else frozenset(),
    )


def both(mfa: MfaMode = "optional", *, has: Any = BOTH, wants: Any = BOTH, **more: Any) -> Facts:
    """In a pool that knows apps and codes by mail."""
    return Facts(mfa=mfa, offered=BOTH, has=frozenset(has), wants=frozenset(wants), **more)


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
        pytest.param(both(), "select_mfa", id="two-and-none-preferred"),
        pytest.param(both(preferred=MAIL), "email_code", id="mail-preferred"),
        pytest.param(both(preferred=APP), "software_token", id="app-preferred"),
        pytest.param(both(wants={MAIL}), "email_code", id="mail-only"),
        pytest.param(both(has={APP}, preferred=MAIL), "software_token", id="preferred-cannot-be-shown"),
        pytest.param(both(wants=()), "done", id="none-is-on"),
        pytest.param(both("required", has={MAIL}, wants=()), "email_code", id="required-and-an-address"),
        pytest.param(both("required", wants=()), "software_token", id="required-and-an-app-goes-first"),
        pytest.param(both("required", has=(), wants=()), "setup", id="required-and-neither"),
        pytest.param(
            Facts(mfa="required", offered=frozenset({MAIL}), has=frozenset({APP}), wants=frozenset({APP})),
            "setup",
            id="an-app-where-the-pool-takes-none",
        ),
        pytest.param(
            Facts(mfa="optional", has=frozenset({MAIL}), wants=frozenset({MAIL})),
            "done",
            id="mail-where-the-pool-takes-none",
        ),
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
        pytest.param("right_code", both(), id="code-before-it-was-chosen"),
        pytest.param("email_chosen", both(preferred=APP), id="another-than-the-preferred"),
        pytest.param("address_given", both(), id="a-new-address-instead-of-a-code"),
        pytest.param("address_given", facts(mfa="required"), id="an-address-where-the-pool-takes-none"),
        pytest.param("tokens_issued", both(), id="what-only-a-trigger-says"),
        pytest.param("right_password", both(), id="the-password-again"),
    ],
)
def test_skipping_is_refused(event: Event, known: Facts) -> None:
    """B12: what the stage does not take ends the sign-in."""
    with pytest.raises(InvalidSession):
        handle(begin("sub", "ada", known, NOW), event, known, NOW)


def test_only_what_is_asked_for_is_chosen() -> None:
    """B12: at SELECT_MFA_TYPE, when the app was taken away meanwhile. Twin: the other one."""
    state = begin("sub", "ada", both(), NOW)
    with pytest.raises(InvalidSession):
        handle(state, "app_chosen", both(has={MAIL}), NOW)
    assert handle(state, "email_chosen", both(has={MAIL}), NOW).stage == "email_code"


def test_the_fifth_wrong_answer_ends_it() -> None:
    """B10: twin: a right one after four wrong ones."""
    assert MAX_WRONG == 5
    known = facts(mfa="required", has_app=True)
    state = begin("sub", "ada", known, NOW)
    for _ in range(MAX_WRONG - 1):
        state = handle(state, "wrong_code", known, NOW)
    assert handle(state, "right_code", known, NOW).stage == "done"
    assert handle(state, "wrong_code", known, NOW).stage == "dead"


def test_another_kind_of_answer_gives_no_more_tries() -> None:
    """B10: wrong passwords and wrong codes of one sign-in by choice are counted together."""
    state = begin_unproven("choice", "sub", "ada", NOW)
    for _ in range(3):
        state = handle(state, "wrong_password", facts(), NOW)
    state = handle(state, "email_chosen", facts(), NOW)
    state = handle(state, "wrong_code", facts(), NOW)
    assert handle(state, "wrong_code", facts(), NOW).stage == "dead"


@pytest.mark.parametrize("flow", ["choice", "custom"])
def test_nobody_proves_anything(flow: Flow) -> None:
    """B6, B12: whoever does not exist is asked on, and never gets further. Twin: somebody."""
    event: Event = "right_password" if flow == "choice" else "tokens_issued"
    with pytest.raises(NotAuthorized):
        handle(begin_unproven(flow, "", "ada", NOW), event, facts(), NOW)
    assert handle(begin_unproven(flow, "sub", "ada", NOW), event, facts(), NOW).stage == "done"


def by_mail(known: Facts) -> SignInState:
    state = handle(begin_unproven("choice", "sub", "ada", NOW), "email_chosen", known, NOW)
    return handle(state, "right_code", known, NOW)


def test_one_mailbox_is_one_factor() -> None:
    """B12: a code by mail is no second factor after a code by mail. Twin: an app is; a password, too."""
    assert by_mail(both(wants=())).stage == "done"
    assert by_mail(both(preferred=MAIL)).stage == "software_token"
    only = both(has={MAIL}, wants={MAIL})
    state = by_mail(only)
    assert state.stage == "password"
    state = handle(state, "right_password", only, NOW)
    assert (state.stage, amr(state)) == ("done", ("pwd", "otp", "mfa"))
    assert amr(by_mail(both(wants=()))) == ("otp",)


def test_what_triggers_ask_for_is_no_end() -> None:
    """B12: in a custom flow a right password, or a right code, is one round; the end is the trigger's word."""
    known = both(wants={APP})
    state = begin_unproven("custom", "sub", "ada", NOW)
    state = handle(handle(state, "password_chosen", known, NOW), "right_password", known, NOW)
    assert state.stage == "custom"
    assert handle(state, "tokens_issued", known, NOW).stage == "software_token"
    state = handle(handle(state, "app_chosen", known, NOW), "right_code", known, NOW)
    assert state.stage == "custom"
    assert amr(handle(state, "tokens_issued", known, NOW)) == ("pwd", "custom", "otp", "mfa")
    with pytest.raises(InvalidSession):
        handle(begin_unproven("custom", "sub", "ada", NOW), "app_chosen", both(has={MAIL}), NOW)


class AnyOrder(RuleBasedStateMachine):
    """Somebody answers whatever they like, in whatever order, at each kind of sign-in."""

    @initialize(
        flow=st.sampled_from(get_args(Flow)),
        sub=st.sampled_from(("sub", "sub", "sub", "")),
        must_change=st.booleans(),
        mfa=st.sampled_from(get_args(MfaMode)),
        methods=st.tuples(*[st.frozensets(st.sampled_from(get_args(MfaMethod)))] * 3),
        preferred=st.sampled_from((None, *get_args(MfaMethod))),
    )
    def start(
        self, flow: Flow, sub: str, must_change: bool, mfa: MfaMode, methods: Any, preferred: Any
    ) -> None:
        offered, has, wants = methods
        self.facts = Facts(
            must_change_password=must_change,
            mfa=mfa,
            offered=offered,
            has=has,
            wants=wants,
            preferred=preferred,
        )
        self.state: SignInState = (
            begin(sub, "ada", self.facts, NOW)
            if flow == "password"
            else begin_unproven(flow, sub, "ada", NOW)
        )
        # Where each accepted answer was given: what really was shown, told apart from what the state says.
        self.events: set[tuple[str, str]] = {("begun", "right_password")} if flow == "password" else set()

    @rule(event=st.sampled_from(get_args(Event)))
    def answer(self, event: Event) -> None:
        before = self.state.stage
        try:
            self.state = handle(self.state, event, self.facts, NOW)
        except (InvalidSession, NotAuthorized):
            return
        assert before not in ("done", "dead")
        self.events.add((before, event))

    def shown(self, event: Event, *stages: str) -> bool:
        return any((stage, event) in self.events for stage in stages)

    @invariant()
    def the_end_needs_every_proof(self) -> None:
        if self.state.stage != "done":
            return
        assert self.state.sub or self.state.flow == "password"
        password = self.shown("right_password", "begun", "choice", "password", "password_verifier")
        custom = self.shown("tokens_issued", "custom")
        app = self.shown("right_code", "software_token") or (
            self.shown("right_code", "setup_associated") and self.shown("finished", "setup_verified")
        )
        mail = self.shown("right_code", "email_code", "setup_email")
        first = {"password": password, "choice": password or mail, "custom": custom}
        assert first[self.state.flow]
        assert not self.facts.must_change_password or self.shown("password_set", "new_password")
        if second_factors(self.facts) is not None:
            assert app or (mail and (password or custom))
            assert "mfa" in amr(self.state)

    @invariant()
    def what_is_required_is_asked_for(self) -> None:
        if self.facts.mfa == "required" or (
            self.facts.mfa == "optional" and self.facts.wants & self.facts.has & self.facts.offered
        ):
            assert second_factors(self.facts) is not None

    @invariant()
    def a_factor_that_exists_is_never_replaced(self) -> None:
        if second_factors(self.facts):
            assert not self.shown("associated", *CHALLENGES)
            assert not self.shown("address_given", *CHALLENGES)

    @invariant()
    def every_stage_is_a_challenge_or_an_end(self) -> None:
        assert self.state.stage in CHALLENGES or self.state.stage in ("done", "dead")
        assert self.state.wrong <= MAX_WRONG
        assert (self.state.wrong == MAX_WRONG) == (self.state.stage == "dead")


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=300, stateful_step_count=15, deadline=None)
