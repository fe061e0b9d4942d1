"""``lockgate routes``: every route in the file's order, what answers it, who may call it and how often."""

import argparse
import json

from rich.console import Console

from lockgate.configuration import load_or_explain
from lockgate.errors import ExitCode
from lockgate.route_list import as_json, authorizers_table, notes, routes_table
from lockgate.settings import config_paths


def run(arguments: argparse.Namespace) -> int:
    file = load_or_explain(config_paths(arguments))
    if arguments.json:
        print(json.dumps(as_json(file), indent=2))  # noqa: T201
        return ExitCode.OK
    console = Console(highlight=False)
    console.print(routes_table(file.resolved_routes()))
    authorizers = authorizers_table(file)
    if authorizers is not None:
        console.print()
        console.print(authorizers)
    console.print()
    for line in notes(file):
        console.print(line, markup=False, style="dim", soft_wrap=True)
    return ExitCode.OK
