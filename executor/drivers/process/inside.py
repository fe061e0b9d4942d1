"""What runs inside an environment before the function does: its first process, and the function's own.

The first process (pid 1 of the namespace, or a subreaper where there is none) outlives the function's process
only to say how it ended; with it everything else of the environment goes. Loaded by path into the zygote:
standard library only, Python 3.9. Nothing here returns to the zygote's loop; every path ends in ``os._exit``.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import ModuleType

    from executor.drivers.process.kernel import Kernel
    from executor.drivers.process.sandbox import Sandbox

Request = dict[str, Any]

OPEN_FILES = 1024  # as on Lambda
STACK_BYTES = 8 << 20  # as on Lambda
LOCKED_BYTES = 64 << 10  # as on Lambda
NOT_FOUND_STATUS = 127  # what Lambda reports for a missing AWS_LAMBDA_EXEC_WRAPPER
BROKEN_STATUS = 70  # EX_SOFTWARE; seen only if the first process itself fails
_REMOVAL_ROUNDS = 200  # a fork bomb is bounded by its process limit; this bounds us

# What syscall.Errno prints in Go: these sentences are Lambda's.
_REASONS = {2: "no such file or directory", 8: "exec format error", 13: "permission denied"}


class StartFailed(Exception):
    def __init__(self, message: str, *, permanent: bool, error_type: str) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.error_type = error_type


def run_first_process(
    orders: socket.socket,
    status: int,
    *,
    wire: ModuleType,
    kernel: Kernel | None,
    sandbox: Sandbox | None,
    bootstrap: ModuleType | None,
) -> NoReturn:
    """:param orders: brings one request, at once or (in a spare) later; its descriptors are the output first, then
        the cgroups' files that the function's process joins through.
    :param status: a pipe; lines of JSON say ``ready``, ``failed`` or how it ended.
    """
    try:
        _prepare_first_process(kernel, namespaces=sandbox is not None)
        if sandbox is not None:
            sandbox.open_environment()
        started, error = os.pipe()
        main = os.fork()
        if main == 0:
            _close_all_but([0, 1, 2, error, orders.fileno()])
            run_function_process(
                orders, error, wire=wire, kernel=kernel, sandbox=sandbox, bootstrap=bootstrap
            )
        _close_all_but([0, 1, 2, status, started])
        _watch(main, started, status, namespaces=sandbox is not None)
    except OSError as problem:
        _tell(status, {"failed": _fault(f"environment: {problem}")})
    except BaseException:  # noqa: BLE001  # this process ends here, whatever it was
        traceback.print_exc()
    os._exit(BROKEN_STATUS)


def _fault(
    message: str, *, permanent: bool = False, error_type: str = "Sandbox.Failure"
) -> dict[str, object]:
    return {"message": message, "permanent": permanent, "error_type": error_type}


def _prepare_first_process(kernel: Kernel | None, *, namespaces: bool) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if namespaces:
        assert kernel is not None
        kernel.die_with_parent(signal.SIGKILL)
        return
    os.setsid()
    if kernel is not None:
        kernel.become_subreaper()
        kernel.die_with_parent(signal.SIGTERM)


def _watch(main: int, started: int, status: int, *, namespaces: bool) -> NoReturn:
    """Say how the function's process started and ended; whatever is left of the environment goes then."""
    if not namespaces:
        signal.signal(signal.SIGTERM, lambda *_: _remove_and_exit(main))
    text = _read_all(started)
    os.close(started)
    _tell(status, {"failed": json.loads(text)} if text else {"ready": True})
    while True:
        pid, ending = os.waitpid(-1, 0)
        if pid == main:
            break
    if not namespaces:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _remove_descendants(main)
    if os.WIFSIGNALED(ending):
        _tell(status, {"signal": os.WTERMSIG(ending)})
    else:
        _tell(status, {"code": os.WEXITSTATUS(ending)})
    os._exit(0)  # as pid 1: the kernel kills what is left


def _remove_and_exit(main: int) -> NoReturn:
    _remove_descendants(main)
    os._exit(0)


