"""The contract of a driver: it makes and removes environments. No invoke, no health checks, no ports.

An environment is *ready* when its runtime asks for its first ``next`` on its channel; a driver neither knows
nor waits. Everything that it makes carries the instance's mark, so that `reap` finds what a dead server left.
"""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

import orjson

from executor.revision import Revision


class ChannelKind(Enum):
    """How an environment reaches its Runtime API.

    SOCKET: ``api.sock`` in a folder that the driver makes visible to the environment (our own bootstraps).
    PORT: a listener of its own on 127.0.0.1 (official runtime clients know only ``host:port``).
    HOST: a listener that all such containers share, on the address of their network; each has a secret host name.
    """

    SOCKET = "socket"
    PORT = "port"
    HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAddress:
    """By `kind`: `folder` (holds ``api.sock``), `port`, or `host` (a name; with the port that all share).

    :param admit: told the environment's uid, where it has one of its own, a port lets nobody else in.
    :param admit_peer: told the environment's address, a host lets nobody else in.
    """

    kind: ChannelKind
    folder: Path | None = None
    port: int | None = None
    host: str | None = None
    admit: Callable[[int], None] | None = None
    admit_peer: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentShape:
    """Everything that cannot change after an environment's first process has started.

    :param image: what the container is made of, by content (``sha256:…``); None where a driver has no images.
    :param networks: of the engine, to be joined beside its own.
    :param memory_class_mb: for languages that size their heap at start; else None.
    :param sandbox: the engine's OCI runtime, such as ``runsc``; None is its default.
    """

    runtime: str
    storage_mb: int
    arch: str = "x86_64"
    egress: str = "internet"
    image: str | None = None
    networks: tuple[str, ...] = ()
    memory_class_mb: int | None = None
    sandbox: str | None = None


class StartMode(Enum):
    """How an environment comes to be.

    WARM: a slot takes the function into its waiting process. EXEC: the slot's process replaces itself by a fresh
    one, because something of the function acts at process start. DIRECT: an environment is made for it alone.
    """

    WARM = "warm"
    EXEC = "exec"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSpec:
    """One generic environment to be made before anybody needs it. `slot` and environments share one number space."""

    slot: int
    mark: str
    shape: EnvironmentShape


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSpec:
    """One environment to start.

    :param variables: the function's whole environment but for what only the driver can know
        (``AWS_LAMBDA_RUNTIME_API``, ``PATH``-like variables and the variables of `Revision.config.volumes`).
    """

    environment: int
    mark: str
    shape: EnvironmentShape
    revision: Revision
    variables: Mapping[str, str] = field(repr=False)  # may hold secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialisation:
    """What the waiting bootstrap is told over its channel, as JSON: the function's whole process environment."""

    mode: StartMode
    variables: Mapping[str, str] = field(repr=False)  # may hold secrets
    cwd: str = "/var/task"

    def document(self) -> bytes:
        return orjson.dumps({"mode": self.mode.value, "variables": dict(self.variables), "cwd": self.cwd})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport:
    """How an environment's main process ended. One of `code` and `signal` is set; neither if it vanished."""

    code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether it was killed or removed, and nothing says that it was the reason itself."""
        return self.code is None and self.signal in (None, signal.SIGKILL) and not self.out_of_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the driver found that it can do here, by trying. `degraded` says in sentences what it cannot."""

    name: str
    runtimes: tuple[str, ...]
    private_tmp: bool
    memory_limit: str  # "cgroup" | "rlimit" | "engine"
    own_uid: bool
    degraded: tuple[str, ...] = ()
    isolated: bool = False  # a security boundary between functions and this machine
    slots: bool = False  # can start environments from slots


