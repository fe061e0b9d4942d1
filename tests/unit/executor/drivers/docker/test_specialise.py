"""How a waiting container becomes a function's: in which order, and what stops it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from executor.driver import EnvironmentShape, StartError, StartMode, StartSpec
from executor.drivers.docker.blueprint import Materials
from executor.drivers.docker.cgroup import ContainerGroup, LimitsNotHeld
from executor.drivers.docker.container import Container
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.network.networks import Networks
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.probe import Findings
from executor.drivers.docker.specialise import Specialiser
from executor.drivers.docker.workspace import Delivery, Folder, Workspace
from executor.revision import FunctionConfig, NetworkConfig, Revision
from kit.names import Names

CONFIG = FunctionConfig(
    name="notes", runtime="python3.13", handler="app.handler", network=NetworkConfig(allow=("10.0.0.5:1",))
)
MIB = 1 << 20


class Steps:
    """Group, networks and workspace in one: what was done, in order. :ivar fault: of the limit."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fault: OSError | None = None

    def limit_memory(self, total_bytes: int) -> None:
        if self.fault is not None:
            raise self.fault
        self.done.append(f"memory {total_bytes // MIB}")

    def weigh_cpu(self, memory_mb: int) -> None:
        self.done.append(f"cpu {memory_mb}")

    async def permit(self, _plan: NetworkPlan, allow: Sequence[str]) -> None:
        self.done.append(f"network {allow[0]}")

    def put_code(self, package: Path, folder: Folder, _delivery: Delivery) -> None:
        self.done.append(f"code {package.name} in {folder.root.name}")


async def specialise(steps: Steps, *, disk: bool = True, group: bool = True) -> None:
    findings = Findings(fifo=True, delivery=Delivery.LINKED, disk=disk, cgroups=None, degraded=())
    materials = Materials(names=Names(), workspace=cast(Workspace, steps), findings=findings)
    made = Container(number=3, name="c", uid_slot=0, uid=1, gid=1)
    made.id, made.folder = "c0ffee", Folder(root=Path("/w/e/3"))
    made.plan = NetworkPlan(egress="internet", mode="n", endpoints={})
    made.group = cast(ContainerGroup, steps) if group else None
    spec = StartSpec(
        environment=3,
        mark="m",
        shape=EnvironmentShape(runtime="python3.13", storage_mb=64),
        revision=Revision.of(CONFIG, "p"),
        variables={},
    )
    specialiser = Specialiser(cast(EngineClient, Engine(steps)), cast(Networks, steps), materials)
    await specialiser.specialise(made, spec, Path("/packages/p"), StartMode.WARM)


class Engine:
    """Sets limits as it is told. :cvar held: what it says that it has set, where that is not what it was told."""

    held: int | None = None

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._memory = 0

    async def update(self, _container: str, limits: dict[str, Any]) -> None:
        self._memory = limits["Memory"]
        self._steps.done.append(f"engine {self._memory // MIB} {limits['MemorySwap'] // MIB}")

    async def inspect(self, _container: str) -> dict[str, Any]:
        return {"HostConfig": {"Memory": self._memory if self.held is None else self.held}}


async def test_code_comes_last() -> None:
    """C1: nothing of the function is there before its limits and its network hold."""
    steps = Steps()
    await specialise(steps)
    assert steps.done == ["memory 256", "cpu 256", "network 10.0.0.5:1", "code p in 3"]


async def test_container_whose_limit_does_not_hold_gets_no_code() -> None:
    """C1: its twin is the one above."""
    steps = Steps()
    steps.fault = LimitsNotHeld(0, "the limit reads back as max")
    with pytest.raises(StartError, match="limits do not hold"):
        await specialise(steps)
    assert steps.done == []


async def test_tmp_in_memory_counts_as_memory() -> None:
    steps = Steps()
    await specialise(steps, disk=False)
    assert steps.done[0] == "memory 320"


async def test_engine_that_sets_another_limit_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """C1: what it says afterwards decides; its twin says what it was told."""
    steps = Steps()
    await specialise(steps, group=False)
    assert steps.done == ["engine 256 256", "network 10.0.0.5:1", "code p in 3"]
    monkeypatch.setattr(Engine, "held", 0)
    with pytest.raises(StartError, match="limits do not hold"):
        await specialise(steps, group=False)
    assert steps.done[3:] == ["engine 256 256"]
