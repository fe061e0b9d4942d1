"""ListUsers: each filter walks one index, from where the last page ended."""

from typing import Any, Literal

from sqlalchemy import Select, select, tuple_

from auth.errors import InvalidParameter
from auth.store.ports import UserPage
from auth.store.sql import tables as t
from auth.store.sql.user_rows import LISTED, USER_COLUMNS, fold, read_user
from kit.sql import Database

Filter = tuple[str, Literal["=", "^="], str]
_LAST = "\U0010ffff"  # sorts behind every name
_STATES = {"enabled": True, "disabled": False}


class SqlUserList:
    _db: Database

    def list(
        self,
        pool_id: str,
        *,
        limit: int,
        after: str | None = None,
        filter: Filter | None = None,
        group: str | None = None,
    ) -> UserPage:
        statement, position = _statement(pool_id, filter, group)
        if after is not None:
            bounds = after.rsplit("\n", len(position) - 1)  # a name may have lines, a sub has none
            if len(bounds) != len(position):
                raise InvalidParameter("Invalid pagination token.")
            statement = statement.where(tuple_(*position) > tuple_(*bounds))
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(*position).limit(limit + 1)).mappings().all()
        page = rows[:limit]
        users = tuple(
            user for user in (read_user(dict(row)) for row in page) if _holds(user.attributes, filter)
        )
        return UserPage(users=users, next=_next(page[-1], position) if len(rows) > limit else None)


def _statement(pool_id: str, filter: Filter | None, group: str | None) -> tuple[Select[Any], tuple[Any, ...]]:
    """:returns: who is meant, and the columns by which they are ordered."""
    users = select(*USER_COLUMNS).where(t.users.c.pool_id == pool_id)
    if group is not None:
        member = t.group_members.c
        users = users.join(t.group_members, (member.pool_id == pool_id) & (member.sub == t.users.c.sub))
        users = users.where(member.group_name == group)
    if filter is None:
        return users, (t.users.c.sub,)
    name, how, value = filter
    if name in ("sub", "cognito:user_status", "status"):
        return users.where(_column_is(name, how, value)), (t.users.c.sub,)
    if name not in LISTED:
        raise InvalidParameter(f"One or more requested attributes do not exist: {name}")
    index, key = t.user_index.c, fold(value)
    users = users.join(t.user_index, (index.pool_id == pool_id) & (index.sub == t.users.c.sub))
    users = users.where(index.name == name)
    if how == "=":
        return users.where(index.value_key == key), (index.sub,)
    users = users.add_columns(index.value_key)
    return users.where(index.value_key >= key, index.value_key < key + _LAST), (index.value_key, index.sub)


def _column_is(name: str, how: str, value: str) -> Any:
    if name == "status":
        return t.users.c.enabled.is_(_STATES.get(value.casefold()))
    column = t.users.c.sub if name == "sub" else t.users.c.status
    if how == "=":
        return column == value
    return (column >= value) & (column < value + _LAST)


def _holds(attributes: Any, filter: Filter | None) -> bool:
    """The index is folded and cut; an attribute is compared as it was written, but for its case."""
    if filter is None or filter[0] not in attributes:
        return True
    held, value = attributes[filter[0]].casefold(), filter[2].casefold()
    return bool(held == value) if filter[1] == "=" else bool(held.startswith(value))


def _next(row: Any, position: tuple[Any, ...]) -> str:
    return "\n".join(str(row[column.name]) for column in position)
