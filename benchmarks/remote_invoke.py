"""What an executor behind its unix socket costs, beside the same executor in the caller's process.

Both run the whole path of `Executor.invoke` against runtimes in memory (`invoke_core.py`); over the socket caller and
executor are two processes. CPU is that of the whole process, system calls included, so it is fair only on cores that
are not shared with others. Run: ``python benchmarks/remote_invoke.py``.
"""

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from os import cpu_count, getloadavg
from pathlib import Path
from typing import NamedTuple

import uvloop
from invoke_core import EVENT, TRACE, MemoryApi, MemoryDriver
from prometheus_client import CollectorRegistry

from executor.core.limits import NodeLimits
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.remote.server import InvokeServer
from executor.revision import FunctionConfig, Revision
from kit.http_client import HttpClient, UnixPeer
from kit.invoke import InvokeCall, Invoker
from kit.listen_sockets import bind
from kit.names import Names
from kit.remote_invoker import EXECUTOR_LIMITS, RemoteInvoker

ENVIRONMENTS = 50
IN_FLIGHT = 50

Cpu = Callable[[], Awaitable[float]]


class Row(NamedTuple):
    """:ivar there_us: CPU of the executor's process a call; 0 where it is the caller's."""

    per_s: float
    p50_us: float
    here_us: float
    there_us: float


async def make_executor(root: Path) -> tuple[Executor, FunctionLogs]:
    logs = FunctionLogs(root / "logs", 64)
    driver = MemoryDriver()
    executor = Executor(
        names=Names(),
        driver=driver,
        node=NodeLimits(memory_mb=256 * ENVIRONMENTS),
        logs=logs,
        metrics=ExecutorMetrics(CollectorRegistry()),
        socket_root=root / "sockets" / "e",
    )
    driver.api = MemoryApi(executor.shell, root)
    executor._runtime_api = driver.api
    await executor.open()
    config = FunctionConfig(name="notes", runtime="python3.11", handler="app.handler")
    executor.apply([Revision.of(config, "package")])
    return executor, logs


async def measure(invoker: Invoker, there: Cpu, *, callers: int, calls: int) -> Row:
    times: list[float] = []

    async def caller(count: int) -> None:
        for _ in range(count):
            began = time.perf_counter()
            call = InvokeCall(function="notes", payload=EVENT, budget_ms=30_000, trace=TRACE)
            answer = await invoker.invoke(call)
            times.append(time.perf_counter() - began)
            assert answer.status == 200

    async def crowd(count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller(count // callers), name="caller")

    await crowd(max(callers * 20, 500))
    times.clear()
    here_before, there_before, began = time.process_time(), await there(), time.perf_counter()
    await crowd(calls)
    spent, here_after, there_after = time.perf_counter() - began, time.process_time(), await there()
    return Row(
        per_s=len(times) / spent,
        p50_us=statistics.median(times) * 1e6,
        here_us=(here_after - here_before) / len(times) * 1e6,
        there_us=(there_after - there_before) / len(times) * 1e6,
    )


async def nothing() -> float:
    return 0.0


async def in_process(root: Path, *, callers: int, calls: int) -> Row:
    executor, logs = await make_executor(root)
    row = await measure(executor, nothing, callers=callers, calls=calls)
    await executor.drain(0.0)
    await executor.close()
    logs.close()
    return row


async def over_socket(root: Path, *, callers: int, calls: int) -> Row:
    path = root / "executor.sock"
    child = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", str(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    stdin, stdout = child.stdin, child.stdout
    await stdout.readline()

    async def there() -> float:
        stdin.write(b"cpu\n")
        return float(await stdout.readline())

    client = HttpClient(UnixPeer(path=path), EXECUTOR_LIMITS)
    row = await measure(RemoteInvoker(client), there, callers=callers, calls=calls)
    await client.close()
    stdin.close()
    await child.wait()
    return row


async def serve(path: Path) -> None:
    """The other process: tells its CPU time for each line that it is sent, and ends with its input."""
    with tempfile.TemporaryDirectory() as root:
        executor, logs = await make_executor(Path(root))
        server = InvokeServer(executor, lambda _: None)
        await server.listen(bind(f"unix:{path}"))
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        print("ready", flush=True)
        while await reader.readline():
            print(time.process_time(), flush=True)
        await server.close()
        await executor.drain(0.0)
        await executor.close()
        logs.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        uvloop.run(serve(options.serve))
        return 0
    print(f"{platform.processor() or platform.machine()}, {cpu_count()} cores, load {getloadavg()[0]:.1f},"
          f" Python {platform.python_version()}, uvloop {uvloop.__version__}, {len(EVENT)}-byte events")  # fmt: skip
    for name, measured in (("in process", in_process), ("unix socket", over_socket)):
        for callers in (1, IN_FLIGHT):
            rows = []
            for _ in range(options.rounds):
                with tempfile.TemporaryDirectory() as root:
                    rows.append(uvloop.run(measured(Path(root), callers=callers, calls=options.calls)))
            best = max(rows, key=lambda row: row.per_s)
            print(f"{name:<12} {callers:>3} in flight   {best.per_s:8,.0f} calls/s   p50 {best.p50_us:7.0f} µs"
                  f"   CPU a call: caller {best.here_us:5.1f} µs, executor {best.there_us:5.1f} µs")  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
