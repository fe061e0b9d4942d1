"""A database or a key that cannot be used: the start ends with what, where, why and what instead, and harms nothing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.identity_site import Site, Visitor, add_person, site
from tests.support.server import ServerFailed, lockgate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RUNTIME_FAILURE = 5


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose server has stopped; somebody signs in there."""
    with site(tmp_path_factory.mktemp("used")) as place:
        with place.server() as server:
            store = place.store(server)
            add_person(store, server, "ann@example.com")
            store.close()
        yield place


def snapshot(state: Path) -> dict[str, bytes]:
    """What must not change: the database as SQL, and the key."""
    with closing(sqlite3.connect(f"file:{state}/auth/auth.db?mode=ro", uri=True)) as database:
        return {"database": "\n".join(database.iterdump()).encode(), "key": (state / "key").read_bytes()}


def damage_key(state: Path) -> None:
    (state / "key").write_text("lockgate-key-1 nonsense\n")


def exchange_key(state: Path) -> None:
    key = state / "key"
    line = key.read_text().split()
    other = "B" if line[2][0] != "B" else "C"
    key.write_text(f"{line[0]} {line[1]} {other}{line[2][1:]}\n")


def open_key(state: Path) -> None:
    (state / "key").chmod(0o644)


def lose_key(state: Path) -> None:
    (state / "key").unlink()


def empty_key(state: Path) -> None:
    (state / "key").write_text("")


def damage_database(state: Path) -> None:
    (state / "auth/auth.db").write_bytes(b"this is no database at all" * 200)


def damage_pages(state: Path) -> None:
    """The head is right, what follows is not."""
    with (state / "auth/auth.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 60)


def renew_schema(state: Path) -> None:
    with closing(sqlite3.connect(state / "auth/auth.db")) as database, database:
        [[table]] = database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'alembic_version%'")
        database.execute(f"UPDATE {table} SET version_num = '9999'")  # its own name


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(damage_key, ("key:1 is damaged", "backup"), id="damaged-key"),
        pytest.param(exchange_key, ("lacks the key", "backup", "LOCKGATE_KEY_FILE"), id="wrong-key"),
        pytest.param(open_key, ("can be read by others", "chmod 600"), id="key-for-all"),
        pytest.param(lose_key, ("is missing", "backup", "LOCKGATE_KEY_FILE"), id="no-key"),
        pytest.param(empty_key, ("is empty", "backup"), id="empty-key"),
        pytest.param(damage_database, ("auth.db", "not a database", "backup"), id="damaged-database"),
        pytest.param(damage_pages, ("auth.db", "malformed", "backup"), id="damaged-pages"),
        pytest.param(renew_schema, ("9999", "newer version"), id="newer-schema"),
    ],
)
def test_a_start_that_cannot_be_is_explained(
    used: Site, harm: Callable[[Path], None], says: tuple[str, ...]
) -> None:
    """R7: exit code 5, no stack, nothing half-applied; with what was there before all is as before."""
    state = used.folder / "one"
    kept = {path: path.read_bytes() for path in (state / "key", state / "auth/auth.db")}
    before = snapshot(state)
    harm(state)
    is_supervised = harm is renew_schema  # a server of several processes asks before it becomes that
    server = used.server("one", *(("--workers", "1") if is_supervised else ()))
    server.stderr_path = used.folder / f"{harm.__name__}.log"
    harmed = {path: path.read_bytes() for path in kept if path.exists()}
    try:
        with pytest.raises(ServerFailed, match=f"exit {RUNTIME_FAILURE} ") as caught:
            server.start()
        commanded = lockgate("user", "list", "-c", used.config, "--state", state)
        assert {path: path.read_bytes() for path in kept if path.exists()} == harmed
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
            path.chmod(0o600)
        for path in (state / "auth").glob("auth.db-*"):
            path.unlink()
    text = str(caught.value) + server.stderr()
    assert "Traceback" not in text
    for words in says:
        assert words in text, text
    assert commanded.returncode == RUNTIME_FAILURE
    assert b"Traceback" not in commanded.stderr
    assert snapshot(state) == before


def test_what_was_kept_serves_again(used: Site) -> None:
    """The twin of all of them."""
    with used.server() as server, Visitor(server) as visitor:
        assert visitor.log_in("ann@example.com")


def test_a_state_that_others_could_read_is_closed(used: Site) -> None:
    """J17: whatever a copy of it was given."""
    state = used.folder / "one"
    for path in (state, state / "auth", state / "auth/auth.db"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with used.server():
        assert [path.stat().st_mode & 0o077 for path in (state, state / "auth/auth.db")] == [0, 0]
    (state / "auth").chmod(0o700)
