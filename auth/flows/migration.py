"""People who come over from another directory: a function says who they are when they first sign in or have forgotten
their password (trigger ``user_migration``).

Whatever goes wrong, they are told what people are told who do not exist; a client that may know who exists hears more.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from auth.client import Client
from auth.core.attributes import checked
from auth.core.password_policy import check
from auth.core.steps import Origin
from auth.core.username import has_names
from auth.errors import (
    AliasExists,
    AuthError,
    InvalidParameter,
    InvalidPassword,
    NotAuthorized,
    TriggerRefusal,
    UsernameExists,
    UserNotFound,
)
from auth.flows.naming import aliases_of, name_of
from auth.flows.people import find
from auth.flows.tools import Tools
from auth.flows.triggers import Asked
from auth.pool import Pool
from auth.store.ports import NewUser
from auth.user import User

Source = Literal["UserMigration_Authentication", "UserMigration_ForgotPassword"]
_WENT_WRONG = (
    TriggerRefusal,
    InvalidParameter,
    InvalidPassword,
    NotAuthorized,
    AliasExists,
)

log = logging.getLogger("lockgate.auth.migration")


class Migration:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users

    def has(self, pool: Pool) -> bool:
        return self._tools.triggers.has(pool, "user_migration")

    def at_sign_in(
        self, pool: Pool, client: Client, username: str, password: str, *, origin: Origin, now: datetime
    ) -> User | None:
        """Somebody nobody knows here, with that password. :returns: them, if the function knows them by it.

        :raises UserNotFound: it went wrong, and the client may know.
        """
        metadata = dict(origin.client_metadata) or None
        request = {"password": password, "validationData": metadata, "clientMetadata": None}
        return self._ask(pool, client, "UserMigration_Authentication", username, password, request, now)

    def at_forgotten_password(
        self, pool: Pool, client: Client, username: str, *, origin: Origin, now: datetime
    ) -> User | None:
        """The same without a password: they choose one with the code that they are sent."""
        metadata = dict(origin.client_metadata) or None
        request = {"password": None, "validationData": None, "clientMetadata": metadata}
        return self._ask(pool, client, "UserMigration_ForgotPassword", username, None, request, now)

    def _ask(
        self,
        pool: Pool,
        client: Client,
        source: Source,
        username: str,
        password: str | None,
        request: Mapping[str, object],
        now: datetime,
    ) -> User | None:
        asked = Asked(
            trigger="user_migration",
            source=source,
            username=username.strip(),
            client_id=client.client_id,
            attributes=None,
            request=request,
        )
        try:
            answer = self._tools.triggers.ask(pool, asked)
            if answer is None or not answer["userAttributes"]:
                return None
            return self._bring(pool, username, password, answer, now)
        except _WENT_WRONG as error:
            log.warning("%s in %s: nobody came over: %s", source, pool.pool_id, error.code)
            self._tell_who_may_know(client, error)
            return None

    def _tell_who_may_know(self, client: Client, error: AuthError) -> None:
        if not client.hides_users:
            raise UserNotFound(f"Exception migrating user in app client {client.client_id}") from error

    def _bring(
        self,
        pool: Pool,
        typed: str,
        password: str | None,
        answer: Mapping[str, Any],
        now: datetime,
    ) -> User | None:
        """Their first row here. What the function says of addresses is believed, as an operator's word is."""
        given: dict[str, str] = answer["userAttributes"]
        must_reset = password is None or answer["finalUserStatus"] == "RESET_REQUIRED"
        attributes = {name: value for name, value in given.items() if name not in ("username", "sub")}
        username = given.get("username", typed) if has_names(pool) else typed
        naming = name_of(pool, username, attributes)
        wishes = checked(pool, naming.attributes, is_new=True, by_operator=True)
        wanted = {name: value for name, value in wishes.items() if value}
        if password is not None:
            check(pool.password, password)
        new = NewUser(
            pool_id=pool.pool_id,
            sub=naming.sub,
            username=naming.username,
            username_key=naming.key,
            status="RESET_REQUIRED" if must_reset else "CONFIRMED",
            attributes=wanted,
            aliases=aliases_of(pool, naming, wanted),
            password_hash=None if password is None else self._tools.hasher.hash(password),
        )
        try:
            user = self._users.create(new, now)
        except UsernameExists:
            return self._who_was_faster(pool, typed, password)
        self._tools.audit.record(
            "user_created",
            "ok",
            now,
            pool_id=pool.pool_id,
            actor="trigger",
            target=user.sub,
            detail="migrated",
        )
        return user

    def _who_was_faster(self, pool: Pool, typed: str, password: str | None) -> User | None:
        """Two sign-ins of one person at once: both were let in there."""
        person = find(self._users, pool, typed)
        if password is not None and not self._tools.hasher.verify(person.hash, password).ok:
            return None
        return person.user
