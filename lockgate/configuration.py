"""Read the routes file for a command, exactly as the server does, and show what is wrong with it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kit.positioned_yaml import MAX_BYTES
from lockgate.config.delivered import several_files
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import Loaded, load, load_bytes
from lockgate.config.packages import foreign_packages
from lockgate.config.problems import Problem, render_text
from lockgate.errors import ConfigurationError


def read(paths: Sequence[Path]) -> Loaded:
    """The file with every problem: of the command line, of the installation, of the file."""
    return read_with_bytes(paths)[0]


def read_with_bytes(paths: Sequence[Path]) -> tuple[Loaded, bytes]:
    """The same, and what the file's bytes were; none where it cannot be read."""
    try:
        with paths[0].open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError:
        return _with_others(load(paths[0], os.environ), paths), b""
    return _with_others(load_bytes(data, paths[0], os.environ), paths), data


def _with_others(loaded: Loaded, paths: Sequence[Path]) -> Loaded:
    several = several_files(paths)
    problems: tuple[Problem, ...] = (*((several,) if several else ()), *foreign_packages())
    if not problems:
        return loaded
    return Loaded(file=None, problems=(*problems, *loaded.problems), source_lines=loaded.source_lines)


def load_or_explain(paths: Sequence[Path]) -> RoutesFile:
    """The file, whole and valid; warnings go to stderr. :raises ConfigurationError: after showing every problem."""
    return load_with_bytes(paths)[0]


def load_with_bytes(paths: Sequence[Path]) -> tuple[RoutesFile, bytes]:
    """The same, and the file's bytes."""
    loaded, data = read_with_bytes(paths)
    if loaded.problems:
        print(explain(loaded), file=sys.stderr)  # noqa: T201
    if loaded.file is None:
        count = sum(problem.severity == "error" for problem in loaded.problems)
        raise ConfigurationError(
            f"{paths[0]} has {count} mistake{'' if count == 1 else 's'}.",
            "Mend what is shown above; `lockgate check` shows it again.",
        )
    return loaded.file, data


def explain(loaded: Loaded) -> str:
    """The problems for a person; coloured on a terminal."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return render_text(loaded.problems, loaded.source_lines, colour).rstrip("\n")
