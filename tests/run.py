"""All tests; those that fail are run once more, alone, and the run says which of them passed then.

Much of the suite is other people's programs on a shared machine: an engine, databases, a browser, processes that are
killed at any moment. A fault of ours fails twice; a moment of the machine's does not, and is named, so that it is
looked into. In the order of the files: a run can be repeated. `make unit` and `make e2e` shuffle.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:randomly")
TESTS_FAILED = 1  # pytest's exit status; any other means that tests could not be run
MOST_AGAIN = 12  # more than the machine's moments explain


def main(options: list[str]) -> int:
    status = run("--cache-clear", *options)
    if status != TESTS_FAILED:
        return status
    names = sorted(json.loads(FAILED.read_text()))
    if not 0 < len(names) <= MOST_AGAIN:
        return status
    print(f"\n{len(names)} failed; once more, one after another:\n", flush=True)
    status = run("-v", *names)
    for name in names if status == 0 else ():
        print(f"UNSTEADY: {name} failed once and passed alone")
    return status


def run(*options: str) -> int:
    return subprocess.run([*PYTEST, *options], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
