"""500 environments up and down, twice: what stays behind."""

import json
import os
import threading
import time
from collections.abc import Callable

from benchmarks import processes
from benchmarks.lockgate_server import RUNTIME, LockgateServer, write_handler
from benchmarks.program import get
from benchmarks.rows.context import Context
from benchmarks.table import Table

_WAIT_S = 120.0
_SETTLE_S = 15.0
_HANDLER = """
import os, time
def handler(event, context):
    gate = os.path.join(os.environ["GATE"], "open")
    while not os.path.exists(gate):
        time.sleep(0.2)
    return {"pid": os.getpid()}
"""


def measure(context: Context) -> Table:
    """All calls are held in their functions until all environments live."""
    count = 20 if context.rounds == 1 else 500
    write_handler(context.folder / "held", _HANDLER)
    gate = context.folder / "gate"
    gate.mkdir()
    rows = []
    with LockgateServer(context.folder, routes(count), name="churn") as server:
        rows.append(("before", "", *state(server)))
        for round_ in ("first", "second"):
            began = time.monotonic()
            callers = [Caller(server.url("/held")) for _ in range(count)]
            wait_for(lambda: held(server.pid) >= count, f"{count} environments", callers)
            rows.append((f"{round_} time up", f"{time.monotonic() - began:.1f} s", *state(server)))
            began = time.monotonic()
            (gate / "open").touch()
            for caller in callers:
                caller.join_or_fail()
            wait_for(lambda: held(server.pid) == 0, "no environment", [])
            took = time.monotonic() - began
            settle(server)
            rows.append((f"{round_} time down", f"{took:.1f} s", *state(server)))
            (gate / "open").unlink()
    return Table(
        title=f"{count} environments up and down",
        columns=(
            "",
            "took",
            "processes",
            "server: files",
            "server RSS MB",
            "server: mounts",
            "cgroups",
            "files left",
        ),
        rows=rows,
        notes=[
            "Up: from the first of as many calls at once to the last environment running its handler. Down: from the "
            "answer of all calls to the end of all environments (`idle_timeout: 1s` included)."
        ],
    )


def routes(count: int) -> str:
    held = {
        "code": "held", "handler": "app.handler", "runtime": RUNTIME, "memory": 128, "timeout": "600s",
        "idle_timeout": "1s", "volumes": {"GATE": "gate"},
    }  # fmt: skip
    return json.dumps(
        {
            "version": 1,
            "server": {"limits": {"environments": count, "memory": 128 * count}},
            "functions": {"held": held},
            "routes": {"GET /held": {"function": "held", "public": True, "timeout": "600s"}},
        }
    )


def settle(server: LockgateServer) -> None:
    """Wait until the last groups are removed, or will not be: then the table shows them."""
    deadline = time.monotonic() + _SETTLE_S
    while processes.cgroups(instance(server)) and time.monotonic() < deadline:
        time.sleep(0.05)


def instance(server: LockgateServer) -> str:
    return str(json.loads((server.state / "instance.json").read_text())["instance"])


def held(pid: int) -> int:
    """Processes of the server's family under another user than the server's: environments."""
    return sum(1 for one in processes.family(pid)[1:] if processes.uid(one) not in (None, os.getuid()))


def state(server: LockgateServer) -> tuple[str, ...]:
    left = sum(1 for path in server.state.rglob("*") if "logs" not in path.parts)
    return (
        str(len(processes.family(server.pid))),
        str(processes.handles(server.pid)),
        f"{processes.memory_mb([server.pid]).rss:.1f}",
        str(processes.mounts(server.pid)),
        str(processes.cgroups(instance(server))),
        str(left),
    )


class Caller(threading.Thread):
    def __init__(self, url: str):
        super().__init__(daemon=True)
        self.url = url
        self.answer: tuple[int, bytes] | Exception = RuntimeError("no answer yet")
        self.start()

    def run(self) -> None:
        try:
            self.answer = get(self.url, timeout_s=_WAIT_S)
        except Exception as error:  # handed to the main thread
            self.answer = error

    def join_or_fail(self) -> None:
        self.join(_WAIT_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer[0] == 200, self.answer


def wait_for(is_true: Callable[[], bool], what: str, callers: list[Caller]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_true():
        ended = [caller.answer for caller in callers if not caller.is_alive()]
        if ended or time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not reached; {len(ended)} calls ended, {ended[:1]}")
        time.sleep(0.05)
