"""``lockgate serve``: the server. stdout gets one line, ``ready``; everything for people goes to stderr.

In one process, or as a supervisor with an executor and edges, or as one edge of an executor that runs elsewhere.
"""

import argparse
import asyncio
import os
from collections.abc import Coroutine

import uvloop

from lockgate.parts.membership import membership
from lockgate.settings import Settings, server_settings


def run(arguments: argparse.Namespace) -> int:
    settings = server_settings(arguments, dev=False)
    member = membership(os.environ)
    if settings.executor_url and (member is not None or settings.workers is None):
        from lockgate.edge_process import serve_edge  # an edge holds nothing of the executor

        return run_loop(serve_edge(settings, member))
    if settings.workers is not None:
        from lockgate.supervised import supervise

        supervise(settings)
    return run_server(settings)


def run_server(settings: Settings) -> int:
    from lockgate.server import serve

    return run_loop(serve(settings))


def run_loop(serving: Coroutine[object, object, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)
