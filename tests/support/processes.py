"""The processes of a server that has several: who they are, what they weigh, and waiting for them to change."""

import json
import os
from contextlib import suppress
from pathlib import Path

from tests.support.observed import wait_until
from tests.support.server import RunningServer

BACK_S = (
    30.0  # a process that was killed is there again: its imports, on a machine that does other things too
)


def parts(server: RunningServer) -> dict[str, int]:
    """Name → pid of the living processes below a supervisor: ``executor``, ``edge-1``, ``auth-1`` ….

    A process that takes another's place has its name too; as long as both are there it is found as ``edge-1'``.
    """
    assert server.process is not None
    found: dict[str, int] = {}
    for pid in sorted(children(server.process.pid)):
        name = _name(pid)
        while name in found:
            name += "'"
        if name:
            found[name] = pid
    return found


def children(pid: int) -> list[int]:
    """Processes whose parent is *pid*, zombies too."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            fields = Path(f"/proc/{int(entry)}/stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(entry))
    return found


def zombies(pid: int) -> list[int]:
    """Children of *pid* that have ended and that it has not looked at."""
    found = []
    for child in children(pid):
        with suppress(OSError):
            if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                found.append(child)
    return found


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def memory_mb(pid: int) -> float:
    """Resident memory."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


def wait_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the end of {pids}", BACK_S)


def _name(pid: int) -> str:
    """What the supervisor called it; empty: it is not one of its parts, or not yet."""
    with suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(b"LOCKGATE_PART="):
                name: str = json.loads(variable.partition(b"=")[2])["name"]
                return name
    return ""
