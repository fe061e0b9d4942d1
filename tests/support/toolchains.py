"""Programs of languages on this machine, and functions built with them: each once a run of the tests.

Build caches live in ``.cache/`` of the repository (downloaded modules, compiled crates), never the built functions.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
SOURCES = ROOT / "tests" / "e2e"
RUBY = shutil.which("ruby")
BUILD_TIMEOUT_S = 280  # from nothing, with all downloads, on two busy cores; 20-40 s on idle ones

needs_ruby = pytest.mark.skipif(RUBY is None, reason="ruby is not installed")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def build_go(folder: str, package: Path) -> None:
    """``package/bootstrap`` from a module below `SOURCES`: a static program, as Lambda's documentation builds it."""
    cache = CACHE / "go"
    settings = {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath -mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOPATH": str(cache),
        "GOCACHE": str(cache / "build"),
    }
    _run(
        ["go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", str(package / "bootstrap"), "."], SOURCES / folder, settings, cache
    )


def build_rust(folder: str, package: Path) -> None:
    """``package/bootstrap`` from a crate below `SOURCES`, by its lock file."""
    target = CACHE / "cargo" / folder
    _run(
        ["cargo", "build", "--quiet", "--locked", "--target-dir", str(target)],
        SOURCES / folder,
        {},
        target,
    )
    shutil.copy2(target / "debug" / "bootstrap", package / "bootstrap")


def build_java(folder: str, package: Path) -> None:
    """Classes below `package` from a Maven project below `SOURCES`."""
    cache = CACHE / "maven"
    target = cache / folder
    command = ["mvn", "--quiet", "--batch-mode", f"-Dmaven.repo.local={cache / 'repository'}"]
    _run([*command, f"-Dfunction.target={target}", "compile"], SOURCES / folder, {}, cache)
    shutil.copytree(target / "classes", package, dirs_exist_ok=True)


def _run(command: list[str], folder: Path, settings: Mapping[str, str], cache: Path) -> None:
    """:raises pytest.fail.Exception: it does not build; with everything that the toolchain said."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}")


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Tests run in several processes, and Maven's repository takes one writer."""
    with (cache / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
