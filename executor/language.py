"""Languages other than Python: which runtime names there are, and how a program of this machine becomes a runtime.

A `Language` says how its programs are found and started; `executor.languages` lists them. Python is no `Language`
here: its interpreters fork (see `executor.interpreters`), these programs are executed afresh for each environment.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from executor.driver import ChannelKind
from executor.revision import FunctionConfig

# AWS's identifiers, and the short forms. A version without a program of its own here runs with the nearest one.
RUNTIMES: Mapping[str, tuple[str, ...]] = {
    "python": tuple(f"python3.{minor}" for minor in range(9, 15)),
    "nodejs": tuple(
        chain.from_iterable((f"nodejs{major}.x", f"nodejs{major}") for major in range(16, 25, 2))
    ),
    "ruby": ("ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4", "ruby3.x"),
    "java": ("java8.al2", "java11", "java17", "java21", "java25"),
    "provided": ("provided", "provided.al2", "provided.al2023"),
}
KNOWN_RUNTIMES: tuple[str, ...] = tuple(chain.from_iterable(RUNTIMES.values()))

_NAME = re.compile(r"(?P<language>[a-z]+)(?P<major>\d+)?(?:\.(?P<minor>\d+|x))?(?:\.al\d+)?")


class NotInstalled(LookupError):  # says what is missing, as FileNotFoundError does
    """No program here can run the runtime; the message says which was wanted and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One program of a language on this machine.

    :param path: the program, symlinks resolved.
    :param version: what runtime names are compared with, ``(22, 11, 0)``.
    :param home: the folder that it reads at start, shown at its own path and as ``/var/lang``; its programs are
        in ``home/bin``.
    """

    language: str
    path: Path
    version: tuple[int, ...]
    release: str
    home: Path

    def __repr__(self) -> str:
        return f"<{self.language} {self.release} {self.path}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an environment sees what a runtime needs.

    :param files: the folder that holds the language's `files`.
    :param task: the function's code.
    :param runtime: what AWS's runtimes bring along, or None.
    """

    files: str
    task: str
    runtime: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """
    :param name: the start of its runtimes' names.
    :param files: our own files that every environment of it gets, in one folder, by their names.
    :param find: the usable programs of this machine, newest first. Blocks; its argument is a folder for a cache.
    :param command: what an environment executes.
    :param variables: what its runtimes on Lambda set beside the common ones; a function's own win over them.
    :param runtime_folder: what is installed below the state (the argument) for its runtimes, or None.
    :param install: what to say when no program is there, ``install Node.js 16 or newer``.
    :param can_exec: whether a runtime's bootstrap, waiting in a slot, can replace its process by a fresh one.
    :param links: path → target, in an environment's own file system; for where a language looks and Lambda has more.
    :param needs_folder: nothing runs without the runtime folder: the client of the Runtime API is in it.
    """

    name: str
    channel: ChannelKind
    files: tuple[Path, ...]
    find: Callable[[Path | None], tuple[Installation, ...]]
    command: Callable[[Installation, Place, FunctionConfig], list[str]]
    variables: Callable[[Installation, Place, FunctionConfig], dict[str, str]]
    runtime_folder: Callable[[Path, Installation], Path | None]
    install: str
    links: Mapping[str, str] = field(default_factory=dict)
    can_exec: Callable[[str], bool] = lambda _: True
    needs_folder: bool = False


def of_an_image(runtime: str) -> Installation:
    """Stands for the program in an image, of which only the runtime's name is known."""
    return Installation(
        language=language_name(runtime),
        path=Path(language_name(runtime)),
        version=wanted_version(runtime),
        release=runtime,
        home=Path("/usr/local"),
    )


def language_name(runtime: str) -> str:
    """``nodejs`` of ``nodejs22.x``; the name itself where it is none."""
    match = _NAME.fullmatch(runtime)
    return match["language"] if match is not None else runtime


def wanted_version(runtime: str) -> tuple[int, ...]:
    """What the name says: ``(22,)`` for ``nodejs22.x`` and ``nodejs22``, ``(3, 4)`` for ``ruby3.4``."""
    match = _NAME.fullmatch(runtime)
    if match is None or match["major"] is None:
        return ()
    minor = match["minor"]
    return (int(match["major"]),) if minor in (None, "x") else (int(match["major"]), int(minor))


def nearest(runtime: str, found: tuple[Installation, ...], language: Language) -> Installation:
    """The version that was asked for, else the nearest newer one, else the nearest older one; its newest release.

    :raises NotInstalled: there is none at all.
    """
    if not found:
        raise NotInstalled(f"{runtime} has no program on this machine: {language.install} or put it on PATH")
    wanted = wanted_version(runtime)
    prefixes = {each.version[: len(wanted)] for each in found}
    newer = [version for version in prefixes if version >= wanted]
    chosen = min(newer) if newer else max(prefixes)
    return max(
        (each for each in found if each.version[: len(wanted)] == chosen), key=lambda each: each.version
    )


def describe_choice(runtime: str, installation: Installation) -> str | None:
    """Say that another version runs the function; None when it is the one that was asked for."""
    wanted = wanted_version(runtime)
    if installation.version[: len(wanted)] == wanted:
        return None
    chosen = f"{installation.language} {installation.release} ({installation.path})"
    return f"{runtime} is not on this machine: functions run with {chosen}"


def runtime_name(installation: Installation) -> str:
    """The runtime that it is, as AWS spells it: ``nodejs20.x``, ``ruby3.1``, ``java17``."""
    major, minor = (*installation.version, 0, 0)[:2]
    numbers = f"{major}.{minor}" if installation.language == "ruby" else str(major)
    return aws_name(f"{installation.language}{numbers}")


def aws_name(runtime: str) -> str:
    """The name as AWS spells it: ``nodejs22.x`` for ``nodejs22``."""
    return f"{runtime}.x" if re.fullmatch(r"nodejs\d+", runtime) else runtime
