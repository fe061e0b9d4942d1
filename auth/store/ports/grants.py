"""Browser sessions, authorization codes, and the refresh tokens of a sign-in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from auth.grant import Grant, LiveGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """:param sub: None before anybody has logged in. :param csrf: what each form must carry.

    :param data: sealed by the store: the authorization request that waits, the challenge that is open.
    """

    pool_id: str
    sub: str | None
    auth_time: datetime | None
    amr: tuple[str, ...]
    csrf: str = field(repr=False)
    data: bytes = field(default=b"", repr=False)
    expires_at: datetime


class BrowserSessionStore(Protocol):
    def put(self, handle: str, session: BrowserSession, idle_until: datetime) -> None: ...

    def get(self, handle: str, now: datetime, idle_until: datetime) -> BrowserSession | None:
        """And stays alive until *idle_until*. None: expired, idle too long, the user disabled or signed out since."""
        ...

    def save(self, handle: str, data: bytes) -> None: ...

    def replace(self, old: str | None, new: str, session: BrowserSession, idle_until: datetime) -> None:
        """A new handle at each log-in (B1); the old one is gone in the same transaction."""
        ...

    def delete(self, handle: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """An authorization code. :param code: what the browser carries; :param challenge: S256, or empty."""

    code: str = field(repr=False)
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedCode:
    grant: Grant
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """:param token: the refresh token that counts from now on: a new one, or within the grace *the same* successor
    again; without rotation the one that was presented."""

    live: LiveGrant
    token: str = field(repr=False)


class GrantStore(Protocol):
    def start(
        self, grant: Grant, now: datetime, *, code: NewCode | None = None, refresh: bool = False
    ) -> str | None:
        """Write it, with the code that leads to it, or with its refresh family. :returns: the refresh token."""
        ...

    def redeem(
        self,
        code: str,
        client_id: str,
        now: datetime,
        check: Callable[[RedeemedCode], bool],
        *,
        refresh: bool,
    ) -> tuple[LiveGrant, str | None] | None:
        """One winner (A5). *check* judges redirect_uri and PKCE afterwards, in the transaction: a wrong verifier burns
        the code. A code that was redeemed before revokes its grant (A6).

        :returns: the grant and its refresh token; None: refused, whatever the reason.
        """
        ...

    def rotate(self, token: str, client_id: str, now: datetime, *, rotates: bool, grace_s: float) -> Rotated:
        """:raises NotAuthorized: ``Invalid Refresh Token``, ``Refresh Token has expired``, ``Refresh Token has been
        revoked``; a token that was rotated away before the grace revokes its family (A7).
        """
        ...

    def live(self, grant_id: str, now: datetime) -> LiveGrant | None: ...

    def revoke(self, grant_id: str, why: str, now: datetime) -> bool: ...

    def revoke_token(self, token: str, client_id: str, now: datetime) -> bool:
        """By its refresh token (A9). :returns: False: it is no refresh token of this client; nothing happened."""
        ...

    def sign_out(self, pool_id: str, sub: str, now: datetime, *, except_grant: str | None = None) -> None:
        """Everywhere: every grant and browser session of the user dies."""
        ...
