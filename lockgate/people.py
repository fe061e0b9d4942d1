"""Where the people of the user pools are kept, and how the server and the command line open it alike.

The database is ``${state}/auth/auth.db`` or PostgreSQL; the key that seals what is in it lies outside of it, in
``${state}/key`` or where ``LOCKGATE_KEY_FILE`` says.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auth.core.redirects import is_loopback
from lockgate.config.grammar.file import RoutesFile
from lockgate.errors import CommandError, ConfigurationError, RuntimeFailure
from lockgate.pool_names import pool_names

if TYPE_CHECKING:
    from auth.errors import AuthError
    from auth.store.sql.store import SqlStore

KEY_VARIABLE = "LOCKGATE_KEY_FILE"
FOLDER = "auth"
DATABASE = "auth.db"
KEY = "key"


def database_file(state: Path) -> Path:
    return state / FOLDER / DATABASE


def has_people(state: Path) -> bool:
    """Whether pools were ever declared here, in the state's own database."""
    return database_file(state).exists()


def needs_identity(file: RoutesFile, state: Path) -> bool:
    """Whether user pools are part of this server at all; else nothing of them is loaded."""
    return bool(file.user_pools) or has_people(state)


def key_path(state: Path, environ: Mapping[str, str]) -> Path:
    named = environ.get(KEY_VARIABLE)
    return Path(named).absolute() if named else state / KEY


def database_url(file: RoutesFile | None, state: Path) -> str:
    """:param file: None: only the state's own database."""
    if file is None or file.server.database == "sqlite":
        return f"sqlite:///{database_file(state)}"
    return file.server.database


def decoy_key(state: Path) -> bytes:
    """32 bytes that every process with the same key finds alike, once the store is open."""
    from auth.key_file import KeyFile
    from auth.sealing import Sealer

    return Sealer(KeyFile.open_or_make(key_path(state, os.environ))).mac("decoy")


def open_people(url: str, state: Path) -> "SqlStore":
    """Migrates where that is needed. :param state: absolute.

    :raises RuntimeFailure: the database or the key cannot be used.
    """
    from auth.errors import Unavailable
    from auth.key_file import KeyFile, KeyFileError
    from auth.store.sql.store import DatabaseDamaged, open_store
    from kit.migrations import MigrationError

    is_file = url.startswith("sqlite:")
    where = f"The database of the user pools ({database_file(state) if is_file else 'server.database'})"
    try:
        if is_file:
            database_file(state).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_store(url, KeyFile.open_or_make(key_path(state, os.environ)))
    except KeyFileError as error:
        hint = f"Bring the key back, or name it with {KEY_VARIABLE}."
        raise RuntimeFailure(f"The key of the user pools cannot be used: {error}.", hint) from error
    except Unavailable as error:
        raise RuntimeFailure(
            f"The database of the user pools does not answer: {error.detail or error}.",
            "Start it, or mend server.database.",
        ) from error
    except MigrationError as error:
        raise RuntimeFailure(
            f"{where} cannot be used: {error}.",
            "Run that version again, or bring back a backup of the database from before it.",
        ) from error
    except (DatabaseDamaged, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RuntimeFailure(
            f"{where} cannot be used: {why}.", "Mend it, or bring it back from a backup, with its key."
        ) from error


def prepare_people(file: RoutesFile, state: Path, *, auth_url: str) -> None:
    """Before other processes are started: have the database there, and know that it can hold what the file declares.

    :raises ConfigurationError: it cannot; or people would sign in over plain http beyond this machine.
    :raises RuntimeFailure: the database or the key cannot be used.
    """
    from auth.errors import AuthError
    from lockgate.declared_pools import declared_pools

    refuse_plain_http(auth_url)
    store = open_people(database_url(file, state), state)
    try:
        known = {pool.name: pool.pool_id for pool in store.pools.pools()}
        store.pools.check(declared_pools(file, pool_names(file, auth_url=auth_url, known=known)))
    except AuthError as error:
        raise declaration_refused(error) from error
    finally:
        store.close()


def declaration_refused(error: "AuthError") -> CommandError:
    """What `auth` says of a declaration, as a command says it."""
    from auth.errors import Unavailable

    if isinstance(error, Unavailable):
        return RuntimeFailure(
            f"The database of the user pools does not answer: {error.detail or error}.",
            "Start it, or mend server.database.",
        )
    return ConfigurationError(f"user_pools: {error}", "Mend it in the file.")


def give_people(state: Path, uid: int | None) -> None:
    """Let edges of another user work with the database and its key, and with nothing else of the state.

    The state folder can then be passed through by others, but not be listed; what lies in it is its owner's alone.

    :raises RuntimeFailure: the key lies elsewhere, and is not that user's.
    """
    if uid is None:
        state.chmod(0o700)
        return
    key = key_path(state, os.environ)
    if key.parent == state:
        os.chown(key, uid, -1)
    elif key.stat().st_uid != uid:
        raise RuntimeFailure(
            f"{key} does not belong to user {uid}, as whom gateway processes run.",
            f"chown it, or leave {KEY_VARIABLE} out.",
        )
    folder = state / FOLDER
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, -1, follow_symlinks=False)
    state.chmod(0o711)


def refuse_plain_http(auth_url: str) -> None:
    """B2: cookies and passwords over plain http stay on this machine. :raises ConfigurationError: they would not."""
    parts = urlsplit(auth_url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):  # B2
        raise ConfigurationError(
            f"People would sign in over plain http on {auth_url}, which others can read.",
            "Set server.auth_url to an https address, give --tls-cert, or let --auth be on 127.0.0.1.",
        )
