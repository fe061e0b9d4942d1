"""A PostgreSQL of the tests' own: a private cluster on a unix socket, run by somebody who is not root.

It comes from Debian's package (`deploy/test-system.sh`); where it is missing, tests that need it are skipped with the
reason, and fail in CI. It can be killed and stopped, with all its processes, and started again.
"""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

READY_S = 15.0
USER = "lockgate"
_SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "max_connections=60",
    "wal_level=minimal",
    "max_wal_senders=0",
    "log_min_messages=warning",
)


class PostgresServer:
    """:param programs: where ``initdb`` and ``postgres`` are."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._account = "postgres" if os.geteuid() == 0 else None  # Debian's package makes it
        self._numbers = itertools.count(1)
        self._emptied: str | None = None
        self._has_tables = False
        self._ready = threading.Event()
        self._said: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        if self._account:
            shutil.chown(folder, self._account)
        self._run(
            "initdb",
            "-D",
            f"{folder}/data",
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )

    def _run(self, name: str, *args: str) -> None:
        done = subprocess.run(
            [self._programs / name, *args],
            user=self._account,
            group=self._account,
            extra_groups=[] if self._account else None,
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Returns when it accepts connections."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        self._ready.clear()
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", f"{self.folder}/data", "-k", str(self.folder), *settings],
            user=self._account,
            group=self._account,
            extra_groups=[] if self._account else None,
            cwd="/",
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="postgres-log")
        self._reader.start()
        assert self._ready.wait(READY_S), self._said

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._said.append(line)
                if "ready to accept connections" in line:
                    self._ready.set()

    def new_database(self) -> str:
        """:returns: its URL."""
        name = f"t{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """One database for one test after the other: cheaper than one each, which is a thousand files to delete."""
        self._has_tables = False  # nobody knows what whoever asks makes of it
        if self._emptied is None:
            self._emptied = self.new_database()
        with psycopg.connect(self._emptied, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("DROP SCHEMA IF EXISTS auth CASCADE")
        return self._emptied

    def cleared(self) -> str:
        """The same, with the tables that the last test had but without its rows: a migration less."""
        if not self._has_tables or self._emptied is None:
            url = self.emptied()
            self._has_tables = True  # whoever asks opens a store on it
            return url
        with psycopg.connect(self._emptied, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # the audit refuses to be emptied
            found = connection.execute(
                "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables "
                "WHERE schemaname = 'auth' AND tablename NOT LIKE 'alembic_version%'"
            ).fetchone()
            if found and found[0]:
                connection.execute(f"TRUNCATE {found[0]} RESTART IDENTITY CASCADE")
        return self._emptied

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def pause(self) -> None:
        """SIGSTOP: connections stand, and nobody answers."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL of all its processes: stopped first, so that none begins another."""
        if self._process is None:
            return
        os.kill(self._process.pid, signal.SIGSTOP)
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        assert self._reader is not None
        self._reader.join()
        self._process = None

    def _pids(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]


def _programs() -> Path | None:
    """On the path, or where Debian puts those of its newest version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One cluster for all tests; each takes a database of its own. For tests that leave it running."""
    yield from running_postgres()


@pytest.fixture
def fragile_postgres() -> Iterator[PostgresServer]:
    """One that a test may kill and stop."""
    yield from running_postgres()


def running_postgres() -> Iterator[PostgresServer]:
    programs = _programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL here: run deploy/test-system.sh as root")
    folder = Path(tempfile.mkdtemp(prefix="lg-pg-"))
    server = PostgresServer(programs, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
