"""Lockgate itself as a benchmark starts it: the command, all parts in one process, the process driver."""

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any, Self

from benchmarks.program import Program

BODY = b'{"id":7}'
HANDLER = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"id":7}'}
"""
STOP_S = 180.0  # hundreds of containers are removed, some at a time
# Users of a server's environments, and the one that those with volumes share: its containers' processes are found by
# them.
_uids = (range(start, start + 1000) for start in count(2_000_000 + os.getpid() % 1000 * 100_000, 1000))
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


class LockgateServer:
    """`with LockgateServer(folder, routes_yaml) as server:`. Everything is on: access log, metrics, logs.

    :param workers: gateway processes beside an executor; 0: as the driver wants it, which is none with processes.
    """

    def __init__(
        self, folder: Path, routes: str, *, name: str = "lockgate", driver: str = "process", workers: int = 0
    ):
        self.name = name
        uids = range(0)
        extra: tuple[str, ...] = ()
        if driver != "process" or workers:
            uids = next(_uids)
            extra = ("--uid-base", str(uids.start + 1), *(("--workers", str(workers)) if workers else ()))
        self.state = folder / f"{name}-state"
        config = folder / f"{name}.yaml"
        config.write_text(routes)
        self.program = Program(
            name,
            [sys.executable, "-m", "lockgate.cli", "serve", "--driver", driver, *extra, "-c", str(config),
             "--state", str(self.state),
             *(part for role in ("gateway", "auth", "control", "admin") for part in (f"--{role}", "127.0.0.1:0"))],
            folder=folder, uids=uids, stop_s=STOP_S,
        )  # fmt: skip
        self.program.await_true(self._is_ready, "not ready")
        self.endpoints: dict[str, Any] = json.loads(lockgate("env", "--json", "--state", str(self.state)))

    def _is_ready(self) -> bool:
        # The line `ready` on stdout; the log has JSON lines and the banner beside it.
        return b"\nready\n" in b"\n" + self.program.log.read_bytes()

    @property
    def pid(self) -> int:
        return self.program.pid

    def url(self, path: str) -> str:
        return f"{self.endpoints['gateway']}{path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def lockgate(*arguments: str) -> bytes:
    """Run a command of ours and return its stdout. :raises subprocess.CalledProcessError:"""
    command = [sys.executable, "-m", "lockgate.cli", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300).stdout


def write_handler(folder: Path, source: str = HANDLER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(source)
