"""The dependencies of a Python function: ``requirements.txt`` beside its code, installed once a content.

The cache is found by the text of the file and of all that it includes, by interpreter version and platform.
It is also the lock: as long as it is there, unpinned names keep the versions of the first time.
"""

import hashlib
import re
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from executor.interpreters import Interpreter
from executor.packages.bytecode import compile_files
from executor.packages.dependency_cache import DependencyCache, Installed
from executor.packages.errors import PackageError
from executor.packages.installer import Progress
from executor.packages.pip import PipFailed, install

FILE = "requirements.txt"
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_PATH = re.compile(r"(?:\.{1,2}/|/|file:)\S*|\S+\.(?:whl|tar\.gz|zip)$")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
MAX_INCLUDES = 32


def provide(
    cache: DependencyCache, code: Path, interpreter: Interpreter, on_progress: Progress
) -> Installed | None:
    """Return the installed dependencies; None without a ``requirements.txt``.

    :raises PackageError: pip could not install them.
    """
    source = code / FILE
    if not source.is_file():
        return None

    def fill(target: Path) -> None:
        on_progress(f"installing {FILE} for python{interpreter.minor}")
        try:
            install(
                # Wheels only: building runs the package's code as the user of this server. A file that
                # wants it for one package says `--no-binary NAME`.
                ["--only-binary", ":all:", *_platform_options(interpreter), "-r", str(source)],
                target=target,
                interpreter=interpreter,
                cwd=code,
                on_progress=on_progress,
                installations=cache.installations,
            )
        except PipFailed as error:
            raise PackageError("dependencies", f"pip could not install {FILE}:\n{error}", source) from error
        shutil.rmtree(target / "bin", ignore_errors=True)  # scripts that name our interpreter

    return cache.provide(
        _key(code, interpreter),
        source,
        fill,
        lambda draft: compile_files(draft.folder, draft.entries, interpreter),
    )


def _platform_options(interpreter: Interpreter) -> list[str]:
    """Wheels for the C library of where functions run: a container's image may be older than this machine."""
    return [option for tag in interpreter.platforms for option in ("--platform", tag)]


def _key(code: Path, interpreter: Interpreter) -> str:
    platform = interpreter.platforms[0] if interpreter.platforms else sysconfig.get_platform()
    identity = hashlib.sha256(f"{interpreter.magic}\0{platform}\0".encode())
    for path, text in _included(code / FILE, code):
        identity.update(f"{path}\0{len(text)}\0".encode() + text)
    return identity.hexdigest()[:32]


def _included(top: Path, code: Path) -> Iterator[tuple[str, bytes]]:
    """Every file whose content decides what is installed: the included ones, and wheels named by path."""
    pending, seen = [top], set[Path]()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        if len(seen) > MAX_INCLUDES:
            raise PackageError("dependencies", f"{FILE} includes more than {MAX_INCLUDES} files", top)
        text = _read_bytes(path, top)
        yield path.name, text
        for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
            requirement = line.partition(" #")[0].strip()
            where = f"{path.name}:{number}"
            if match := _INCLUDE.match(requirement):
                if not _URL.match(match[1]):
                    pending.append(path.parent / match[1])
            elif local := _local_path(requirement, where, top):
                yield local, _read_bytes(code / local.removeprefix("file:"), top)


def _local_path(requirement: str, where: str, top: Path) -> str | None:
    """The path that a requirement names. :raises PackageError: it is a folder, whose changes we can't see."""
    if _EDITABLE.match(requirement):
        raise PackageError("dependencies", f"{where}: an editable requirement cannot be packaged", top)
    if requirement.startswith(("#", "-")):
        return None
    name = requirement.partition(";")[0].rpartition("@ ")[2].split(" ")[0].strip()
    if not _PATH.fullmatch(name) or (_URL.match(name) and not name.startswith("file:")):
        return None
    if not name.endswith((".whl", ".tar.gz", ".zip")):
        message = f"{where}: {name!r} is a folder: put its code into the function's folder, or build a wheel"
        raise PackageError("dependencies", message, top)
    return name.replace("file://", "file:")


def _read_bytes(path: Path, top: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError("dependencies", f"{path}: {error.strerror}", top) from error
