"""What the pools of a file are called where no server can be asked: ids and issuers as the last one published them."""

from pathlib import Path

from lockgate.config.grammar.file import RoutesFile
from lockgate.pool_names import PoolNames, pool_names
from lockgate.state import State

# Where ``serve`` listens unless it is told otherwise, and no server has said where it was.
_DEFAULT_AUTH_URL = "http://127.0.0.1:8081"


def offline_names(file: RoutesFile, state: Path) -> PoolNames:
    """:param state: of the server that runs, or ran."""
    published = State(state).endpoints() or {}
    known = {name: pool["id"] for name, pool in published.get("user_pools", {}).items()}
    auth_url = file.server.auth_url or published.get("auth") or _DEFAULT_AUTH_URL
    return pool_names(file, auth_url=auth_url, known=known)
