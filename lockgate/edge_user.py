"""Whether the user that gateway processes run as can reach what they need, asked before any of them is started."""

import os
import pwd
import sys
from collections.abc import Iterable
from pathlib import Path

from lockgate.errors import RuntimeFailure


def gid_of(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:  # a number that nobody has named
        return uid


def refuse_unreachable(uid: int, also: Iterable[Path] = ()) -> None:
    """:param also: beside the interpreter and our own code.

    :raises RuntimeFailure: it names the folder that *uid* cannot pass through.
    """
    needed = (Path(sys.executable).resolve(), Path(sys.executable), Path(os.__file__), Path(__file__), *also)
    for path in needed:
        closed = first_closed(path, uid)
        if closed is not None:
            raise RuntimeFailure(
                f"User {uid}, as whom gateway processes run, cannot reach {path}: {closed} is closed to them.",
                f"chmod o+x {closed}, install Lockgate elsewhere (such as /opt), or leave --edge-user out.",
            )


def first_closed(path: Path, uid: int) -> Path | None:
    """The folder that keeps *uid* from *path*, if any. A child asks the kernel, which knows of ACLs, too."""
    above = [*reversed(path.parents), path]
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"?"
        try:
            _become(uid)
            reached = sum(1 for each in above if _is_there(each))
            answer = str(reached).encode()
        finally:
            os.write(write_end, answer)
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    if not answer.isdigit():
        raise RuntimeFailure(f"This process cannot become user {uid}.", "Start it as root.")
    reached = int(answer)
    return None if reached == len(above) else above[max(reached - 1, 0)]


def _become(uid: int) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid_of(uid))
    os.setuid(uid)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True
