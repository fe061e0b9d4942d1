"""The docker driver: environments are containers of an engine, some of them made before anybody needs them.

What the engine allows is found in `open` by one container (`probe`). Nothing is adopted: what an earlier start of this
instance left is removed before anything is made. Every container carries labels; events of the engine say how one
ended, and the engine's list is asked when there is doubt.
State: a `Container` for each that exists or is being removed.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.driver import (
    Capabilities,
    ChannelAddress,
    ChannelKind,
    DriverSink,
    EnvironmentShape,
    SlotSpec,
    Specialisation,
    StartError,
    StartMode,
    StartSpec,
)
from executor.drivers.docker import blueprint, image_volumes, modes, volumes
from executor.drivers.docker.blueprint import Materials
from executor.drivers.docker.container import Container
from executor.drivers.docker.engine.address import LOCAL_ENGINE, EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import Conflict, EngineFault, EngineGone
from executor.drivers.docker.images import Images
from executor.drivers.docker.labels import PROBE, container_name, instance_label, read_found
from executor.drivers.docker.maker import START_FAULT, ContainerMaker, Wish
from executor.drivers.docker.network.networks import Networks
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.observer import Observer
from executor.drivers.docker.precedence import Precedence
from executor.drivers.docker.probe import Findings, ProbeFailed, probe
from executor.drivers.docker.profile import ContainerSpec
from executor.drivers.docker.programs import IMAGE, bootstrap_files
from executor.drivers.docker.sandboxes import Sandboxes
from executor.drivers.docker.specialise import Specialiser
from executor.drivers.docker.workspace import Workspace
from executor.drivers.process.slots import Slots
from executor.revision import Revision
from kit.names import Names

PATIENCE_S = 40.0  # of a reload, for an engine that is gone; a start's ends before
LIST_TIMEOUT_S = 8.0  # less than the patience of who asks, so that a stalled engine is noticed here
KEPT_PEAKS = 1024  # of environments that are gone: their last log line is written a moment later
EVENTS_TIMEOUT_S = 10.0
OUTPUT_END_S = (
    1.0  # an exit is told within a second, whether the engine has sent the last of the output or not
)
_KILLED = 137

log = logging.getLogger("lockgate.executor")


class DockerDriver:
    """
    :param packages: package digest → the folder that holds it (0755/0644, never changed).
    :param runtime_folder: runtime name → what AWS's runtimes bring along, or None.
    :param state: a folder of ours for disks and mounts; the engine must see it at the same path.
    :param images: runtime name → image id, of what is on the engine; one of them is used to try the engine.
    :param uid_base: containers run as this uid + their slot, never as root.
    """

    def __init__(
        self,
        *,
        names: Names,
        packages: Callable[[str], Path],
        runtime_folder: Callable[[str], Path | None],
        state: Path,
        images: Mapping[str, str],
        engine: EngineAddress = LOCAL_ENGINE,
        uid_base: int = 200_000,
    ) -> None:
        self._names = names
        self._packages = packages
        self._runtime_folder = runtime_folder
        self._image_ids = images
        self._uid_base = uid_base
        self._engine = EngineClient(engine)
        self._networks = Networks(self._engine, names)
        self._workspace = Workspace(state.resolve() / "docker")
        self._images = Images(self._engine, names)
        self._sandboxes = Sandboxes(self._engine)
        self._uids = Slots()
        self._containers: dict[int, Container] = {}
        self._precedence = Precedence(time.monotonic)
        self._peaks: OrderedDict[int, int] = OrderedDict()
        self._findings: Findings | None = None
        self._was_opened = False

    @property
    def gateways(self) -> tuple[str, ...]:
        """Addresses of this machine on which containers look for the Runtime API; known after `open`."""
        return self._networks.gateways

    @property
    def findings(self) -> Findings | None:
        """What the engine allows; None before `open`."""
        return self._findings

    @property
    def is_guarded(self) -> bool:
        """Whether firewall rules keep functions from what is not theirs; known after `open`."""
        return self._networks.is_guarded

    @property
    def is_parted(self) -> bool:
        """Whether functions are kept from each other's ports; known after `open`."""
        return self._networks.is_parted

    @property
    def trouble(self) -> str:
        why = self._observer.presence.trouble
        return f"The engine does not answer, and no environment can be made: {why}." if why else ""

    # --- open and close --------------------------------------------------------------------------

    async def open(self, sink: DriverSink) -> Capabilities:
        """:raises EngineFault: there is no engine. :raises ProbeFailed: containers cannot run here as they must."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._was_opened = True
        self._observer = Observer(self._engine, self._names, self._containers, sink)
        try:
            return await self._open()
        except BaseException:  # nobody closes what never opened
            await asyncio.shield(self.close())
            raise

    async def _open(self) -> Capabilities:
        version = await self._engine.open()
        self._images.arch = version.arch
        await self._reap()
        why_no_mounts = await asyncio.to_thread(self._workspace.open, bootstrap_files())
        await self._networks.open()
        findings = self._findings = await self._probe(why_no_mounts)
        if findings.delivery is None and await asyncio.to_thread(self._workspace.join):
            findings = self._findings = await self._probe(why_no_mounts)
        self._materials = Materials(names=self._names, workspace=self._workspace, findings=findings)
        self._maker = ContainerMaker(
            engine=self._engine,
            networks=self._networks,
            workspace=self._workspace,
            images=self._images,
            findings=findings,
            printed=self._sink.printed,
            made=self._observer.made,
            died=self._observer.died,
        )
        self._specialiser = Specialiser(self._engine, self._networks, self._materials)
        await self._observer.open(self.refresh)
        return Capabilities(
            name="docker",
            runtimes=(*self._image_ids, IMAGE),
            private_tmp=True,
            memory_limit="engine" if findings.cgroups is None else "cgroup",
            own_uid=True,
            degraded=(*findings.degraded, *self._networks.degraded),
            isolated=True,
            slots=findings.delivery is not None,
        )

    async def _probe(self, why_no_mounts: str) -> Findings:
        image = next(iter(self._image_ids.values()), None)
        if image is None:
            raise ProbeFailed("no image is known that could try the engine: run `lockgate images build`")
        return await probe(
            self._engine,
            self._workspace,
            names=self._names,
            image=(await self._images.get(image, PROBE)).id,
            uid=self._uid_base,
            why_no_mounts=why_no_mounts,
        )

    async def _reap(self) -> None:
        """Kill and remove every container of this instance; there is no other server of it (flock on the state)."""
        left = await self._engine.containers(instance_label(self._names))
        if left:
            log.warning("removing %d containers that an earlier start had left", len(left))
        removals = (self._engine.remove(read_found(each).id) for each in left)
        for outcome in await asyncio.gather(*removals, return_exceptions=True):
            if outcome is not None:
                raise outcome
        await image_volumes.remove_all(self._engine, self._names)

    async def close(self) -> None:
        """Remove everything; what an engine that is gone keeps is removed at the next start."""
        if not self._was_opened:
            return
        if self._findings is not None:
            stops = (self.stop(number, 0) for number in tuple(self._containers))
            await asyncio.gather(*stops, return_exceptions=True)
        await self._observer.close()
        for container in self._containers.values():
            container.close()
        try:
            await self._networks.close()
        except OSError as problem:
            log.warning("networks of functions are left for the next start: %s", problem)
        await asyncio.to_thread(self._workspace.clear)
        await self._engine.close()

    # --- what fits -------------------------------------------------------------------------------

    def channel_kind(self, runtime: str) -> ChannelKind:
        return modes.channel_kind(blueprint.runtime_config(runtime))

    def start_mode(self, revision: Revision) -> StartMode:
        if self._findings is None or self._findings.delivery is None:
            return StartMode.DIRECT
        return modes.start_mode(revision.config)

    def shape(self, revision: Revision) -> EnvironmentShape:
        return modes.shape_of(revision, arch=self._images.machine)

    async def prepare(self, revision: Revision) -> None:
        """Find its image, its networks and its sandbox. :raises StartError: :raises EngineFault:"""
        presence = self._observer.presence
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await presence.wait()
            except TimeoutError:
                raise EngineGone(presence.trouble) from None
            try:
                await self._networks.check(revision.config.network)
                await self._sandboxes.check(revision.config.sandbox)
                await self._images.get(revision.image, revision.config.runtime)
            except EngineFault as problem:
                if not await presence.explains(problem):
                    raise
            else:
                return

    # --- start and stop --------------------------------------------------------------------------

    async def start(self, spec: StartSpec, channel: ChannelAddress) -> float:
        config = spec.revision.config
        image = await self._images.get(spec.revision.image, config.runtime)
        container = self._new_container(spec.environment, shared_user=bool(config.volumes))
        container.is_for(config)
        if config.volumes:
            await asyncio.to_thread(volumes.open_volumes, config.volumes.values(), container.gid)

        def build(container: Container, plan: NetworkPlan) -> ContainerSpec:
            return blueprint.function_container(
                spec,
                container,
                channel,
                materials=self._materials,
                image=image,
                plan=plan,
                package=self._packages(spec.revision.package) if spec.revision.package else None,
                runtime_folder=self._runtime_folder(config.runtime),
            )

        return await self._make(container, self._wish(spec.shape, channel, build, config.network.allow))

    async def fill(self, spec: SlotSpec, channel: ChannelAddress) -> None:
        await self._precedence.clear()
        image = await self._images.get(spec.shape.image, spec.shape.runtime)
        container = self._new_container(spec.slot)
        container.is_slot = True

        def build(container: Container, plan: NetworkPlan) -> ContainerSpec:
            return blueprint.slot_container(
                spec,
                container,
                channel,
                materials=self._materials,
                image=image,
                plan=plan,
                runtime_folder=self._runtime_folder(spec.shape.runtime),
            )

        await self._make(container, self._wish(spec.shape, channel, build, ()))

    def _wish(
        self,
        shape: EnvironmentShape,
        channel: ChannelAddress,
        build: Callable[[Container, NetworkPlan], ContainerSpec],
        allow: tuple[str, ...],
    ) -> Wish:
        return Wish(
            channel=channel,
            storage_mb=shape.storage_mb,
            egress=shape.egress,
            networks=shape.networks,
            allow=allow,
            build=build,
        )

    def _new_container(self, number: int, *, shared_user: bool = False) -> Container:
        """:param shared_user: environments with volumes have one user, because SQLite makes its files 0644."""
        assert number not in self._containers
        slot = self._uids.take()
        uid = self._uid_base - 1 if shared_user else self._uid_base + slot
        name = container_name(self._names, number)
        container = Container(number=number, name=name, uid_slot=slot, uid=uid, gid=uid)
        self._containers[number] = container
        return container

    async def _make(self, container: Container, wish: Wish) -> float:
        """What is asked of the engine goes on when the caller is cancelled: `stop` waits for it, then removes it."""
        name = f"make {container.name}"
        container.making = self._loop.create_task(self._make_when_there(container, wish), name=name)
        container.making.add_done_callback(_look_at)
        try:
            return await asyncio.shield(container.making)
        except asyncio.CancelledError:
            if container.making.cancelled():
                message = "The engine was gone, and it was stopped meanwhile"
                raise StartError(message, permanent=False, error_type=START_FAULT) from None
            raise

    async def _make_when_there(self, container: Container, wish: Wish) -> float:
        """A start that finds the engine gone, or loses it on the way, is made anew when it is back.

        What the engine was asked for before may come to be after it was removed, and has the name then.
        """
        presence = self._observer.presence
        is_again = False
        while True:
            container.is_waiting = bool(presence.trouble)
            await presence.wait()
            container.is_waiting = False
            try:
                if container.folder is not None:  # what came of it before
                    await self._take_down(container)
                return await self._maker.make(container, wish)
            except (EngineFault, StartError) as problem:
                if container.is_stopping:
                    raise
                is_late_twin = is_again and isinstance(problem.__cause__, Conflict)
                if not is_late_twin and not await presence.explains(problem):
                    raise
            is_again = True

    async def _take_down(self, container: Container) -> None:
        await self._maker.remove(container)
        self._observer.gone(container)
        container.id = None
        container.has_started = container.has_ended = False

    async def specialise(self, slot: int, spec: StartSpec) -> Specialisation:
        container = self._containers.get(slot)
        if container is None or not container.is_slot:
            raise StartError("The prepared container is gone", permanent=False, error_type=START_FAULT)
        self._precedence.begin(spec.environment)
        del self._containers[slot]
        self._containers[spec.environment] = container
        container.number = spec.environment
        container.is_slot = False
        if container.is_stopping or container.has_ended:
            raise StartError("The prepared container has ended", permanent=False, error_type=START_FAULT)
        assert container.making is not None
        await asyncio.shield(container.making)  # it may have said that it is ready before it is
        container.is_for(spec.revision.config)
        package = self._packages(spec.revision.package)
        return await self._specialiser.specialise(container, spec, package, self.start_mode(spec.revision))

    async def stop(self, environment: int, grace_s: float) -> None:  # noqa: ARG002  # see below
        """SIGKILL at once, as Lambda does to an environment without extensions; `grace_s` is for those.

        :raises OSError: the engine did not do it, or a mount stays; try again.
        """
        container = self._containers.get(environment)
        if container is None:  # one that only the engine knows of, or none
            await self._engine.remove(container_name(self._names, environment))
            self._observer.forget_stranger(environment)
            return
        container.is_stopping = True
        self._precedence.end(environment)
        if container.removal is None or container.removal.done():
            name = f"remove {container.name}"
            container.removal = self._loop.create_task(self._remove(container), name=name)
            container.removal.add_done_callback(_look_at)
        await asyncio.shield(container.removal)

    async def _remove(self, container: Container) -> None:
        making = container.making
        if making is not None and not making.done():
            if container.is_waiting:
                making.cancel()
            if container.id is not None:  # the engine ends a start that is under way
                await self._engine.remove(container.id)
            await asyncio.wait([making])
        await self._maker.remove(container)
        self._remember_peak(container)
        self._observer.gone(container)
        if self._containers.pop(container.number, None) is not None:
            self._uids.give_back(container.uid_slot)

    def initialised(self, environment: int) -> None:
        """``cpu: strict`` holds from now on: under its quota an import of 300 ms takes seconds."""
        self._precedence.end(environment)
        container = self._containers.get(environment)
        if container is not None and container.cpu_quota_us is not None:
            limiting = self._maker.limit_cpu(container, container.cpu_quota_us)
            self._observer.begin(limiting, f"cpu of {container.name}")

    # --- what environments have done -------------------------------------------------------------

    def flush(self, environment: int) -> None:
        container = self._containers.get(environment)
        if container is not None:
            container.flush()

    def peak_memory_mb(self, environment: int) -> int:
        container = self._containers.get(environment)
        if container is None:
            return self._peaks.get(environment, 0)
        return container.peak_mb(self._loop.time())

    def _remember_peak(self, container: Container) -> None:
        self._peaks[container.number] = container.peak_mb(self._loop.time())
        while len(self._peaks) > KEPT_PEAKS:
            self._peaks.popitem(last=False)

    def environments(self) -> frozenset[int]:
        return frozenset(self._containers) | self._observer.strangers

    async def refresh(self) -> None:
        await self._networks.refresh()
        try:
            async with asyncio.timeout(LIST_TIMEOUT_S):
                await self._observer.refresh()
        except (EngineFault, TimeoutError) as problem:
            self._observer.presence.lose(
                str(problem) or f"no list of its containers in {LIST_TIMEOUT_S:.0f} s"
            )
            raise


def _look_at(task: "asyncio.Task[object]") -> None:
    """Whoever waits for the task gets what it raised; nobody may wait any more."""
    if not task.cancelled():
        task.exception()
