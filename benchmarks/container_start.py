"""Where a cold start in a container spends its time, step by step: ``python -m benchmarks.container_start``.

The docker driver alone, without gateway, fleet and log: slots are made two at a time as the server does it, then each
becomes a function, one after another. CPU is what the container's own group used, so it says more than the clock where
others use the cores too.
"""

import argparse
import asyncio
import compileall
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks import containers
from benchmarks.lockgate_server import RUNTIME
from benchmarks.machine import facts
from benchmarks.spread import percentile
from executor.core.stock import FILLS_AT_ONCE
from executor.drivers.docker import cgroup, kernel
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.network.networks import Networks
from executor.drivers.docker.workspace import Workspace
from tests.support.docker_world import DockerWorld
from tests.support.driver_world import HANDLER, Started

SLOTS = 24
_STAMP = (
    "import time\nSTAMP = time.perf_counter()\n"  # CLOCK_MONOTONIC is one for all containers of a machine
)


class Steps:
    """Milliseconds by step: of each call of a function that it was put around."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    def note(self, step: str, began: float, ended: float | None = None) -> None:
        self.times[step].append(((time.perf_counter() if ended is None else ended) - began) * 1000)

    def around(self, owner: Any, name: str, step: str) -> Callable[[], None]:
        """Time every call of a function of *owner* from now on. :returns: what ends that."""
        function = getattr(owner, name)

        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.note(step, began)

        async def timed_until_done(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return await function(*given, **named)
            finally:
                self.note(step, began)

        setattr(owner, name, timed_until_done if asyncio.iscoroutinefunction(function) else timed)
        return lambda: setattr(owner, name, function)

    def print(self, *, title: str, steps: list[str]) -> None:
        print(f"\n{f'{title}, ms':<62} {'p50':>8} {'p95':>8} {'least':>8}")
        for step in steps:
            values = self.times[step]
            if values:
                figures = (percentile(values, 0.5), percentile(values, 0.95), min(values))
                print(f"  {step:<60} " + " ".join(f"{figure:8.2f}" for figure in figures))


def watch(steps: Steps) -> tuple[list[str], list[str], Callable[[], None]]:
    """:returns: the steps of making a slot, and of using it; and what ends the watch."""
    parts: list[tuple[Any, str, str]] = [
        (Workspace, "make", "folder, and a disk for /tmp"),
        (Networks, "reserve", "an address"),
        (EngineClient, "create", "engine: create"),
        (EngineClient, "start", "engine: start"),
    ]
    uses: list[tuple[Any, str, str]] = [
        (cgroup.ContainerGroup, "limit_memory", "  memory limit, and read back"),
        (cgroup.ContainerGroup, "weigh_cpu", "  CPU weight"),
        (kernel, "bind_read_only", "  mount of the code"),
        (Workspace, "put_code", "  code in place, in a thread"),
    ]
    ends = [steps.around(owner, name, step) for owner, name, step in parts + uses]

    def put_back() -> None:
        for end in ends:
            end()

    return [step for *_, step in parts], [step for *_, step in uses], put_back


def cpu_ms(world: DockerWorld, number: int) -> float:
    """What all processes of a container have used. :raises OSError: its group does not count."""
    container = world.driver._containers[number]
    findings = world.driver.findings
    assert container.id is not None
    assert findings is not None
    assert findings.cgroups is not None
    memory = findings.cgroups.templates["memory"].format(id=container.id)
    if findings.cgroups.unified:
        used = Path(memory, "cpu.stat").read_text().split()[1]  # usage_usec, the first line
        return int(used) / 1e3
    return int(Path(memory.replace("/memory/", "/cpuacct/", 1), "cpuacct.usage").read_text()) / 1e6


async def make_slots(world: DockerWorld, steps: Steps, revision: Any, count: int) -> list[Started]:
    """:data:`FILLS_AT_ONCE` at a time."""
    made: list[Started] = []

    async def fill() -> None:
        while len(made) + busy < count:
            began = time.perf_counter()
            made.append(await counted(world.fill(revision)))
            steps.note("asked until it waits", began)

    busy = 0

    async def counted(work: Awaitable[Started]) -> Started:
        nonlocal busy
        busy += 1
        try:
            return await work
        finally:
            busy -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(FILLS_AT_ONCE):
            group.create_task(fill(), name="fill")
    return made


async def use(world: DockerWorld, steps: Steps, slot: Started, revision: Any) -> None:
    used, began = cpu_ms(world, slot.number), time.perf_counter()
    steps.times["CPU of its container until it waits"].append(used)
    channel, spec = world.channels[slot.number], world.spec(revision)
    found = await world.driver.specialise(slot.number, spec)
    steps.note("driver: specialise", began)
    told = time.perf_counter()
    world.channels[spec.environment] = world.channels.pop(slot.number)
    assert channel.specialise(spec.environment, found.document())
    environment = await Started(world, spec.environment).ready()
    steps.note("told until the next is asked", told)
    steps.note("all", began)
    steps.times["CPU of its container for that"].append(cpu_ms(world, spec.environment) - used)
    stamp = await environment.does("import app; result = app.STAMP")
    steps.note("told until its handler's first line", told, stamp)


async def measure(options: argparse.Namespace, image: str) -> None:
    for name, source in (("one file", _STAMP), ("import boto3", "import boto3\n" + _STAMP)):
        steps = Steps()
        making, using, put_back = watch(steps)
        try:
            async with DockerWorld(options.engine, {RUNTIME: image}) as world:
                revision = world.revision(world.package({"app.py": source + HANDLER}))
                if "boto3" in name:
                    package = world.package_folder(revision.package)
                    package.joinpath("app.py").unlink()
                    package.rmdir()
                    containers.large_package(package)
                    package.joinpath("app.py").write_text(source + HANDLER)
                    compileall.compile_dir(package, quiet=2)
                began = time.perf_counter()
                slots = await make_slots(world, steps, revision, options.slots)
                rate = options.slots / (time.perf_counter() - began)
                for slot in slots:
                    await use(world, steps, slot, revision)
        finally:
            put_back()
        if "boto3" not in name:
            steps.print(
                title=f"{options.slots} slots made, {FILLS_AT_ONCE} at a time: {rate:.1f}/s",
                steps=[*making, "asked until it waits", "CPU of its container until it waits"],
            )
        steps.print(
            title=f"a slot becomes a function, {name}",
            steps=["driver: specialise", *using, "told until its handler's first line",
                   "told until the next is asked", "all", "CPU of its container for that"],
        )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--engine", default="unix:///var/run/docker.sock")
    parser.add_argument("--image", default=containers.IMAGE, help=f"with {RUNTIME} ({containers.IMAGE})")
    options = parser.parse_args()
    for name, fact in facts().items():
        print(f"{name}: {fact}")
    with containers.engine() as client:
        image = str(client.images.get(options.image).id)
    print(f"{containers.engine_facts()}; image {options.image}")
    asyncio.run(measure(options, image))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
