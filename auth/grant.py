"""What one sign-in has given: codes, refresh tokens and all tokens hang on it. ``grant_id`` is their ``origin_jti``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from auth.user import User

GrantKind = Literal["code", "api", "issued"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """:param sub: of the user. :param kind: ``code``: OAuth; ``api``: the Cognito API; ``issued``: by an operator.

    :param scopes: granted, in the order asked for. :param auth_time: when the user proved who they are.
    :param amr: how, as RFC 8176 names it: ``pwd``, ``otp``, ``mfa``.
    :param expires_at: of the refresh token; the grant ends with it.
    """

    grant_id: str
    pool_id: str
    client_id: str
    sub: str
    kind: GrantKind
    scopes: tuple[str, ...]
    auth_time: datetime
    amr: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    event_id: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGrant:
    """A grant that is neither revoked nor expired, of a user who is enabled and has not signed out since."""

    grant: Grant
    user: User
