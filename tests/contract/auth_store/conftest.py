"""What holds for every database holds for each: `store` is one of SQLite and one of PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.store.sql import SqlStore
from tests.support.auth_store import opened
from tests.support.postgres import PostgresServer
from tests.support.postgres import fragile_postgres as fragile_postgres
from tests.support.postgres import postgres as postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database; of one with tables where the test wants a whole `store`."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/auth.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.cleared() if "store" in request.fixturenames else server.emptied()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[SqlStore]:
    with opened(url, tmp_path) as store:
        yield store
