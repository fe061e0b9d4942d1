"""``lockgate serve``: the server. stdout gets one line, ``ready``; everything for people goes to stderr."""

import argparse
import asyncio

import uvloop

from lockgate.server import serve
from lockgate.settings import Settings, server_settings


def run(arguments: argparse.Namespace) -> int:
    return run_server(server_settings(arguments, dev=False))


def run_server(settings: Settings) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))