def _remove_descendants(main: int) -> None:
    """Without a process namespace: kill the group and, where /proc tells, every descendant, until none is left."""
    for _ in range(_REMOVAL_ROUNDS):
        for pid in _descendants(os.getpid()):
            _kill(pid, signal.SIGSTOP)  # nobody forks while the list is being read
        for pid in _descendants(os.getpid()):
            _kill(pid, signal.SIGKILL)
        with suppress(OSError):  # the group is empty
            os.killpg(main, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    try:
        entries = os.listdir("/proc")
    except OSError:  # macOS
        return []
    for entry in entries:
        if entry.isdigit():
            parent = _parent_of(entry)
            if parent is not None:
                children.setdefault(parent, []).append(int(entry))
    found: list[int] = []
    queue = [root]
    while queue:
        next_ones = children.get(queue.pop(), [])
        found += next_ones
        queue += next_ones
    return found


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:  # it ended while we were reading
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    return None if fields[0] == b"Z" else int(fields[1])


def _kill(pid: int, number: int) -> None:
    with suppress(OSError):  # it ended by itself
        os.kill(pid, number)


def run_function_process(
    orders: socket.socket,
    error: int,
    *,
    wire: ModuleType,
    kernel: Kernel | None,
    sandbox: Sandbox | None,
    bootstrap: ModuleType | None,
) -> NoReturn:
    """Wait for the request, give up all rights, become the function. A failure before is written to `error`."""
    try:
        request, fds = _receive(wire.Inbox(orders))
        if sandbox is not None:
            sandbox.mount_environment(request)
        output, *groups = fds
        for group in groups:  # before anything of the function runs, and while still allowed to
            os.write(group, b"0")
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        _set_limits(request)
        _give_up_rights(request, kernel)
        os.chdir(request["cwd"])
        _close_all_but([0, 1, 2, error])
        _run_program(request, error, bootstrap)
    except StartFailed as problem:
        _tell(error, _fault(str(problem), permanent=problem.permanent, error_type=problem.error_type))
    except OSError as problem:
        _tell(error, _fault(f"process: {problem}"))
    except BaseException:  # noqa: BLE001  # this process ends here, whatever it was
        traceback.print_exc()
    os._exit(BROKEN_STATUS)


def _receive(inbox: Any) -> tuple[Request, list[int]]:
    while True:
        try:
            messages = inbox.receive()
        except EOFError:  # a spare that is not needed any more
            os._exit(0)
        if messages:
            request, fds = messages[0]
            return request, fds


def _set_limits(request: Request) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if request["processes"] is not None:
        _limit(resource.RLIMIT_NPROC, request["processes"])
    if request["data_bytes"] is not None:
        _limit(resource.RLIMIT_DATA, request["data_bytes"])
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    _limit(resource.RLIMIT_MEMLOCK, LOCKED_BYTES)
    os.umask(request["umask"])
    _wake_politely()


def _wake_politely() -> None:
    """Run in the batch class: the same share of the CPU, but being woken does not interrupt who woke us.

    The server writes an event and has more to do; with the ordinary class the function's process takes its core in
    the middle of that write.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # a machine may forbid it; then it is only slower
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _give_up_rights(request: Request, kernel: Kernel | None) -> None:
    if request["uid"] is not None:
        os.setgroups([])
        os.setresgid(request["gid"], request["gid"], request["gid"])
        os.setresuid(request["uid"], request["uid"], request["uid"])
    if kernel is not None:
        kernel.drop_capabilities()
        kernel.forbid_new_privileges()
        # A change of credentials made the process undumpable: its own /proc/self would be root's.
        kernel.set_dumpable(True)


def _run_program(request: Request, error: int, bootstrap: ModuleType | None) -> NoReturn:
    kind = request["program"]["kind"]
    if kind == "probe":
        os._exit(0)
    if kind == "bootstrap":
        _exec_bootstrap(request)
    if kind == "exec":
        _exec_program(request, error)
    assert bootstrap is not None
    _reopen_streams()
    os.environ.clear()
    os.environ.update(request["variables"])
    os.close(error)
    run_bootstrap(bootstrap)


def _reopen_streams() -> None:
    # The zygote's were opened on /dev/null, and remember that one can seek there.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    setattr(sys, "__stdout__", sys.stdout)  # noqa: B010  # typeshed has them final
    setattr(sys, "__stderr__", sys.stderr)  # noqa: B010


def _exec_bootstrap(request: Request) -> NoReturn:
    """The executable ``bootstrap`` of a `provided` function. :raises StartFailed:"""
    for path, shown in request["program"]["candidates"]:
        if not os.path.exists(path) or os.path.isdir(path):
            continue
        _restore_signals()
        try:
            os.execve(path, [path], request["variables"])  # noqa: S606
        except OSError as problem:
            number = problem.errno or 0
            reason = _REASONS.get(number) or os.strerror(number).lower()
            raise StartFailed(
                f"fork/exec {shown}: {reason}", permanent=True, error_type="Runtime.InvalidEntrypoint"
            ) from problem
    raise StartFailed(
        "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        permanent=True,
        error_type="Runtime.InvalidEntrypoint",
    )


def _exec_program(request: Request, error: int) -> NoReturn:
    """A fresh interpreter: another language's, or Python's, so that what acts at process start acts (LD_PRELOAD …)."""
    command = request["program"]["command"]
    _restore_signals()
    try:
        os.execve(command[0], command, request["variables"])  # noqa: S606
    except OSError as problem:
        # Lambda starts the wrapper through a shell, whose answer to a missing program is a status.
        os.write(2, f"{command[0]}: {os.strerror(problem.errno or 0)}\n".encode())
        os.close(error)
        os._exit(NOT_FOUND_STATUS)


def _restore_signals() -> None:
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGXFSZ", signal.SIGPIPE)):
        signal.signal(number, signal.SIG_DFL)


def run_bootstrap(bootstrap: ModuleType) -> NoReturn:
    """Run our Runtime API client in this process; its end is the environment's end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.tzset()
    gc.enable()
    sys.argv = [bootstrap.__file__ or "bootstrap"]
    code: Any = 0
    interrupted = False
    try:
        bootstrap.main()
    except SystemExit as ending:
        code = ending.code
    except BaseException as error:  # noqa: BLE001  # this process ends here, whatever it was
        traceback.print_exc()
        code = 1
        interrupted = isinstance(error, KeyboardInterrupt)
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)  # noqa: T201  # what the interpreter does with sys.exit("text")
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed by the function
            continue
    if (
        interrupted
    ):  # an interpreter that ends itself dies of the signal, and so Lambda says "signal: interrupt"
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((code or 0) & 0xFF)


def _tell(fd: int, message: dict[str, object]) -> None:
    try:
        os.write(fd, json.dumps(message).encode() + b"\n")
    except OSError:  # the zygote is gone, and so are we in a moment
        os._exit(BROKEN_STATUS)


def _read_all(fd: int) -> bytes:
    text = b""
    while True:
        chunk = os.read(fd, 65536)
        if not chunk:
            return text
        text += chunk


def _close_all_but(kept: list[int]) -> None:
    low = 0
    for fd in sorted(set(kept)):
        if low < fd:  # os.closerange(0, 0) closes everything (CPython 3.11)
            os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))
