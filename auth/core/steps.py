"""What a sign-in answers at each step: the next challenge, or that the user is signed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from auth.user import User

ChallengeName = Literal[
    "NEW_PASSWORD_REQUIRED",
    "MFA_SETUP",
    "SELECT_MFA_TYPE",
    "SOFTWARE_TOKEN_MFA",
    "EMAIL_OTP",
    "PASSWORD",
    "PASSWORD_VERIFIER",
    "CUSTOM_CHALLENGE",
    "SELECT_CHALLENGE",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """:param handle: opens it once, for the client that it was given to: Cognito's ``Session``.

    :param parameters: as Cognito names them; all values are text.
    :param available: what SELECT_CHALLENGE may be answered with: Cognito's ``AvailableChallenges``.
    """

    name: ChallengeName
    handle: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    available: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Everything was proven. Whoever gets this makes a grant of it. :param amr: as RFC 8176 names them."""

    user: User
    auth_time: datetime
    amr: tuple[str, ...]


Step = Challenge | SignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asks, for limits and for the audit. :param address: of the client, as trusted proxies tell it.

    :param client_metadata: what it gives the pool's triggers, and :param validation_data: those before a sign-up.
    """

    address: str
    client_metadata: Mapping[str, str] = field(default_factory=dict)
    validation_data: Mapping[str, str] = field(default_factory=dict)
