"""Removing what an earlier start of this instance left: processes that carry its mark, and noted zygotes.

Only this instance's: another one on the same machine has another name in its mark and its own state folder.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from executor.drivers.process.variables import MARK
from executor.drivers.process.zygotes import process_identity


def reap_processes(instance: str, notes: Path) -> int:
    """Kill everything of `instance`; return how many processes that were.

    Killing a zygote or an environment's first process makes the kernel kill what is below it, marked or not.
    """
    found = set(_marked(instance)) | set(_noted(notes))
    for pid in found:
        with suppress(OSError):  # gone meanwhile with the process above it
            os.kill(pid, signal.SIGKILL)
    return len(found)


def marked_processes(mark: str) -> list[int]:
    """Processes whose mark begins with `mark` (``instance/`` or ``instance/epoch/``)."""
    return list(_marked(mark.rstrip("/")))


def _marked(beginning: str) -> Iterator[int]:
    wanted = f"{MARK}={beginning}/".encode()
    try:
        entries = os.listdir("/proc")
    except OSError:  # no /proc, as on macOS: zygotes end with their server there, by their socket
        return
    for entry in entries:
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = Path(f"/proc/{entry}/environ").read_bytes()
        except OSError:  # ended, or another user's
            continue
        if any(variable.startswith(wanted) for variable in environment.split(b"\0")):
            yield int(entry)


def _noted(notes: Path) -> Iterator[int]:
    for file in notes.glob("zygote-*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):  # torn by a crash: its mark still finds it
            note = json.loads(file.read_text())
            identity = note["identity"]
            if identity is not None and process_identity(int(note["pid"])) == identity:
                yield int(note["pid"])
        file.unlink(missing_ok=True)
