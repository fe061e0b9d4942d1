"""A sign-in after the password: which challenge comes next, and what may happen at each (B12).

One table says what every stage takes; what is not in it is refused. So no challenge is skipped by answering the next
one: a proof is only ever earned at the stage that asks for it, and the end is only reached when no rule asks.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from auth.core.steps import ChallengeName
from auth.errors import InvalidSession
from auth.pool import MfaMode

MAX_WRONG: Final = 5  # the fifth wrong answer ends the sign-in

Stage = Literal[
    "new_password", "software_token", "setup", "setup_associated", "setup_verified", "done", "dead"
]
Event = Literal["password_set", "right_code", "wrong_code", "associated", "finished"]
Proof = Literal["password", "new_password", "software_token"]

CHALLENGES: Final[dict[Stage, ChallengeName]] = {
    "new_password": "NEW_PASSWORD_REQUIRED",
    "software_token": "SOFTWARE_TOKEN_MFA",
    "setup": "MFA_SETUP",
    "setup_associated": "MFA_SETUP",
    "setup_verified": "MFA_SETUP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the user now, not when the sign-in began. :param wants_software_token: they switched it on."""

    must_change_password: bool
    mfa: MfaMode
    has_software_token: bool
    wants_software_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInState:
    """Where a sign-in of *sub* stands. :param typed: the canonical name that began it.

    :param proven_at: when the password was; :param wrong: answers at this stage.
    """

    sub: str
    typed: str
    stage: Stage
    proofs: frozenset[Proof]
    proven_at: datetime
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class _Rule:
    """*stage* is asked for when *applies* and *proof* is missing. The first of the rules wins."""

    stage: Stage
    proof: Proof
    applies: Callable[[Facts], bool]


_RULES: Final = (
    _Rule("new_password", "new_password", lambda facts: facts.must_change_password),
    _Rule("software_token", "software_token", lambda facts: facts.has_software_token and _asks(facts)),
    _Rule("setup", "software_token", lambda facts: facts.mfa == "required" and not facts.has_software_token),
)


@dataclass(frozen=True, slots=True)
class _Move:
    """To a stage, or with a proof to whatever the rules ask for next. Neither: stay."""

    to: Stage | None = None
    earns: Proof | None = None


_TABLE: Final[dict[tuple[Stage, Event], _Move]] = {
    ("new_password", "password_set"): _Move(earns="new_password"),
    ("software_token", "right_code"): _Move(earns="software_token"),
    ("software_token", "wrong_code"): _Move(),
    ("setup", "associated"): _Move(to="setup_associated"),
    ("setup_associated", "associated"): _Move(to="setup_associated"),
    ("setup_associated", "right_code"): _Move(to="setup_verified"),
    ("setup_associated", "wrong_code"): _Move(),
    ("setup_verified", "finished"): _Move(earns="software_token"),
}


def begin(sub: str, typed: str, facts: Facts, now: datetime) -> SignInState:
    """The password was right."""
    proofs: frozenset[Proof] = frozenset({"password"})
    return SignInState(sub=sub, typed=typed, stage=_next(facts, proofs), proofs=proofs, proven_at=now)


def handle(state: SignInState, event: Event, facts: Facts, now: datetime) -> SignInState:
    """:raises InvalidSession: this stage takes no such answer; the sign-in is over."""
    move = _TABLE.get((state.stage, event))
    if move is None:
        raise InvalidSession(detail=f"{event} at {state.stage}")
    if move.earns is not None:
        proofs = state.proofs | {move.earns}
        proven_at = now if move.earns == "new_password" else state.proven_at
        return replace(state, stage=_next(facts, proofs), proofs=proofs, proven_at=proven_at, wrong=0)
    if move.to is not None:
        return replace(state, stage=move.to)
    wrong = state.wrong + 1
    return replace(state, wrong=wrong, stage="dead" if wrong >= MAX_WRONG else state.stage)


def amr(state: SignInState) -> tuple[str, ...]:
    """How the user proved who they are, as RFC 8176 names it."""
    return ("pwd", "otp", "mfa") if "software_token" in state.proofs else ("pwd",)


def _next(facts: Facts, proofs: frozenset[Proof]) -> Stage:
    for rule in _RULES:
        if rule.proof not in proofs and rule.applies(facts):
            return rule.stage
    return "done"


def _asks(facts: Facts) -> bool:
    return facts.mfa == "required" or (facts.mfa == "optional" and facts.wants_software_token)
