"""Runs a process of the server on its event loop, from the first coroutine to the exit code."""

import asyncio
from collections.abc import Coroutine

import uvloop


def run_loop(serving: Coroutine[object, object, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)
