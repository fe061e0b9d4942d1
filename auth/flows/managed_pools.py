"""Pools by API: made, changed and deleted here; what a file declares is its file's, and is only read.

Whoever sends whole settings loses against whoever wrote meanwhile, and is told so; whoever adds one thing to what is
there adds it to what is there by then.
"""

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from auth.audit import OPERATOR, Action
from auth.client import Client
from auth.directory import Directory
from auth.errors import (
    ConcurrentModification,
    InvalidParameter,
    LimitExceeded,
    ResourceNotFound,
)
from auth.flows.tools import Tools
from auth.pool import Added, AttributeRule, MfaKind, MfaMode, Pool
from auth.tokens.keyring import KeyRing

MAX_POOLS: Final = 1_000  # section 13's quotas, as the others here
MAX_CUSTOM_ATTRIBUTES: Final = 50
MAX_TAGS: Final = 50
_ID_LETTERS: Final = string.ascii_letters + string.digits
_ID_CHARS: Final = 9
_TRIES: Final = 5  # of a change whose pool was changed in between


class ManagedPools:
    """:param region: what ids of new pools begin with. All of it blocks on the store."""

    def __init__(self, tools: Tools, directory: Directory, keyring: KeyRing, region: str) -> None:
        self._tools = tools
        self._store = tools.store
        self._directory = directory
        self._keyring = keyring
        self._region = region

    # --- reading ---

    def get(self, pool_id: str, now: datetime) -> Pool:
        """As it is now, whichever process changed it. :raises ResourceNotFound: there is none."""
        self._directory.renew(now)
        try:
            return self._directory.pool(pool_id)
        except ResourceNotFound as error:
            raise ResourceNotFound(f"User pool {pool_id} does not exist.") from error

    def all(self, now: datetime) -> tuple[Pool, ...]:
        """By id."""
        self._directory.renew(now)
        return tuple(sorted(self._directory.pools(), key=lambda pool: pool.pool_id))

    def clients(self, pool_id: str) -> tuple[Client, ...]:
        return self._directory.clients(pool_id)

    def count_users(self, pool: Pool) -> int:
        return self._store.pools.count_users(pool.pool_id)

    # --- whole pools ---

    def create(self, pool: Pool, now: datetime) -> Pool:
        """:param pool: its id is made here. Its keys are there when this returns. :raises LimitExceeded: too many."""
        _check(pool)
        own = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_CHARS))
        new = replace(pool, pool_id=f"{self._region}_{own}", source="api")
        self._store.management.create_pool(new, now, limit=MAX_POOLS)
        self._keyring.ensure(new.pool_id, now)
        self.record("pool_created", new, now)
        return self.get(new.pool_id, now)

    def update(self, pool: Pool, now: datetime) -> Pool:
        """:param pool: what `get` answered, with other settings. :raises ConcurrentModification: see above."""
        require_api(pool)
        _check(pool)
        self._store.management.update_pool(pool, now)
        self.record("pool_changed", pool, now)
        return self.get(pool.pool_id, now)

    def delete(self, pool_id: str, now: datetime) -> None:
        """With its people. :raises InvalidParameter: it is declared, protected, or has a domain."""
        pool = self.get(pool_id, now)
        require_api(pool)
        if pool.is_protected:
            raise InvalidParameter(
                "The user pool cannot be deleted because deletion protection is activated. "
                "Deletion protection must be inactivated first."
            )
        if pool.added.domain:
            raise InvalidParameter(
                "User pool cannot be deleted. It has a domain configured that should be deleted first."
            )
        self._store.pools.delete_pool(pool_id)
        self._keyring.forget(pool_id)
        self._directory.renew(now)
        self.record("pool_deleted", pool, now)

    # --- one thing of a pool ---

    def add_attributes(self, pool_id: str, rules: Sequence[AttributeRule], now: datetime) -> None:
        """:raises InvalidParameter: one is there already, or the pool is declared. :raises LimitExceeded: too many."""

        def added(pool: Pool) -> Pool:
            require_api(pool, "attributes")
            return replace(pool, attributes=(*pool.attributes, *rules))

        self.change(pool_id, added, now)

    def set_mfa(self, pool_id: str, mode: MfaMode, kinds: frozenset[MfaKind], now: datetime) -> Pool:
        """:raises InvalidParameter: it asks for a second factor and names none, or the pool is declared."""

        def changed(pool: Pool) -> Pool:
            require_api(pool, "mfa")
            return replace(pool, mfa=mode, mfa_kinds=kinds)

        return self.change(pool_id, changed, now)

    def tag(self, pool_id: str, tags: Mapping[str, str], now: datetime) -> None:
        """Also a declared one: no file has tags."""
        self.add(pool_id, lambda added: replace(added, tags={**added.tags, **tags}), now)

    def untag(self, pool_id: str, names: Sequence[str], now: datetime) -> None:
        def rest(added: Added) -> Added:
            return replace(added, tags={key: text for key, text in added.tags.items() if key not in names})

        self.add(pool_id, rest, now)

    def add(self, pool_id: str, change: Callable[[Added], Added], now: datetime) -> Pool:
        """To what no file declares."""
        return self.change(pool_id, lambda pool: replace(pool, added=change(pool.added)), now)

    def change(self, pool_id: str, change: Callable[[Pool], Pool], now: datetime) -> Pool:
        """:raises ConcurrentModification: others were always faster."""
        for _ in range(_TRIES - 1):
            try:
                return self._change(pool_id, change, now)
            except ConcurrentModification:
                continue
        return self._change(pool_id, change, now)

    def record(self, action: Action, pool: Pool, now: datetime, target: str = "", detail: str = "") -> None:
        self._tools.audit.record(
            action,
            "ok",
            now,
            pool_id=pool.pool_id,
            actor=OPERATOR,
            target=target or pool.pool_id,
            detail=detail,
        )

    def _change(self, pool_id: str, change: Callable[[Pool], Pool], now: datetime) -> Pool:
        after = change(self.get(pool_id, now))
        _check(after)
        self._store.management.update_pool(after, now)
        self.record("pool_changed", after, now)
        return self.get(pool_id, now)


def require_api(pool: Pool, *key: str) -> None:
    """:param key: of the file, below the pool's. :raises InvalidParameter: a file has the say."""
    if pool.source == "file":
        raise declared("User pool", pool.pool_id, pool, *key)


def declared(what: str, name: str, pool: Pool, *key: str) -> InvalidParameter:
    path = ".".join(("user_pools", pool.name, *key))
    if pool.is_closed:
        return InvalidParameter(
            f"{what} {name} was declared in routes.yaml at {path} and is closed: declare it again there, "
            f"or delete it with `lockgate pool delete {pool.pool_id} --yes`."
        )
    return InvalidParameter(f"{what} {name} is declared in routes.yaml at {path}: change it there.")


def _check(pool: Pool) -> None:
    """What holds of every pool, whoever changes which of its settings."""
    names = [rule.name for rule in pool.attributes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidParameter(f"custom:{twice}: Existing attribute already has name custom:{twice}.")
    if len(names) > MAX_CUSTOM_ATTRIBUTES:
        raise LimitExceeded(f"Maximum number of custom attributes is {MAX_CUSTOM_ATTRIBUTES}.")
    if len(pool.added.tags) > MAX_TAGS:
        raise InvalidParameter(f"A user pool has at most {MAX_TAGS} tags.")
    if pool.mfa != "none" and not pool.mfa_kinds:
        raise InvalidParameter("Invalid MFA configuration given, can't turn on MFA without a second factor.")
