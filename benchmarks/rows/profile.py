"""Where the server's time goes under the load of the jwt row: samples by py-spy, Python frames only."""

import subprocess
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from benchmarks import load
from benchmarks.install import PLACE
from benchmarks.rows.context import Context
from benchmarks.rows.guarded import guarded_server
from benchmarks.table import Table

_RATE = 200  # samples a second
_TOP = 20
_LOOP = "asyncio/runners.py"
_PACKAGES = (
    "gateway",
    "executor",
    "kit",
    "lockgate",
    "uvicorn",
    "uvloop",
    "starlette",
    "asyncio",
    "prometheus_client",
)


def measure(context: Context) -> Table:
    seconds = max(3, int(context.row_s / 2))
    stacks = record(context, seconds)
    total = stacks.total()
    own, inclusive, packages = Counter[str](), Counter[str](), Counter[str]()
    for stack, count in stacks.items():
        frames = [frame.rpartition(":")[0] + ")" for frame in stack.split(";")]
        own[frames[-1]] += count
        packages[package(frames[-1])] += count
        for frame in set(frames):
            inclusive[frame] += count
    rows: list[tuple[str, ...]] = [
        (f"`{frame}`", f"{count / total:.1%}", f"{inclusive[frame] / total:.1%}")
        for frame, count in own.most_common(_TOP)
    ]
    shares = ", ".join(f"{name} {count / total:.0%}" for name, count in packages.most_common())
    return Table(
        title="Where the server process spends its time, behind a JWT authorizer",
        columns=("function (file)", "own", "with what it calls"),
        rows=rows,
        notes=[
            f"By package, own time: {shares}. {total:,} samples of the loop's thread; system calls "
            "count for the function that makes them, waiting and uvloop's own work for `Runner.run`."
        ],
    )


def record(context: Context, seconds: int) -> Counter[str]:
    """Stacks of the loop's thread (root first, `;` between) and how often each was seen."""
    py_spy = PLACE / "tools" / "bin" / "py-spy"
    if not py_spy.exists():
        raise FileNotFoundError(f"{py_spy}: run benchmarks/install.py")
    out = context.folder / "stacks"
    with ExitStack() as stack:
        guarded = guarded_server(context, stack)
        server, target = guarded.server, guarded.target("/guarded")
        load.run(target, connections=50, seconds=3)
        failed: list[load.LoadFailed] = []
        loading = threading.Thread(target=_load, args=(target, seconds + 3, failed))
        loading.start()
        subprocess.run(
            [str(py_spy), "record", "--pid", str(server.pid), "--duration", str(seconds), "--rate", str(_RATE),
             "--format", "raw", "--output", str(out), "--full-filenames"],
            check=True, capture_output=True, timeout=seconds + 60,
        )  # fmt: skip
        loading.join()
    if failed:
        raise failed[0]
    return read(out)


def _load(aim: load.Target, seconds: int, failed: list[load.LoadFailed]) -> None:
    try:
        load.run(aim, connections=50, seconds=seconds)
    except load.LoadFailed as error:
        failed.append(error)


def read(out: Path) -> Counter[str]:
    stacks: Counter[str] = Counter()
    for line in out.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        if _LOOP in stack:  # threads that wait are sampled too on some kernels
            stacks[_short(stack)] += int(count)
    return stacks


def _short(stack: str) -> str:
    """Files from their package on: nothing of this machine's folders."""
    frames = []
    for frame in stack.split(";"):
        name, _, place = frame.partition(" (")
        parts = place.split("/")
        start = next((i for i, part in enumerate(parts) if part in _PACKAGES), len(parts) - 1)
        frames.append(f"{name} ({'/'.join(parts[start:])}")
    return ";".join(frames)


def package(frame: str) -> str:
    return frame.partition(" (")[2].partition("/")[0].rstrip(")") or "?"
