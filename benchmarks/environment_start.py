"""How long an environment of the process driver takes from `start` to the first byte of its runtime.

    python -m benchmarks.environment_start [--starts 100] [--pause-ms 40] [--runtime nodejs22.x]

The function's module is empty; the channel is the unix socket of our own bootstrap. Starts are one at a time, with a
pause in which the zygote prepares the next environment; ``--pause-ms 0`` measures a start without that.
"""

import argparse
import asyncio
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path

from executor.driver import ChannelAddress, ChannelKind, EnvironmentShape, ExitReport, StartSpec
from executor.drivers.process.driver import ProcessDriver
from executor.revision import FunctionConfig, Revision
from kit.names import Names


class Quiet:
    """A sink for which only an unexpected end matters."""

    def exited(self, environment: int, report: ExitReport) -> None:
        print(f"environment {environment} ended: {report}")

    def printed(self, environment: int, chunk: bytes) -> None:  # noqa: ARG002  # a sink
        print(chunk.decode(errors="replace"), end="")


class Bench:
    def __init__(self, folder: Path, driver: ProcessDriver, runtime: str) -> None:
        self._folder = folder
        self._driver = driver
        self._revision = Revision.of(
            FunctionConfig(name="empty", runtime=runtime, handler="app.handler"), "empty"
        )

    async def once(self, number: int) -> tuple[float, float]:
        """:returns: milliseconds to the first byte, and of the stop."""
        channel = self._folder / "e" / str(number)
        channel.mkdir(parents=True)
        asked = asyncio.get_running_loop().create_future()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            asked.set_result(time.perf_counter())
            await reader.read(-1)
            writer.close()

        server = await asyncio.start_unix_server(answer, channel / "api.sock")
        (channel / "api.sock").chmod(0o666)
        began = time.perf_counter()
        await self._driver.start(self._spec(number), ChannelAddress(kind=ChannelKind.SOCKET, folder=channel))
        first_byte = await asyncio.wait_for(asked, 10)
        stopping = time.perf_counter()
        await self._driver.stop(number, 0)
        stopped = time.perf_counter()
        server.close()
        return (first_byte - began) * 1e3, (stopped - stopping) * 1e3

    def _spec(self, number: int) -> StartSpec:
        config = self._revision.config
        return StartSpec(
            environment=number,
            mark=f"bench/1/{number}",
            shape=EnvironmentShape(runtime=config.runtime, storage_mb=config.storage_mb),
            revision=self._revision,
            variables={"_HANDLER": config.handler},
        )


async def measure(folder: Path, starts: int, pause_s: float, runtime: str) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "app.py").write_text("def handler(event, context):\n    return None\n")
    (folder / "empty" / "app.js").write_text("exports.handler = async () => null;\n")
    driver = ProcessDriver(
        names=Names(instance=os.urandom(4).hex(), epoch=1),
        packages=lambda digest: folder / digest,
        runtime_folder=lambda _: None,
        state=folder / "state",
    )
    found = await driver.open(Quiet())
    try:
        bench = Bench(folder, driver, runtime)
        first = (await bench.once(1))[0]  # with the zygote's own start
        results = []
        for number in range(2, starts + 2):
            await asyncio.sleep(pause_s)
            results.append(await bench.once(number))
    finally:
        await driver.close()
    print(f"machine: {platform.platform()}, {os.cpu_count()} cpus, load {os.getloadavg()[0]:.2f}")
    print(f"private /tmp {found.private_tmp}, memory by {found.memory_limit}, own uid {found.own_uid}")
    print(f"runtime {runtime}")
    print(f"with the start of the zygote: {first:.1f} ms; pause between starts {pause_s * 1e3:g} ms")
    for name, values in zip(("start to first byte", "stop"), zip(*results, strict=True), strict=True):
        ordered = sorted(values)
        p50, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        print(f"{name}: p50 {p50:.2f} ms, p95 {p95:.2f} ms, of {len(ordered)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--pause-ms", type=float, default=40)
    parser.add_argument("--runtime", default="python3.13")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lg"))
    folder.chmod(0o755)
    try:
        asyncio.run(measure(folder, arguments.starts, arguments.pause_ms / 1e3, arguments.runtime))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
