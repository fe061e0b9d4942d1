"""A server that a benchmark starts: waits until it answers, and ends all that it started."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from benchmarks.processes import children, family, of_users

START_S = 90.0
STOP_S = 20.0
_STEP_S = 0.005  # peers have no event that says ready, so their port is asked


class StartFailed(Exception):
    """The server did not come up; carries the end of what it printed."""


class Program:
    """One child process with its output in a file. A context manager: leaving it ends the whole family.

    :param uids: processes of these users belong to it, too: containers are children of their engine.
    :param stop_s: how long its end may take before it is killed.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        folder: Path,
        env: dict[str, str] | None = None,
        uids: range = range(0),
        stop_s: float = STOP_S,
    ):
        self.name = name
        self._uids = uids
        self._stop_s = stop_s
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=os.environ | (env or {}), start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def family(self) -> list[int]:
        """It, what descends from it, and what its users run."""
        return list(dict.fromkeys([*family(self.pid), *of_users(self._uids)]))

    def servers(self) -> list[int]:
        """It and its own children, if those are servers as well: a supervisor's are."""
        return [self.pid, *children(self.pid)] if self._uids else [self.pid]

    def await_true(self, is_ready: Callable[[], bool], what: str) -> Self:
        """:raises StartFailed: it ended, or was not ready in time; the process is gone then."""
        deadline = time.monotonic() + START_S
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartFailed(f"{self.name}: {what}\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(_STEP_S)
        return self

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to what is left of its family."""
        members = family(self.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(self._stop_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_S)
        for pid in members[1:]:
            if pid in _session(self.pid):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _session(leader: int) -> list[int]:
    """Living processes of the session that *leader* began: they stay in it after it ended."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _session_of(pid) == leader]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def get(
    url: str, *, method: str = "GET", body: bytes | None = None, timeout_s: float = 30.0
) -> tuple[int, bytes]:
    """One request on a connection of its own. :raises OSError: nothing listens."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request(method, parts.path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answers(url: str) -> bool:
    """Whether anything speaks HTTP there."""
    try:
        get(url)
    except (OSError, http.client.HTTPException):
        return False
    return True
