"""What a container is made of: one pure function from what the driver wants to the engine's words.

Every limit and every right that is taken away stands here, one line each, and is the same for slots, functions and
`image:` functions. Source: Docker Engine API reference, "Create a container"; Lambda quotas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from executor.drivers.docker.places import TEMPORARY
from executor.drivers.process.cgroup import MAX_PROCESSES, MEMORY_MB_PER_CPU, cpu_shares

OPEN_FILES = 1024  # as on Lambda
# Lambda has no /dev/shm at all; 16 pages let a lock or two of a multiprocessing program work.
SHARED_MEMORY_BYTES = 1 << 16
CPU_PERIOD_US = 100_000
HOSTNAME = "sandbox"  # the name under which Lambda's extensions reach their own environment
# The engine's own list and what newer engines added: files of /proc and /sys that speak of the whole machine.
MASKED_PATHS = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """:param follows: mounts that are made below *source* later appear in the container, too."""

    source: Path
    target: str
    writable: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """How a container is joined to networks, in the engine's words.

    :param mode: ``none``, or the name of a network. :param endpoints: that network's settings.
    :param hosts: ``name:address`` lines of ``/etc/hosts``. :param dns: name servers; empty: the engine's choice.
    """

    mode: str = "none"
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """:param entrypoint: None leaves the image's, and so does None of `command` and `cwd`.
    :param uid: of user and group inside and outside.
    :param tmpfs_mb: ``/tmp`` in memory of this size; None where a disk is mounted there.
    :param volumes: what the image declares as volumes, in the engine's words (`image_volumes`).
    """

    image: str
    entrypoint: Sequence[str] | None
    command: Sequence[str] | None
    cwd: str | None
    variables: Mapping[str, str] = field(repr=False)  # may hold secrets
    labels: Mapping[str, str]
    uid: int
    gid: int
    memory_mb: int
    tmpfs_mb: int | None
    binds: Sequence[Bind]
    attachment: Attachment
    volumes: Sequence[Mapping[str, Any]] = ()
    sandbox: str | None = None
    attach: bool = False


def container_config(spec: ContainerSpec) -> dict[str, Any]:
    """The body of a create."""
    if spec.uid <= 0:
        raise ValueError("functions never run as root")
    config: dict[str, Any] = {
        "Image": spec.image,
        "User": f"{spec.uid}:{spec.gid}",
        "Env": [f"{name}={value}" for name, value in spec.variables.items()],
        "Labels": dict(spec.labels),
        "Hostname": HOSTNAME,
        "Domainname": "",
        "StopSignal": "SIGKILL",
        "AttachStdin": False,
        "AttachStdout": spec.attach,
        "AttachStderr": spec.attach,
        "OpenStdin": False,
        "Tty": False,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec),
        "NetworkingConfig": {
            "EndpointsConfig": {name: dict(each) for name, each in spec.attachment.endpoints.items()}
        },
    }
    if spec.entrypoint is not None:
        config["Entrypoint"] = list(spec.entrypoint)
    if spec.command is not None:
        config["Cmd"] = list(spec.command)
    if spec.cwd is not None:
        config["WorkingDir"] = spec.cwd
    return config


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    memory = memory_bytes(spec)
    config: dict[str, Any] = {
        # The engine's default seccomp filter, and its AppArmor profile where there is one, hold unless named here.
        "SecurityOpt": ["no-new-privileges:true"],
        "CapDrop": ["ALL"],
        "Privileged": False,
        "ReadonlyRootfs": True,
        "PidsLimit": MAX_PROCESSES,
        "Memory": memory,
        "MemorySwap": memory,  # memory and swap together: no swap
        "CpuShares": cpu_shares(spec.memory_mb),
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},  # it would go where the machine's core_pattern says
        ],
        "IpcMode": "private",
        "ShmSize": SHARED_MEMORY_BYTES,
        "Init": True,
        "Devices": [],
        "Mounts": [*(_mount(each) for each in spec.binds), *spec.volumes],
        "MaskedPaths": list(MASKED_PATHS),
        "ReadonlyPaths": list(READ_ONLY_PATHS),
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
        "NetworkMode": spec.attachment.mode,
        "ExtraHosts": list(spec.attachment.hosts),
        "Dns": list(spec.attachment.dns),
        "DnsOptions": list(spec.attachment.dns_options),
        "PublishAllPorts": False,
        "OomScoreAdj": 500,  # when the machine itself runs out, functions go before its services
    }
    if spec.tmpfs_mb is not None:
        options = f"rw,exec,nosuid,nodev,size={spec.tmpfs_mb}m,mode=1777"
        config["Tmpfs"] = {TEMPORARY: options}
    if spec.sandbox is not None:
        config["Runtime"] = spec.sandbox
    return config


def memory_bytes(spec: ContainerSpec) -> int:
    """A tmpfs is memory: what a function may write there comes on top of what it may use."""
    return (spec.memory_mb + (spec.tmpfs_mb or 0)) << 20


def cpu_quota_us(memory_mb: int) -> int:
    """Of every `CPU_PERIOD_US`, for ``cpu: strict``: one whole CPU for 1769 MB, as on Lambda."""
    return max(1000, memory_mb * CPU_PERIOD_US // MEMORY_MB_PER_CPU)


def _mount(bind: Bind) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(bind.source),
        "Target": bind.target,
        "ReadOnly": not bind.writable,
        "BindOptions": {"Propagation": "rslave" if bind.follows else "rprivate"},
    }
