"""A server with the docker driver on an engine that a test may ill-treat, and all that is there because of it."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from executor.drivers.docker import kernel
from lockgate.executor_part import runtime_sockets
from tests.support.chaos_engine import ChaosEngine, EngineView
from tests.support.docker_world import loop_files
from tests.support.observed import wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.processes import parts
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

SETTLE_S = 60.0

# What a function says of where it runs: the container's id is in the path of a file that every container is given.
WHERE = """
import re
CONTAINER = re.search(r"/containers/([0-9a-f]{64})/", open("/proc/self/mountinfo").read()).group(1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """What there is of one server; each is counted by its environment or slot, or stands for itself."""

    containers: Counter[str]
    folders: Counter[str]
    mounts: Counter[str]
    loops: Counter[str]
    sockets: Counter[str]
    shims: Counter[str]

    def counts(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name).total() for field in fields(self)}


class ChaosSite:
    """:ivar server: not started yet."""

    def __init__(
        self, engine: EngineView, image: str, folder: Path, *, address: str = "", **sections: Any
    ) -> None:
        """:param address: where the server looks for the engine, if that is not the engine's own."""
        self.engine = engine
        self.folder = folder
        sections["server"] = {
            "engine": address or engine.address,
            "images": {"python3.11": image},
            "pull": "never",
        } | dict(sections.get("server", {}))
        sections.setdefault("defaults", {"runtime": "python3.11", "memory": 128})
        config = write_routes(folder, **sections)
        self.server = RunningServer(config, folder / "state", extra=("--driver", "docker"))

    @property
    def instance(self) -> str:
        return str(orjson.loads((self.server.state / "instance.json").read_bytes())["instance"])

    @property
    def executor_pid(self) -> int:
        return parts(self.server)["executor"]

    def call(self, path: str, *, timeout_s: float = 60.0, **arguments: Any) -> Reply:
        return call(self.server.gateway_address, path, timeout_s=timeout_s, **arguments)

    def admin(self, path: str) -> Reply:
        return call(address_of(self.server.endpoints["admin"]), path)

    def containers(self) -> dict[str, Mapping[str, Any]]:
        """Id → what the engine lists, of this server's own."""
        found = self.engine.containers(f"lockgate.instance={self.instance}")
        return {str(each["Id"]): each for each in found}

    def environments(self, function: str | None = None) -> set[str]:
        """Ids of running containers that were made for or given to a function, or slots if it is None."""
        return {
            number
            for number, each in self.containers().items()
            if each["Labels"].get("lockgate.function") == function and each["State"] == "running"
        }

    def look(self) -> Things:
        state = self.server.state.resolve()
        environments = state / "docker" / "e"
        mounts = [point for point in kernel.mounts_below(state) if environments in point.parents]
        sockets = runtime_sockets(self.instance)
        return Things(
            containers=Counter(str(each["Names"][0]) for each in self.containers().values()),
            folders=Counter(os.listdir(environments) if environments.exists() else ()),
            mounts=Counter(str(point) for point in mounts if point.name == "tmp"),
            loops=Counter(name for name in loop_files() if str(state) in name),
            sockets=Counter(os.listdir(sockets) if sockets.exists() else ()),
            shims=Counter(str(pid) for pid in self.engine.shims()),
        )

    def settle(self, timeout_s: float = SETTLE_S) -> Things:
        """Wait until there is as much of everything as there are living containers. :returns: what there is."""
        last: list[Things] = []

        def agrees() -> bool:
            containers = self.containers().values()
            last[:] = [self.look()]
            counts = last[0].counts()
            if not isinstance(self.engine, ChaosEngine):
                del counts["shims"]
            return len(set(counts.values())) == 1 and all(each["State"] == "running" for each in containers)

        try:
            wait_until(agrees, "one of everything for each container", timeout_s)
        except AssertionError:
            raise AssertionError(f"not settled after {timeout_s} s: {last[0]}") from None
        return last[0]

    def expect_nothing(self) -> None:
        """The server is gone, and so is everything that was its."""
        assert self.look().counts() == dict.fromkeys(self.look().counts(), 0)
        assert not [name for name in self.engine.networks() if self.instance in name]
        assert list(kernel.mounts_below(self.server.state.resolve())) == []


@contextmanager
def chaos_folder() -> Iterator[Path]:
    """Of a server; outside of what pytest keeps, because disks are mounted in it."""
    made = Path(tempfile.mkdtemp(prefix="lg")).resolve()
    try:
        yield made
    finally:
        for point in kernel.mounts_below(made):
            kernel.unmount(point)
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def serving(site: ChaosSite) -> Iterator[ChaosSite]:
    """Started; stopped at the end, or killed if it does not stop."""
    try:
        site.server.start()
        yield site
        assert site.server.stop() == 0
    finally:
        if site.server.process is not None and site.server.process.poll() is None:
            site.server.kill()
