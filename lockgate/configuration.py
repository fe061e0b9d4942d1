"""Load the routes file for a command, and show what is wrong with it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import Loaded, load
from lockgate.config.problems import render_text
from lockgate.errors import ConfigurationError


def load_or_explain(path: Path, say: Callable[[str], None] | None = None) -> RoutesFile:
    """The file, whole and valid; warnings are said. :raises ConfigurationError: with every problem on stderr."""
    loaded = load(path, os.environ)
    if loaded.problems:
        (say or _to_stderr)(explain(loaded))
    if loaded.file is None:
        count = sum(problem.severity == "error" for problem in loaded.problems)
        raise ConfigurationError(
            f"{path} has {count} problem{'s' if count != 1 else ''}.",
            "Mend them; `lockgate check` shows them again.",
        )
    return loaded.file


def explain(loaded: Loaded) -> str:
    """The problems for a person; coloured on a terminal."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return render_text(loaded.problems, loaded.source_lines, colour).rstrip("\n")


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
