"""``lockgate check``: read the routes file exactly as the server does, and show every problem at once."""

import argparse
import json
import os
import sys
from pathlib import Path

from lockgate.config.loader import load
from lockgate.config.problems import as_json
from lockgate.configuration import explain
from lockgate.errors import ExitCode


def run(arguments: argparse.Namespace) -> int:
    path = Path(arguments.config)
    loaded = load(path, os.environ)
    if arguments.json:
        print(json.dumps({"ok": loaded.ok, "problems": as_json(loaded.problems)}, indent=2))  # noqa: T201
        return ExitCode.OK if loaded.ok else ExitCode.CONFIGURATION
    if loaded.problems:
        print(explain(loaded), file=sys.stderr)  # noqa: T201
    if loaded.file is None:
        return ExitCode.CONFIGURATION
    routes, functions = len(loaded.file.resolved_routes()), len(loaded.file.resolved_functions())
    print(f"{path}: {_count(routes, 'route')}, {_count(functions, 'function')}, no mistakes.")  # noqa: T201
    return ExitCode.OK


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
