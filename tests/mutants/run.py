"""Break the program in one place at a time and see that the tests named for that place notice.

The faults are those of the fleet (`fleet.py`: all its tests) and of the security requirements
(`requirements/`: for each line the tests that cite the requirement). Each is made in a copy, and only its tests
are run there. Prints a line for each; exits 1 if a fault survives, if its line is not found once, if a
requirement has no line, if a citing test does not cite it, or if the tests fail without any fault.

A test process is forked from this one, which has the libraries loaded already and nothing of ours but the tables.

Run: ``python tests/mutants/run.py [-j JOBS] [NAME-OR-REQUIREMENT ...]``
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants import fleet  # noqa: E402  # needs the path above
from tests.mutants.fault import Fault  # noqa: E402
from tests.mutants.requirement import problems_of  # noqa: E402
from tests.mutants.requirements import REQUIREMENTS  # noqa: E402
from tests.mutants.sandbox import Sandbox, first_failure, preload  # noqa: E402

LONGEST_S = 60.0
FOR_EVER = "running for ever"
LOG_CHARS = 4000  # of what pytest said where it could not even say which test failed
FORK = get_context("fork")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of tests in a copy. `fault` is None in a control run."""

    name: str
    tests: tuple[str, ...]
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class Running:
    trial: Trial
    process: ForkProcess
    copy: Path
    log: Path
    began: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    # One more than there are processors: some faults make a test wait, and are noticed at its time limit.
    parser.add_argument("-j", "--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("names", nargs="*", help="only these faults, or those of these requirements")
    options = parser.parse_args()
    began = time.monotonic()
    problems = problems_of(REQUIREMENTS, ROOT)
    for problem in problems:
        print(f"TABLE: {problem}", file=sys.stderr)
    faults = [*fleet.FAULTS, *(fault for row in REQUIREMENTS for fault in row.faults())]
    if options.names:
        faults = [f for f in faults if f.name in options.names or f.requirement in options.names]
    preload()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        sandbox = Sandbox(ROOT, Path(folder))
        bad = run_twice(sandbox, controls_of(faults), options.jobs)
        has_begun = not bad
        if has_begun:
            sandbox.freeze()
            trials = [Trial(name=f.name, tests=f.tests, fault=f) for f in faults]
            bad = run_twice(sandbox, trials, options.jobs)
    for name in bad:
        print(f"WRONG: {name}", file=sys.stderr)
    caught = len([fault for fault in faults if fault.name not in bad]) if has_begun else 0
    print(f"{caught} of {len(faults)} faults caught in {time.monotonic() - began:.0f} s")
    return 1 if bad or problems else 0


def controls_of(faults: Iterable[Fault]) -> list[Trial]:
    """Give the runs without a fault: all the tests that are named for any, one run a file."""
    files: dict[str, dict[str, None]] = {}
    for fault in faults:
        for test in fault.tests:
            files.setdefault(test.partition("::")[0], {})[test] = None
    return [Trial(name=f"no fault: {file}", tests=tuple(tests)) for file, tests in files.items()]


def run_twice(sandbox: Sandbox, trials: list[Trial], jobs: int) -> list[str]:
    """Run *trials*, and the bad of them once more, one after another: a test that waits may have met a busy machine."""
    bad = run_all(sandbox, trials, jobs)
    return run_all(sandbox, [trial for trial in trials if trial.name in bad], 1) if bad else bad


def run_all(sandbox: Sandbox, trials: list[Trial], jobs: int) -> list[str]:
    """Run *trials*, *jobs* at a time, and print each verdict when it is known; give the names of the bad."""
    pending = deque(enumerate(trials))
    running: list[Running] = []
    bad: list[str] = []
    while pending or running:
        while pending and len(running) < jobs:
            number, trial = pending.popleft()
            wrong = "" if trial.fault is None else sandbox.find(trial.fault)
            if wrong:
                bad.append(trial.name)
                print(f"{trial.name:<58} {wrong}", flush=True)
            else:
                running.append(start(sandbox, trial, number))
        for ended in wait_for(running):
            running.remove(ended)
            verdict, is_good = judge(ended)
            if not is_good:
                bad.append(ended.trial.name)
            sandbox.discard(ended.copy)
            print(f"{ended.trial.name:<58} {verdict} ({time.monotonic() - ended.began:.1f} s)", flush=True)
    return bad


def start(sandbox: Sandbox, trial: Trial, number: int) -> Running:
    copy = sandbox.copy(trial.fault, number)
    log = copy.parent / f"{number}.log"
    process = FORK.Process(target=sandbox.run_tests, args=(copy, trial.tests, log))
    process.start()
    return Running(trial=trial, process=process, copy=copy, log=log, began=time.monotonic())


def wait_for(running: list[Running]) -> list[Running]:
    """Give those that have ended, or the oldest when its time is over and it has been killed."""
    if not running:
        return []
    oldest = min(running, key=lambda run: run.began)
    ended = wait(
        [run.process.sentinel for run in running], max(0.0, oldest.began + LONGEST_S - time.monotonic())
    )
    if not ended:
        oldest.process.kill()
        ended = [oldest.process.sentinel]
    over = [run for run in running if run.process.sentinel in ended]
    for run in over:
        run.process.join()
    return over


def judge(run: Running) -> tuple[str, bool]:
    """What is to be said of an ended run, and whether it is as it should be."""
    fault = run.trial.fault
    status = run.process.exitcode
    failed = FOR_EVER if status == -signal.SIGKILL else first_failure(run.log, status)
    if fault is None:
        return ("passed", True) if failed is None else (f"FAILED: {failed}", False)
    if failed is None:
        return "SURVIVED", False
    if fault.requirement and "::" not in failed and failed != FOR_EVER:
        print(run.log.read_text(errors="replace")[-LOG_CHARS:], file=sys.stderr)
        return f"NO TEST COULD BE RUN: {failed}", False
    return f"caught by {failed}", True


if __name__ == "__main__":
    raise SystemExit(main())
