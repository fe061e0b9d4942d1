"""Break the fleet in one line at a time and see that its tests notice.

Each fault of `faults.py` is made in a copy of ``executor/core`` beside a copy of its tests, and the tests are
run there: the tables first, then the state machine with fixed seeds. Prints a table; exits 1 if a fault
survives, is not found in its file any more, or if the tests fail without one.

Run: ``python tests/mutants/run.py [-j JOBS] [NAME ...]``
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
RUNS = "150"  # of the state machine; beside the tables it need not be long: four seconds
LONGEST_S = 120.0
COPIED = ("executor/core", "tests/unit/executor/core")
FILES = ("pyproject.toml", "executor/__init__.py")
PYTEST = (
    sys.executable,
    "-m",
    "pytest",
    "-x",
    "-q",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
    "--tb=no",
)
CONTROL = Fault("control (no fault)", "fleet.py", "", "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*", help="only these faults")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if not options.names or fault.name in options.names]
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as workers:
        verdicts = list(workers.map(judge, [CONTROL, *faults]))
    bad = [name for name, verdict in verdicts if not verdict.startswith(("caught", "passed"))]
    print(f"{len(faults) - len(bad)} of {len(faults)} faults caught in {time.monotonic() - began:.0f} s")
    for name in bad:
        print(f"NOT CAUGHT: {name}", file=sys.stderr)
    return 1 if bad else 0


def judge(fault: Fault) -> tuple[str, str]:
    """Name and verdict; the verdict is printed as soon as it is known."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        verdict = _verdict(fault, Path(folder))
    print(f"{fault.name:<40} {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    return fault.name, verdict


def _verdict(fault: Fault, copy: Path) -> str:
    lay_out(copy)
    if fault is not CONTROL:
        path = copy / "executor/core" / fault.file
        text = path.read_text()
        found = text.count(fault.old)
        if found != 1:
            return f"LINE FOUND {found} TIMES in {fault.file}"
        path.write_text(text.replace(fault.old, fault.new))
    failed = run_tests(copy)
    if fault is CONTROL:
        return "passed" if failed is None else f"CONTROL FAILED: {failed}"
    return "SURVIVED" if failed is None else f"caught by {failed}"


def lay_out(copy: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    (copy / "tests/support").mkdir()
    for path in (ROOT / "tests/support").glob("fleet_*.py"):
        shutil.copy(path, copy / "tests/support")


def run_tests(copy: Path) -> str | None:
    """The name of the first test that failed; None if all passed."""
    tests = copy / "tests/unit/executor/core"
    machine = tests / "test_fleet_machine.py"
    environment = {
        **os.environ,
        "FLEET_RUNS": RUNS,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for chosen in ([str(tests), f"--ignore={machine}"], [str(machine)]):
        try:
            done = subprocess.run(
                [*PYTEST, *chosen],
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "running for ever"
        if done.returncode:
            return _first_failure(done.stdout)
    return None


def _first_failure(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].split(" - ")[0].rsplit("/", 1)[-1] if lines else output.strip().splitlines()[-1][:60]


if __name__ == "__main__":
    raise SystemExit(main())
