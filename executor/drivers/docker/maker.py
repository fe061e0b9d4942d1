"""Makes containers and takes them down with all that belongs to them: folder, disk, network, output, limits.

Each step that has happened is noted on the `Container`, so that `remove` undoes just those, whenever a start was
given up. State: none but the uids that are in use.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from executor.driver import ChannelAddress, StartError
from executor.drivers.docker import image_volumes
from executor.drivers.docker.cgroup import ContainerGroup, LimitsNotHeld
from executor.drivers.docker.container import Container
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import Conflict, EngineError, NotFound
from executor.drivers.docker.fifo import OutputFifo
from executor.drivers.docker.gate import Gate
from executor.drivers.docker.images import Images
from executor.drivers.docker.life import Life
from executor.drivers.docker.network.networks import Networks
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.places import GATE_NAME, OUTPUT_NAME
from executor.drivers.docker.probe import Findings, open_to
from executor.drivers.docker.profile import (
    CPU_PERIOD_US,
    ContainerSpec,
    container_config,
    memory_bytes,
)
from executor.drivers.docker.workspace import Workspace

log = logging.getLogger("lockgate.executor")

START_FAULT, START_MESSAGE = "Sandbox.Failure", "The environment could not be started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a container needs around it. :param build: what it is, when its folder and its network are known."""

    channel: ChannelAddress
    storage_mb: int
    egress: str
    networks: tuple[str, ...]
    allow: tuple[str, ...]
    build: Callable[[Container, NetworkPlan], ContainerSpec]


