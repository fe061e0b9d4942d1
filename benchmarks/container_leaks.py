"""200 environments in containers up and down, twice: what stays behind. ``python -m benchmarks.container_leaks``.

Up: one call to each of as many functions, which then wait for more. Down: a reload without these functions. Counted is
what belongs to this server: by its processes, its users, its labels, its folder and the ids of its containers.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import containers, processes
from benchmarks.alone import run_alone
from benchmarks.lockgate_server import BODY, RUNTIME, LockgateServer, lockgate, write_handler
from benchmarks.program import get
from benchmarks.rows.churn import wait_for
from benchmarks.rows.context import Context
from benchmarks.table import Table

MEMORY_MB = 128
COUNT, FEW = 200, 12
CALLERS = 16  # more than the engine makes at once
_CALL_S = 300.0
_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What there is of one server. :param dead: groups, and folders of the engine, of containers that are gone."""

    containers: int
    processes: int
    shims: int
    files: int
    threads: int
    rss_mb: float
    networks: int
    veths: int
    mounts: int
    loops: int
    dead: int
    state_files: int
    state_kb: int


COLUMNS = (
    "",
    "took",
    "containers",
    "their processes",
    "shims",
    "server: files",
    "threads",
    "RSS MB",
    "networks",
    "veths",
    "mounts",
    "loop devices",
    "groups and folders of dead containers",
    "files in the state, logs apart",
    "KB in it",
)


class Census:
    """Counts. State: the ids of all containers that were seen."""

    def __init__(self, server: LockgateServer, client: Any) -> None:
        self._server = server
        self._client = client
        instance = str(json.loads((server.state / "instance.json").read_text())["instance"])
        self._filter = {"label": f"lockgate.instance={instance}"}
        self._engine_root = Path(client.info()["DockerRootDir"])
        self._seen: set[str] = set()

    def listed(self) -> set[str]:
        found = self._client.api.containers(all=True, filters=self._filter)
        ids = {str(each["Id"]) for each in found}
        self._seen |= ids
        return ids

    def take(self) -> State:
        listed, servers = self.listed(), self._server.program.servers()
        family = set(processes.family(self._server.pid))
        own = [pid for pid in self._server.program.family() if pid not in family]
        files = [
            path for path in self._server.state.rglob("*") if path.is_file() and "logs" not in path.parts
        ]
        return State(
            containers=len(listed),
            processes=len(own),
            shims=sum(1 for line in _command_lines() if any(each in line for each in self._seen)),
            files=sum(map(processes.handles, servers)),
            threads=sum(map(processes.threads, servers)),
            rss_mb=processes.memory_mb(servers).rss,
            networks=len(self._client.networks.list(filters=self._filter)),
            veths=sum(1 for name in os.listdir("/sys/class/net") if name.startswith("veth")),
            mounts=sum(str(self._server.state) in line for line in Path("/proc/mounts").read_text().splitlines()),
            loops=sum(str(self._server.state) in text for text in _loop_files()),
            dead=self._dead(self._seen - listed),
            state_files=len(files),
            state_kb=sum(path.stat().st_blocks for path in files if path.exists()) // 2,
        )  # fmt: skip

    def left(self) -> str:
        """What there is when the server has ended, in words."""
        state = str(self._server.state)
        counts = {
            "containers": len(self.listed()),
            "networks": len(self._client.networks.list(filters=self._filter)),
            "mounts": sum(state in line for line in Path("/proc/mounts").read_text().splitlines()),
            "loop devices": sum(state in text for text in _loop_files()),
            "processes": len(self._server.program.family()) - 1,
            "groups and folders of containers": self._dead(self._seen),
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items())

    def _dead(self, gone: set[str]) -> int:
        groups = sum(
            any(each in name for each in gone) for _, folders, _ in os.walk(_GROUPS) for name in folders
        )
        return groups + sum((self._engine_root / "containers" / each).exists() for each in gone)


def measure(context: Context) -> Table:
    count = FEW if context.rounds == 1 else COUNT
    table = Table(title=f"{count} containers up and down, {MEMORY_MB} MB, `cpu: shared`", columns=COLUMNS)
    try:
        with containers.engine() as client:
            table.notes.append(containers.engine_facts() + ".")
            _measure(context, table, client, count)
    except containers.NoEngine as why:
        table.notes.append(f"Not measured: {why}.")
    return table


