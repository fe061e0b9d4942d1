"""Where the people of the user pools are kept, and how the server and the command line open it alike.

The database is ``${state}/auth/auth.db`` or PostgreSQL; the key that seals what is in it lies outside of it, in
``${state}/key`` or where ``LOCKGATE_KEY_FILE`` says.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.config.grammar.file import RoutesFile
from lockgate.errors import RuntimeFailure

if TYPE_CHECKING:
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
    from auth.store.sql.store import open_store

    if url.startswith("sqlite:"):
        database_file(state).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return open_store(url, KeyFile.open_or_make(key_path(state, os.environ)))
    except KeyFileError as error:
        hint = f"Bring the key back, or name it with {KEY_VARIABLE}."
        raise RuntimeFailure(f"The key of the user pools cannot be used: {error}.", hint) from error
    except Unavailable as error:
        raise RuntimeFailure(
            f"The database of the user pools does not answer: {error.detail or error}.",
            "Start it, or mend server.database.",
        ) from error
