"""The kernel's word that a process has ended."""

import asyncio
import os
import sys

import pytest

from executor.drivers.docker.life import Life

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pidfd is Linux's")


async def test_an_end_is_told_once() -> None:
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    told = asyncio.Event()
    life = Life(process.pid, asyncio.get_running_loop(), told.set)
    assert not told.is_set()
    assert process.stdin is not None
    process.stdin.close()
    await told.wait()
    life.close()
    assert await process.wait() == 0


async def test_what_is_closed_tells_nothing_and_leaves_no_descriptor() -> None:
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    told = asyncio.Event()
    before = len(os.listdir("/proc/self/fd"))
    life = Life(process.pid, asyncio.get_running_loop(), told.set)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    life.close()
    life.close()
    assert len(os.listdir("/proc/self/fd")) == before
    process.kill()
    await process.wait()
    assert not told.is_set()
