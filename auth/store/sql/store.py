"""All stores of the user pool over one database, and how it is opened: migrated, with the key that belongs to it."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from auth.errors import Unavailable
from auth.key_file import KeyFile
from auth.sealing import Sealer
from auth.store.sql.attempts import SqlAttempts
from auth.store.sql.audit import SqlAudit
from auth.store.sql.browser_sessions import SqlBrowserSessions
from auth.store.sql.challenges import SqlChallenges
from auth.store.sql.cleaning import clean
from auth.store.sql.codes import SqlCodes
from auth.store.sql.grants import SqlGrants
from auth.store.sql.keys import SqlKeys
from auth.store.sql.management import SqlManagement
from auth.store.sql.moving import SqlMoving
from auth.store.sql.pools import SqlPools
from auth.store.sql.sealing_key import settle_key
from auth.store.sql.software_tokens import SqlSoftwareTokens
from auth.store.sql.srp_verifiers import SqlSrp
from auth.store.sql.tables import VERSION_TABLE, metadata
from auth.store.sql.users import SqlUsers
from kit.migrations import make_schema, migrate
from kit.sql import ANSWER_S, Database
from kit.sql_sqlite import sqlite_engine

SCHEMA = "auth"  # of PostgreSQL
_SCRIPTS = Path(__file__).with_name("migrations")


class DatabaseDamaged(Exception):
    """The database answers that it cannot be used; the text is its own."""


class SqlStore:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.database = database
        self.pools = SqlPools(database, sealer)
        self.management = SqlManagement(database, sealer)
        self.users = SqlUsers(database, sealer)
        self.moving = SqlMoving(database, sealer)
        self.attempts = SqlAttempts(database)
        self.codes = SqlCodes(database, sealer)
        self.challenges = SqlChallenges(database, sealer)
        self.software_tokens = SqlSoftwareTokens(database, sealer)
        self.srp = SqlSrp(database, sealer)
        self.browser_sessions = SqlBrowserSessions(database, sealer)
        self.grants = SqlGrants(database, sealer)
        self.keys = SqlKeys(database, sealer)
        self.audit = SqlAudit(database)

    def clean(self, now: datetime, *, limit: int) -> int:
        return clean(self.database, now, limit)

    def close(self) -> None:
        self.database.close()


def open_store(url: str, key: KeyFile, *, answer_s: float = ANSWER_S) -> SqlStore:
    """:param url: ``sqlite:////abs/auth.db`` or ``postgresql://user:password@host/database``.
    :param answer_s: how long a server may take for one transaction.

    :raises KeyFileError: it is not the key of this database.
    :raises MigrationError: the database belongs to a newer version.
    :raises DatabaseDamaged: it is not one, or it refuses what we need to do there.
    :raises Unavailable: the database does not answer.
    :raises ValueError: not such a URL.
    """
    database = _open(url, answer_s)
    try:
        if not database.is_sqlite:
            make_schema(database, SCHEMA)
        migrate(database, metadata, _SCRIPTS, VERSION_TABLE)
        return SqlStore(database, Sealer(settle_key(database, key)))
    except DatabaseError as error:
        database.close()
        raise DatabaseDamaged(" ".join(str(error.orig).split())) from error
    except BaseException:
        database.close()
        raise


def _open(url: str, answer_s: float) -> Database:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise ValueError("not a database URL") from None  # without the text: it may hold a password
    if parts.drivername == "sqlite" and parts.database and Path(parts.database).is_absolute():
        return Database(sqlite_engine(Path(parts.database)), error=_unavailable)
    if parts.drivername == "postgresql":
        from kit.sql_postgres import postgres_database  # with psycopg: only where it is used

        return postgres_database(parts, schema=SCHEMA, error=_unavailable, answer_s=answer_s)
    raise ValueError("a database URL begins with sqlite:////absolute/path or postgresql://")


def _unavailable(detail: str) -> Unavailable:
    return Unavailable(detail=detail)
