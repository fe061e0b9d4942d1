"""Find the server that runs on a state folder."""

import fcntl
import os
from pathlib import Path
from typing import Any

from lockgate.errors import RuntimeFailure
from lockgate.state import State

ROLES = ("server", "executor")  # under a supervisor the executor may be away for a moment


def find_server(state: Path) -> dict[str, Any]:
    """What the running server published. :raises RuntimeFailure: none runs here."""
    endpoints = (
        State(state).endpoints() if any(_is_locked(state / f"{role}.lock") for role in ROLES) else None
    )
    if endpoints is None:
        raise RuntimeFailure(
            f"No server runs on the state folder {state.absolute()}.",
            "Start one with `lockgate serve` or `lockgate dev`, or name its folder with --state.",
        )
    return endpoints


def _is_locked(path: Path) -> bool:
    """Whether a server holds the state: the kernel drops the lock with the process, however it ended."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)
