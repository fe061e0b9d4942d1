"""Groups, and who is in them. A name is unique by the row that is written first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import GroupExists, ResourceNotFound
from auth.group import Group, GroupChange
from auth.store.ports import GroupPage
from auth.store.sql import tables as t
from auth.store.sql.statements import insert_if_absent, put
from kit.sql import Database

_of = t.groups.c


class SqlGroups:
    _db: Database

    def put_group(
        self, pool_id: str, name: str, now: datetime, *, description: str = "", precedence: int | None = None
    ) -> None:
        try:
            with self._db.write() as connection:
                put(
                    connection,
                    t.groups,
                    pool_id=pool_id,
                    name=name,
                    precedence=precedence,
                    description=description,
                    source="api",
                    created_at=now,
                    updated_at=now,
                )
        except IntegrityError as error:
            raise _no_pool(pool_id) from error

    def create_group(self, group: Group) -> None:
        try:
            with self._db.write() as connection:
                is_new = insert_if_absent(
                    connection,
                    t.groups,
                    pool_id=group.pool_id,
                    name=group.name,
                    precedence=group.precedence,
                    role_arn=group.role_arn or None,
                    description=group.description,
                    source=group.source,
                    created_at=group.created_at,
                    updated_at=group.updated_at,
                )
        except IntegrityError as error:  # the foreign key
            raise _no_pool(group.pool_id) from error
        if not is_new:
            raise GroupExists

    def update_group(self, pool_id: str, name: str, change: GroupChange, now: datetime) -> Group:
        wanted = {
            "description": change.description,
            "role_arn": change.role_arn,
            "precedence": change.precedence,
        }
        values = {column: value for column, value in wanted.items() if value is not None}
        statement = update(t.groups).where(_is(pool_id, name)).values(**values, updated_at=now)
        with self._db.write() as connection:
            row = connection.execute(statement.returning(t.groups)).mappings().first()
        if row is None:
            raise ResourceNotFound("Group not found.")
        return _read(row)

    def group(self, pool_id: str, name: str) -> Group | None:
        with self._db.read() as connection:
            row = connection.execute(select(t.groups).where(_is(pool_id, name))).mappings().first()
        return None if row is None else _read(row)

    def groups(self, pool_id: str) -> tuple[tuple[str, str, int | None], ...]:
        statement = (
            select(_of.name, _of.description, _of.precedence)
            .where(_of.pool_id == pool_id)
            .order_by(_of.precedence.is_(None), _of.precedence, _of.name)
        )
        with self._db.read() as connection:
            return tuple((row.name, row.description, row.precedence) for row in connection.execute(statement))

    def list_groups(
        self, pool_id: str, *, limit: int, after: str | None = None, sub: str | None = None
    ) -> GroupPage:
        statement = select(t.groups).where(_of.pool_id == pool_id)
        if sub is not None:
            member = t.group_members.c
            is_in = and_(member.pool_id == pool_id, member.sub == sub, member.group_name == _of.name)
            statement = statement.join(t.group_members, is_in)
        if after is not None:
            statement = statement.where(_of.name > after)
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(_of.name).limit(limit + 1)).mappings().all()
        page = tuple(_read(row) for row in rows[:limit])
        return GroupPage(groups=page, next=page[-1].name if len(rows) > limit else None)

    def delete_group(self, pool_id: str, name: str) -> bool:
        with self._db.write() as connection:
            return connection.execute(delete(t.groups).where(_is(pool_id, name))).rowcount == 1

    def add_to_group(self, pool_id: str, sub: str, group: str, now: datetime) -> None:
        try:
            with self._db.write() as connection:
                insert_if_absent(
                    connection, t.group_members, pool_id=pool_id, sub=sub, group_name=group, added_at=now
                )
        except IntegrityError as error:  # a foreign key: the group, or the user
            raise ResourceNotFound("Group not found.") from error

    def remove_from_group(self, pool_id: str, sub: str, group: str) -> None:
        of = t.group_members.c
        with self._db.write() as connection:
            connection.execute(
                delete(t.group_members).where(of.pool_id == pool_id, of.sub == sub, of.group_name == group)
            )


def _is(pool_id: str, name: str) -> ColumnElement[bool]:
    return and_(_of.pool_id == pool_id, _of.name == name)


def _no_pool(pool_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"User pool {pool_id} does not exist.")


def _read(row: Mapping[Any, Any]) -> Group:
    return Group(
        pool_id=row["pool_id"],
        name=row["name"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        description=row["description"],
        role_arn=row["role_arn"] or "",
        precedence=row["precedence"],
        source=row["source"],
    )