class ContainerMaker:
    """:param printed: (environment, chunk). :param made: told as soon as the engine has given an id.
    :param died: told when the kernel says that the container's first process has ended.
    """

    def __init__(
        self,
        *,
        engine: EngineClient,
        networks: Networks,
        workspace: Workspace,
        images: Images,
        findings: Findings,
        printed: Callable[[int, bytes], None],
        made: Callable[[Container], None],
        died: Callable[[Container], None],
    ) -> None:
        self._engine = engine
        self._networks = networks
        self._workspace = workspace
        self._images = images
        self._findings = findings
        self._printed = printed
        self._made = made
        self._died = died
        self._loop = asyncio.get_running_loop()

    async def make(self, container: Container, wish: Wish) -> float:
        """:returns: when it ran, on the monotonic clock.
        :raises StartError: :raises OSError: the engine or this machine; trying again may help.
        """
        await self._make_folder(container, wish)
        container.plan = await self._networks.reserve(wish.egress, wish.networks)
        await self._networks.permit(container.plan, wish.allow)
        container.is_gated = container.plan.is_late
        spec = wish.build(container, container.plan)
        if not spec.attach:
            self._open_output(container, wish.channel)
            self._close_gate(container, wish.channel)
        await self._create(container, spec)
        if spec.attach:
            await self._attach(container)
        self._check_wanted(container)
        return await self._start(container, spec, wish)

    async def _make_folder(self, container: Container, wish: Wish) -> None:
        storage_mb = wish.storage_mb if self._findings.disk else None
        container.folder = self._workspace.folder(str(container.number))
        await asyncio.to_thread(self._workspace.make, container.folder.root.name, storage_mb=storage_mb)
        open_to(wish.channel.folder or container.folder.channel, container.gid)

    def _open_output(self, container: Container, channel: ChannelAddress) -> None:
        assert container.folder is not None

        def printed(chunk: bytes) -> None:
            self._printed(container.number, chunk)

        path = (channel.folder or container.folder.channel) / OUTPUT_NAME
        container.output = OutputFifo(path, gid=container.gid, loop=self._loop, printed=printed)

    def _close_gate(self, container: Container, channel: ChannelAddress) -> None:
        if container.is_gated:
            assert container.folder is not None
            path = (channel.folder or container.folder.channel) / GATE_NAME
            container.gate = Gate(path, gid=container.gid)

    async def _create(self, container: Container, spec: ContainerSpec) -> None:
        self._check_wanted(container)
        container.volumes = tuple(str(each["Source"]) for each in spec.volumes)
        try:
            container.id = await self._engine.create(container.name, container_config(spec))
        except NotFound as error:
            self._images.forget(spec.image)
            message = f"The image {spec.image} is not on the engine: pull or build it first"
            raise StartError(message, permanent=True, error_type="Runtime.InvalidImage") from error
        except EngineError as error:
            raise _refused(container, error) from error
        self._made(container)
        assert container.plan is not None
        if not container.plan.is_late:
            await self._connect(container, container.plan)

    async def _connect(self, container: Container, plan: NetworkPlan) -> None:
        for network in plan.connect:
            body = {"Container": container.id}
            await self._engine.request("POST", f"/networks/{quote(network, safe='')}/connect", body=body)

    async def _attach(self, container: Container) -> None:
        assert container.id is not None
        stream = await self._engine.attach(container.id)
        stream.listen(lambda chunk: self._printed(container.number, chunk))
        container.output, container.output_ended = stream, stream.ended

    async def _start(self, container: Container, spec: ContainerSpec, wish: Wish) -> float:
        assert container.id is not None
        assert container.plan is not None
        if wish.channel.admit_peer is not None and container.plan.address is not None:
            wish.channel.admit_peer(container.plan.address)
        try:
            await self._engine.start(container.id)
        except EngineError as error:
            raise _refused(container, error) from error
        ran_at = time.monotonic()
        container.has_started = True
        self._check_limits(container, spec)
        if container.plan.is_late:
            await self._join(container, container.plan)
            return time.monotonic()
        return ran_at

    async def _join(self, container: Container, plan: NetworkPlan) -> None:
        """It is frozen while it is on a network without its rules (C4), which name what it is given there."""
        path = f"/containers/{container.id}"
        try:
            await self._engine.request("POST", f"{path}/pause")
        except Conflict as error:  # it has ended already, which the engine tells
            log.debug("%s did not join its networks: %s", container.name, error)
            return
        await self._connect(container, plan)
        found = await self._engine.request("GET", f"{path}/json")
        await self._networks.attached(plan, found["NetworkSettings"]["Networks"])
        await self._engine.request("POST", f"{path}/unpause")
        if container.gate is not None:
            container.gate.open()

    def _check_limits(self, container: Container, spec: ContainerSpec) -> None:
        """The engine set them before the first process ran; believe the kernel, not the engine."""
        if self._findings.cgroups is None or container.id is None:
            return
        container.group = self._findings.cgroups.group(container.id)
        if container.group is not None:  # else it has ended already
            try:
                container.group.check_memory(memory_bytes(spec))
            except FileNotFoundError:  # it ends just now
                return
            except LimitsNotHeld as problem:
                raise limits_refused(container, problem) from problem
            self._watch(container, container.group)

    def _watch(self, container: Container, group: ContainerGroup) -> None:
        pid = group.first_process()
        if pid is not None:
            with suppress(OSError, AttributeError):  # it has ended just now; no such call on this system
                container.life = Life(pid, self._loop, lambda: self._died(container))

    def _check_wanted(self, container: Container) -> None:
        if container.is_stopping:
            raise StartError("It was stopped while it started", permanent=False, error_type=START_FAULT)

    async def limit_cpu(self, container: Container, quota_us: int) -> None:
        """It runs already: that the limit could not be set is said, and is no reason to end it."""
        assert container.id is not None
        try:
            if container.group is not None:
                container.group.limit_cpu(quota_us)
            else:
                limits = {"CpuPeriod": CPU_PERIOD_US, "CpuQuota": quota_us}
                await self._engine.update(container.id, limits)
        except (OSError, KeyError) as problem:
            if not container.is_stopping:
                log.warning("the processor time of %s is not limited: %s", container.name, problem)

    async def remove(self, container: Container) -> None:
        """Take it down; return when nothing is left. May be called again after a failure. :raises OSError:"""
        await self._engine.remove(container.id or container.name)
        self._kill_rest(container)
        await image_volumes.remove(self._engine, container.volumes)
        container.close()
        if container.plan is not None:
            await self._networks.release(container.plan)
            container.plan = None
        if container.folder is not None:
            await asyncio.to_thread(self._workspace.remove, container.folder)
            container.folder = None

    def _kill_rest(self, container: Container) -> None:
        """An engine that was killed in the middle of a start may not know of what it has started."""
        if container.id is None or self._findings.cgroups is None:
            return
        group = self._findings.cgroups.group(container.id)
        if group is not None:
            if group.kill():
                log.warning("the engine had lost sight of %s: its processes were killed", container.name)
            group.close()


def _refused(container: Container, error: EngineError) -> StartError:
    """The engine's words name paths of this machine: they are for the log."""
    log.warning("container %s could not be started: %s", container.name, error.message)
    text = error.message.lower()
    is_settled = error.status == 400 or "executable file not found" in text or "exec format error" in text
    if not is_settled:
        return StartError(START_MESSAGE, permanent=False, error_type=START_FAULT)
    message = "The container could not be started: see the server's log"
    return StartError(message, permanent=True, error_type="Runtime.InvalidEntrypoint")


def limits_refused(container: Container, problem: OSError) -> StartError:
    log.error("the limits of %s do not hold: %s", container.name, problem)
    return StartError("The environment's limits do not hold", permanent=False, error_type=START_FAULT)
