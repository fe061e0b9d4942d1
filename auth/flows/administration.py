"""What operators do with people: from the command line, and from the admin side of the Cognito API.

It tells who exists, and skips codes; so it is never reachable by users.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from auth.audit import Action
from auth.core.attributes import checked
from auth.core.password_policy import check, temporary_password
from auth.core.steps import Origin
from auth.core.username import has_names
from auth.errors import (
    AliasExists,
    InvalidParameter,
    NotAuthorized,
    ResourceNotFound,
    UnsupportedUserState,
    UsernameExists,
)
from auth.flows.attribute_changes import AttributeChanges
from auth.flows.codes import Codes
from auth.flows.created_user import CreatedUser
from auth.flows.custom_message import About, CustomMessage
from auth.flows.groups import Groups
from auth.flows.hooks import Hooks
from auth.flows.mfa_choice import Switch, chosen
from auth.flows.naming import aliases_of, name_of, taken
from auth.flows.passwords import Passwords
from auth.flows.people import known
from auth.flows.tools import Tools
from auth.flows.triggers import NO_CLIENT
from auth.mail import texts
from auth.pool import Pool
from auth.store.ports import NewUser, UserPage
from auth.user import MfaMethod, User

ListFilter = tuple[str, Literal["=", "^="], str]
NOTHING: Mapping[str, str] = {}
MAX_PAGE = 60  # as ListUsers


class Administration:
    """:param tools: shared with the other flows. :param actor: of the audit records; :param origin: where they are."""

    def __init__(self, tools: Tools, *, actor: str = "operator", origin: Origin | None = None) -> None:
        self._tools = tools
        self._actor = actor
        self._origin = origin
        self._users = tools.store.users
        self._codes = Codes(tools)
        self._passwords = Passwords(tools)
        self._custom = CustomMessage(tools)
        self._hooks = Hooks(tools)
        self._changes = AttributeChanges(tools)

    def by(self, actor: str, origin: Origin | None = None) -> "Administration":
        """The same, on record as done by *actor*."""
        return Administration(self._tools, actor=actor, origin=origin)

    @property
    def groups(self) -> Groups:
        """What is done with groups, on record as the same actor's."""
        return Groups(self._tools, actor=self._actor, origin=self._origin)

    def create_user(
        self,
        pool: Pool,
        username: str,
        attributes: Mapping[str, str],
        *,
        now: datetime,
        password: str | None = None,
        is_permanent: bool = False,
        invites: bool = True,
        must_reach: bool = False,
        takes_over: bool = False,
        groups: Sequence[str] = (),
        validation: Mapping[str, str] = NOTHING,
        metadata: Mapping[str, str] = NOTHING,
    ) -> CreatedUser:
        """:param password: None: one is made. :param is_permanent: they need not change it: they are CONFIRMED.

        :param invites: a mail with the temporary password goes to their address, if they have one.
        :param must_reach: who has no address is not made. :param takes_over: a verified address that somebody else
            signs in with becomes this person's (ForceAliasCreation).
        :raises UsernameExists, AliasExists, InvalidPassword, InvalidParameter: nothing was written.
        :param validation: for the trigger before it; :param metadata: for all triggers.
        :raises ResourceNotFound: there is no such group; nothing was written.
        """
        known_groups = {name for name, _, _ in self._users.groups(pool.pool_id)} if groups else set()
        if not known_groups.issuperset(groups):
            raise ResourceNotFound("Group not found.")
        naming = name_of(pool, username, attributes)
        wanted = {
            name: value
            for name, value in checked(pool, naming.attributes, is_new=True, by_operator=True).items()
            if value
        }
        if must_reach and "email" not in wanted:
            raise InvalidParameter("No email provided but desired delivery medium was Email")
        first = password if password is not None else temporary_password(pool.password, secrets.choice)
        check(pool.password, first)
        said = self._hooks.before_sign_up(
            pool,
            NO_CLIENT,
            "PreSignUp_AdminCreateUser",
            naming.username,
            wanted,
            validation=validation,
            metadata=metadata,
        )
        wanted |= {f"{name}_verified": "true" for name in said.verified}
        until = None if is_permanent else now + timedelta(seconds=pool.password.temporary_s)
        kept = self._passwords.make(pool, naming.sub, naming.username, first)
        new = NewUser(
            pool_id=pool.pool_id,
            sub=naming.sub,
            username=naming.username,
            username_key=naming.key,
            status="CONFIRMED" if is_permanent else "FORCE_CHANGE_PASSWORD",
            attributes=wanted,
            aliases=aliases_of(pool, naming, wanted),
            password_hash=kept.hash,
            verifier=kept.verifier,
            temporary_until=until,
            takes_over=takes_over and has_names(pool),
        )
        try:
            user = self._users.create(new, now)
        except UsernameExists as error:
            raise UsernameExists("User account already exists") from error
        except AliasExists as error:
            if has_names(pool):
                raise
            raise taken(naming) from error
        self._record("user_created", pool, user.sub, now)
        for group in groups:
            self.add_to_group(pool, user.sub, group, now=now)
        if invites and not is_permanent:
            self._invite(pool, user, username, first, metadata)
        return CreatedUser(user=self.show(pool, user.sub), password=first)

    def invite_again(
        self,
        pool: Pool,
        username: str,
        *,
        now: datetime,
        password: str | None = None,
        metadata: Mapping[str, str] = NOTHING,
    ) -> CreatedUser:
        """A new temporary password, mailed, with all its time before it (RESEND). :param password: None: one is made.

        :raises UserNotFound, InvalidPassword: nothing happened.
        :raises UnsupportedUserState: they have a password of their own already.
        """
        user = known(self._users, pool, username)
        if user.status != "FORCE_CHANGE_PASSWORD":
            raise UnsupportedUserState(
                f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD"
            )
        first = password if password is not None else temporary_password(pool.password, secrets.choice)
        self.set_password(pool, user.sub, first, is_permanent=False, now=now)
        self._invite(pool, user, username, first, metadata)
        return CreatedUser(user=self.show(pool, user.sub), password=first)

    def set_password(
        self, pool: Pool, username: str, password: str, *, is_permanent: bool = True, now: datetime
    ) -> None:
        """Every session ends (A8), and so does a lock. :raises UserNotFound, InvalidPassword: nothing happened."""
        check(pool.password, password)
        user = known(self._users, pool, username)
        until = None if is_permanent else now + timedelta(seconds=pool.password.temporary_s)
        kept = self._passwords.make(pool, user.sub, user.username, password)
        self._users.set_password(
            pool.pool_id,
            user.sub,
            kept.hash,
            now,
            verifier=kept.verifier,
            temporary_until=until,
            status="CONFIRMED" if is_permanent else "FORCE_CHANGE_PASSWORD",
        )
        self._tools.store.attempts.clear(pool.pool_id, "password", user.sub)
        self._record("password_set", pool, user.sub, now, "permanent" if is_permanent else "temporary")

    def reset_password(
        self, pool: Pool, username: str, *, now: datetime, metadata: Mapping[str, str] = NOTHING
    ) -> None:
        """The password counts no more; a code goes to the verified address.

        :raises UserNotFound, InvalidParameter. :raises NotAuthorized: they have no password of their own yet.
        """
        user = known(self._users, pool, username)
        if user.status not in ("CONFIRMED", "RESET_REQUIRED"):
            raise NotAuthorized("User password cannot be reset in the current state.")
        if not user.is_verified("email") or "email" not in user.attributes:
            raise InvalidParameter(
                "Cannot reset password for the user as there is no registered/verified email or phone_number"
            )
        self._users.set_status(pool.pool_id, user.sub, "RESET_REQUIRED", now)
        self._tools.store.grants.sign_out(pool.pool_id, user.sub, now)
        to = user.attributes["email"]
        about = About(
            source="CustomMessage_ForgotPassword", user=user, client_id=NO_CLIENT, metadata=metadata
        )
        self._codes.send(pool, user.sub, "reset", to, texts.reset_code, now=now, about=about)
        self._record("password_reset", pool, user.sub, now, "required")

    def confirm(
        self, pool: Pool, username: str, *, now: datetime, metadata: Mapping[str, str] = NOTHING
    ) -> None:
        """Without a code, so without proof of an address. :raises NotAuthorized: they are not UNCONFIRMED."""
        user = known(self._users, pool, username)
        if user.status != "UNCONFIRMED":
            raise NotAuthorized(f"User cannot be confirmed. Current status is {user.status}")
        self._users.set_status(pool.pool_id, user.sub, "CONFIRMED", now)
        self._record("user_confirmed", pool, user.sub, now)
        confirmed = replace(user, status="CONFIRMED")
        self._hooks.after_confirmation(pool, NO_CLIENT, "PostConfirmation_ConfirmSignUp", confirmed, metadata)

    def update_attributes(
        self,
        pool: Pool,
        username: str,
        changes: Mapping[str, str | None],
        *,
        now: datetime,
        metadata: Mapping[str, str] = NOTHING,
    ) -> User:
        """May say itself that an address is verified; a new one that is not is sent a code, as where users do it.

        :raises UserNotFound, InvalidParameter, AliasExists: nothing happened.
        """
        user = known(self._users, pool, username)
        after, new = self._changes.apply(pool, user, changes, now, by_operator=True)
        self._record("attributes_changed", pool, user.sub, now, " ".join(sorted(new)))
        to = after.attributes.get("email")
        if (
            "email" in new
            and to is not None
            and not after.is_verified("email")
            and "email" in pool.auto_verified
        ):
            about = About(
                source="CustomMessage_UpdateUserAttribute", user=after, client_id=NO_CLIENT, metadata=metadata
            )
            self._codes.send(pool, user.sub, "email", to, texts.attribute_code, now=now, about=about)
        return after

    def choose_mfa(
        self, pool: Pool, username: str, wishes: Mapping[MfaMethod, Switch], *, now: datetime
    ) -> None:
        """Switch second factors on and off. :raises UserNotFound, InvalidParameter: nothing happened."""
        user = known(self._users, pool, username)
        preference = chosen(pool, user, wishes, by_operator=True)
        self._users.set_mfa(pool.pool_id, user.sub, preference, now)
        self._record("mfa_changed", pool, user.sub, now, " ".join(sorted(preference.enabled)) or "off")

    def enable(self, pool: Pool, username: str, *, now: datetime) -> None:
        user = known(self._users, pool, username)
        self._users.set_enabled(pool.pool_id, user.sub, True, now)
        self._record("user_enabled", pool, user.sub, now)

    def disable(self, pool: Pool, username: str, *, now: datetime) -> None:
        """Every session ends."""
        user = known(self._users, pool, username)
        self._users.set_enabled(pool.pool_id, user.sub, False, now)
        self._record("user_disabled", pool, user.sub, now)

    def delete(self, pool: Pool, username: str, *, now: datetime) -> None:
        """The person and all that hangs on them."""
        user = known(self._users, pool, username)
        self._users.delete(pool.pool_id, user.sub, now)
        self._record("user_deleted", pool, user.sub, now)

    def sign_out(self, pool: Pool, username: str, *, now: datetime) -> None:
        """Everywhere."""
        user = known(self._users, pool, username)
        self._tools.store.grants.sign_out(pool.pool_id, user.sub, now)
        self._record("signed_out", pool, user.sub, now)

    def add_to_group(self, pool: Pool, username: str, group: str, *, now: datetime) -> None:
        """As `Groups.add`."""
        self.groups.add(pool, username, group, now=now)

    def remove_from_group(self, pool: Pool, username: str, group: str, *, now: datetime) -> None:
        """As `Groups.remove`."""
        self.groups.remove(pool, username, group, now=now)

    def show(self, pool: Pool, username: str) -> User:
        """:raises UserNotFound: nobody has that name."""
        return known(self._users, pool, username)

    def list(
        self,
        pool: Pool,
        *,
        limit: int = MAX_PAGE,
        after: str | None = None,
        filter: ListFilter | None = None,
        group: str | None = None,
    ) -> UserPage:
        """One page, ordered by sub. :param filter: (attribute, ``=`` or ``^=``, value)."""
        return self._users.list(pool.pool_id, limit=limit, after=after, filter=filter, group=group)

    def _invite(
        self, pool: Pool, user: User, username: str, password: str, metadata: Mapping[str, str]
    ) -> None:
        """By mail, if they have an address. :param username: as whoever made them calls them."""
        to = user.attributes.get("email")
        if to is None:
            return
        days = max(1, round(pool.password.temporary_s / 86400))
        ours = texts.invitation(pool, to, username, password, days)
        about = About(
            source="CustomMessage_AdminCreateUser", user=user, client_id=NO_CLIENT, metadata=metadata
        )
        self._tools.post(self._custom.worded(pool, about, ours, password, username=username))

    def _record(self, action: Action, pool: Pool, sub: str, now: datetime, detail: str = "") -> None:
        self._tools.audit.record(
            action,
            "ok",
            now,
            pool_id=pool.pool_id,
            actor=self._actor,
            target=sub,
            origin=self._origin,
            detail=detail,
        )
