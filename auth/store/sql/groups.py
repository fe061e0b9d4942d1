"""Groups, and who is in them."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from auth.errors import ResourceNotFound
from auth.store.sql import tables as t
from auth.store.sql.statements import insert_if_absent, put
from kit.sql import Database


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
            raise ResourceNotFound(f"User pool {pool_id} does not exist.") from error

    def groups(self, pool_id: str) -> tuple[tuple[str, str, int | None], ...]:
        of = t.groups.c
        statement = (
            select(of.name, of.description, of.precedence)
            .where(of.pool_id == pool_id)
            .order_by(of.precedence.is_(None), of.precedence, of.name)
        )
        with self._db.read() as connection:
            return tuple((row.name, row.description, row.precedence) for row in connection.execute(statement))

    def delete_group(self, pool_id: str, name: str) -> None:
        of = t.groups.c
        with self._db.write() as connection:
            connection.execute(delete(t.groups).where(of.pool_id == pool_id, of.name == name))

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
