"""Reloads under load, with figures: `python -m benchmarks.reload_under_load`.

64 connections (every second one new for each request) call all the time while the routes file is changed and
reloaded 100 times, every tenth time with a mistake. A wrong or lost answer makes the run void. Then 200 more
reloads without load, for memory. The code is that of tests/e2e/test_reload.py.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.machine import facts
from tests.support.observed import metrics
from tests.support.reload_load import CONNECTIONS, History, Load, reload_often, write_generation
from tests.support.server import RunningServer

RELOADS = 100
PAUSE_S = 0.05
RELOADS_FOR_MEMORY = 200


async def measure(folder: Path) -> bool:
    """:returns: whether every answer was right."""
    history = History(begun={0: 0.0})
    with RunningServer(write_generation(folder, 0), folder / "state") as server:
        load = Load(server.gateway_address, history)
        running = asyncio.create_task(load.run(), name="load")
        await asyncio.sleep(1.0)  # environments start
        began, before = time.monotonic(), load.answers
        took = await reload_often(folder, server.endpoints, history, times=RELOADS, pause_s=PAUSE_S)
        rate = (load.answers - before) / (time.monotonic() - began)
        load.stopped = True
        await running
        print(
            f"{CONNECTIONS} connections, {RELOADS} reloads: {rate:,.0f} requests/s, {load.answers:,} answers"
        )
        print(f"  wrong or lost: {len(load.failures)}")
        for failure in load.failures[:5]:
            print(f"    {failure}")
        print(f"  latency ms: {quantiles(load.latencies_s[before:])}")
        print(f"  reload ms:  {quantiles(took)}")
        rss = [resident_mb(server)]
        for _ in range(2):
            quiet = await reload_often(folder, server.endpoints, History(), times=RELOADS_FOR_MEMORY // 2)
            rss.append(resident_mb(server))
        print(f"without load, reload ms: {quantiles(quiet)}")
        print(f"memory MB after 100, 200, 300 reloads: {', '.join(f'{each:.1f}' for each in rss)}")
    return not load.failures


def quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.1f}, p99 {cuts[98] * 1000:.1f}, max {max(seconds) * 1000:.1f}"


def resident_mb(server: RunningServer) -> float:
    return metrics(server)["process_resident_memory_bytes"] / 2**20


def main() -> int:
    for name, fact in facts().items():
        print(f"{name}: {fact}")
    with tempfile.TemporaryDirectory(prefix="lockgate-reload-") as folder:
        Path(folder).chmod(0o755)
        is_right = uvloop.run(measure(Path(folder)))
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
