"""What a server has on its engine and its machine, seen from both; and what is needed to give it bad images.

Whatever is found must belong to a container that there is, and each container to a function that should have one.
"""

import asyncio
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import docker
import orjson
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from executor.drivers.docker import kernel
from lockgate.executor_part import runtime_sockets
from tests.support.docker_world import loop_files
from tests.support.engine import Engine
from tests.support.engine_proxy import EngineProxy
from tests.support.observed import metrics, wait_until
from tests.support.processes import parts
from tests.support.server import RunningServer

SETTLE_S = 60.0  # an engine that has much else to do takes seconds to remove a container
_UIDS = 500
_OWN_TREES = ("docker",)  # of cgroups, below each controller

Event = Mapping[str, Any]


class ContainerWatch:
    """Looks after one server. :param uid_base: as given to it."""

    def __init__(self, server: RunningServer, client: docker.DockerClient, uid_base: int) -> None:
        self._server = server
        self._client = client
        self._uids = range(uid_base - 1, uid_base + _UIDS)
        self.instance: str = orjson.loads((server.state / "instance.json").read_bytes())["instance"]
        self._filter = {"label": f"lockgate.instance={self.instance}"}
        self.began_at = int(time.time())

    def containers(self) -> list[Container]:
        found: list[Container] = self._client.containers.list(
            all=True, filters=self._filter, ignore_removed=True
        )
        return found

    def strays(self, *gone: str) -> list[str]:
        """What belongs to no container, containers that the server does not count, and environments of functions
        that should have none.
        """
        there = self.containers()
        numbers = {number for each in there if (number := _number(each)) is not None}
        ids = {each.id for each in there}
        known = {event["Actor"]["ID"] for event in self.events("create")}
        found = [f"{what} {number}" for what, number in self._numbered() if number not in numbers]
        found += [f"process {pid} in {group}" for pid, group in self._processes() if group not in ids]
        found += [f"cgroup {name}" for name in _cgroups() if name in known - ids]
        counted = metrics(self._server)
        for name in gone:
            found += [f"environment of {name}"] * int(_environments(counted, f'function="{name}"'))
        expected = _environments(counted, "") + sum(
            count for series, count in counted.items() if series.startswith("lockgate_slots{")
        )
        if len(numbers) != expected:
            found.append(f"{len(numbers)} containers for {expected:g} environments and slots")
        return found

    def settle(self, *gone: str) -> None:
        """Wait until nothing is astray. :param gone: functions that must have no environment any more.

        :raises AssertionError: naming what is left.
        """
        self._wait_for_nothing(lambda: self.strays(*gone))

    def _wait_for_nothing(self, look: Callable[[], list[str]]) -> None:
        last: list[str] = []

        def is_settled() -> bool:
            nonlocal last
            last = look()
            return not last

        try:
            wait_until(is_settled, "nothing astray", SETTLE_S)
        except AssertionError:
            raise AssertionError(f"left behind after {SETTLE_S} s: {last}") from None

    def remains(self) -> list[str]:
        """Anything at all, for when the server has ended."""
        found = [f"container {each.name}" for each in self.containers()]
        found += [f"network {each.name}" for each in self._client.networks.list(filters=self._filter)]
        found += [f"mount {point}" for point in kernel.mounts_below(self._server.state.resolve())]
        found += [f"loop device {name}" for name in loop_files() if str(self._server.state) in name]
        found += [f"process {pid}" for pid, _ in self._processes()]
        known = {event["Actor"]["ID"] for event in self.events("create")}
        found += [f"cgroup {name}" for name in _cgroups() if name in known]
        places = (self._server.state / "docker", runtime_sockets(self.instance))
        found += [f"folder {place}" for place in places if place.exists()]
        rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False)
        return found + [f"rule {line}" for line in rules.stdout.splitlines() if self.instance in line]

    def expect_nothing(self) -> None:
        """The server has ended: so has everything that was its."""
        self._wait_for_nothing(self.remains)

    def events(self, action: str = "", function: str = "") -> list[Event]:
        """What the engine has done with its containers since the watch began, in order."""
        filters: dict[str, Any] = {"type": "container", "label": [f"lockgate.instance={self.instance}"]}
        if action:
            filters["event"] = action
        if function:
            filters["label"].append(f"lockgate.function={function}")
        now = f"{time.time():.6f}"  # later ones would be waited for
        found = self._client.events(since=self.began_at, until=now, filters=filters, decode=True)
        return list(found)

    def memory_peaks_mb(self) -> dict[str, int]:
        """Part → the most that it had since `forget_peaks`."""
        return {name: _status_number(pid, "VmHWM") // 1024 for name, pid in parts(self._server).items()}

    def forget_peaks(self) -> None:
        for pid in parts(self._server).values():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _numbered(self) -> Iterator[tuple[str, int]]:
        """Everything that carries an environment's number."""
        folder = self._server.state.resolve() / "docker" / "e"
        with suppress(FileNotFoundError):
            for name in os.listdir(folder):
                yield "folder", int(name)
        for point in kernel.mounts_below(folder):
            if Path(point) != folder:
                yield "mount", int(Path(point).relative_to(folder).parts[0])
        with suppress(FileNotFoundError):
            for name in os.listdir(runtime_sockets(self.instance)):
                if name.isdecimal():
                    yield "channel", int(name)
        for name in loop_files():
            if str(folder.parent) in name:
                yield "loop device", int(Path(name.removesuffix(" (deleted)")).stem)

    def _processes(self) -> Iterator[tuple[int, str]]:
        """Of the users of environments: pid and container."""
        for entry in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError, StopIteration, ValueError):
                if _status_number(int(entry), "Uid") in self._uids:
                    group = Path(f"/proc/{entry}/cgroup").read_text()
                    yield int(entry), _container_of(group)


