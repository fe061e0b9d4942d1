"""A sign-in: what must be proven, which challenge comes next, and what may happen at each (B12).

One table says what every stage takes; what is not in it is refused. So no challenge is skipped by answering the next
one: a proof is only ever earned at the stage that asks for it, and the end is only reached when no rule asks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from auth.core.steps import ChallengeName
from auth.errors import InvalidSession, NotAuthorized
from auth.pool import MfaMode
from auth.user import MfaMethod

MAX_WRONG: Final = 5  # the fifth wrong answer ends the sign-in

Flow = Literal["password", "choice", "custom"]
Stage = Literal[
    "choice",
    "password",
    "password_verifier",
    "custom",
    "new_password",
    "select_mfa",
    "software_token",
    "email_code",
    "setup",
    "setup_associated",
    "setup_email",
    "setup_verified",
    "done",
    "dead",
]
Event = Literal[
    "right_password",
    "wrong_password",
    "right_code",
    "wrong_code",
    "right_answer",
    "wrong_answer",
    "app_chosen",
    "email_chosen",
    "password_chosen",
    "tokens_issued",
    "password_set",
    "associated",
    "address_given",
    "finished",
]
Proof = Literal["password", "custom", "new_password", "software_token", "email_code"]

CHALLENGES: Final[dict[Stage, ChallengeName]] = {
    "choice": "SELECT_CHALLENGE",
    "password": "PASSWORD",
    "password_verifier": "PASSWORD_VERIFIER",
    "custom": "CUSTOM_CHALLENGE",
    "new_password": "NEW_PASSWORD_REQUIRED",
    "select_mfa": "SELECT_MFA_TYPE",
    "software_token": "SOFTWARE_TOKEN_MFA",
    "email_code": "EMAIL_OTP",
    "setup": "MFA_SETUP",
    "setup_associated": "MFA_SETUP",
    "setup_email": "EMAIL_OTP",
    "setup_verified": "MFA_SETUP",
}
_APP: Final = "SOFTWARE_TOKEN_MFA"
_MAIL: Final = "EMAIL_OTP"
_STAGE_OF: Final[dict[MfaMethod, Stage]] = {_APP: "software_token", _MAIL: "email_code"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the user now, not when the sign-in began.

    :param offered: second factors that the pool allows. :param has: that the user could show now.
    :param wants: that they switched on. :param preferred: which of several is asked for.
    """

    must_change_password: bool = False
    mfa: MfaMode = "none"
    offered: frozenset[MfaMethod] = frozenset({_APP})
    has: frozenset[MfaMethod] = frozenset()
    wants: frozenset[MfaMethod] = frozenset()
    preferred: MfaMethod | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedCode:
    """:param mac: of the code, under a secret key; empty: none was sent, so none is right.

    :param to: the address; empty: nobody's. :param shown: masked, as whoever signs in is told.
    """

    mac: str = field(repr=False)
    to: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRound:
    """What the triggers of custom authentication have said so far.

    :param session: as DefineAuthChallenge is told it. :param private: what the right answer is judged by; never sent.
    :param metadata: of the open challenge. :param public: its parameters. :param srp: those of the open SRP exchange.
    """

    session: tuple[dict[str, Any], ...] = ()
    public: dict[str, str] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict, repr=False)
    metadata: str | None = None
    srp: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInState:
    """Where a sign-in of *sub* stands. :param typed: the canonical name that began it.

    :param sub: empty: nobody has that name, which is not told (B6).
    :param proven_at: when the first factor was; before that, when it began. :param wrong: answers at this stage.
    """

    sub: str
    typed: str
    stage: Stage
    proofs: frozenset[Proof]
    proven_at: datetime
    wrong: int = 0
    flow: Flow = "password"
    code: MailedCode | None = None
    custom: CustomRound | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the first factor was."""
        return not _lacks_first(self.flow, self.proofs)

    @property
    def begins(self) -> bool:
        """By choice, and nothing at all is proven: anybody can have come this far with any name."""
        return self.flow == "choice" and not self.proofs


@dataclass(frozen=True, slots=True)
class _Move:
    """To a stage, or with a proof to whatever the rules ask for next. Neither: a wrong answer.

    :param needs: what the user must have for it.
    """

    to: Stage | None = None
    earns: Proof | None = None
    needs: Callable[[Facts], bool] | None = None


def _may_show(method: MfaMethod) -> Callable[[Facts], bool]:
    return lambda facts: method in facts.has & facts.offered


def _is_offered(method: MfaMethod) -> Callable[[Facts], bool]:
    return lambda facts: method in facts.offered


def _is_asked_for(method: MfaMethod) -> Callable[[Facts], bool]:
    return lambda facts: method in (second_factors(facts) or ())


_TABLE: Final[dict[tuple[Stage, Event], _Move]] = {
    # by choice: what the first factor is
    ("choice", "right_password"): _Move(earns="password"),
    ("choice", "wrong_password"): _Move(),
    ("choice", "password_chosen"): _Move(to="password"),
    ("choice", "email_chosen"): _Move(to="email_code"),
    ("password", "right_password"): _Move(earns="password"),
    ("password", "wrong_password"): _Move(),
    # as the pool's triggers say
    ("custom", "right_answer"): _Move(to="custom"),
    ("custom", "wrong_answer"): _Move(),
    ("custom", "password_chosen"): _Move(to="password_verifier"),
    ("custom", "app_chosen"): _Move(to="software_token", needs=_may_show(_APP)),
    ("custom", "email_chosen"): _Move(to="email_code", needs=_may_show(_MAIL)),
    ("custom", "tokens_issued"): _Move(earns="custom"),
    ("password_verifier", "right_password"): _Move(earns="password"),
    ("password_verifier", "wrong_password"): _Move(),
    # second factors
    ("select_mfa", "app_chosen"): _Move(to="software_token", needs=_is_asked_for(_APP)),
    ("select_mfa", "email_chosen"): _Move(to="email_code", needs=_is_asked_for(_MAIL)),
    ("software_token", "right_code"): _Move(earns="software_token"),
    ("software_token", "wrong_code"): _Move(),
    ("email_code", "right_code"): _Move(earns="email_code"),
    ("email_code", "wrong_code"): _Move(),
    # what must be set first
    ("new_password", "password_set"): _Move(earns="new_password"),
    ("setup", "associated"): _Move(to="setup_associated", needs=_is_offered(_APP)),
    ("setup_associated", "associated"): _Move(to="setup_associated", needs=_is_offered(_APP)),
    ("setup_associated", "right_code"): _Move(to="setup_verified"),
    ("setup_associated", "wrong_code"): _Move(),
    ("setup_verified", "finished"): _Move(earns="software_token"),
    ("setup", "address_given"): _Move(to="setup_email", needs=_is_offered(_MAIL)),
    ("setup_associated", "address_given"): _Move(to="setup_email", needs=_is_offered(_MAIL)),
    ("setup_email", "right_code"): _Move(earns="email_code"),
    ("setup_email", "wrong_code"): _Move(),
}


def begin(sub: str, typed: str, facts: Facts, now: datetime) -> SignInState:
    """The password was right."""
    proofs: frozenset[Proof] = frozenset({"password"})
    return SignInState(
        sub=sub, typed=typed, stage=_next("password", facts, proofs), proofs=proofs, proven_at=now
    )


def begin_unproven(flow: Flow, sub: str, typed: str, now: datetime) -> SignInState:
    """Nothing is proven yet: the client, or the pool's triggers, say how it will be."""
    stage = _next(flow, Facts(), frozenset())
    return SignInState(sub=sub, typed=typed, stage=stage, proofs=frozenset(), proven_at=now, flow=flow)


