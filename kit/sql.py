"""One database behind short transactions: SQLite or PostgreSQL, with what each needs to be safe and to fail fast.

A transaction is `Database.write()` or `Database.read()`. Whatever the server does (gone, stopped, full, slow), it ends
within `answer_s` and in one error, which the owner of the tables names. No table is known here.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import BigInteger, Connection, Engine, Text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator

ANSWER_S = 0.8  # "within a second", with a little left for the caller
OPENING_S = 10.0  # a start may wait: nobody is served yet, and a server that has just started is slow
WRITER_WAIT_S = 10.0  # as SQLite's busy_timeout: a writer waits for its turn

Error = Callable[[str], Exception]

# Names that are compared, sorted and searched by prefix: by code point, on every server.
Key = Text().with_variant(Text(collation="C"), "postgresql")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class UtcMs(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since 1970 UTC. A naive one is an error."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> int | None:  # noqa: ARG002  # SQLAlchemy's
        return None if value is None else (value - _EPOCH) // _MS

    def process_result_value(self, value: int | None, dialect: object) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        return None if value is None else _EPOCH + value * _MS


class Guard(Protocol):
    """What stands between a caller and a server that may be gone."""

    def call(self, seconds: float) -> AbstractContextManager[Callable[[Connection], None]]:
        """Around one transaction. It is told the connection as soon as there is one.

        :raises Exception: at once, while the server is known to be down.
        """
        ...

    def failed(self, error: Exception) -> None:
        """A transaction ended with it."""
        ...

    def close(self) -> None: ...


class Database:
    """:param error: makes the exception that callers get when there is no answer, from a text for the log."""

    def __init__(
        self, engine: Engine, *, error: Error, guard: Guard | None = None, answer_s: float = ANSWER_S
    ) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        # SQLite needs no option, and no listener either: an engine with any costs each statement a dozen look-ups.
        self._reading = engine if self.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._error = error
        self._guard = guard
        self._answer_s = answer_s
        # SQLite has one writer. Its own way to wait is to sleep and try again: threads of one process queue here.
        self._turn = threading.Lock() if self.is_sqlite else None

    def read(self, *, seconds: float | None = None) -> AbstractContextManager[Connection]:
        """For single statements, each of which sees what is committed."""
        return self._transaction(self._reading, seconds or self._answer_s)

    @contextmanager
    def write(self, *, seconds: float | None = None) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by an exception.

        :param seconds: for the rare one that touches many rows.
        """
        with self._my_turn(), self._transaction(self.engine, seconds or self._answer_s) as connection:
            if self.is_sqlite:
                # A transaction that begins as a reader cannot become a writer while another one writes; it fails then,
                # and no waiting helps. Readers need none: each statement sees one state.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif seconds is not None:
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield connection

    @contextmanager
    def _transaction(self, engine: Engine, seconds: float) -> Iterator[Connection]:
        call = self._guard.call(seconds) if self._guard else nullcontext(_ignore)
        with call as connected:
            try:
                with engine.begin() as connection:
                    connected(connection)
                    yield connection
            except (DBAPIError, PoolTimeout) as error:
                if self._guard:
                    self._guard.failed(error)
                if isinstance(error, OperationalError | PoolTimeout) or _is_disconnect(error):
                    raise self._error(_said(error)) from error
                raise

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=WRITER_WAIT_S):
            raise self._error(f"another transaction has been writing for {WRITER_WAIT_S} s")
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        if self._guard:
            self._guard.close()
        self.engine.dispose()


def _ignore(_: Connection) -> None:
    return None


def _is_disconnect(error: Any) -> bool:
    return bool(getattr(error, "connection_invalidated", False))


def _said(error: Exception) -> str:
    """The driver's words in one line, without the statement and its values."""
    origin = getattr(error, "orig", None) or error
    return " ".join(f"{type(origin).__name__}: {origin}".split())
