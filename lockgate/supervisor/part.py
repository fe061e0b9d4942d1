"""One process of the server as its supervisor sees it: how it is started, what it said, how often it ended."""

import json
import os
import signal
import socket
import sys
from time import monotonic

VARIABLE = "LOCKGATE_PART"  # what a part was given; read by lockgate.parts.membership
LONG_ENOUGH_S = 10.0  # a process that lived so long did not fail at its start
LONGEST_PAUSE_S = 10.0
_FIRST_PAUSE_S = 0.1
_PR_SET_PDEATHSIG = 1  # prctl(2)
# What an edge needs of the environment. The rest may be secrets that the routes file names for functions.
_OF_EDGES = frozenset({"HOME", "LANG", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV", "XDG_RUNTIME_DIR"})
_OF_EDGES_BY_PREFIX = ("LC_", "PYTHON", "SSL_CERT_", "COVERAGE")


class Part:
    """:param spec: ``name``, ``argv``, ``sockets`` (name → descriptor), ``index`` and ``of`` of the edges.
    :param shared: what each is told: ``log_lock`` and ``kept`` (descriptors), ``public`` (names), ``auth_url``.
    :ivar pid: 0 while it does not run.
    """

    def __init__(self, spec: dict, shared: dict) -> None:  # type: ignore[type-arg]  # JSON, as it came
        self.name: str = spec["name"]
        self._spec = spec
        self._shared = shared
        self.pid = 0
        self.status: socket.socket | None = None
        self.is_ready = False
        self.is_ending = False
        self.restarts = -1
        self.due_mono = 0.0
        self._failures = 0
        self._started_mono = 0.0

    def __repr__(self) -> str:
        return f"<Part {self.name} pid={self.pid} ready={self.is_ready} restarts={self.restarts}>"

    @property
    def is_edge(self) -> bool:
        return self.name != "executor"

    def successor(self) -> "Part":
        """Another process of the same name, to run beside this one until it can take its place."""
        other = Part(self._spec, self._shared)
        other.restarts = self.restarts
        return other

    def start(self) -> None:
        """Run it. It ends when this process does."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.status, self.is_ready, self.is_ending = ours, False, False
        self.restarts += 1
        self._started_mono = monotonic()
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become(theirs, supervisor)
            finally:
                os._exit(127)
        theirs.close()

    def _become(self, status: socket.socket, supervisor: int) -> None:
        """In the new process: never returns."""
        os.setpgid(0, 0)  # Ctrl-C is the supervisor's: it ends the others in their order
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR2):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it knows what to do with it
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)  # stdout is the supervisor's
        given = {
            "pid": os.getpid(),
            "name": self.name,
            "sockets": self._spec["sockets"],
            "status": status.fileno(),
            "index": self._spec["index"],
            "of": self._spec["of"],
            "public": self._shared["public"],
            "auth_url": self._shared["auth_url"],
            "restarts": self.restarts,
            "log_lock": self._shared["log_lock"],
            "kept": -1 if self.is_edge else self._shared["kept"],
        }
        keeps = [status.fileno(), given["log_lock"], *self._spec["sockets"].values()]
        for fd in keeps if self.is_edge else [*keeps, given["kept"]]:
            os.set_inheritable(fd, True)
        if "uid" in self._spec:
            os.setgroups([])
            os.setgid(self._spec["gid"])
            os.setuid(self._spec["uid"])
        _die_with(supervisor)  # after the change of user, which clears it (prctl(2))
        environ = {name: value for name, value in os.environ.items() if self._is_given(name)}
        environ[VARIABLE] = json.dumps(given)
        os.execve(self._spec["argv"][0], self._spec["argv"], environ)  # noqa: S606  # no shell is wanted

    def _is_given(self, variable: str) -> bool:
        if self.is_edge:
            return variable in _OF_EDGES or variable.startswith(_OF_EDGES_BY_PREFIX)
        return not variable.startswith("LISTEN_")

    def signal(self, number: int) -> None:
        if self.pid:
            os.kill(self.pid, number)

    def end(self) -> None:
        """Let it drain."""
        self.is_ending = True
        self.signal(signal.SIGTERM)

    def leave(self) -> None:
        """Let it drain, and its clients take their time: another one is in its place."""
        self.is_ending = True
        self.signal(signal.SIGUSR2)

    def ended(self) -> None:
        """It is no more. Says when it is due again: at once, unless it fails again and again."""
        self.pid, self.is_ready = 0, False
        if self.status is not None:
            self.status.close()
            self.status = None
        now = monotonic()
        if now - self._started_mono >= LONG_ENOUGH_S or self.is_ending:
            self._failures = 0
        pause_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._failures) if self._failures else 0.0
        self._failures += 1
        self.due_mono = now + pause_s


def _die_with(supervisor: int) -> None:
    """Have the kernel kill this process when its parent ends. Elsewhere than on Linux its status socket tells it."""
    if sys.platform != "linux":
        return
    import ctypes  # only in the new process: it is not small

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        os._exit(1)
