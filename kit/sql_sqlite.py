"""An engine for one SQLite file: WAL, one writer at a time that says so when it begins, durable at each commit."""

import os
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

BUSY_MS = 10_000  # how long a writer waits for a writer of another process
CONNECTIONS = 16  # as many threads as call at once; a connection is 2 file descriptors
CACHE_KIB = 8192  # pages kept by each connection


def sqlite_engine(path: Path) -> Engine:
    """:param path: the file is made when it is missing; nobody but its owner may read it, or its -wal and -shm."""
    make_private(path)
    engine = create_engine(
        f"sqlite:///{path}", pool_size=CONNECTIONS, max_overflow=0, connect_args={"timeout": 0}
    )
    event.listen(engine, "connect", _prepare)
    return engine


def make_private(path: Path) -> None:
    """SQLite gives its other files the mode of the first, so that this one decides."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `Database.write` does
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KIB}",
    ):
        cursor.execute(f"PRAGMA {pragma}").fetchall()
    cursor.close()
