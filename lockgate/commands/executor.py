"""``lockgate executor``: runs functions in a process of its own; `lockgate serve --executor-url` is its gateway."""

import argparse
import os

from lockgate.executor_process import run_executor
from lockgate.loop import run_loop
from lockgate.parts.membership import membership
from lockgate.settings import executor_settings


def run(arguments: argparse.Namespace) -> int:
    return run_loop(run_executor(executor_settings(arguments), membership(os.environ)))
