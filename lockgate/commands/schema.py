"""``lockgate schema``: the grammar of routes.yaml as JSON Schema, for editors."""

import argparse
import json

from lockgate.config.schema import json_schema
from lockgate.errors import ExitCode


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))  # noqa: T201
    return ExitCode.OK
