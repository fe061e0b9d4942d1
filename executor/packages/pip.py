"""Runs pip for another interpreter, into a folder.

Our own pip is used where it can work for that interpreter, else the interpreter's own: neither has to be
there (Debian leaves pip out, uv installs tools without it), and an old interpreter is beyond a new pip.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from executor.interpreters import Interpreter

INSTALL_TIMEOUT_S = 900.0  # a big wheel over a slow line; pip's own timeouts act on each connection
PROBE_TIMEOUT_S = 60.0
KEPT_LINES = 20  # of pip's output, for the message: the reason stands at its end

Progress = Callable[[str], None]


class PipFailed(Exception):  # reads as what happened
    """pip is missing or ended with an error; the message has the last lines that it printed."""


class Installations:
    """The pips that run now. Closing ends them: whoever stops need not wait for an index that says nothing."""

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


def install(
    arguments: Sequence[str],
    *,
    target: Path,
    interpreter: Interpreter,
    cwd: Path,
    on_progress: Progress,
    installations: Installations | None = None,
) -> None:
    """Run ``pip install`` for `interpreter`, into the empty folder `target`.

    :param arguments: what to install, and options for it.
    :param cwd: relative paths in a requirements file are meant from here.
    :param on_progress: gets pip's lines as they come (``Collecting boto3`` …).
    :param installations: where it is among those that can be ended.
    :raises PipFailed:
    """
    command = [
        *_find_pip(interpreter),
        *("install", "--target", str(target), "--no-compile", "--no-input", "--progress-bar=off"),
        *("--no-warn-script-location", "--disable-pip-version-check", *arguments),
    ]
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=_environment(),
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # pip for another interpreter is a second process, which must end with it
        ) as process,
        (installations or Installations()).holding(process),
    ):
        last = _relay(process, on_progress)
    if process.returncode != 0:
        raise PipFailed("\n".join(last) or f"pip ended with {process.returncode}")


def _relay(process: "subprocess.Popen[str]", on_progress: Progress) -> list[str]:
    """Pass pip's lines on until it ends; return the last ones. It is killed when it takes too long."""
    last: list[str] = []
    deadline = threading.Timer(INSTALL_TIMEOUT_S, _end, (process,))
    deadline.start()
    try:
        for line in process.stdout or ():
            text = line.strip()
            if text:
                last = [*last[-KEPT_LINES + 1 :], text]
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


def _find_pip(interpreter: Interpreter) -> list[str]:
    """The first command that works, judged by running ``--version``."""
    program = str(interpreter.path)
    choices = (
        [sys.executable, "-I", "-m", "pip", "--python", program],
        [program, "-I", "-m", "pip"],
    )
    for command in choices:
        try:
            subprocess.run(
                [*command, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_environment(),
                timeout=PROBE_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return command
    raise PipFailed(
        f"no pip works for python{interpreter.release} ({program}): "
        f"run '{sys.executable} -m ensurepip' or install pip for that interpreter"
    )


def _environment() -> dict[str, str]:
    """PIP_* (an index, a proxy) is the operator's wish; PYTHON* would change what pip itself imports."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
