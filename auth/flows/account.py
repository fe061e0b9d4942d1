"""What people who are signed in do with their own account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from auth.audit import Action, Result
from auth.client import Client
from auth.core.attributes import require_writable
from auth.core.password_policy import check
from auth.core.steps import Origin
from auth.errors import InvalidParameter, LimitExceeded, NotAuthorized, UserNotFound
from auth.flows.attribute_changes import AttributeChanges
from auth.flows.codes import Codes
from auth.flows.custom_message import About
from auth.flows.delivery import Delivery
from auth.flows.first_factor import RULE
from auth.flows.gate import Gate
from auth.flows.naming import alias_of
from auth.flows.passwords import Passwords
from auth.flows.people import find
from auth.flows.tools import Tools
from auth.flows.triggers import NO_CLIENT
from auth.mail import texts
from auth.pool import Pool
from auth.store.ports import VerifyAttribute
from auth.user import User

NOTHING: Mapping[str, str] = {}
Address = Literal["email", "phone_number"]


class Account:
    """Everybody is named by their ``sub``, which the caller has from a token or session that it has judged.

    :param tools: shared with the other flows.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._gate = Gate(tools)
        self._passwords = Passwords(tools)
        self._codes = Codes(tools)
        self._changes = AttributeChanges(tools)

    def change_password(
        self,
        pool: Pool,
        sub: str,
        previous: str,
        proposed: str,
        *,
        grant_id: str | None,
        origin: Origin,
        now: datetime,
    ) -> None:
        """Every session ends but the one of *grant_id* (A8). Runs two hashes.

        :raises NotAuthorized: *previous* is wrong; it counts as at sign-in. :raises LimitExceeded: too often.
        :raises InvalidPassword, InvalidParameter: nothing happened.
        """
        check(pool.password, proposed)
        person = find(self._users, pool, sub)
        user = self._require(person.user)
        attempts = self._tools.store.attempts
        failures = attempts.count(pool.pool_id, "password", sub, RULE, now)
        verified = self._tools.hasher.verify(person.hash, previous)
        if failures is None:
            raise LimitExceeded(detail="locked")
        if not verified.ok:
            self._record("password_changed", "refused", pool, sub, origin, now)
            raise NotAuthorized
        attempts.clear(pool.pool_id, "password", sub)
        new = self._passwords.make(pool, sub, user.username, proposed)
        self._users.set_password(
            pool.pool_id, sub, new.hash, now, except_grant=grant_id, verifier=new.verifier
        )
        self._record("password_changed", "ok", pool, sub, origin, now)
        if user.is_verified("email"):
            self._tools.post(texts.password_changed(pool, user.attributes["email"]))

    def update_attributes(
        self,
        pool: Pool,
        sub: str,
        changes: Mapping[str, str | None],
        *,
        origin: Origin,
        now: datetime,
        client: Client | None = None,
    ) -> tuple[Delivery, ...]:
        """None takes one away. A new mail address is sent a code, and counts once that came back (B11).

        :param client: through which it is done; None: none that has rules of its own.
        :raises NotAuthorized, InvalidParameter, LimitExceeded: nothing happened.
        """
        user = self._require(self._users.get(pool.pool_id, sub))
        if client is not None:
            require_writable(client, changes)
        if changes.get("email") not in (None, user.attributes.get("email")):
            self._gate.send_to(pool, sub, now)
        after, new = self._changes.apply(pool, user, changes, now)
        self._record("attributes_changed", "ok", pool, sub, origin, now, detail=" ".join(sorted(new)))
        to = after.attributes.get("email")
        if "email" not in new or to is None or "email" not in pool.auto_verified:
            return ()
        about = About(
            source="CustomMessage_UpdateUserAttribute",
            user=after,
            client_id=NO_CLIENT if client is None else client.client_id,
            metadata=origin.client_metadata,
        )
        return (self._codes.send(pool, sub, "email", to, texts.attribute_code, now=now, about=about),)

    def send_attribute_code(
        self,
        pool: Pool,
        sub: str,
        name: str,
        *,
        now: datetime,
        client_id: str = NO_CLIENT,
        metadata: Mapping[str, str] = NOTHING,
    ) -> Delivery:
        """:raises InvalidParameter: there is no such address, or no way to it. :raises LimitExceeded: too many."""
        user = self._require(self._users.get(pool.pool_id, sub))
        to = user.attributes.get("email")
        if _address(name) != "email":
            raise InvalidParameter("Phone numbers cannot be verified: this server sends no text messages.")
        if to is None:
            raise InvalidParameter("User has no email to verify.")
        self._gate.send_to(pool, sub, now)
        about = About(
            source="CustomMessage_VerifyUserAttribute", user=user, client_id=client_id, metadata=metadata
        )
        return self._codes.send(pool, sub, "email", to, texts.attribute_code, now=now, about=about)

    def verify_attribute(
        self, pool: Pool, sub: str, name: str, code: str, *, origin: Origin, now: datetime
    ) -> None:
        """The address is verified, and opens the account where people sign in with such.

        :raises CodeMismatch, ExpiredCode, LimitExceeded: nothing happened. :raises AliasExists: it is somebody else's.
        """
        user = self._require(self._users.get(pool.pool_id, sub))
        address = _address(name)
        value = user.attributes.get(address)
        if value is None:
            raise InvalidParameter(f"User has no {address} to verify.")
        self._gate.code_of(pool, sub, now)
        alias = alias_of(pool, "email" if address == "email" else "phone", value)
        effect = VerifyAttribute(sub=sub, name=address, value=value, alias=alias)
        self._codes.use(pool, sub, address, code, now, effect)
        self._record("attribute_verified", "ok", pool, sub, origin, now, detail=name)

    def sign_out(self, pool: Pool, sub: str, *, origin: Origin, now: datetime) -> None:
        """Everywhere: every grant and browser session."""
        self._tools.store.grants.sign_out(pool.pool_id, sub, now)
        self._record("signed_out", "ok", pool, sub, origin, now)

    def delete(self, pool: Pool, sub: str, *, origin: Origin, now: datetime) -> None:
        """The person and all that hangs on them."""
        self._users.delete(pool.pool_id, sub, now)
        self._record("user_deleted", "ok", pool, sub, origin, now)

    def _require(self, user: User | None) -> User:
        if user is None or not user.is_enabled:
            raise UserNotFound
        return user

    def _record(
        self,
        action: Action,
        result: Result,
        pool: Pool,
        sub: str,
        origin: Origin,
        now: datetime,
        *,
        detail: str = "",
    ) -> None:
        self._tools.audit.record(
            action,
            result,
            now,
            pool_id=pool.pool_id,
            actor=f"user:{sub}",
            target=sub,
            origin=origin,
            detail=detail,
        )


def _address(name: str) -> Address:
    if name == "email":
        return "email"
    if name == "phone_number":
        return "phone_number"
    raise InvalidParameter("Only email and phone_number can be verified.")
