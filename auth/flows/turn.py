"""One answer to one open challenge, with all that it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from auth.client import Client
from auth.core import challenge
from auth.core.challenge import Event, Facts, SignInState
from auth.core.steps import Origin
from auth.errors import InvalidParameter
from auth.flows.challenges import OpenChallenge
from auth.pool import MfaKind, Pool
from auth.user import MfaMethod, User

_METHODS: Final[dict[MfaKind, MfaMethod]] = {"software_token": "SOFTWARE_TOKEN_MFA", "email": "EMAIL_OTP"}
NOBODY: Final = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """:param user: as they are now; None: nobody, or disabled, which is not told before a first factor was proven."""

    pool: Pool
    client: Client
    opened: OpenChallenge
    user: User | None
    answers: Mapping[str, str] = field(repr=False)
    origin: Origin
    now: datetime

    @property
    def state(self) -> SignInState:
        return self.opened.state

    @property
    def facts(self) -> Facts:
        return NOBODY if self.user is None else facts_of(self.pool, self.user)

    def after(self, event: Event) -> SignInState:
        """:raises InvalidSession: the open stage does not take it."""
        return challenge.handle(self.state, event, self.facts, self.now)

    def needed(self, name: str) -> str:
        if not self.answers.get(name):
            raise InvalidParameter(f"Missing required parameter {name}")
        return self.answers[name]


def facts_of(pool: Pool, user: User) -> Facts:
    has: set[MfaMethod] = set()
    if user.has_software_token:
        has.add("SOFTWARE_TOKEN_MFA")
    if gets_codes(user):
        has.add("EMAIL_OTP")
    return Facts(
        must_change_password=user.status == "FORCE_CHANGE_PASSWORD",
        mfa=pool.mfa,
        offered=frozenset(_METHODS[kind] for kind in pool.mfa_kinds),
        has=frozenset(has),
        wants=user.mfa.enabled,
        preferred=user.mfa.preferred,
    )


def gets_codes(user: User) -> bool:
    """An address counts once it is verified; for those who switched codes by mail on, a new one does too: it is asked
    for a code, so nobody gets past it who does not have it (B11)."""
    has_address = bool(user.attributes.get("email"))
    return has_address and (user.is_verified("email") or "EMAIL_OTP" in user.mfa.enabled)
