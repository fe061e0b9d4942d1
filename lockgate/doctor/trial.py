"""Containers as `serve` makes them, tried: what the engine allows, and one call from end to end.

The trial is an instance of its own for some seconds; what a running server has made is not touched.
"""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from executor.drivers.docker.driver import DockerDriver
from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.errors import EngineFault
from executor.drivers.docker.network.subnet import NoSubnet
from executor.drivers.docker.probe import Findings, ProbeFailed
from executor.drivers.docker.workspace import Delivery
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import FunctionConfig, Revision
from kit.invoke import InvokeCall
from kit.names import Names
from lockgate.doctor.row import Row, Verdict
from lockgate.node import node_limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = "containers"
_TRIAL_S = 60.0  # two containers and three networks; an engine that was just started is slow
_MEMORY_MB = 128
_FUNCTIONS = {
    "python": ("app.handler", "app.py", "def handler(event, context):\n    return event\n"),
    "nodejs": ("app.handler", "app.js", "exports.handler = async (event) => event;\n"),
    "ruby": ("app.handler", "app.rb", "def handler(event:, context:)\n  event\nend\n"),
}


def trial_rows(address: str, images: Mapping[str, str], uid_base: int) -> list[Row]:
    """:param images: runtime → image id, of those that are there."""
    if not images:
        return [_nothing_to_run()]
    try:
        return asyncio.run(_within_time(address, images, uid_base))
    except (ProbeFailed, EngineFault, NoSubnet, TimeoutError) as problem:
        return [_failed(str(problem) or "it took too long")]


async def _within_time(address: str, images: Mapping[str, str], uid_base: int) -> list[Row]:
    async with asyncio.timeout(_TRIAL_S):
        return await _try(address, images, uid_base)


async def _try(address: str, images: Mapping[str, str], uid_base: int) -> list[Row]:
    runtime = next((name for name in images if _language(name) is not None), next(iter(images)))
    async with _executor(address, {runtime: images[runtime]}, uid_base) as (driver, executor, package):
        rows = (
            list(judge(driver.findings, guarded=driver.is_guarded, parted=driver.is_parted))
            if driver.findings
            else []
        )
        return [*rows, await _round_trip(executor, package, runtime, images[runtime])]


@asynccontextmanager
async def _executor(
    address: str, images: Mapping[str, str], uid_base: int
) -> "AsyncIterator[tuple[DockerDriver, Executor, Path]]":
    from prometheus_client import CollectorRegistry

    folder = Path(tempfile.mkdtemp(prefix="lockgate-doctor-"))  # short: a socket's path has at most 107 bytes
    package = folder / "package"
    names = Names(instance=secrets.token_hex(4), epoch=1)
    driver = DockerDriver(
        names=names,
        packages=lambda _: package,
        runtime_folder=lambda _: None,
        state=folder / "state",
        images=images,
        engine=EngineAddress.parse(address),
        uid_base=uid_base,
    )
    logs = FunctionLogs(folder / "logs", 1)
    executor = Executor(
        names=names,
        driver=driver,
        node=node_limits(memory_mb=_MEMORY_MB),
        logs=logs,
        metrics=ExecutorMetrics(CollectorRegistry()),
        socket_root=folder / "e",
    )
    try:
        await asyncio.to_thread(package.mkdir, mode=0o755)
        await asyncio.to_thread(folder.chmod, 0o755)
        await executor.open()
        yield driver, executor, package
    finally:
        await executor.close()
        await asyncio.to_thread(logs.close)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _round_trip(executor: Executor, package: Path, runtime: str, image: str) -> Row:
    """Engine → container → our bootstrap → Runtime API → function → answer."""
    language = _language(runtime)
    if language is None:
        return _row("round trip", Verdict.WEAK, "not tried: it needs an image of Python, Node.js or Ruby")
    handler, name, code = _FUNCTIONS[language]
    await asyncio.to_thread((package / name).write_text, code)
    await asyncio.to_thread((package / name).chmod, 0o644)
    config = FunctionConfig(
        name="doctor", runtime=runtime, handler=handler, memory_mb=_MEMORY_MB, timeout_s=_TRIAL_S
    )
    executor.apply([Revision.of(config, "doctor", image)])
    call = InvokeCall(
        function="doctor",
        payload=b'"pulse"',
        budget_ms=int(_TRIAL_S * 1000),
        trace="Root=1-00000000-000000000000000000000000",
    )
    answer = await executor.invoke(call)
    if answer.payload == b'"pulse"':
        return _row("round trip", Verdict.OK, f"a {runtime} function in a container answered")
    return _row(
        "round trip",
        Verdict.MISSING,
        f"a {runtime} function in a container did not answer: {answer.payload[:300]!r}",
        "No function in a container will.",
        "Look at the engine's log, and at what the image is made of.",
    )


