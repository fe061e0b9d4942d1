"""``lockgate check``: read the routes file exactly as the server does, and show every problem at once."""

import argparse
import json
import sys

from lockgate.config.grammar.file import RoutesFile
from lockgate.config.problems import as_json
from lockgate.configuration import explain, read
from lockgate.errors import ExitCode
from lockgate.settings import config_paths


def run(arguments: argparse.Namespace) -> int:
    paths = config_paths(arguments)
    loaded = read(paths)
    if arguments.json:
        print(json.dumps({"ok": loaded.ok, "problems": as_json(loaded.problems)}, indent=2))  # noqa: T201
        return ExitCode.OK if loaded.ok else ExitCode.CONFIGURATION
    if loaded.problems:
        print(explain(loaded), file=sys.stderr)  # noqa: T201
    if loaded.file is None:
        return ExitCode.CONFIGURATION
    print(f"{paths[0]}: {summary(loaded.file)}, no mistakes.")  # noqa: T201
    return ExitCode.OK


def summary(file: RoutesFile) -> str:
    """As ``12 routes (4 public), 2 functions, 1 authorizer``; authorizers where there are any."""
    routes = file.resolved_routes()
    public = sum(route.auth is None for route in routes)
    counts = [_count(len(routes), "route"), _count(len(file.functions), "function")]
    if file.authorizers:
        counts[0] += f" ({public} public)"
        counts.append(_count(len(file.authorizers), "authorizer"))
    return ", ".join(counts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
