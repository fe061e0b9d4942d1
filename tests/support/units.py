"""Runs the commands of systemd units without systemd: as they stand in the file, with sockets passed as it would."""

import configparser
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.server import _PASS_SOCKETS

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
START_S = 90.0
STOP_S = 40.0


def read_unit(name: str) -> configparser.ConfigParser:
    """Each section's last value of a key; `SystemCallFilter` may stand twice."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys are written in their own case
    unit.read(UNITS / name)
    return unit


def command_of(name: str, replaced: Mapping[str, str]) -> list[str]:
    """The words of ExecStart. :param replaced: what is elsewhere on this machine."""
    words = shlex.split(read_unit(name)["Service"]["ExecStart"])
    return [replaced.get(word, word) for word in words]


class UnitProcess:
    """One service. `start` returns when it has said that it is ready."""

    def __init__(
        self, command: list[str], folder: Path, inherited: Mapping[str, socket.socket] | None = None
    ) -> None:
        self._command = command
        self._folder = folder
        self._inherited = dict(inherited or {})
        self._log = folder / f"{command[1]}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self._command
        passed = [sock.fileno() for sock in self._inherited.values()]
        if passed:
            names = ":".join(self._inherited)
            command = [sys.executable, "-c", _PASS_SOCKETS, names, *map(str, passed), "--", *command]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self._folder, pass_fds=passed, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, env=dict(os.environ),
            )  # fmt: skip
        assert self.process.stdout is not None
        with self.process.stdout as out:
            assert out.readline() == b"ready\n", self._log.read_text()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def end(self) -> None:
        """Whatever has become of it."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