def _environments(counted: Mapping[str, float], label: str) -> float:
    return sum(
        count
        for series, count in counted.items()
        if series.startswith("lockgate_environments{") and label in series
    )


def _number(container: Container) -> int | None:
    text = container.labels.get("lockgate.environment", container.labels.get("lockgate.slot"))
    return int(text) if text is not None else None


def _container_of(groups: str) -> str:
    for line in groups.splitlines():
        name = line.rpartition("/")[2].removeprefix("docker-").removesuffix(".scope")
        if len(name) == 64:
            return name
    return "no container"


def _cgroups() -> Iterator[str]:
    """Ids of containers that have a cgroup in some tree."""
    top = Path("/sys/fs/cgroup")
    for tree in (top, *top.iterdir()):
        for own in _OWN_TREES:
            with suppress(OSError):
                yield from os.listdir(tree / own)


def _status_number(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:"))


@contextmanager
def image_of(engine: Engine, base: str, tag: str, files: Path, **config: Any) -> Iterator[str]:
    """An image of *base* with *files* below ``/srv``. :param config: as in a container's configuration.

    :returns: its tag; it is removed afterwards, if it is there still.
    """
    client = engine.client()
    try:
        container = client.containers.create(base, ["true"])
        try:
            container.put_archive("/srv", _tar({file.name: file.read_bytes() for file in files.iterdir()}))
            repository, _, version = tag.partition(":")
            container.commit(repository, version, conf=config)
        finally:
            container.remove(force=True)
        yield tag
    finally:
        with suppress(NotFound):
            client.images.remove(tag, force=True)
        client.close()


@contextmanager
def foreign_image(engine: Engine, tag: str, arch: str) -> Iterator[str]:
    """A tiny image that says it is for *arch*. Source: OCI image specification; what `docker save` writes."""
    layer = _tar({"nothing": b""})
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": arch,
        "os": "linux",
        "config": {"Cmd": ["/nothing"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    archive = _tar(
        {
            "layer.tar": layer,
            "config.json": json.dumps(config).encode(),
            "manifest.json": json.dumps(manifest).encode(),
        }
    )
    client = engine.client()
    try:
        client.images.load(archive)
        yield tag
    finally:
        with suppress(DockerException):
            client.images.remove(tag, force=True)
        client.close()


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class ThreadedProxy:
    """An `EngineProxy` with a loop and a thread of its own, for tests that wait for other processes."""

    def __init__(self, engine: Engine) -> None:
        self._ready = threading.Event()
        self._engine = engine
        self._thread = threading.Thread(target=self._run, name="engine proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    @property
    def address(self) -> str:
        return self.proxy.address

    def go(self) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.go(), self._loop).result(10)

    def come(self) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.come(), self._loop).result(10)

    def stall(self, after_bytes: int = 0) -> None:
        """:param after_bytes: of the engine's answers, all connections together, are passed on before."""
        self._loop.call_soon_threadsafe(self.proxy.stall_after, after_bytes)

    def flow(self) -> None:
        self._loop.call_soon_threadsafe(self.proxy.flow)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        async with StallingProxy(self._engine.socket) as self.proxy:
            self._ready.set()
            await self._done.wait()


class StallingProxy(EngineProxy):
    """Stops in the middle of an answer, too."""

    _left: int | None = None

    def stall_after(self, count: int) -> None:
        self._left = count
        if count == 0:
            self.stall()

    def flow(self) -> None:
        self._left = None
        super().flow()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if self._left is not None:
                passed, self._left = data[: self._left], max(0, self._left - len(data))
                writer.write(passed)
                data = data[len(passed) :]
                if self._left == 0:
                    self.stall()
                    await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
