"""Runs a package manager: its lines as they come, its last ones for a message, a deadline, and an end at will."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

INSTALL_TIMEOUT_S = 900.0  # a big package over a slow line; the managers' own timeouts act on each connection
KEPT_LINES = 20  # of its output, for the message: the reason stands at its end

Progress = Callable[[str], None]


class Installations:
    """The package managers that run now. Closing ends them: nobody waits for an index that says nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def close(self) -> None:
        """End those that run, and those that begin from now on."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _end(process)

    @contextmanager
    def holding(self, process: "subprocess.Popen[str]") -> Iterator[None]:
        with self._lock:
            self._running.add(process)
            if self._closed:
                _end(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    on_progress: Progress,
    installations: Installations | None = None,
    kept_lines: int = KEPT_LINES,
) -> tuple[int, list[str]]:
    """Run `command` to its end.

    :param installations: where it is among those that can be ended.
    :returns: its status, and the last lines that it printed.
    """
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # what it has started must end with it
        ) as process,
        (installations or Installations()).holding(process),
    ):
        last = _relay(process, on_progress, kept_lines)
    return process.returncode, last


def _relay(process: "subprocess.Popen[str]", on_progress: Progress, kept_lines: int) -> list[str]:
    """Pass its lines on until it ends; return the last ones. It is killed when it takes too long."""
    last: list[str] = []
    deadline = threading.Timer(INSTALL_TIMEOUT_S, _end, (process,))
    deadline.start()
    try:
        for line in process.stdout or ():
            text = line.strip()
            if text:
                last = [*last[-kept_lines + 1 :], text]
                on_progress(text)
        process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        deadline.cancel()
    return last


def _end(process: "subprocess.Popen[str]") -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
