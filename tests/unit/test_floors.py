"""What runs is new enough, and the two libraries that may not take part do not."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
DECLARED = [
    Requirement(text)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
]

# Below these a fault is known that reaches us: forged tokens, smuggled requests, unbounded memory.
FLOORS = {
    "joserfc": "1.8.0",
    "cryptography": "50.0.2",
    "starlette": "1.10.0",
    "uvicorn": "0.54.0",
    "httptools": "0.9.0",
    "httpx": "0.28.1",
    "pyyaml": "6.0.3",
}

IMPORT_ALL = """
import importlib, pkgutil, sys
import lockgate.server
for name in ("gateway", "kit", "executor", "lockgate"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if ".runtimes." not in module.name:  # those run in a function's own interpreter
            importlib.import_module(module.name)
{more}
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("name", FLOORS)
def test_installed_declared_and_locked_versions_are_new_enough(name: str) -> None:
    """X2"""
    floor = Version(FLOORS[name])
    assert Version(version(name)) >= floor
    [declared] = [str(found.specifier) for found in DECLARED if found.name == name]
    assert Version(declared.removeprefix(">=")) >= floor
    locked = re.search(rf"(?m)^{name}==(\S+)", (ROOT / "requirements/run.txt").read_text())
    assert locked is not None
    assert Version(locked[1]) >= floor


@pytest.mark.parametrize("declared", DECLARED, ids=lambda found: found.name)
def test_every_dependency_has_a_floor_that_is_met(declared: Requirement) -> None:
    """X2"""
    assert str(declared.specifier).startswith(">=")
    assert declared.specifier.contains(version(declared.name))


def _modules(more: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL.format(more=more)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.split())


def test_no_signature_is_left_to_libraries_with_known_faults() -> None:
    """X2: ecdsa's timing is unfixed by policy, and jose takes a public key for a shared secret."""
    assert not {"ecdsa", "jose"} & _modules()


def test_an_import_of_them_would_be_seen() -> None:
    assert {"ecdsa", "jose"} <= _modules("import ecdsa, jose")
