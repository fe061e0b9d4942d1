"""Runs pip for another interpreter, into a folder.

Our own pip is used where it can work for that interpreter, else the interpreter's own: neither has to be
there (Debian leaves pip out, uv installs tools without it), and an old interpreter is beyond a new pip.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from executor.interpreters import Interpreter
from executor.packages import installer
from executor.packages.installer import Installations, Progress

PROBE_TIMEOUT_S = 60.0


class PipFailed(Exception):  # reads as what happened
    """pip is missing or ended with an error; the message has the last lines that it printed."""


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
    status, last = installer.run(
        command, cwd=cwd, environment=_environment(), on_progress=on_progress, installations=installations
    )
    if status != 0:
        raise PipFailed("\n".join(last) or f"pip ended with {status}")


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
