"""The limits of a running container, in the kernel's own files: raised and read back in 0.2 ms.

Where they lie is learnt from one container at start (`learn`), because it depends on the engine's configuration.
The files are kernel memory: they are read and written on the loop.
"""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from executor.drivers.docker.profile import CPU_PERIOD_US
from executor.drivers.process.cgroup import Group, cpu_shares, cpu_weight

_CONTROLLERS = ("memory", "cpu", "pids")


class LimitsNotHeld(OSError):
    """A limit that was set reads back as another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupPaths:
    """:param templates: controller → the folder of a container, with ``{id}`` for its id."""

    templates: Mapping[str, str]
    unified: bool

    def group(self, container: str) -> "ContainerGroup | None":
        """None: the container has ended, or the engine puts this one elsewhere."""
        folders = {name: Path(text.format(id=container)) for name, text in self.templates.items()}
        if not all(folder.is_dir() for folder in folders.values()):
            return None
        return ContainerGroup(folders, unified=self.unified)


class ContainerGroup:
    def __init__(self, folders: Mapping[str, Path], *, unified: bool) -> None:
        self._folders = folders
        self._unified = unified
        self._usage = Group(folders, unified=unified)

    def close(self) -> None:
        self._usage.close()

    def kill(self) -> bool:
        """Kill what is in it. :returns: whether there was anything."""
        pids: list[str] = []
        with suppress(OSError):
            pids = (self._folders["memory"] / "cgroup.procs").read_text().split()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return bool(pids)

    def first_process(self) -> int | None:
        """The one with which everything in the container ends; None: it has ended."""
        with suppress(OSError):
            for pid in (self._folders["memory"] / "cgroup.procs").read_text().split():
                with suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                    if next(line for line in lines if line.startswith("NSpid:")).split()[-1] == "1":
                        return int(pid)
        return None

    def peak_mb(self) -> int:
        return self._usage.peak_mb()

    def oom_kills(self) -> int:
        return self._usage.oom_kills()

    def check_memory(self, total_bytes: int) -> None:
        """:raises LimitsNotHeld: another limit holds. :raises OSError: the container has ended."""
        name = "memory.max" if self._unified else "memory.limit_in_bytes"
        _check(self._folders["memory"] / name, total_bytes)

    def limit_memory(self, total_bytes: int) -> None:
        """Memory and swap together. :raises OSError: it does not hold."""
        self._put_memory(total_bytes)
        self.check_memory(total_bytes)

    def _put_memory(self, total_bytes: int) -> None:
        memory = self._folders["memory"]
        if self._unified:
            _put(memory / "memory.max", total_bytes)
            _put_if_there(memory / "memory.swap.max", 0)
            return
        limit, with_swap = memory / "memory.limit_in_bytes", memory / "memory.memsw.limit_in_bytes"
        # The kernel keeps limit <= limit with swap after each step: so the outer one goes first when it grows.
        is_growing = total_bytes >= int(limit.read_text())
        if is_growing:
            _put_if_there(with_swap, total_bytes)
        _put(limit, total_bytes)
        if not is_growing:
            _put_if_there(with_swap, total_bytes)

    def weigh_cpu(self, memory_mb: int) -> None:
        folder = self._folders.get("cpu")
        if folder is None:
            return
        if self._unified:
            _put(folder / "cpu.weight", cpu_weight(memory_mb))
        else:
            _put(folder / "cpu.shares", cpu_shares(memory_mb))

    def limit_cpu(self, quota_us: int) -> None:
        """:raises OSError: there is no CPU controller here, or it refuses."""
        folder = self._folders["cpu"]
        if self._unified:
            _put(folder / "cpu.max", f"{quota_us} {CPU_PERIOD_US}")
        else:
            _put(folder / "cpu.cfs_period_us", CPU_PERIOD_US)
            _put(folder / "cpu.cfs_quota_us", quota_us)


def learn(pid: int, container: str) -> CgroupPaths | None:
    """Where the groups of containers are, from a running one that nothing of a function is in.

    :returns: None: this process cannot write them, or does not see them.
    """
    try:
        own = Path(f"/proc/{pid}/cgroup").read_text()
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    found, unified = templates(own, mounts, container)
    if "memory" not in found:
        return None
    paths = CgroupPaths(templates=found, unified=unified)
    group = paths.group(container)
    if group is None:
        return None
    try:
        memory = Path(found["memory"].format(id=container))
        current = int((memory / ("memory.max" if unified else "memory.limit_in_bytes")).read_text())
        group.limit_memory(current + (1 << 20))
        group.weigh_cpu(256)
    except (OSError, ValueError):
        return None
    finally:
        group.close()
    return paths


def templates(own: str, mounts: str, container: str) -> tuple[dict[str, str], bool]:
    """Controller → folder with ``{id}``, and whether all are one (version 2).

    :param own: ``/proc/PID/cgroup`` of the container's first process. :param mounts: our own mountinfo.
    """
    places = _hierarchies(mounts)
    found: dict[str, str] = {}
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(",") if names else ():
            if name in _CONTROLLERS and name in places and container in path:
                found[name] = (places[name] + path).replace(container, "{id}")
    if "memory" in found:
        return found, False
    path = next((line[3:] for line in own.splitlines() if line.startswith("0::")), "")
    if "" in places and container in path:
        folder = (places[""] + path).replace(container, "{id}")
        there = _words(Path(folder.format(id=container)) / "cgroup.controllers")
        return {name: folder for name in _CONTROLLERS if name in there}, True
    return {}, False


def _hierarchies(mounts: str) -> dict[str, str]:
    """Controller → mount point; "" for version 2."""
    found: dict[str, str] = {}
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        kind, *_, options = rest.split()
        point = fields.split()[4]
        if kind == "cgroup":
            found |= {name: point for name in _CONTROLLERS if name in options.split(",")}
        elif kind == "cgroup2":
            found[""] = point
    return found


def _words(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text().split()
    return []


def _put(file: Path, value: int | str) -> None:
    file.write_text(str(value))


def _put_if_there(file: Path, value: int) -> None:
    """Files that a kernel without swap accounting does not have."""
    if os.path.exists(file):
        _put(file, value)


def _check(file: Path, wanted: int) -> None:
    held = file.read_text().strip()
    # The kernel counts in pages; 64 KiB is the largest page that it is built with.
    if held == "max" or not wanted - (1 << 16) < int(held) <= wanted:
        raise LimitsNotHeld(0, f"the limit reads back as {held}, not {wanted}", str(file))