def _measure(context: Context, table: Table, client: Any, count: int) -> None:
    write_handler(context.folder / "one")
    names = [f"one-{number}" for number in range(count)]
    config = context.folder / "leaks.yaml"
    kept: list[State] = []
    slots = 0
    with LockgateServer(context.folder, routes([]), name="leaks", driver="docker") as server:
        census = Census(server, client)
        kept.append(census.take())
        table.rows.append(_row("before", "", kept[0]))
        for round_ in ("first", "second"):
            began = time.monotonic()
            change(server, config, names)
            with ThreadPoolExecutor(CALLERS) as pool:
                answers = list(pool.map(lambda name: get(server.url(f"/{name}"), timeout_s=_CALL_S), names))
            assert answers == [(200, BODY)] * count, next(a for a in answers if a != (200, BODY))
            took = time.monotonic() - began
            kinds = list(containers.starts_by_kind(server).values())
            slots += kinds.count("slot")
            table.rows.append(_row(f"{round_} time up", f"{took:.1f} s", census.take()))
            began = time.monotonic()
            change(server, config, [])
            _until(lambda: not census.listed(), "no container is left")
            took = time.monotonic() - began
            kept.append(settled(census, kept[0]))
            table.rows.append(_row(f"{round_} time down", f"{took:.1f} s", kept[-1]))
    left = census.left()
    table.notes += [
        f"Up: {count} functions called by {CALLERS} callers, until all are answered ({slots} of {2 * count} starts "
        "from a slot). Down: from a reload without them until the engine lists no container of this server. Server: "
        "supervisor, gateway and executor together.",
        "Files that a first round leaves open: one log for each function, and pooled connections to the engine and "
        f"between the processes. After the server's end: {left}. Veths are all of the machine, other servers' too.",
    ]


def change(server: LockgateServer, config: Path, names: list[str]) -> None:
    """Serve other functions. :raises subprocess.CalledProcessError: the reload was refused."""
    config.write_text(routes(names))
    lockgate("reload", "--state", str(server.state))


def settled(census: Census, before: State) -> State:
    """When nothing is more than before, or as it is after a while: then the table shows it."""
    deadline = time.monotonic() + 20
    found = census.take()
    while not is_as_before(found, before) and time.monotonic() < deadline:
        time.sleep(0.2)
        found = census.take()
    return found


def is_as_before(now: State, before: State) -> bool:
    """Memory, veths of others, the state's files, and what a first use keeps (connections, logs, threads) apart."""
    return all(
        getattr(now, name) <= getattr(before, name)
        for name in ("containers", "processes", "shims", "networks", "mounts", "loops", "dead")
    )  # fmt: skip


def routes(names: list[str]) -> str:
    function = {
        "code": "one", "handler": "app.handler", "runtime": RUNTIME, "memory": MEMORY_MB, "timeout": "60s",
        "idle_timeout": "1h",
    }  # fmt: skip
    return json.dumps(
        {
            "version": 1,
            "server": {"limits": {"environments": COUNT + 50, "memory": (COUNT + 50) * MEMORY_MB}},
            # The one that stays is never called; with a volume it has no slots.
            "functions": {
                "stays": {**function, "volumes": {"DATA": "data"}},
                **dict.fromkeys(names, function),
            },
            "routes": {
                f"GET /{name}": {"function": name, "public": True, "timeout": "300s"} for name in names
            }
            | {"GET /open": {"public": True, "respond": {"status": 200, "body": "open"}}},
        }
    )


def _row(name: str, took: str, state: State) -> tuple[str, ...]:
    return (
        name,
        took,
        *(
            f"{value:.1f}" if isinstance(value, float) else str(value)
            for value in (getattr(state, field) for field in State.__slots__)
        ),
    )


def _until(is_true: Callable[[], bool], what: str) -> None:
    wait_for(is_true, what, [])


def _command_lines() -> list[str]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if "containerd-shim" in text:
            found.append(text)
    return found


def _loop_files() -> list[str]:
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found.append(file.read_text())
        except OSError:  # it was let go meanwhile
            continue
    return found


if __name__ == "__main__":
    raise SystemExit(run_alone(__doc__, {"container_leaks": measure}))
