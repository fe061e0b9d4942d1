"""``lockgate routes``: every route and what answers it, most specific first as the router sees them."""

import argparse
import json

from rich.console import Console

from lockgate.banner import routes_table
from lockgate.configuration import load_or_explain
from lockgate.errors import ExitCode
from lockgate.settings import config_paths


def run(arguments: argparse.Namespace) -> int:
    file = load_or_explain(config_paths(arguments))
    routes = file.resolved_routes()
    if arguments.json:
        listed = [
            {
                "route": route.key.text,
                "method": route.key.method or "ANY",
                "path": route.key.path,
                "function": route.function,
                "access": "public",
                "payload": route.payload if route.function is not None else None,
                "timeout_s": route.timeout_s,
            }
            for route in routes
        ]
        print(json.dumps(listed, indent=2))  # noqa: T201
    else:
        Console(highlight=False).print(routes_table(routes))
    return ExitCode.OK
