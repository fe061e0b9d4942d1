"""The password of a sign-in: counted before it is judged, and answered alike for everybody who is not let in (B6, B7).

Unknown, disabled, locked and mistaken people cost the same queries and one hash.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from auth.client import Client
from auth.core.steps import Origin
from auth.errors import (
    AuthError,
    LockedOut,
    NotAuthorized,
    PasswordResetRequired,
    UserNotConfirmed,
    UserNotFound,
)
from auth.flows.gate import Gate
from auth.flows.hooks import Hooks
from auth.flows.migration import Migration
from auth.flows.password_hasher import Verified
from auth.flows.passwords import Passwords
from auth.flows.people import Person, find
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.store.ports import LockRule
from auth.user import User

RULE = LockRule()


class FirstFactor:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._gate = Gate(tools)
        self._passwords = Passwords(tools)
        self._hooks = Hooks(tools)
        self._migration = Migration(tools)

    def prove(
        self, pool: Pool, client: Client, username: str, password: str, *, origin: Origin, now: datetime
    ) -> tuple[User, str]:
        """:returns: the user, and the canonical form of the name that was typed.

        :raises NotAuthorized: whatever the reason; LockedOut, PasswordResetRequired, UserNotConfirmed, TooManyRequests.
        """
        self._gate.sign_in(pool, origin, now)
        store = self._tools.store
        person = find(store.users, pool, username)
        verified = Verified(ok=False)
        comes_over = person.user is None and self._migration.has(pool)
        if not comes_over:
            self.before(pool, client, person, origin, now)

        def newcomer() -> User | None:
            user = self._migration.at_sign_in(pool, client, username, password, origin=origin, now=now)
            self.before(pool, client, replace(person, user=user), origin, now)
            return user

        def is_right() -> bool:
            nonlocal verified
            verified = self._tools.hasher.verify(person.hash, password)
            return verified.ok

        late = newcomer if comes_over else None
        user = self.judged(pool, client, person, is_right, origin=origin, now=now, newcomer=late)
        if person.hash is not None:
            self._passwords.seen(pool, user, password, person.hash)
        if verified.needs_rehash and person.hash is not None:
            store.users.rehash(pool.pool_id, user.sub, person.hash, self._tools.hasher.hash(password))
        return user, person.typed

    def judged(
        self,
        pool: Pool,
        client: Client,
        person: Person,
        is_right: Callable[[], bool],
        *,
        origin: Origin,
        now: datetime,
        newcomer: Callable[[], User | None] | None = None,
    ) -> User:
        """One try for *person*, however they prove their password. :param is_right: the same work for everybody; asked
        after the try was counted, and always. :param newcomer: who it is that nobody knows yet, proven otherwise.

        :raises NotAuthorized: whatever the reason; LockedOut, PasswordResetRequired, UserNotConfirmed.
        """
        store = self._tools.store
        failures = store.attempts.count(pool.pool_id, "password", person.subject, RULE, now)
        ok = is_right()
        user = person.user
        if newcomer is not None and failures is not None:  # B7: who is locked out guesses nowhere else
            user = newcomer()
            ok = user is not None
        if failures is None:  # even if the password was right: who guesses must not learn that
            self._record(pool, person, origin, now, "locked")
            raise LockedOut
        if user is None or not user.is_enabled or not ok:
            self._record(pool, person, origin, now, f"failure {failures}")
            self._record_lock(pool, person, failures, origin, now)
            self._tell_who_may_know(client, user)
            raise NotAuthorized
        store.attempts.clear(pool.pool_id, "password", person.subject)
        self.require_usable(pool, person, user, origin, now)
        return user

    def before(self, pool: Pool, client: Client, person: Person, origin: Origin, now: datetime) -> None:
        """The pool's trigger has its say first. :raises UserLambdaValidation: not this one, not now."""
        try:
            self._hooks.before_authentication(pool, client, person.user, person.typed, origin.client_metadata)
        except AuthError:
            self._record(pool, person, origin, now, "by a trigger")
            raise

    def _tell_who_may_know(self, client: Client, user: User | None) -> None:
        """Only a client that says so learns who exists (Cognito's LEGACY)."""
        if client.hides_users:
            return
        if user is None:
            raise UserNotFound
        if user.status == "RESET_REQUIRED":
            raise PasswordResetRequired

    def require_usable(self, pool: Pool, person: Person, user: User, origin: Origin, now: datetime) -> None:
        """Told only after the right password."""
        until = None if person.password is None else person.password.temporary_until
        if until is not None and now >= until:
            self._record(pool, person, origin, now, "temporary password expired")
            raise NotAuthorized("Temporary password has expired and must be reset by an administrator.")
        if user.status == "UNCONFIRMED":
            self._record(pool, person, origin, now, "unconfirmed")
            raise UserNotConfirmed
        if user.status == "RESET_REQUIRED":
            self._record(pool, person, origin, now, "reset required")
            raise PasswordResetRequired
        if user.status == "EXTERNAL_PROVIDER":
            self._record(pool, person, origin, now, "external user")
            raise NotAuthorized

    def _record(self, pool: Pool, person: Person, origin: Origin, now: datetime, detail: str) -> None:
        self._tools.audit.record(
            "sign_in",
            "refused",
            now,
            pool_id=pool.pool_id,
            target=person.target,
            origin=origin,
            detail=detail,
        )

    def _record_lock(self, pool: Pool, person: Person, failures: int, origin: Origin, now: datetime) -> None:
        if failures >= RULE.free:
            self._tools.audit.record(
                "lock",
                "ok",
                now,
                pool_id=pool.pool_id,
                target=person.target,
                origin=origin,
                detail=f"{failures} failures",
            )