def judge(findings: Findings, *, guarded: bool, parted: bool) -> Iterator[Row]:
    """What follows from what the probe container found; one that can write where it must not has failed by then."""
    yield _row("own file system", Verdict.OK, "read-only, and so is the code")
    yield _disk(findings.disk)
    yield _delivery(findings.delivery)
    yield _limits(findings.cgroups is not None)
    yield _egress(guarded)
    if guarded:  # else the row before says it all
        yield _apart(parted)


def _disk(holds: bool) -> Row:
    if holds:
        return _row("temporary files", Verdict.OK, "a disk of each function's own, full at its size")
    return _row(
        "temporary files",
        Verdict.WEAK,
        "in memory",
        "What functions write there counts as memory: their limit is memory + storage.",
        "Run the executor as root on the engine's machine, with loop devices and mkfs.ext4.",
    )


def _limits(holds: bool) -> Row:
    if holds:
        return _row("raising limits", Verdict.OK, "by cgroup files, in microseconds")
    return _row(
        "raising limits",
        Verdict.WEAK,
        "by the engine",
        "A prepared container takes some 10 ms longer to become a function's.",
        "Let the executor write the cgroups of containers.",
    )


def _egress(holds: bool) -> Row:
    if holds:
        return _row(
            "egress rules", Verdict.OK, "private, link-local and this machine's addresses are refused"
        )
    return _row(
        "egress rules",
        Verdict.WEAK,
        "cannot be set",
        "Functions with egress reach this machine, its private networks and a cloud's metadata address.",
        "Run the executor as root beside a rootful engine, with iptables; or give functions `egress: none`.",
    )


def _apart(holds: bool) -> Row:
    if holds:
        return _row("functions apart", Verdict.OK, "they do not reach each other's ports")
    return _row(
        "functions apart",
        Verdict.WEAK,
        "traffic within a bridge is not seen by the firewall",
        "Functions can call ports that other functions open.",
        "Load br_netfilter and set net.bridge.bridge-nf-call-iptables=1.",
    )


def _delivery(delivery: Delivery | None) -> Row:
    if delivery is Delivery.PROPAGATED:
        return _row("code", Verdict.OK, f"by {delivery.value}, in any size at once")
    if delivery is None:
        return _row(
            "code",
            Verdict.WEAK,
            "only at the start",
            "There are no prepared containers: a cold start takes some 200 ms.",
            "Let the executor mount (root, in the engine's own mount namespace).",
        )
    return _row(
        "code",
        Verdict.WEAK,
        f"by {delivery.value}",
        "Large packages take longer to start.",
        "Let the executor mount (root, in the engine's own mount namespace).",
    )


def _language(runtime: str) -> str | None:
    return next((name for name in _FUNCTIONS if runtime.startswith(name)), None)


def _nothing_to_run() -> Row:
    return _row(
        "containers",
        Verdict.WEAK,
        "not tried: the engine has no image for it",
        "What the engine allows is found at the first start instead.",
        "lockgate images build python3.11 (as root) makes one without a registry.",
    )


def _failed(problem: str) -> Row:
    return _row(
        "containers",
        Verdict.MISSING,
        problem,
        "No function can run in a container here.",
        "Look at the engine's log.",
    )


def _row(check: str, verdict: Verdict, found: str, follows: str = "", do: str = "") -> Row:
    return Row(group=GROUP, check=check, verdict=verdict, found=found, follows=follows, do=do)
