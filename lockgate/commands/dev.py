"""``lockgate dev``: the server on one's own machine, without an engine and with logs that a person reads."""

import argparse

from lockgate.settings import server_settings
from lockgate.start import start


def run(arguments: argparse.Namespace) -> int:
    return start(server_settings(arguments, dev=True))
