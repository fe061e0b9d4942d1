"""The zygote: an interpreter with the common modules imported, forked once for each environment.

Run as ``python -I -S zygote.py <control fd>`` with a clean environment; it never sees Lockgate's own packages.
It obeys the driver over the control socket and ends with it: when the socket closes, everything is killed.
Standard library only, Python 3.9; the files beside it are loaded by path under names no function would use.
With ``--function <bootstrap>`` instead it is the start of a fresh interpreter inside an environment.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import site
import socket
import sys
import time
from types import ModuleType
from typing import Any, NoReturn

# A fork costs 1-2 ms, and a start should not pay for the next one's: wait until those under way are over.
SPARE_DELAY_S = 0.01
_NEWNS, _NEWIPC, _NEWPID = 0x00020000, 0x08000000, 0x20000000  # see kernel.py


class _Child:
    """One environment, seen from here: its first process and the pipe on which that speaks."""

    def __init__(self, pid: int, status: int, orders: socket.socket) -> None:
        self.number: int | None = None  # a spare has none yet
        self.orders = orders
        self.pid = pid
        self.status = status
        self.text = b""
        self.ending: dict[str, int] = {}


class Zygote:
    def __init__(self, control: socket.socket, wire: ModuleType, inside: ModuleType) -> None:
        self._control = control
        self._wire = wire
        self._inside = inside
        self._inbox = wire.Inbox(control)
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}  # by pid
        self._kernel: Any = None
        self._sandbox: Any = None
        self._bootstrap: ModuleType | None = None
        self._spare: _Child | None = None

    def run(self, setup: dict[str, Any], kernel: ModuleType, sandbox: ModuleType) -> NoReturn:
        """Obey until the driver is gone."""
        try:
            self._prepare(setup, kernel, sandbox)
        except (OSError, ImportError, SyntaxError) as problem:
            self._send({"event": "refused", "reason": str(problem)})
            os._exit(1)
        self._send({"event": "hello", "version": list(sys.version_info[:3])})
        self._keeps_spare = setup["spare"]
        while True:
            wants_spare = self._keeps_spare and self._spare is None
            ready = self._selector.select(SPARE_DELAY_S if wants_spare else None)
            for key, _ in ready:
                key.data()
            if wants_spare and not ready:
                self._make_spare()

    def _prepare(self, setup: dict[str, Any], kernel: ModuleType, sandbox: ModuleType) -> None:
        os.umask(0o022)
        for name in setup["preload"]:
            importlib.import_module(name)
        if setup["bootstrap"] is not None:
            self._bootstrap = load("_lockgate_bootstrap", setup["bootstrap"])
        if sys.platform == "linux":
            self._kernel = kernel.Kernel()
        self._watch_children()
        if setup["mode"] != "plain":
            self._enter_sandbox(setup, sandbox)
        elif self._kernel is not None:
            self._kernel.become_subreaper()
        if self._kernel is not None:
            if os.geteuid() == 0 or setup["mode"] != "plain":
                self._kernel.drop_bounding_set()
            self._kernel.set_dumpable(False)  # its memory is every function's memory
        add_site_builtins()
        hide_ourselves()
        gc.collect()
        gc.freeze()  # a collection in a child must not touch, and so copy, the shared pages

    def _enter_sandbox(self, setup: dict[str, Any], sandbox: ModuleType) -> None:
        self._sandbox = sandbox.Sandbox(self._kernel, setup["root"], unprivileged=setup["mode"] == "user")
        self._sandbox.enter(
            prefixes=setup["prefixes"],
            files=setup["files"],
            runtime=setup["runtime"],
            language=setup["language"],
            links=setup["links"],
        )

    def _watch_children(self) -> None:
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._wake = wake  # kept open
        self._selector.register(woken, selectors.EVENT_READ, lambda: self._reap(woken))
        self._selector.register(self._control, selectors.EVENT_READ, self._obey)

    def _obey(self) -> None:
        try:
            requests = self._inbox.receive()
        except (EOFError, OSError):
            self._end()
        for request, fds in requests:
            if request["do"] == "start":
                self._start(request, fds)
            elif request["do"] == "stop":
                self._stop(request["number"])

    def _start(self, request: dict[str, Any], fds: list[int]) -> None:
        number = request["number"]
        try:
            child = self._spare or self._make_child()
            self._spare = None
            child.number = number
            self._wire.send_whole(child.orders, request, fds)
        except OSError as problem:
            self._refuse(number, f"fork: {problem}")
        else:
            child.orders.close()
        finally:
            for fd in fds:
                os.close(fd)

    def _make_child(self) -> _Child:
        """Fork an environment that waits for its request. :raises OSError:"""
        reading, writing = os.pipe()
        ours, theirs = socket.socketpair()
        try:
            pid = self._fork()
            if pid == 0:
                self._inside.run_first_process(
                    theirs,
                    writing,
                    wire=self._wire,
                    kernel=self._kernel,
                    sandbox=self._sandbox,
                    bootstrap=self._bootstrap,
                )
        except OSError:
            os.close(reading)
            ours.close()
            raise
        finally:
            os.close(writing)
            theirs.close()
        os.set_blocking(reading, False)
        child = _Child(pid, reading, ours)
        self._children[pid] = child
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._hear(child))
        return child

    def _make_spare(self) -> None:
        """Have the next environment waiting, while there is nothing else to do."""
        try:
            self._spare = self._make_child()
        except OSError:  # the next start tries again, and reports it
            self._spare = None

    def _refuse(self, number: int, message: str) -> None:
        failure = {"message": message, "permanent": False, "error_type": "Sandbox.Failure"}
        self._send({"event": "failed", "number": number, **failure})
        self._send({"event": "gone", "number": number})

    def _fork(self) -> int:
        """Fork; with namespaces the child is pid 1 of a new one."""
        if self._sandbox is None:
            return os.fork()
        return int(self._kernel.fork_into(_NEWNS | _NEWIPC | _NEWPID))

    def _hear(self, child: _Child) -> bool:
        """Read what the first process says. False: nothing more for now, or ever."""
        if child.status < 0:  # closed by `_reap` in the same round of the loop
            return False
        try:
            chunk = os.read(child.status, 65536)
        except BlockingIOError:
            return False
        if not chunk:
            self._close_status(child)
            return False
        child.text += chunk
        while b"\n" in child.text:
            line, child.text = child.text.split(b"\n", 1)
            self._tell(child, json.loads(line))
        return True

    def _close_status(self, child: _Child) -> None:
        if child.status >= 0:
            self._selector.unregister(child.status)
            os.close(child.status)
            child.status = -1

    def _tell(self, child: _Child, said: dict[str, Any]) -> None:
        if child.number is None:  # nobody else would hear of it
            sys.stderr.write(f"zygote: a spare environment ended: {said}\n")
            self._spare = None if child is self._spare else self._spare
            return
        if "ready" in said:
            # One clock for all processes of a machine: the driver may hear this after the function's first `next`.
            self._send({"event": "started", "number": child.number, "pid": child.pid, "at": time.monotonic()})
        elif "failed" in said:
            self._send({"event": "failed", "number": child.number, **said["failed"]})
        else:
            child.ending = said

    def _reap(self, woken: socket.socket) -> None:
        try:
            woken.recv(4096)
        except BlockingIOError:  # heard already with an earlier one
            return
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is self._spare:
                self._spare = None
            if child is not None:
                while self._hear(child):  # everything was written before it ended
                    pass
                self._close_status(child)
                child.orders.close()
                if child.number is not None:
                    self._send({"event": "gone", "number": child.number, **child.ending})

    def _stop(self, number: int) -> None:
        for child in self._children.values():
            if child.number == number:
                self._kill(child)

    def _kill(self, child: _Child) -> None:
        # Without a process namespace the first process must still find and kill the others.
        os.kill(child.pid, signal.SIGKILL if self._sandbox is not None else signal.SIGTERM)

    def _end(self) -> NoReturn:
        """The driver is gone: so is everything that it had started."""
        for child in self._children.values():
            self._kill(child)
        while self._children:
            try:
                pid, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            self._children.pop(pid, None)
        os._exit(0)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(self._wire.encode(message))
        except OSError:
            self._end()


def load(name: str, path: str) -> ModuleType:
    """Import one file under a name of our choice. :raises ImportError:"""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def add_site_builtins() -> None:
    """``exit``, ``quit`` and ``help``, which ``-S`` leaves out and functions may call."""
    site.setquit()
    site.sethelper()


def hide_ourselves() -> None:
    """Leave the module path as a function should find it; loaded modules live on by reference."""
    for name in [name for name in sys.modules if name.startswith("_lockgate_")]:
        if name != "_lockgate_bootstrap":
            del sys.modules[name]


def run_function(bootstrap: str) -> NoReturn:
    """A fresh interpreter inside an environment: the same start as a forked one."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == folder:
        del sys.path[0]
    add_site_builtins()
    inside = load("_lockgate_inside", os.path.join(folder, "inside.py"))
    module = load("_lockgate_bootstrap", bootstrap)
    hide_ourselves()
    inside.run_bootstrap(module)
    raise AssertionError("unreachable")


def run_zygote(fd: int) -> NoReturn:
    folder = os.path.dirname(os.path.abspath(__file__))
    wire, inside, kernel, sandbox = (
        load("_lockgate_" + name, os.path.join(folder, name + ".py"))
        for name in ("wire", "inside", "kernel", "sandbox")
    )
    control = socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    inbox = wire.Inbox(control)
    messages: list[Any] = []
    while not messages:
        messages = inbox.receive()
    setup = messages[0][0]  # the driver sends nothing more before it has heard the answer
    Zygote(control, wire, inside).run(setup, kernel, sandbox)


if __name__ == "__main__":
    if sys.argv[1] == "--function":
        run_function(sys.argv[2])
    run_zygote(int(sys.argv[1]))
