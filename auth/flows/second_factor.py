"""The authenticator app of somebody who is signed in: set it up, switch it on and off."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from auth.core.steps import Origin
from auth.errors import EnableSoftwareToken, UserNotFound
from auth.flows.authenticator import Authenticator
from auth.flows.mfa_choice import Switch, chosen
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.user import MfaMethod, User

_Action = Literal["mfa_associated", "mfa_changed"]


class SecondFactor:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._authenticator = Authenticator(tools)

    def associate(self, pool: Pool, sub: str, *, now: datetime) -> str:
        """A new seed; the old one, if any, goes on working until a code of the new one was right. :returns: base32."""
        self._user(pool, sub)
        secret = self._authenticator.associate(pool, sub, now)
        self._record("mfa_associated", pool, sub, now, None, "")
        return secret

    def verify(
        self,
        pool: Pool,
        sub: str,
        code: str,
        name: str,
        *,
        now: datetime,
        origin: Origin | None = None,
    ) -> None:
        """:raises EnableSoftwareToken: the code is wrong. :raises SoftwareTokenNotFound: nothing was associated.

        :raises LimitExceeded: too many wrong ones lately.
        """
        if not self._authenticator.is_right(pool, sub, code, now, confirmed=False):
            raise EnableSoftwareToken
        self._authenticator.confirm(pool, sub, name, now)
        self._record("mfa_changed", pool, sub, now, origin, "authenticator confirmed")

    def prefer(
        self,
        pool: Pool,
        sub: str,
        *,
        software_token: bool,
        is_preferred: bool = True,
        now: datetime,
        origin: Origin | None = None,
    ) -> None:
        """Switch the app on or off. :raises InvalidParameter: there is none to switch on, or it must be on."""
        switch = Switch(is_on=software_token, is_preferred=software_token and is_preferred)
        self.choose(pool, sub, {"SOFTWARE_TOKEN_MFA": switch}, now=now, origin=origin)

    def choose(
        self,
        pool: Pool,
        sub: str,
        wishes: Mapping[MfaMethod, Switch],
        *,
        now: datetime,
        origin: Origin | None = None,
    ) -> None:
        """Switch second factors on and off. :raises InvalidParameter: as `auth.flows.mfa_choice.chosen`."""
        preference = chosen(pool, self._user(pool, sub), wishes)
        self._users.set_mfa(pool.pool_id, sub, preference, now)
        self._record("mfa_changed", pool, sub, now, origin, " ".join(sorted(preference.enabled)) or "off")

    def _user(self, pool: Pool, sub: str) -> User:
        user = self._users.get(pool.pool_id, sub)
        if user is None or not user.is_enabled:
            raise UserNotFound
        return user

    def _record(
        self, action: _Action, pool: Pool, sub: str, now: datetime, origin: Origin | None, detail: str
    ) -> None:
        self._tools.audit.record(
            action,
            "ok",
            now,
            pool_id=pool.pool_id,
            actor=f"user:{sub}",
            target=sub,
            origin=origin,
            detail=detail,
        )
