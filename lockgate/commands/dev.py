"""``lockgate dev``: the server on one's own machine, without an engine and with logs that a person reads."""

import argparse

from lockgate.commands.serve import run_server
from lockgate.settings import server_settings


def run(arguments: argparse.Namespace) -> int:
    return run_server(server_settings(arguments, dev=True))