class StartError(Exception):
    """An environment could not be made.

    :param permanent: trying again cannot help (no such interpreter, no bootstrap in the package).
    :param error_type: Lambda's word for it, such as ``Runtime.InvalidEntrypoint``.
    """

    def __init__(
        self, message: str, *, permanent: bool, error_type: str = "Runtime.InvalidEntrypoint"
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.error_type = error_type


class DriverSink(Protocol):
    """What a driver tells its owner, on the loop's thread."""

    def exited(self, environment: int, report: ExitReport) -> None:
        """The environment's main process ended by itself or by a signal. Not sent after `Driver.stop`."""
        ...

    def printed(self, environment: int, chunk: bytes) -> None:
        """The environment wrote to stdout or stderr. Chunks end anywhere, not only at line ends."""
        ...


class Driver(Protocol):
    async def open(self, sink: DriverSink) -> Capabilities:
        """Probe the machine, remove what an earlier start of this instance left, be ready to start."""
        ...

    def channel_kind(self, runtime: str) -> ChannelKind: ...

    async def prepare(self, revision: Revision) -> None:
        """Make ready what starts of the revision need (a zygote, an image).

        :raises StartError: the revision can never start here.
        """
        ...

    async def start(self, spec: StartSpec, channel: ChannelAddress) -> float:
        """Make the environment; return when it exists, not when it is ready. May be cancelled; `stop` follows.

        :returns: when it came to be, in seconds on the monotonic clock.
        :raises StartError:
        """
        ...

    @property
    def gateways(self) -> tuple[str, ...]:
        """Addresses of this machine on which environments look for their HOST channels; known after `open`."""
        ...

    @property
    def trouble(self) -> str:
        """Why no environment can be made at present, for operators; empty: they can."""
        ...

    def start_mode(self, revision: Revision) -> StartMode:
        """DIRECT for every revision where `Capabilities.slots` is False."""
        ...

    def shape(self, revision: Revision) -> EnvironmentShape: ...

    async def fill(self, spec: SlotSpec, channel: ChannelAddress) -> None:
        """Make a slot: an environment without a function, whose bootstrap waits on its channel to be specialised.

        Returns when it exists; it is ready when its bootstrap asks. `printed` and `exited` speak of it by its
        slot number. May be cancelled; `stop` (with the slot's number) follows.

        :raises StartError:
        """
        ...

    async def specialise(self, slot: int, spec: StartSpec) -> Specialisation:
        """Turn a ready slot into the environment `spec.environment`: its limits hold and its code is in place.

        Nothing of the function has run when this returns. From now on the driver speaks of it by the environment's
        number, and `stop`, `flush`, `peak_memory_mb` take that one.

        :raises StartError: the slot is no use any more; `stop` (with the environment's number) follows.
        """
        ...

    async def stop(self, environment: int, grace_s: float) -> None:
        """Remove the environment or slot with all its processes; return when it is gone. Idempotent."""
        ...

    def initialised(self, environment: int) -> None:
        """Its runtime has asked for its first event: what must not slow its init down holds from now on."""
        ...

    def flush(self, environment: int) -> None:
        """Hand over all output that the environment has written until now, synchronously, through the sink."""
        ...

    def peak_memory_mb(self, environment: int) -> int:
        """The most memory the environment has used, MiB; cheap enough for every call, may lag by 100 ms."""
        ...

    def environments(self) -> frozenset[int]:
        """Those that exist now, slots included, as last heard of. For the periodic reconcile: see `refresh`."""
        ...

    async def refresh(self) -> None:
        """Ask the engine what exists, so that `environments` is true. A driver that always knows does nothing.

        :raises OSError: the engine does not answer; what was known stays.
        """
        ...

    async def close(self) -> None:
        """Remove everything that this driver made."""
        ...


class WithoutSlots:
    """The part of the contract that a driver without slots answers: every environment is made for one function."""

    gateways: tuple[str, ...] = ()
    trouble: str = ""

    def start_mode(self, _revision: Revision) -> StartMode:
        return StartMode.DIRECT

    def shape(self, revision: Revision) -> EnvironmentShape:
        config = revision.config
        return EnvironmentShape(runtime=config.runtime, storage_mb=config.storage_mb)

    async def fill(self, _spec: SlotSpec, _channel: ChannelAddress) -> None:
        raise StartError("this driver has no slots", permanent=True)

    async def specialise(self, _slot: int, _spec: StartSpec) -> Specialisation:
        raise StartError("this driver has no slots", permanent=True)

    async def refresh(self) -> None:
        """It knows its environments without asking."""

    def initialised(self, _environment: int) -> None:
        """It has no limits that begin later."""
