"""Programs of languages on this machine, and functions built with them: each once a run of the tests.

Build caches live in ``.cache/`` of the repository (downloaded modules, compiled crates), never the built functions.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.runtimes.java import folder

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
SOURCES = ROOT / "tests" / "e2e"
BUILD_TIMEOUT_S = 280  # from nothing, with all downloads, on two busy cores; 20-40 s on idle ones


def build_c(project: str, package: Path) -> None:
    """``package/bootstrap`` from one file below `SOURCES`."""
    source = SOURCES / project / "bootstrap.c"
    command = [
        "cc",
        "-D_GNU_SOURCE",
        "-O1",
        "-Wall",
        "-Werror",
        "-o",
        str(package / "bootstrap"),
        str(source),
    ]
    _run(command, SOURCES, {}, CACHE)


def build_go(project: str, package: Path) -> None:
    """``package/bootstrap`` from a module below `SOURCES`: a static program, as Lambda's documentation builds it."""
    cache = CACHE / "go"
    settings = {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath -mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOPATH": str(cache),
        "GOCACHE": str(cache / "build"),
    }
    command = ["go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", str(package / "bootstrap"), "."]
    _run(command, SOURCES / project, settings, cache)


def build_rust(project: str, package: Path) -> None:
    """``package/bootstrap`` from a crate below `SOURCES`, by its lock file; Debian 12's Rust 1.63 is new enough.

    Crates are fetched first, with a setting that the compiler must not see: cargo 1.65 knows the registry's HTTP
    index only as an unstable feature, and takes it from GitHub otherwise.
    """
    place, cache = SOURCES / project, CACHE / "cargo"
    cache.mkdir(parents=True, exist_ok=True)
    crates = cache / hashlib.sha256((place / "Cargo.lock").read_bytes()).hexdigest()[:16]
    sparse = {
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_UNSTABLE_SPARSE_REGISTRY": "true",
        "CARGO_REGISTRIES_CRATES_IO_PROTOCOL": "sparse",
    }
    if not crates.is_dir():
        draft = Path(tempfile.mkdtemp(dir=cache))
        _run(["cargo", "vendor", "--quiet", "--locked", str(draft / "crates")], place, sparse, cache)
        (draft / "crates").replace(crates)
        draft.rmdir()
    target = cache / "target" / project
    command = ["cargo", "build", "--quiet", "--locked", "--offline", "--target-dir", str(target)]
    sources = ("replace-with='kept'", f"directory='{crates}'")
    for name, setting in zip(("crates-io", "kept"), sources, strict=True):
        command += ["--config", f"source.{name}.{setting}"]
    _run(command, place, {}, cache)
    shutil.copy2(target / "debug" / "bootstrap", package / "bootstrap")


def build_java(project: str, package: Path) -> None:
    """Classes below `package` from a Maven project below `SOURCES`."""
    cache = CACHE / "maven"
    target = cache / project
    command = ["mvn", "--quiet", "--batch-mode", f"-Dmaven.repo.local={cache / 'repository'}"]
    _run([*command, f"-Dfunction.target={target}", "compile"], SOURCES / project, {}, cache)
    shutil.copytree(target / "classes", package, dirs_exist_ok=True)


def java_runtime(state: Path) -> None:
    """What ``lockgate runtimes install`` fetches for Java, in a state; fetched once for all of them."""
    kept = CACHE / "java-runtime"
    kept.mkdir(parents=True, exist_ok=True)
    with _alone(kept):
        installed = folder.install(kept)
    shutil.copytree(installed, state / installed.relative_to(kept))


def _run(command: list[str], place: Path, settings: Mapping[str, str], cache: Path) -> None:
    """:raises pytest.fail.Exception: it does not build; with everything that the toolchain said."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        done = subprocess.run(
            command,
            cwd=place,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        pytest.fail(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}"
        )


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Tests run in several processes, and Maven's repository takes one writer."""
    with (cache / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
