"""Who runs, who is due, who must end: one loop over signals, ends of processes and what they say.

Order: all start at once and ``ready`` is said when all are; edges end before the executor. SIGHUP goes to the
executor, SIGUSR2 starts each process anew without refusing anybody, SIGTERM ends all; a second one at once.
"""

import json
import os
import selectors
import signal
import socket
import sys
from time import gmtime, monotonic, strftime, time

from lockgate.supervisor.part import Part

GRACE_S = 30.0  # beyond the drain: who has not ended then does not end by itself
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD)
RUNTIME = 5  # the exit code of scripts' "it does not run here"


class Supervisor:
    """:param spec: see `lockgate.supervised`."""

    def __init__(self, spec: dict) -> None:  # type: ignore[type-arg]  # JSON, as it came
        self._spec = spec
        shared = {"log_lock": nameless_file("log-lock"), "kept": nameless_file("kept"), **spec["shared"]}
        self.parts = [Part(each, shared) for each in spec["parts"]]
        self._selector = selectors.DefaultSelector()
        self._said_ready = False
        self._hung_up = False
        self._stopping = 0
        self._code = 0
        self._deadline_mono = 0.0
        self._rolling: list[Part] = []
        self._successor: Part | None = None
        self._leaving: list[Part] = []

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> int:
        """Until all have ended. :returns: the exit code."""
        wakeup, theirs = socket.socketpair()
        for end in (wakeup, theirs):
            end.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        self._selector.register(wakeup, selectors.EVENT_READ, None)
        for part in self.parts:
            self._start(part)
        while not (self._stopping and not any(part.pid for part in self._all())):
            for key, _ in self._selector.select(self._pause_s()):
                if key.data is None:
                    self._signalled(wakeup.recv(4096))
                else:
                    self._heard(key.data)
            self._reap()
            self._look_at_time()
        self._say("stopped")
        return self._code

    def _all(self) -> list[Part]:
        return [*self.parts, *self._leaving, *([] if self._successor is None else [self._successor])]

    def _pause_s(self) -> float | None:
        """Until something is due; None: nothing is."""
        moments = [part.due_mono for part in self._waiting()]
        if self._stopping:
            moments.append(self._deadline_mono)
        return max(0.0, min(moments) - monotonic()) if moments else None

    def _waiting(self) -> list[Part]:
        return [] if self._stopping else [part for part in self.parts if not part.pid]

    def _look_at_time(self) -> None:
        now = monotonic()
        for part in self._waiting():
            if part.due_mono <= now:
                self._start(part)
        if self._stopping and self._deadline_mono <= now:
            for part in self._all():
                part.signal(signal.SIGKILL)
            self._deadline_mono = now + GRACE_S

    # --- what happens ---------------------------------------------------------------------------

    def _start(self, part: Part) -> None:
        part.start()
        assert part.status is not None
        self._selector.register(part.status, selectors.EVENT_READ, part)

    def _heard(self, part: Part) -> None:
        """A part said something, or its end of the socket is closed: then its end follows."""
        assert part.status is not None
        try:
            said = part.status.recv(64)
        except OSError:
            said = b""
        if not said:
            self._selector.unregister(part.status)
            return
        part.is_ready = True
        if part is self._successor:
            self._take_over(part)
        elif self._said_ready:
            self._say("part_ready", part=part.name, restarts=part.restarts)
            if self._rolling and part is self._rolling[0]:
                self._roll_on()
        elif all(each.is_ready for each in self.parts):
            self._ready()

    def _ready(self) -> None:
        self._said_ready = True
        self._say("ready", **self._spec["listening"])
        os.write(1, b"ready\n")
        if self._hung_up and not self.parts[0].is_edge:
            self.parts[0].signal(signal.SIGHUP)

    def _reap(self) -> None:
        """Every child that has ended, also one whose parent was ours (no zombie is left to anybody)."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for part in self._all():
                if part.pid == pid:
                    self._ended(part, os.waitstatus_to_exitcode(status))

    def _ended(self, part: Part, code: int) -> None:
        if part.status is not None and part.status in self._selector.get_map():
            self._selector.unregister(part.status)
        was_asked = part.is_ending
        part.ended()
        if part in self._leaving:
            self._leaving.remove(part)
        if part is self._successor:
            self._successor = None
            self._rolling = []  # the one before it serves on; what ails the next would ail the others
            self._say(
                "part_ended", level="error", part=part.name, code=code, message="The restart is given up."
            )
            return
        if self._stopping:
            if not any(each.pid for each in self._all() if each.is_edge):
                self._end_executor()
            return
        if not was_asked:
            self._say("part_ended", level="error", part=part.name, code=code, restarts=part.restarts)
        if not self._said_ready:
            self._code = code if code > 0 else RUNTIME
            self._stop()

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGHUP:
                self._hung_up = not self._said_ready
                if self._said_ready and not self.parts[0].is_edge:
                    self.parts[0].signal(signal.SIGHUP)
            elif number == signal.SIGUSR2:
                self._roll()
            elif number in (signal.SIGTERM, signal.SIGINT):
                if self._stopping:
                    self._end_at_once(number)
                self._stop()

    # --- the end --------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Edges first: what they have under way still needs the executor."""
        if not self._stopping:
            self._say("draining", seconds=self._spec["drain_s"])
        self._stopping += 1
        self._deadline_mono = monotonic() + self._spec["drain_s"] + GRACE_S
        for fd in self._spec["public"]:
            os.close(fd)  # nobody new
        edges = [part for part in self._all() if part.is_edge]
        for part in edges:
            part.end()
        if not any(part.pid for part in edges):
            self._end_executor()

    def _end_executor(self) -> None:
        for part in self.parts:
            if not part.is_edge and part.pid and not part.is_ending:
                part.end()
                self._deadline_mono = monotonic() + self._spec["drain_s"] + GRACE_S

    def _end_at_once(self, number: int) -> None:
        for part in self._all():
            part.signal(signal.SIGKILL)
        self.clean()
        os._exit(128 + number)

    def clean(self) -> None:
        """Remove what names the server that is no more."""
        for path in self._spec["remove"]:
            try:
                os.unlink(path)
            except OSError:
                continue  # it was not there
        for path in self._spec["remove_folders"]:
            try:
                os.rmdir(path)
            except OSError:
                continue  # something else lives in it

    # --- each anew, one after the other -----------------------------------------------------------

    def _roll(self) -> None:
        """Restart the executor, whose callers wait; then put a new edge beside each old one before that ends."""
        if self._rolling or self._successor is not None or self._stopping or not self._said_ready:
            return
        self._say("restarting")
        self._rolling = list(self.parts)
        self._next()

    def _next(self) -> None:
        part = self._rolling[0]
        if not part.is_edge:
            part.end()
            return
        self._successor = part.successor()
        self._start(self._successor)

    def _take_over(self, successor: Part) -> None:
        """It serves: the one before it drains as long as it needs, and nobody waits for that."""
        old = self._rolling[0]
        self.parts[self.parts.index(old)] = successor
        self._successor = None
        self._leaving.append(old)
        old.leave()
        self._say("part_ready", part=successor.name, restarts=successor.restarts)
        self._roll_on()

    def _roll_on(self) -> None:
        self._rolling.pop(0)
        if self._rolling:
            self._next()
        else:
            self._say("restarted")

    def _say(self, kind: str, *, level: str = "info", **fields: object) -> None:
        now = time()
        moment = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now))}.{int(now % 1 * 1000):03d}Z"
        line = json.dumps({"time": moment, "level": level, "event": kind, **fields}, separators=(",", ":"))
        os.write(2, line.encode() + b"\n")


def nameless_file(purpose: str) -> int:
    """A descriptor of a file that nobody else can open, and that is gone with its last holder."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(purpose)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def main() -> int:
    spec = json.loads(sys.argv[1])
    for fd in spec["inherited"]:
        os.set_inheritable(fd, False)  # each process gets what is its own
    supervisor = Supervisor(spec)
    code = supervisor.run()
    supervisor.clean()
    return code
