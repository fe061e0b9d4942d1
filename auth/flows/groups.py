"""Groups of a pool, and who is in them, as operators handle them. What a file declares is its file's.

Membership is never declared: people are put into declared groups here as well.
"""

from datetime import datetime
from typing import Final

from auth.core.steps import Origin
from auth.errors import LimitExceeded, ResourceNotFound
from auth.flows.managed_pools import declared
from auth.flows.people import known
from auth.flows.tools import Tools
from auth.group import Group, GroupChange
from auth.pool import Pool
from auth.store.ports import GroupPage, UserPage

MAX_PAGE: Final = 60
MAX_OF_USER: Final = 100  # Cognito's quota: all of them stand in each token of the user


class Groups:
    """:param actor: of the audit records; :param origin: where they are."""

    def __init__(self, tools: Tools, *, actor: str, origin: Origin | None) -> None:
        self._users = tools.store.users
        self._audit = tools.audit
        self._actor = actor
        self._origin = origin

    def create(
        self,
        pool: Pool,
        name: str,
        *,
        description: str = "",
        role_arn: str = "",
        precedence: int | None = None,
        now: datetime,
    ) -> Group:
        """:raises GroupExists: there is one of that name."""
        group = Group(
            pool_id=pool.pool_id,
            name=name,
            created_at=now,
            updated_at=now,
            description=description,
            role_arn=role_arn,
            precedence=precedence,
        )
        self._users.create_group(group)
        self._record(pool, name, "created", now)
        return group

    def update(self, pool: Pool, name: str, change: GroupChange, *, now: datetime) -> Group:
        """:raises ResourceNotFound: there is none. :raises InvalidParameter: a file declares it."""
        _require_own(pool, name)
        after = self._users.update_group(pool.pool_id, name, change, now)
        self._record(pool, name, "changed", now)
        return after

    def delete(self, pool: Pool, name: str, *, now: datetime) -> None:
        """Its members stay people. :raises ResourceNotFound, InvalidParameter: as `update`."""
        _require_own(pool, name)
        if not self._users.delete_group(pool.pool_id, name):
            raise ResourceNotFound("Group not found.")
        self._record(pool, name, "deleted", now)

    def get(self, pool: Pool, name: str) -> Group:
        """:raises ResourceNotFound: there is none."""
        group = self._users.group(pool.pool_id, name)
        if group is None:
            raise ResourceNotFound("Group not found.")
        return group

    def list(self, pool: Pool, *, limit: int = MAX_PAGE, after: str | None = None) -> GroupPage:
        """One page, by name."""
        return self._users.list_groups(pool.pool_id, limit=limit, after=after)

    def list_of(
        self, pool: Pool, username: str, *, limit: int = MAX_PAGE, after: str | None = None
    ) -> GroupPage:
        """Those that somebody is in, by name. :raises UserNotFound: nobody is called that."""
        user = known(self._users, pool, username)
        return self._users.list_groups(pool.pool_id, limit=limit, after=after, sub=user.sub)

    def members(self, pool: Pool, name: str, *, limit: int = MAX_PAGE, after: str | None = None) -> UserPage:
        """One page, by sub. :raises ResourceNotFound: there is no such group."""
        self.get(pool, name)
        return self._users.list(pool.pool_id, limit=limit, after=after, group=name)

    def add(self, pool: Pool, username: str, name: str, *, now: datetime) -> None:
        """:raises UserNotFound, ResourceNotFound: one of the two does not exist.

        :raises LimitExceeded: they are in as many as anybody may be.
        """
        user = known(self._users, pool, username)
        if len(user.groups) >= MAX_OF_USER and name not in user.groups:
            raise LimitExceeded(f"A user can be in {MAX_OF_USER} groups.")
        self._users.add_to_group(pool.pool_id, user.sub, name, now)
        self._record(pool, user.sub, f"into {name}", now)

    def remove(self, pool: Pool, username: str, name: str, *, now: datetime) -> None:
        """Also who is not in it. :raises UserNotFound, ResourceNotFound: one of the two does not exist."""
        user = known(self._users, pool, username)
        self.get(pool, name)
        self._users.remove_from_group(pool.pool_id, user.sub, name)
        self._record(pool, user.sub, f"out of {name}", now)

    def _record(self, pool: Pool, target: str, detail: str, now: datetime) -> None:
        self._audit.record(
            "group_changed",
            "ok",
            now,
            pool_id=pool.pool_id,
            actor=self._actor,
            target=target,
            origin=self._origin,
            detail=detail,
        )


def _require_own(pool: Pool, name: str) -> None:
    """One that has vanished from the file is nobody's, and may be changed and deleted."""
    if pool.source == "file" and name in pool.groups:
        raise declared("Group", name, pool, "groups")
