"""The contract of a driver: it makes and removes environments. No invoke, no health checks, no ports.

An environment is *ready* when its runtime asks for its first ``next`` on its channel; a driver neither knows
nor waits. Everything that it makes carries the instance's mark, so that `reap` finds what a dead server left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from executor.revision import Revision


class ChannelKind(Enum):
    """How an environment reaches its Runtime API.

    SOCKET: ``api.sock`` in a folder that the driver makes visible to the environment (our own bootstraps).
    PORT: a listener of its own on 127.0.0.1 (official runtime clients know only ``host:port``).
    """

    SOCKET = "socket"
    PORT = "port"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAddress:
    """Exactly one of `folder` (holds ``api.sock``) and `port` is set, by `kind`.

    :param admit: told the environment's uid, where it has one of its own, a port lets nobody else in.
    """

    kind: ChannelKind
    folder: Path | None = None
    port: int | None = None
    admit: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentShape:
    """Everything that cannot change after an environment's first process has started."""

    runtime: str
    storage_mb: int
    arch: str = "x86_64"
    egress: str = "internet"


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
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport:
    """How an environment's main process ended. One of `code` and `signal` is set; neither if it vanished."""

    code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the driver found that it can do here, by trying. `degraded` says in sentences what it cannot."""

    name: str
    runtimes: tuple[str, ...]
    private_tmp: bool
    memory_limit: str  # "cgroup" | "rlimit"
    own_uid: bool
    degraded: tuple[str, ...] = ()


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

    async def stop(self, environment: int, grace_s: float) -> None:
        """Remove the environment with all its processes; return when it is gone. Idempotent."""
        ...

    def flush(self, environment: int) -> None:
        """Hand over all output that the environment has written until now, synchronously, through the sink."""
        ...

    def peak_memory_mb(self, environment: int) -> int:
        """The most memory the environment has used, MiB; cheap enough for every call, may lag by 100 ms."""
        ...

    def environments(self) -> frozenset[int]:
        """Those that exist now, for the periodic reconcile."""
        ...

    async def close(self) -> None:
        """Remove everything that this driver made."""
        ...
