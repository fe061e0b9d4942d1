"""``lockgate serve``: the server. stdout gets one line, ``ready``; everything for people goes to stderr.

In one process, as a supervisor with an executor and edges, or as one edge of an executor that runs elsewhere.
"""

import argparse
import os

from lockgate.loop import run_loop
from lockgate.parts.membership import membership
from lockgate.settings import server_settings


def run(arguments: argparse.Namespace) -> int:
    settings = server_settings(arguments, dev=False)
    if settings.executor_url:
        from lockgate.edge_process import serve_edge  # an edge has nothing of an executor in its memory

        return run_loop(serve_edge(settings, membership(os.environ)))
    from lockgate.start import start

    return start(settings)
