"""Programs that measure for themselves: what they print, as it is."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.rows.context import Context
from benchmarks.table import Table

_HERE = Path(__file__).resolve().parent.parent
_PARTS = (
    "gateway_core",
    "jwt_verify",
    "throttle_core",
    "fleet_core",
    "invoke_core",
    "environment_start",
)
_TIMEOUT_S = 300


def measure(context: Context) -> Table:  # noqa: ARG001  # they choose their own rounds
    """Single parts, without sockets."""
    return _prints("Single parts", _PARTS)


def measure_reload(context: Context) -> Table:  # noqa: ARG001  # it chooses its own rounds
    return _prints("Reloads under load", ("reload_under_load",))


def measure_slow(context: Context) -> Table:  # noqa: ARG001  # they choose their own rounds
    """4,000 slow clients beside a good one; 10,000 connections at rest."""
    return _prints("Slow clients and connections at rest", ("slow_clients", "idle_connections"))


def measure_container_start(context: Context) -> Table:  # noqa: ARG001  # it chooses its own rounds
    """Where a cold start in a container spends its time."""
    return _prints("A cold start in a container, step by step", ("container_start",))


def _prints(title: str, names: tuple[str, ...]) -> Table:
    table = Table(title=title, columns=())
    for name in names:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            cwd=_HERE.parent, env=os.environ | {"PYTHONPATH": str(_HERE.parent)},
            capture_output=True, text=True, timeout=_TIMEOUT_S,
        )  # fmt: skip
        table.notes.append(
            f"`benchmarks/{name}.py`, exit {done.returncode}:\n\n```\n{done.stdout.strip()}\n```"
        )
        if done.stderr.strip():
            table.notes.append(f"```\n{done.stderr.strip()[-1000:]}\n```")
    return table
