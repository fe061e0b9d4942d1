"""Finds the programs of a language on this machine: every candidate is run once and says itself what it is.

A file keeps the answers by path, time and size, so that a start need not run them again. State: nothing else.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from executor.language import Installation

PROBE_TIMEOUT_S = 10.0  # a JVM on a busy disk takes two seconds; a program that waits for input never ends
PROBES_AT_ONCE = 4
CACHE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """
    :param names: how its program may be called.
    :param folders: patterns below ``/`` and (with ``~``) below the home folder, beside those of PATH.
    :param probe: arguments with which it prints a JSON object with ``release`` and ``home``, or only its version.
    :param oldest: the first version that our runtime works with.
    """

    language: str
    names: re.Pattern[str]
    folders: tuple[str, ...]
    probe: tuple[str, ...]
    oldest: tuple[int, ...]


def find(search: Search, cache: Path | None) -> tuple[Installation, ...]:
    """Every usable program, newest first; the first on PATH among equals.

    :param cache: a folder of ours; a file in it spares the runs at the next start.
    """
    return find_in(search, tuple(_candidate_folders(search)), cache)


def find_in(search: Search, folders: tuple[Path, ...], cache: Path | None) -> tuple[Installation, ...]:
    programs = list(dict.fromkeys(_programs(search, folders)))
    known = _read_cache(cache, search)
    with ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix=f"{search.language}-probe") as pool:
        stamps = [_stamp(program) for program in programs]
        answers = dict(
            zip(
                stamps,
                pool.map(
                    lambda pair: known.get(pair[1]) or _ask(pair[0], search),
                    zip(programs, stamps, strict=True),
                ),
                strict=True,
            )
        )
    good = {stamp: answer for stamp, answer in answers.items() if answer is not None}
    if good != known:
        _write_cache(cache, search, good)
    found: dict[str, Installation] = {}
    for program, stamp in zip(programs, stamps, strict=True):
        installation = _installation(program, search, answers[stamp])
        if installation is not None:
            found.setdefault(installation.release, installation)
    return tuple(sorted(found.values(), key=lambda each: each.version, reverse=True))


def _candidate_folders(search: Search) -> Iterator[Path]:
    # A relative PATH entry means "whatever folder I am in"; shims only choose among folders looked at below.
    entries = [Path(entry) for entry in os.get_exec_path() if os.path.isabs(entry)]
    yield from (entry for entry in entries if entry.name != "shims")
    yield from (Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin"))
    home = Path(os.path.expanduser("~"))
    for pattern in search.folders:
        below, rest = (home, pattern[2:]) if pattern.startswith("~/") else (Path("/"), pattern.lstrip("/"))
        with suppress(OSError):  # HOME of another user, as `su` without a login shell leaves it
            yield from sorted(below.glob(rest))


def _programs(search: Search, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            names = sorted(name for name in os.listdir(folder) if search.names.fullmatch(name))
        except OSError:  # not there, or not for us: then there is nothing to find
            continue
        for name in names:
            program = Path(os.path.realpath(folder / name))
            if os.access(program, os.X_OK) and program.is_file():
                yield program


def _stamp(program: Path) -> str:
    status = program.stat()
    return f"{program}|{status.st_mtime_ns}|{status.st_size}"


def _ask(program: Path, search: Search) -> dict[str, str] | None:
    """What it says of itself, or None: it does not work here."""
    try:
        run = subprocess.run(
            [program, *search.probe],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            cwd="/",
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},  # NODE_OPTIONS, RUBYOPT and their kin must not act
            check=True,
        )
        answer = _read_answer(run.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("release"), str):
        return None
    return {"release": answer["release"], "home": str(answer.get("home") or program.parent.parent)}


def _read_answer(printed: bytes) -> object:
    """:raises ValueError: neither JSON nor words with a version, as ``openjdk 17.0.15 2025-04-15``."""
    if printed.lstrip().startswith(b"{"):
        return json.loads(printed)
    version = re.search(rb"\d+(?:\.\d+)*", printed)
    if version is None:
        raise ValueError("it names no version")
    return {"release": version[0].decode()}


def _installation(program: Path, search: Search, answer: dict[str, str] | None) -> Installation | None:
    if answer is None:
        return None
    numbers = re.match(r"\d+(?:\.\d+)*", answer["release"])
    version = tuple(int(part) for part in numbers[0].split(".")) if numbers else ()
    home = Path(answer["home"])
    if version < search.oldest or not home.is_dir():
        return None
    return Installation(
        language=search.language, path=program, version=version, release=answer["release"], home=home
    )


def _cache_file(cache: Path, search: Search) -> Path:
    return cache / f"{search.language}-programs.json"


def _read_cache(cache: Path | None, search: Search) -> dict[str, dict[str, str]]:
    if cache is None:
        return {}
    try:
        content = json.loads(_cache_file(cache, search).read_bytes())
        if content["version"] != CACHE_VERSION:
            return {}
        answers = content["answers"].items()
        return {
            str(stamp): {"release": str(each["release"]), "home": str(each["home"])}
            for stamp, each in answers
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # missing or damaged: ask again
        return {}


def _write_cache(cache: Path | None, search: Search, answers: dict[str, dict[str, str]]) -> None:
    if cache is None:
        return
    with suppress(OSError):  # it only saves time; a read-only state is reported by who needs to write
        cache.mkdir(parents=True, exist_ok=True)
        draft = _cache_file(cache, search).with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"version": CACHE_VERSION, "answers": answers}))
        draft.replace(_cache_file(cache, search))
