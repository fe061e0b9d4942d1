"""Rows as a command of their own: machine facts first, then their tables."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import install, machine
from benchmarks.rows.context import Context
from benchmarks.table import Table


def run_alone(description: str | None, rows: Mapping[str, Callable[[Context], Table]]) -> int:
    """Parse the command line, measure and print Markdown. :returns: the exit code."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(rows)}; all without")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each subject; 1 is a short try (5)")
    parser.add_argument("--seconds", type=float, default=50.0, help="of load a row (50)")
    parser.add_argument("--no-peers", action="store_true", help="install and start no peers")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in rows]:
        parser.error(f"no such row: {', '.join(unknown)}")
    if not options.no_peers:
        install.install()
    for name, value in machine.facts().items():
        print(f"{name}: {value}")
    for name in options.rows or rows:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="lockgate-bench-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # functions run as users of their own
            context = Context(
                folder=Path(folder),
                rounds=options.rounds,
                row_s=options.seconds,
                peers=not options.no_peers,
            )
            print("\n" + rows[name](context).markdown(), flush=True)
    return 0
