"""Read the routes file for a command, exactly as the server does, and show what is wrong with it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lockgate.config.delivered import several_files
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import Loaded, load
from lockgate.config.packages import foreign_packages
from lockgate.config.problems import Problem, render_text
from lockgate.errors import ConfigurationError


def read(paths: Sequence[Path]) -> Loaded:
    """The file with every problem: of the command line, of the installation, of the file."""
    loaded = load(paths[0], os.environ)
    several = several_files(paths)
    problems: tuple[Problem, ...] = (*((several,) if several else ()), *foreign_packages())
    if not problems:
        return loaded
    return Loaded(file=None, problems=(*problems, *loaded.problems), source_lines=loaded.source_lines)


def load_or_explain(paths: Sequence[Path]) -> RoutesFile:
    """The file, whole and valid; warnings go to stderr. :raises ConfigurationError: after showing every problem."""
    loaded = read(paths)
    if loaded.problems:
        print(explain(loaded), file=sys.stderr)  # noqa: T201
    if loaded.file is None:
        count = sum(problem.severity == "error" for problem in loaded.problems)
        raise ConfigurationError(
            f"{paths[0]} has {count} mistake{'' if count == 1 else 's'}.",
            "Mend what is shown above; `lockgate check` shows it again.",
        )
    return loaded.file


def explain(loaded: Loaded) -> str:
    """The problems for a person; coloured on a terminal."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return render_text(loaded.problems, loaded.source_lines, colour).rstrip("\n")
