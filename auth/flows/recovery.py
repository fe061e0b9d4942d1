"""A forgotten password: a code to the verified address, then a new password with it (B6, B10).

A lock after wrong passwords does not stop it: whoever is locked out by somebody else gets in again this way (B7).
"""

from datetime import datetime
from typing import Literal

from auth.audit import Result
from auth.client import Client
from auth.core.password_policy import check
from auth.core.steps import Origin
from auth.errors import AuthError, InvalidParameter, NotAuthorized, UserNotFound
from auth.flows.codes import Codes
from auth.flows.custom_message import About
from auth.flows.delivery import Delivery
from auth.flows.gate import Gate
from auth.flows.hooks import Hooks
from auth.flows.migration import Migration
from auth.flows.passwords import Passwords
from auth.flows.people import UNKNOWN, find, require_open
from auth.flows.tools import Tools
from auth.mail import texts
from auth.pool import Pool
from auth.store.ports import ResetPassword
from auth.user import User

_Action = Literal["password_forgotten", "password_reset"]
_RECOVERABLE = ("CONFIRMED", "RESET_REQUIRED")


class Recovery:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._gate = Gate(tools)
        self._passwords = Passwords(tools)
        self._codes = Codes(tools)
        self._hooks = Hooks(tools)
        self._migration = Migration(tools)

    def forgot(self, pool: Pool, client: Client, username: str, *, origin: Origin, now: datetime) -> Delivery:
        """A code to the verified mail address; people who get none are answered alike.

        :raises LimitExceeded, TooManyRequests: enough were sent.
        """
        require_open(pool, client)
        if "verified_email" not in pool.recovery:
            raise NotAuthorized("Contact administrator to reset password.")
        self._gate.send_from(pool, origin, now)
        person = find(self._users, pool, username)
        self._gate.send_to(pool, person.subject, now)
        if person.user is None and self._migration.has(pool):
            self._migration.at_forgotten_password(pool, client, username, origin=origin, now=now)
            person = find(self._users, pool, username)
        to = None if person.user is None else _destination(person.user)
        self._record(
            "password_forgotten", "refused" if to is None else "ok", pool, person.target, origin, now
        )
        if to is not None and person.user is not None:
            about = About(
                source="CustomMessage_ForgotPassword",
                user=person.user,
                client_id=client.client_id,
                metadata=origin.client_metadata,
            )
            return self._codes.send(pool, person.subject, "reset", to, texts.reset_code, now=now, about=about)
        if not client.hides_users:
            raise _why_not(person.user)
        return self._codes.pretend(pool, person.subject, "reset", person.typed, now=now)

    def reset(
        self,
        pool: Pool,
        client: Client,
        username: str,
        code: str,
        password: str,
        *,
        origin: Origin,
        now: datetime,
    ) -> None:
        """The new password; every session ends (A8), and so does a lock. Runs one hash, whoever asks.

        :raises CodeMismatch, ExpiredCode: also for people who do not exist. :raises InvalidPassword: nothing happened.
        :raises LimitExceeded, TooManyRequests: too many codes were tried.
        """
        require_open(pool, client)
        check(pool.password, password)
        self._gate.code_from(pool, origin, now)
        person = find(self._users, pool, username)
        self._gate.code_of(pool, person.subject, now)
        user = person.user
        sub, name = ("", person.typed) if user is None else (user.sub, user.username)
        new = self._passwords.make(pool, sub, name, password)
        to = None if user is None else _destination(user)
        effect = None
        if user is not None and to is not None:
            effect = ResetPassword(sub=user.sub, hash=new.hash, verifier=new.verifier)
        try:
            self._codes.use(pool, person.subject, "reset", code, now, effect)
        except AuthError:
            self._record("password_reset", "refused", pool, person.target, origin, now)
            if user is None and not client.hides_users:
                raise UserNotFound(UNKNOWN) from None
            raise
        self._tools.store.attempts.clear(pool.pool_id, "password", person.subject)
        self._record("password_reset", "ok", pool, person.target, origin, now)
        if to is not None:
            self._tools.post(texts.password_changed(pool, to))
        fresh = None if user is None else self._users.get(pool.pool_id, user.sub)
        if fresh is not None:
            self._hooks.after_confirmation(
                pool,
                client.client_id,
                "PostConfirmation_ConfirmForgotPassword",
                fresh,
                origin.client_metadata,
            )

    def _record(
        self, action: _Action, result: Result, pool: Pool, sub: str, origin: Origin, now: datetime
    ) -> None:
        self._tools.audit.record(action, result, now, pool_id=pool.pool_id, target=sub, origin=origin)


def _destination(user: User) -> str | None:
    """Only where a code has come back from before (B11)."""
    if not user.is_enabled or user.status not in _RECOVERABLE or not user.is_verified("email"):
        return None
    return user.attributes.get("email")


def _why_not(user: User | None) -> AuthError:
    """For clients that may know."""
    if user is None or not user.is_enabled:
        return UserNotFound(UNKNOWN)
    if user.status == "FORCE_CHANGE_PASSWORD":
        return NotAuthorized("User password cannot be reset in the current state.")
    return InvalidParameter(
        "Cannot reset password for the user as there is no registered/verified email or phone_number"
    )
