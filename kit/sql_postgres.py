"""An engine for PostgreSQL on which nobody waits longer than a second, whatever became of the server.

Killed: its sockets end, and a connection whose socket has ended is not handed out. Stopped: a watchdog shuts the
sockets down. Either opens a circuit, which asks the server by itself until it is back.
"""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from kit.sql import ANSWER_S, Database, Error
from kit.sql_circuit import Circuit
from kit.sql_watchdog import Watchdog

CONNECTIONS = 10  # of this process: as many threads as call at once, and a few
STATEMENT_SHARE = 0.875  # of the deadline: the server gives up before we give the server up
IDLE_IN_TRANSACTION_MS = 5_000  # a process of ours that was stopped holds no row longer
CONNECT_S = 2  # the least that libpq knows; callers wait for it no longer than for anything else
PROBE_S = 2.5


def postgres_database(url: URL, *, schema: str, error: Error, answer_s: float = ANSWER_S) -> Database:
    """:param schema: made when it is missing; all tables are in it."""
    connect = _Connector(url, schema, answer_s)
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        creator=connect,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=answer_s,
    )
    event.listen(engine, "checkout", _refuse_ended)
    guard = PostgresGuard(engine, connect, error)
    return Database(engine, error=error, guard=guard, answer_s=answer_s)


class _Connector:
    """Connects on a thread of its own: names are looked up and handshakes waited for longer than a caller waits."""

    def __init__(self, url: URL, schema: str, answer_s: float) -> None:
        self._target = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._schema = schema
        self._answer_s = answer_s
        self._statement_ms = round(answer_s * STATEMENT_SHARE * 1000)
        self.call = (
            threading.local()
        )  # `deadline_mono` of what this thread does; the pool hands nothing through

    def __call__(self) -> psycopg.Connection[Any]:
        deadline_mono = getattr(self.call, "deadline_mono", time.monotonic() + self._answer_s)
        return self.within(deadline_mono - time.monotonic())

    def within(self, seconds: float) -> psycopg.Connection[Any]:
        """:raises psycopg.OperationalError: not in that time."""
        attempt = _Attempt(self._connect)
        attempt.thread.start()
        return attempt.result(seconds)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._target,
            connect_timeout=CONNECT_S,
            application_name="lockgate",
            options=f"-csearch_path={self._schema} -cstatement_timeout={self._statement_ms} "
            f"-cidle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -ctimezone=UTC",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )


class _Attempt:
    """One connection being made. Whoever comes last closes it: the caller who gave up, or the thread."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._done = threading.Condition()
        self._connection: psycopg.Connection[Any] | None = None
        self._error: psycopg.Error | None = None
        self._is_given_up = False
        self.thread = threading.Thread(target=self._run, name="postgres-connect", daemon=True)

    def result(self, seconds: float) -> psycopg.Connection[Any]:
        with self._done:
            self._done.wait_for(lambda: self._connection or self._error, max(0.0, seconds))
            if self._connection is not None:
                return self._connection
            self._is_given_up = True
        raise self._error or psycopg.OperationalError(f"no connection within {seconds} s")

    def _run(self) -> None:
        connection, error = None, None
        try:
            connection = self._connect()
        except psycopg.Error as failure:
            error = failure
        with self._done:
            self._connection, self._error = connection, error
            self._done.notify()
            if self._is_given_up and connection is not None:
                connection.close()


class PostgresGuard:
    """Deadline and circuit of each transaction: `kit.sql.Guard`."""

    def __init__(self, engine: Engine, connect: _Connector, error: Error) -> None:
        self._engine = engine
        self._connect = connect
        self._error = error
        self._answered_mono = float("-inf")
        self._watchdog = Watchdog("postgres-watchdog")
        self._circuit = Circuit("postgres-probe", self._ask, self._forget, down=psycopg.Error)

    @contextmanager
    def call(self, seconds: float) -> Iterator[Callable[[Connection], None]]:
        why = self._circuit.why
        if why is not None:
            raise self._error(f"the database is down: {why}")
        with self._watchdog.watch(seconds) as watched:
            self._connect.call.deadline_mono = watched.deadline_mono
            yield lambda connection: self._watchdog.attach(watched, _descriptor(connection))
        self._answered_mono = time.monotonic()

    def failed(self, error: Exception) -> None:
        if not isinstance(error, DBAPIError) or not (error.connection_invalidated or _never_connected(error)):
            return
        now = time.monotonic()
        is_late = now >= self._connect.call.deadline_mono
        if (
            not is_late or now - self._answered_mono > ANSWER_S
        ):  # else it answers others: a queue, not an outage
            self._circuit.open(" ".join(str(error.orig).split()))

    def close(self) -> None:
        self._circuit.close()
        self._watchdog.close()

    def _ask(self) -> None:
        """:raises psycopg.Error: it is down."""
        deadline_mono = time.monotonic() + PROBE_S
        connection = self._connect.within(PROBE_S)
        try:
            with self._watchdog.watch(deadline_mono - time.monotonic()) as watched:
                self._watchdog.attach(watched, connection.fileno())
                connection.execute("SELECT 1")
        finally:
            connection.close()

    def _forget(self) -> None:
        """Connections from before the failure are of no use."""
        self._engine.dispose()


def _descriptor(connection: Connection) -> int:
    return int(connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr]  # psycopg's


def _never_connected(error: DBAPIError) -> bool:
    return isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None


def _refuse_ended(connection: Any, _record: object, _proxy: object) -> None:
    """A socket that rests has nothing to read but its end; the pool makes another connection then."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server has closed the connection")
