"""A real Lockgate server for tests: the command itself in a process of its own, on ports of its own."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

START_S = 60.0  # packages are built and interpreters found at the first start
STOP_S = 40.0

# sd_listen_fds(3): the sockets are descriptors 3, 4, …, and LISTEN_PID is the process that execs the server.
_PASS_SOCKETS = """
import fcntl, os, sys
end = sys.argv.index("--")
copies = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 100) for fd in sys.argv[2:end]]
for number, fd in enumerate(copies, 3):
    os.dup2(fd, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"""


class ServerFailed(AssertionError):
    """The server did not say ``ready``. The message carries all that it printed."""


class RunningServer:
    """`with RunningServer(config, state) as server:`; stderr goes to ``<state>/../stderr.log``."""

    def __init__(
        self,
        config: Path,
        state: Path,
        *,
        extra: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        inherited: Mapping[str, socket.socket] | None = None,
        command: str = "serve",
    ):
        """:param inherited: listening sockets that it is given as a service manager would, by name."""
        self.config = config
        self.state = state
        self.stderr_path = state.with_name(state.name + ".stderr.log")
        self._extra = extra
        self._command = command
        self._env = env or {}
        self._inherited = dict(inherited or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoints: dict[str, Any] = {}

    def start(self) -> Self:
        command = [
            sys.executable, "-m", "lockgate.cli", self._command, "--driver", "process", "-c", str(self.config),
            "--state", str(self.state), "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0",
            "--admin", "127.0.0.1:0", "--auth", "127.0.0.1:0", *self._extra,
        ]  # fmt: skip
        passed = [sock.fileno() for sock in self._inherited.values()]
        if passed:
            names = ":".join(self._inherited)
            command = [sys.executable, "-c", _PASS_SOCKETS, names, *map(str, passed), "--", *command]
        with self.stderr_path.open("ab") as stderr:
            self.process = subprocess.Popen(
                command,
                pass_fds=passed,
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                env=os.environ | self._env,
            )
        self._await_ready()
        self.endpoints = self.env()
        return self

    def _await_ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = time.monotonic() + START_S
        seen = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"ready\n" not in seen:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.kill()
                    raise ServerFailed(f"not ready after {START_S} s\n{self.stderr()}")
                chunk = os.read(self.process.stdout.fileno(), 4096)
                if not chunk:
                    code = self.process.wait(10)
                    self.process.stdout.close()
                    raise ServerFailed(f"exit {code} before ready\n{self.stderr()}")
                seen += chunk
        assert seen == b"ready\n", seen

    def env(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "lockgate.cli", "env", "--json", "--state", str(self.state)],
            capture_output=True, check=True, timeout=30,
        )  # fmt: skip
        endpoints: dict[str, Any] = json.loads(done.stdout)
        return endpoints

    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM, and the exit code. All that it started must be gone by then."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait for its end, which somebody has brought about."""
        assert self.process is not None
        code = self.process.wait(STOP_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def gateway(self) -> str:
        return str(self.endpoints["gateway"])

    @property
    def gateway_address(self) -> tuple[str, int]:
        host, _, port = self.gateway.removeprefix("http://").rpartition(":")
        return host, int(port)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


def lockgate(
    *words: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end. No setting of the caller's own environment reaches it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOCKGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "lockgate.cli", *map(str, words)],
        input=stdin, capture_output=True, env=clean | (env or {}), timeout=30,
    )  # fmt: skip
