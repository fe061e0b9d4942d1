"""Brings a database to the newest schema at start, in one transaction, once however many processes start together."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import CreateSchema

from kit.sql import OPENING_S, Database

MIGRATION_S = 600.0  # a big table takes its time, once


class MigrationError(Exception):
    """The database cannot be used by this version; its text says why and what to do."""


def make_schema(database: Database, schema: str) -> None:
    """Of PostgreSQL, before the first migration; who may not create it finds it made by somebody who may."""
    with database.read(seconds=OPENING_S) as connection:
        found = connection.exec_driver_sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).first()
    if found is None:
        with database.write(seconds=OPENING_S) as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (schema,))
            connection.execute(CreateSchema(schema, if_not_exists=True))


def migrate(database: Database, metadata: MetaData, scripts: Path, table: str) -> None:
    """:param scripts: the folder of the Alembic history. :param table: where the database keeps its version.

    :raises MigrationError: a newer version has been here.
    """
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    directory = ScriptDirectory(str(scripts))
    head = directory.get_current_head()
    with database.read(seconds=OPENING_S) as connection:
        if _version(connection, table) == head:
            return
    with database.write(seconds=MIGRATION_S) as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (table,))
        seen = _version(connection, table)
        if seen == head:
            return  # another process was quicker
        _know(directory, seen)
        if seen is not None and database.is_sqlite:
            _keep_copy(Path(str(database.engine.url.database)), seen)
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": table,
                "target_metadata": metadata,
                "transactional_ddl": True,
                "fn": lambda rev, _: directory._upgrade_revs("head", rev),
            },
        )
        with _operations(context):
            context.run_migrations()


def _operations(context: object):  # type: ignore[no-untyped-def]  # Alembic's own type is not exported
    from alembic.operations import Operations

    return Operations.context(context)  # type: ignore[arg-type]  # what `context` is


def _version(connection: Connection, table: str) -> str | None:
    if not connection.dialect.has_table(connection, table):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608  # our own name
    return None if found is None else str(found)


def _know(directory: object, seen: str | None) -> None:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    assert isinstance(directory, ScriptDirectory)
    if seen is None:
        return
    try:
        directory.get_revision(seen)
    except CommandError as error:
        raise MigrationError(
            f"the database has schema {seen}, which this version does not know: a newer version has used it"
        ) from error


def _keep_copy(path: Path, version: str) -> None:
    """Beside the file, as ``auth.db.before-VERSION``. A connection of its own reads what is committed."""
    copy = path.with_name(f"{path.name}.before-{version}")
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(copy)
