"""``lockgate check``: read the routes file exactly as the server does, and show every problem at once."""

import argparse
import json
import sys

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
    routes, functions = len(loaded.file.resolved_routes()), len(loaded.file.resolved_functions())
    print(f"{paths[0]}: {_count(routes, 'route')}, {_count(functions, 'function')}, no mistakes.")  # noqa: T201
    return ExitCode.OK


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
