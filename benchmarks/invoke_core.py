"""What a warm call costs the executor in CPU time, without system calls.

The whole path of `Executor.invoke` is run (catalog, fleet, shell, Runtime API, log, metrics) against runtimes in
the same loop: their connections write into memory and answer at the loop's next turn. Only the loop's own
thread is counted; the log's writer has another. Run: ``python benchmarks/invoke_core.py``.
"""

# ruff: noqa: ARG002  # a driver of fewer words than the contract
import argparse
import asyncio
import platform
import statistics
import tempfile
import time
from os import cpu_count, getloadavg
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from executor.core.limits import NodeLimits
from executor.driver import Capabilities, ChannelAddress, ChannelKind, DriverSink, StartSpec, WithoutSlots
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import FunctionConfig, Revision
from executor.runtime_api.channel import SocketChannel
from executor.runtime_api.connection import RuntimeConnection
from executor.runtime_api.server import RuntimeApi
from kit.invoke import InvokeCall
from kit.names import Names

BUDGET_US = 45.0
EVENT = b'{"version":"2.0","routeKey":"GET /notes","rawPath":"/notes","body":"' + b"x" * 900 + b'"}'
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"

_NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
_BODY = b'{"statusCode":200,"body":"{}"}'
_HEAD = b"POST /2018-06-01/runtime/invocation/"
_TAIL = b"/response HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
_TAIL += b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY + _NEXT
_ID = b"Request-Id: "


class Runtime(asyncio.Transport):
    """A runtime at the other end of a connection: it answers each event at the loop's next turn."""

    def __init__(self, channel: SocketChannel) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._connection = RuntimeConnection(channel)
        self._connection.connection_made(self)

    def ask(self) -> None:
        self._connection.data_received(_NEXT)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        data = bytes(data)
        at = data.find(_ID) + len(_ID)
        if at >= len(_ID):
            self._loop.call_soon(self._connection.data_received, _HEAD + data[at : at + 36] + _TAIL)

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        return


class MemoryApi(RuntimeApi):
    """Channels without a listener."""

    def __init__(self, sink: DriverSink, root: Path) -> None:
        super().__init__(sink, root)  # type: ignore[arg-type]  # the shell is both sinks
        self.channels: dict[int, SocketChannel] = {}
        self._folder = root

    async def open_socket(self, environment: int) -> SocketChannel:
        channel = SocketChannel(environment, self._sink, self._folder / "none")
        self.channels[environment] = channel
        return channel


class MemoryDriver(WithoutSlots):
    """Starts `Runtime` objects."""

    api: MemoryApi

    async def open(self, sink: DriverSink) -> Capabilities:
        return Capabilities(
            name="memory", runtimes=("python3.11",), private_tmp=False, memory_limit="none", own_uid=False
        )

    def channel_kind(self, runtime: str) -> ChannelKind:
        return ChannelKind.SOCKET

    async def prepare(self, revision: Revision) -> None:
        return

    async def start(self, spec: StartSpec, channel: ChannelAddress) -> float:
        runtime = Runtime(self.api.channels[spec.environment])
        asyncio.get_running_loop().call_soon(runtime.ask)
        return time.monotonic()

    async def stop(self, environment: int, grace_s: float) -> None:
        return

    def flush(self, environment: int) -> None:
        return

    def peak_memory_mb(self, environment: int) -> int:
        return 42

    def environments(self) -> frozenset[int]:
        return frozenset(self.api.channels)

    async def close(self) -> None:
        return


async def measure(root: Path, *, rounds: int, calls: int, callers: int, environments: int) -> list[float]:
    """Microseconds a call, one value for each round."""
    logs = FunctionLogs(root / "logs", 64)
    driver = MemoryDriver()
    executor = Executor(
        names=Names(),
        driver=driver,
        node=NodeLimits(memory_mb=256 * environments),
        logs=logs,
        metrics=ExecutorMetrics(CollectorRegistry()),
        socket_root=root / "sockets" / "e",
    )
    driver.api = MemoryApi(executor.shell, root)
    executor._runtime_api = driver.api
    await executor.open()
    config = FunctionConfig(name="notes", runtime="python3.11", handler="app.handler")
    executor.apply([Revision.of(config, "package")])

    async def caller(count: int) -> None:
        for _ in range(count):
            call = InvokeCall(function="notes", payload=EVENT, budget_ms=30_000, trace=TRACE)
            answer = await executor.invoke(call)
            assert answer.payload == _BODY

    found = []
    for number in range(rounds + 1):
        began = time.thread_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller(calls // callers), name="caller")
        if number:  # the first round starts the environments
            found.append((time.thread_time() - began) / calls * 1e6)
    executor.shell.fleet.check(time.monotonic())
    await executor.drain(0.0)
    await executor.close()
    logs.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {cpu_count()} cores, load {getloadavg()[0]:.1f},"
          f" Python {platform.python_version()}, uvloop {uvloop.__version__}")  # fmt: skip
    worst = 0.0
    for callers in (1, 50):
        with tempfile.TemporaryDirectory() as root:
            work = measure(
                Path(root), rounds=options.rounds, calls=options.calls, callers=callers, environments=4
            )
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                times = runner.run(work)
        worst = max(worst, min(times))
        print(f"{callers:>3} callers, 4 environments   median {statistics.median(times):6.1f} µs a call"
              f"   {min(times):6.1f} to {max(times):6.1f}")  # fmt: skip
    return 0 if worst <= BUDGET_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
