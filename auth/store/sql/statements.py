"""The few words in which SQLite's and PostgreSQL's SQL agree, but SQLAlchemy has one a dialect."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from auth.store.sql.tables import versions


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both write alike."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: Table) -> Any:
    """The same for statements that are made before there is a connection. :param dialect: SQLAlchemy's name of it."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_if_absent(connection: Connection, table: Table, **values: object) -> bool:
    """:returns: whether the row was written; False: another one is in its way, under whichever unique index."""
    statement = insert(connection, table).values(**values).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def put(connection: Connection, table: Table, **values: object) -> None:
    """Write the row, over the one with the same key; ``created_at`` stays that of the first."""
    statement = insert(connection, table).values(**values)
    names = [column.name for column in table.primary_key]
    kept = {*names, "created_at"}
    rest = {name: statement.excluded[name] for name in values if name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=names, set_=rest))


def grow(connection: Connection, name: str, by: int = 1) -> None:
    """Caches that compare this version read again. It also puts those who change it in a row; 0 does only that."""
    statement = insert(connection, versions).values(name=name, value=by)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": versions.c.value + by})
    )
