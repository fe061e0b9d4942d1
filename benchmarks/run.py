"""All benchmarks, or those that are named: ``python benchmarks/run.py --help``.

Prints Markdown; ``--write FILE`` puts it between the two marks of that file, or makes it.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder: its modules are `benchmarks.…`

from benchmarks import container_cold_start, container_leaks, container_warm, install, machine  # noqa: E402
from benchmarks.rows import (  # noqa: E402
    authorizers,
    churn,
    cognito,
    cold,
    core,
    idle,
    jwt,
    kid_flood,
    people,
    profile,
    routes,
    warm,
)
from benchmarks.rows.context import Context  # noqa: E402
from benchmarks.table import Table  # noqa: E402

ROWS: dict[str, Callable[[Context], Table]] = {
    "warm": warm.measure_many,
    "single": warm.measure_single,
    "jwt": jwt.measure_many,
    "jwt_single": jwt.measure_single,
    "gateway": jwt.measure_gateway,
    "authorizers": authorizers.measure,
    "kid_flood": kid_flood.measure,
    "cold": cold.measure,
    "routes": routes.measure,
    "idle": idle.measure,
    "churn": churn.measure,
    "profile": profile.measure,
    "reload": core.measure_reload,
    "slow": core.measure_slow,
    "core": core.measure,
    "sign_in": people.measure_sign_in,
    "tokens": people.measure_tokens,
    "sign_in_beside": people.measure_beside,
    "sign_in_beside_apart": people.measure_beside_apart,
    "many_people": people.measure_many,
    "api_sign_in": cognito.measure_sign_in,
    "api_beside": cognito.measure_beside,
    "api_many_people": cognito.measure_many,
    "container_cold": container_cold_start.measure,
    **container_warm.ROWS,
    "container_leaks": container_leaks.measure,
    "container_start": core.measure_container_start,
}
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> int:
    options = parse()
    if not options.no_peers:
        install.install()
    rounds = 1 if options.quick else options.rounds
    row_s = 2.0 if options.quick else options.seconds
    parts = [facts(options)]
    failed = 0
    for name in options.rows or ROWS:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="lockgate-bench-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # functions run as users of their own
            try:
                context = Context(folder=Path(folder), rounds=rounds, row_s=row_s, peers=not options.no_peers)
                parts.append(ROWS[name](context).markdown())
            except Exception as error:  # one row's failure must not lose the others; the exit code says it
                failed += 1
                parts.append(f"### {name}\n\n**failed:** {type(error).__name__}: {error}\n")
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    report = "\n".join(parts)
    print(report)
    if options.write is not None:
        write(options.write, report)
    return 1 if failed else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all without")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each subject; the median counts (5)")
    parser.add_argument("--seconds", type=float, default=50.0, help="of load a row (50)")
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all")
    parser.add_argument("--no-peers", action="store_true", help="install and start no peers")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this Markdown file")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}")
    return options


def facts(options: argparse.Namespace) -> str:
    known = machine.facts()
    if not options.no_peers:
        known["peers"] = "serverless-offline " + _node_version("serverless-offline")
    rounds = (
        "one short round (--quick: no measurement)" if options.quick else f"{options.rounds} rounds, in turns"
    )
    lines = [f"| {name} | {value} |" for name, value in known.items()]
    return "\n".join(
        ["| measured on | |", "|---|---|", *lines, "", f"Medians (lowest to highest) of {rounds}.", ""]
    )


def _node_version(name: str) -> str:
    folder = install.PLACE / "node" / "node_modules" / name
    if shutil.which("node") is None or not folder.is_dir():
        return "none"
    script = f"console.log(require({str(folder / 'package.json')!r}).version)"
    return subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=20).stdout.strip()


def write(path: Path, report: str) -> None:
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{report.strip()}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    raise SystemExit(main())
