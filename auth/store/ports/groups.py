"""Groups, and who is in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from auth.group import Group, GroupChange


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """:param next: the name that the next page begins after; None: that was all."""

    groups: tuple[Group, ...]
    next: str | None


class GroupStore(Protocol):
    def put_group(
        self, pool_id: str, name: str, now: datetime, *, description: str = "", precedence: int | None = None
    ) -> None: ...

    def create_group(self, group: Group) -> None:
        """:raises GroupExists: there is one of that name. :raises ResourceNotFound: there is no such pool."""
        ...

    def update_group(self, pool_id: str, name: str, change: GroupChange, now: datetime) -> Group:
        """:returns: as it is now. :raises ResourceNotFound: there is no such group."""
        ...

    def group(self, pool_id: str, name: str) -> Group | None: ...

    def groups(self, pool_id: str) -> tuple[tuple[str, str, int | None], ...]:
        """(name, description, precedence), strongest first."""
        ...

    def list_groups(
        self, pool_id: str, *, limit: int, after: str | None = None, sub: str | None = None
    ) -> GroupPage:
        """Ordered by name. :param sub: only those that this user is in."""
        ...

    def delete_group(self, pool_id: str, name: str) -> bool:
        """Its members stay people. :returns: False: there was none."""
        ...

    def add_to_group(self, pool_id: str, sub: str, group: str, now: datetime) -> None:
        """:raises ResourceNotFound: there is no such group."""
        ...

    def remove_from_group(self, pool_id: str, sub: str, group: str) -> None: ...
