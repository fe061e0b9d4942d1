"""The runtime folder of Python functions: boto3 and what it needs, at ``/var/runtime``, last on the path.

Installed once from a lock file with hashes, shared by all interpreters that the same lock serves: it is pure
Python, and each interpreter has .pyc files of its own name in it. State: ``STATE/runtimes/python/KEY/`` with
a mark ``KEY.CACHE_TAG`` beside it for each interpreter that it is compiled for.
"""

import hashlib
import os
import shutil
from pathlib import Path

from executor.interpreters import Interpreter
from executor.language import Installation
from executor.languages import language_of
from executor.packages.bytecode import compile_files
from executor.packages.draft import Draft, sync_tree
from executor.packages.errors import PackageError
from executor.packages.installer import Progress
from executor.packages.listing import Limits
from executor.packages.pip import PipFailed
from executor.packages.pip import install as pip_install

LOCKS = Path(__file__).parent / "python"
LIMITS = Limits()


def lock_file(interpreter: Interpreter) -> Path:
    """The pinned packages for an interpreter. boto3 left Python 3.9 behind in 1.43."""
    name = "requirements-3.9.txt" if interpreter.version < (3, 10) else "requirements.txt"
    return LOCKS / name


def installed(state: Path, runner: Interpreter | Installation) -> Path | None:
    """The folder, when it is there and compiled for this interpreter; of other languages, whatever they have."""
    if isinstance(runner, Installation):
        language = language_of(runner.language)
        return None if language is None else language.runtime_folder(state, runner)
    interpreter = runner
    folder = _folder(state, interpreter)
    return folder if folder.is_dir() and _mark(folder, interpreter).is_file() else None


def install(state: Path, interpreter: Interpreter, on_progress: Progress = lambda _: None) -> Path:
    """Make the folder, or find it. Blocks on pip for seconds.

    :raises PackageError: ``dependencies`` when pip cannot, ``compile`` when the interpreter cannot.
    """
    folder = installed(state, interpreter)
    if folder is not None:
        return folder
    folder = _folder(state, interpreter)
    if not folder.is_dir():
        on_progress(f"installing boto3 for python{interpreter.minor}")
        _install(folder, interpreter, on_progress)
    on_progress(f"compiling boto3 for python{interpreter.minor}")
    _compile(folder, interpreter)
    return folder


def _install(folder: Path, interpreter: Interpreter, on_progress: Progress) -> None:
    lock = lock_file(interpreter)
    with Draft(folder.parent, lock, LIMITS) as draft:
        try:
            pip_install(
                # The lock is complete and hashed: nothing is resolved, nothing is built.
                ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)],
                target=draft.folder,
                interpreter=interpreter,
                cwd=LOCKS,
                on_progress=on_progress,
            )
        except PipFailed as error:
            raise PackageError("dependencies", f"boto3 could not be installed:\n{error}", lock) from error
        shutil.rmtree(draft.folder / "bin", ignore_errors=True)
        for place, _, files in os.walk(draft.folder):
            for name in files:
                os.chmod(os.path.join(place, name), 0o644)
        draft.commit(folder)


def _compile(folder: Path, interpreter: Interpreter) -> None:
    compile_files(folder, [path.relative_to(folder).as_posix() for path in folder.rglob("*.py")], interpreter)
    for cache in folder.rglob("__pycache__"):
        os.chmod(cache, 0o755)  # noqa: S103  # environments run as other users
        for path in cache.iterdir():
            path.chmod(0o644)
    sync_tree(folder)
    _mark(folder, interpreter).touch()


def _folder(state: Path, interpreter: Interpreter) -> Path:
    key = hashlib.sha256(lock_file(interpreter).read_bytes()).hexdigest()[:16]
    return state / "runtimes" / "python" / key


def _mark(folder: Path, interpreter: Interpreter) -> Path:
    return folder.with_name(f"{folder.name}.{interpreter.cache_tag}-{interpreter.magic}")
