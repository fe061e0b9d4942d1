"""The schema that migrations make is the one that the statements are written for; what was there is kept."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from auth.key_file import KeyFile
from auth.store.sql import SqlStore, open_store
from auth.store.sql.tables import VERSION_TABLE, metadata
from kit.migrations import MigrationError
from tests.support.auth_store import opened, peopled


def test_migrations_make_what_the_tables_say(store: SqlStore) -> None:
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})

        assert compare_metadata(context, metadata) == []


def test_processes_that_start_together_migrate_once(url: str, tmp_path: Path) -> None:
    """R8"""
    with ThreadPoolExecutor(6) as pool:
        opens: list[Callable[[], SqlStore]] = [
            lambda: open_store(url, KeyFile.open_or_make(tmp_path / "key"))
        ] * 6
        stores = [future.result() for future in [pool.submit(one) for one in opens]]
    for store in stores:
        assert store.pools.version() == 0
        store.close()


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path) as store, store.database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(MigrationError, match="newer"), opened(url, tmp_path):
        pass


def test_an_older_file_is_copied_before_it_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/auth.db"
    with opened(url, tmp_path) as store:
        peopled(store)
    scripts = tmp_path / "scripts"
    (scripts / "versions").mkdir(parents=True)
    ours = sorted((Path(__file__).parents[3] / "auth/store/sql/migrations/versions").glob("m*.py"))
    for script in ours:
        (scripts / "versions" / script.name).write_text(script.read_text())
    newest = ours[-1].name[1:5]
    (scripts / "versions" / "m9000_more.py").write_text(
        f"from alembic import op\nrevision = '9000'\ndown_revision = '{newest}'\n"
        "def upgrade():\n    op.execute('CREATE TABLE more (x INTEGER)')\n"
    )
    monkeypatch.setattr("auth.store.sql.store._SCRIPTS", scripts)

    with opened(url, tmp_path) as store:
        assert store.users.get("us-east-1_Main00001", "sub-1") is not None

    copy = tmp_path / f"auth.db.before-{newest}"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT count(*) FROM users").fetchone() == (1,)
        assert old.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchone() is None


def test_a_database_of_sqlite_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "auth.db"
    with opened(f"sqlite:///{path}", tmp_path) as store:
        peopled(store)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"auth.db": 0o600, "auth.db-wal": 0o600, "auth.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    with opened(f"sqlite:///{path}", tmp_path):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("bad", ["sqlite:///relative.db", "sqlite://", "mysql://user:pw@host/db", "nothing"])
def test_other_urls_are_refused_without_a_password_in_the_text(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="database URL") as refused, opened(bad, tmp_path):
        pass
    assert "pw" not in str(refused.value)
