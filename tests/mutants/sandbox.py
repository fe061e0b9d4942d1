"""Copies of the program with a fault in each, and test processes that run in them.

The first copy has no fault; its tests are run first and leave compiled files, which the others share by hard link.
"""

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.mutants.fault import Fault
from tests.mutants.requirement import QUICK_TESTS

COPIED = ("auth", "gateway", "kit", "lockgate", "executor", "tests/support", *QUICK_TESTS)
FILES = ("pyproject.toml", "tests/conftest.py")
OURS = ("auth", "gateway", "kit", "lockgate", "executor", "tests")

# Loaded once, before the forks: what the tests would spend most of their time on.
LIBRARIES = (
    "hypothesis.strategies", "orjson", "uvloop", "httptools", "httpx", "yaml", "pydantic", "prometheus_client",
    "uvicorn.protocols.http.httptools_impl", "cryptography.hazmat.primitives.asymmetric.rsa", "joserfc.jws",
    "sqlalchemy.dialects.sqlite", "alembic.command", "argon2", "jinja2", "starlette.applications",
    "authlib.oauth2.rfc6749.grants", "authlib.oauth2.rfc7636",
)  # fmt: skip

PYTEST = ("-x", "-q", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist")
# A fault that makes a test wait for ever is noticed after this; the slowest test takes a tenth of it.
TIMEOUT = "--timeout=6"
RUNS = "150"  # of the fleet's state machine; beside the tables it need not be long


def preload() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


class Sandbox:
    """:param root: of the repository; :param folder: empty, for copies."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._plain = folder / "plain"
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        for name in COPIED:
            shutil.copytree(root / name, self._plain / name, ignore=ignored)
        for name in FILES:
            shutil.copy(root / name, self._plain / name)

    def freeze(self) -> None:
        """Leave behind what running the tests has made, but for the compiled files."""
        for path in self._plain.glob(".*"):
            shutil.rmtree(path)

    def find(self, fault: Fault) -> str:
        """Say what is wrong with where *fault* is to be made; ``""`` if nothing is."""
        text = (self._plain / fault.file).read_text()
        if (found := text.count(fault.old)) != 1:
            return f"LINE FOUND {found} TIMES in {fault.file}"
        try:
            compile(text.replace(fault.old, fault.new), fault.file, "exec")
        except SyntaxError as exc:
            return f"NO PYTHON ANY MORE: {exc}"
        return ""

    def copy(self, fault: Fault | None, number: int) -> Path:
        """Make the copy number *number* with *fault*; without one all share the first."""
        if fault is None:
            return self._plain
        copy = self._folder / str(number)
        shutil.copytree(self._plain, copy, copy_function=os.link)
        path = copy / fault.file
        text = path.read_text().replace(fault.old, fault.new)
        path.unlink()
        path.write_text(text)
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        return copy

    def discard(self, copy: Path) -> None:
        if copy != self._plain:
            shutil.rmtree(copy, ignore_errors=True)

    def run_tests(self, copy: Path, tests: tuple[str, ...], log: Path) -> None:
        """Become a test process, which ends with pytest's exit status and leaves its output in *log*."""
        os.chdir(copy)
        with log.open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.environ["FLEET_RUNS"] = RUNS
        sys.dont_write_bytecode = copy != self._plain
        sys.path[:] = [str(copy), *(path for path in sys.path if Path(path) not in (self._root, Path()))]
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        # The plugins' own asserts cannot be rewritten any more, and need not be.
        status = pytest.main([*PYTEST, TIMEOUT, "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests])
        sys.stdout.flush()
        os._exit(int(status))


def first_failure(log: Path, status: int | None) -> str | None:
    """The name of the first test that failed; None if all passed."""
    if status == 0:
        return None
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    named = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    if named:
        file, separator, test = named[0].split(" - ")[0].partition(" ")[2].partition("::")
        return f"{Path(file).name}{separator}{test}"
    return f"status {status}: " + (lines[-1][:90] if lines else "no output")