def handle(state: SignInState, event: Event, facts: Facts, now: datetime) -> SignInState:
    """:raises InvalidSession: this stage takes no such answer; the sign-in is over."""
    move = _TABLE.get((state.stage, event))
    if move is None:
        raise InvalidSession(detail=f"{event} at {state.stage}")
    if move.needs is not None and not move.needs(facts):
        raise InvalidSession(detail=f"{event} by somebody who cannot")
    if move.earns is not None:
        if not state.sub:
            raise NotAuthorized(detail="nobody proves nothing")
        return _earned(state, move.earns, facts, now)
    if move.to is not None:
        return replace(state, stage=move.to, code=None)
    wrong = state.wrong + 1
    return replace(state, wrong=wrong, stage="dead" if wrong >= MAX_WRONG else state.stage)


def second_factors(facts: Facts) -> frozenset[MfaMethod] | None:
    """Those of which one is asked for. None: no second factor is. Empty: one must be set up first."""
    usable = facts.has & facts.offered
    if facts.mfa == "none":
        return None
    if facts.mfa == "optional":
        return (facts.wants & usable) or None
    # An app that was set up is asked for even where it is switched off; a verified address where there is nothing else.
    return (usable & (facts.wants | {_APP})) or usable


def amr(state: SignInState) -> tuple[str, ...]:
    """How the user proved who they are, as RFC 8176 names it (but for ``custom``: what a trigger has judged)."""
    codes = state.proofs & {"software_token", "email_code"}
    first = [name for proof, name in _AMR if proof in state.proofs]
    kinds = (1 if first else 0) + len(codes)
    return (*first, *(("otp",) if codes else ()), *(("mfa",) if kinds > 1 else ()))


_AMR: Final[tuple[tuple[Proof, str], ...]] = (("password", "pwd"), ("custom", "custom"))


def _earned(state: SignInState, proof: Proof, facts: Facts, now: datetime) -> SignInState:
    proofs = state.proofs | {proof}
    is_fresh = proof == "new_password" or not state.proofs
    return replace(
        state,
        stage=_next(state.flow, facts, proofs),
        proofs=proofs,
        proven_at=now if is_fresh else state.proven_at,
        wrong=0,
        code=None,
    )


def _lacks_first(flow: Flow, have: frozenset[Proof]) -> bool:
    if flow == "custom":
        return "custom" not in have
    return have.isdisjoint({"password", "email_code"} if flow == "choice" else {"password"})


def _lacks_second(facts: Facts, have: frozenset[Proof]) -> bool:
    """A code by mail is a second factor where something else was the first."""
    if second_factors(facts) is None or "software_token" in have:
        return False
    return "email_code" not in have or have.isdisjoint({"password", "custom"})


def _second_stage(facts: Facts, have: frozenset[Proof]) -> Stage:
    choices = second_factors(facts) or frozenset()
    if "email_code" in have:  # it was the first: something else must follow
        return "software_token" if _APP in choices else "password"
    if not choices:
        return "setup"
    if facts.preferred in choices:
        return _STAGE_OF[facts.preferred]
    return "select_mfa" if len(choices) > 1 else _STAGE_OF[next(iter(choices))]


def _next(flow: Flow, facts: Facts, proofs: frozenset[Proof]) -> Stage:
    if _lacks_first(flow, proofs):
        return flow
    if facts.must_change_password and "new_password" not in proofs:
        return "new_password"
    if _lacks_second(facts, proofs):
        return _second_stage(facts, proofs)
    return "done"
