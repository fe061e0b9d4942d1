"""A person in a pool, as the store hands it out: never with a password, a code or a seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

UserStatus = Literal[
    "UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED", "EXTERNAL_PROVIDER"
]
MfaMethod = Literal["SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaPreference:
    """:param enabled: second factors that the user has switched on; the preferred one is asked for."""

    enabled: frozenset[MfaMethod] = frozenset()
    preferred: MfaMethod | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """:param sub: UUID, for ever. :param username: as it was typed at sign-up; equal to *sub* where people sign in
    with an address. :param attributes: all values are text, as on Cognito's wire (``email_verified`` is ``"true"``);
    ``sub`` is not among them.
    :param groups: strongest first.
    :param tokens_valid_from: sessions that began before it are over.
    :param version: of the row; an update names the one that it has seen.
    """

    pool_id: str
    sub: str
    username: str
    status: UserStatus
    is_enabled: bool
    created_at: datetime
    updated_at: datetime
    tokens_valid_from: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    mfa: MfaPreference = MfaPreference()
    has_software_token: bool = False
    version: int = 0

    def is_verified(self, attribute: Literal["email", "phone_number"]) -> bool:
        return self.attributes.get(f"{attribute}_verified") == "true"
