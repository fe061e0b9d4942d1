"""Which CPython interpreters this machine has, and which of them runs a function.

Every candidate is run once, isolated, and says itself what it is: names and folders prove nothing. A virtual
environment counts as the interpreter it was made from, because a function must never see Lockgate's packages.
State: the search is done once a process; an optional JSON file keeps answers by path, mtime and size.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

OLDEST = (3, 9)  # bootstrap, boto3 and the lock files of the runtime folder are kept working down to here
PROBE_TIMEOUT_S = (
    10.0  # a cold interpreter on a busy disk takes a second; one that waits for input never ends
)
PROBES_AT_ONCE = 8
CACHE_FILE = "interpreters.json"
CACHE_VERSION = 1

_NAME = re.compile(r"python3(\.\d+)?")
_RUNTIME = re.compile(r"python(\d+)\.(\d+)")

# -I -S: no site, no user site, no PYTHON* variable, so nothing of the user's runs. With -S a virtual
# environment reports its base; `_base_executable` names the base's program where it was made by copying.
_PROBE = """
import sys, importlib.util, json, os
print(json.dumps({
    "implementation": sys.implementation.name,
    "release": "%d.%d.%d" % sys.version_info[:3],
    "version": list(sys.version_info[:2]),
    "path": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": os.path.realpath(sys.base_prefix),
    "exec_prefix": os.path.realpath(sys.base_exec_prefix),
    "stdlib": os.path.realpath(os.path.dirname(os.__file__)),
    "cache_tag": sys.implementation.cache_tag,
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "free_threaded": "t" in sys.abiflags,
}))
"""


class NoInterpreter(LookupError):  # says what is missing, as FileNotFoundError does
    """No interpreter here can run the runtime; the message says which was wanted and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One CPython installation.

    :param path: its program, symlinks resolved, never inside a virtual environment.
    :param version: ``(3, 12)``.
    :param release: ``3.12.1``.
    :param prefix: ``sys.base_prefix``, resolved; with `exec_prefix` and `stdlib`, all that it reads at start.
    :param cache_tag: ``cpython-312``, the middle part of its .pyc names.
    :param magic: the magic number of its .pyc files, hex.
    :param platforms: tags of the wheels that pip takes for it, where functions run elsewhere; empty: this machine's.
    """

    path: Path
    version: tuple[int, int]
    release: str
    prefix: Path
    exec_prefix: Path
    stdlib: Path
    cache_tag: str
    magic: str
    platforms: tuple[str, ...] = ()

    @property
    def minor(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def release_key(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.release.split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """:param skipped: one sentence for each candidate that cannot be used."""

    found: tuple[Interpreter, ...]
    skipped: tuple[str, ...]


def find_interpreters(cache: Path | None = None) -> tuple[Interpreter, ...]:
    """Find every usable CPython >= 3.9, newest first. See `search`."""
    return search(cache).found


@lru_cache(maxsize=4)
def search(cache: Path | None = None) -> Search:
    """Run every candidate once, and keep the answer for the life of the process (``search.cache_clear()``).

    :param cache: a folder of ours; ``interpreters.json`` in it spares the runs at the next start.
    """
    return search_folders(tuple(_candidate_folders()), cache=cache)


def search_folders(folders: tuple[Path, ...], *, cache: Path | None = None) -> Search:
    """Look for ``python3`` and ``python3.N`` directly in `folders`; earlier folders win among equals."""
    programs = list(dict.fromkeys(_programs(folders)))
    known = _read_cache(cache)
    with ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="interpreter-probe") as pool:
        answers = dict(
            zip(programs, pool.map(lambda program: _answer(program, known), programs), strict=True)
        )
    _write_cache(cache, {_stamp(program): answer for program, answer in answers.items()}, known)
    return _judge(answers)


def nearest(runtime: str, found: tuple[Interpreter, ...]) -> Interpreter:
    """Choose the interpreter for a runtime name such as ``python3.13``.

    The exact minor version, else the nearest newer one, else the nearest older one; the newest release of it.

    :raises NoInterpreter: there is none at all, or the runtime is not a Python one.
    """
    match = _RUNTIME.fullmatch(runtime)
    if match is None:
        raise NoInterpreter(f"{runtime!r} is not a Python runtime")
    if not found:
        raise NoInterpreter(
            f"{runtime} needs CPython 3.9 or newer, and none was found: install one or put it on PATH"
        )
    wanted = (int(match[1]), int(match[2]))
    newer = [each for each in found if each.version >= wanted]
    version = min(each.version for each in newer) if newer else max(each.version for each in found)
    return max((each for each in found if each.version == version), key=lambda each: each.release_key)


def describe_choice(runtime: str, interpreter: Interpreter) -> str | None:
    """Say that another version runs the function; None when it is the one that was asked for."""
    if runtime == f"python{interpreter.minor}":
        return None
    chosen = f"python{interpreter.release} ({interpreter.path})"
    return f"{runtime} is not on this machine: functions run with {chosen}"


def is_open_to_all(interpreter: Interpreter) -> bool:
    """Whether a process of another user can run it: one under ``/root`` with mode 0700 cannot be reached."""
    places = {interpreter.path, *interpreter.path.parents, interpreter.stdlib, *interpreter.stdlib.parents}
    return all(place.stat().st_mode & 0o001 for place in places)


def _candidate_folders() -> Iterator[Path]:
    # A relative PATH entry means "whatever folder I am in", and nothing there may be run.
    # Shims (pyenv, asdf) are scripts that only choose among folders which are looked at below.
    entries = [Path(entry) for entry in os.get_exec_path() if os.path.isabs(entry)]
    yield from (entry for entry in entries if entry.name != "shims")
    yield Path(os.path.realpath(sys.executable)).parent
    yield Path(sys.base_exec_prefix) / "bin"
    yield from (Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin"))
    yield from _below(Path("/opt"), "*/bin")
    home = Path(os.path.expanduser("~"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    yield from _below(pyenv, "versions/*/bin")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    yield from _below(uv, "*/bin")


def _below(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:  # HOME of another user, as `su` without a login shell leaves it
        return []


def _programs(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        try:
            names = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))
        except OSError:  # not there, or not for us: then there is nothing to find
            continue
        for name in names:
            program = Path(os.path.realpath(folder / name))
            if os.access(program, os.X_OK) and program.is_file():
                yield program


def _stamp(program: Path) -> str:
    status = program.stat()
    return f"{program}|{status.st_mtime_ns}|{status.st_size}"


def _answer(program: Path, known: dict[str, dict[str, object]]) -> dict[str, object]:
    answer = known.get(_stamp(program))
    if answer is not None and Path(str(answer.get("stdlib"))).is_dir():
        return answer
    return _probe(program)


def _probe(program: Path) -> dict[str, object]:
    """What the program says of itself, or ``{"problem": …}``."""
    try:
        run = subprocess.run(
            [program, "-I", "-S", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            cwd="/",
            check=True,
        )
        answer = json.loads(run.stdout)
    except subprocess.TimeoutExpired:
        return {"problem": f"did not answer in {PROBE_TIMEOUT_S:g} s"}
    except subprocess.CalledProcessError as error:
        return {"problem": f"ended with {error.returncode}"}
    except (OSError, ValueError) as error:
        return {"problem": f"cannot be run: {error}"}
    return answer if isinstance(answer, dict) else {"problem": "gave no answer"}


def _judge(answers: dict[Path, dict[str, object]]) -> Search:
    found: dict[tuple[Path, str], Interpreter] = {}
    skipped = []
    for program, answer in answers.items():
        try:
            interpreter = _read_answer(answer)
        except (KeyError, TypeError, ValueError) as error:
            skipped.append(f"{program}: {error}")
            continue
        found.setdefault((interpreter.prefix, interpreter.release), interpreter)
    newest_first = sorted(found.values(), key=lambda each: each.release_key, reverse=True)
    return Search(found=tuple(newest_first), skipped=tuple(skipped))


def _read_answer(answer: dict[str, object]) -> Interpreter:
    """:raises ValueError: the candidate cannot be used; the message says why."""
    if "problem" in answer:
        raise ValueError(str(answer["problem"]))
    version = answer["version"]
    if not isinstance(version, list) or len(version) != 2:
        raise ValueError("gave no version")
    if answer["implementation"] != "cpython":
        raise ValueError(f"is {answer['implementation']}, not CPython")
    if (version[0], version[1]) < OLDEST:
        raise ValueError(f"is {answer['release']}, older than {OLDEST[0]}.{OLDEST[1]}")
    if answer["free_threaded"]:
        raise ValueError("is a free-threaded build, for which few packages have wheels")
    return Interpreter(
        path=Path(str(answer["path"])),
        version=(int(version[0]), int(version[1])),
        release=str(answer["release"]),
        prefix=Path(str(answer["prefix"])),
        exec_prefix=Path(str(answer["exec_prefix"])),
        stdlib=Path(str(answer["stdlib"])),
        cache_tag=str(answer["cache_tag"]),
        magic=str(answer["magic"]),
    )


def _read_cache(cache: Path | None) -> dict[str, dict[str, object]]:
    if cache is None:
        return {}
    try:
        content = json.loads((cache / CACHE_FILE).read_bytes())
        if content["version"] != CACHE_VERSION:
            return {}
        return {str(stamp): dict(answer) for stamp, answer in content["answers"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # missing or damaged: ask again
        return {}


def _write_cache(
    cache: Path | None, answers: dict[str, dict[str, object]], known: dict[str, dict[str, object]]
) -> None:
    # A problem may pass (a shim without a version, a slow disk), so only good answers are kept.
    good = {stamp: answer for stamp, answer in answers.items() if "problem" not in answer}
    if cache is None or good == known:
        return
    with suppress(OSError):  # the cache only saves time; a read-only state is reported by who needs to write
        cache.mkdir(parents=True, exist_ok=True)
        draft = cache / f"{CACHE_FILE}.{os.getpid()}"
        draft.write_text(json.dumps({"version": CACHE_VERSION, "answers": good}))
        draft.replace(cache / CACHE_FILE)
