"""One cgroup per environment: memory, number of processes, share of the CPU. Version 1 and version 2.

What can be used is found by trying: a group is made and limited at `open_cgroups`. Paths carry instance, epoch
and environment (``lockgate/<instance>/<epoch>.<n>``), so that what a dead server left is found by name.
The files are kernel memory; reading and writing them costs 15-50 µs and is done on the loop.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MAX_PROCESSES = 1024  # as on Lambda: processes and threads of one environment
MEMORY_MB_PER_CPU = 1769  # as on Lambda: this much memory comes with one vCPU
_CONTROLLERS = ("memory", "pids", "cpu")
_REMOVAL_TRIES = 100  # dead processes leave their group a moment after they were reaped
_REMOVAL_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """:param memory_mb: what the function may use.
    :param total_mb: with the pages of its ``/tmp``, which are memory too.
    """

    memory_mb: int
    total_mb: int


class Group:
    """The cgroup of one environment, in one folder per hierarchy."""

    def __init__(self, folders: Mapping[str, Path], *, unified: bool) -> None:
        self._folders = dict(folders)
        self._unified = unified
        memory = folders["memory"]
        self._events = memory / ("memory.events" if unified else "memory.oom_control")
        self._peak_fd = _open_peak(memory, unified=unified)

    def open_join(self) -> list[int]:
        """Files that a process joins by writing ``0`` to them; the caller closes them."""
        # Version 1: `tasks` moves only the writer's thread, and for that the kernel need not wait for an RCU
        # period as it does for cgroup.procs (14 ms when idle, measured).
        name = "cgroup.procs" if self._unified else "tasks"
        flags = os.O_WRONLY | os.O_CLOEXEC
        return [os.open(folder / name, flags) for folder in dict.fromkeys(self._folders.values())]

    def peak_mb(self) -> int:
        if self._peak_fd is None:
            return 0
        with suppress(OSError):  # the group is gone: nothing was lost, the caller keeps the last value
            return _mebibytes(int(os.pread(self._peak_fd, 32, 0)))
        return 0

    def oom_kills(self) -> int:
        try:
            lines = self._events.read_text().splitlines()
        except OSError:  # the group is gone
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)

    async def remove(self) -> bool:
        """Remove the folders; what still lives in them is killed. False: something could not be removed."""
        self.close()
        left = list(dict.fromkeys(self._folders.values()))
        for _ in range(_REMOVAL_TRIES):
            left = [folder for folder in left if not _remove_folder(folder)]
            if not left:
                return True
            await asyncio.sleep(_REMOVAL_PAUSE_S)
        return False

    def close(self) -> None:
        if self._peak_fd is not None:
            os.close(self._peak_fd)
            self._peak_fd = None


class Cgroups:
    """Where this instance's groups live.

    :param bases: controller → the instance's folder in that controller's hierarchy.
    """

    def __init__(self, bases: Mapping[str, Path], *, epoch: int, unified: bool) -> None:
        self._bases = dict(bases)
        self._epoch = epoch
        self.unified = unified

    @property
    def controllers(self) -> frozenset[str]:
        return frozenset(self._bases)

    def create(self, environment: int, limits: Limits) -> Group:
        """:raises OSError: the kernel refused."""
        folders = {name: base / f"{self._epoch}.{environment}" for name, base in self._bases.items()}
        for folder in dict.fromkeys(folders.values()):
            folder.mkdir(exist_ok=True)
        group = Group(folders, unified=self.unified)
        try:
            self._limit(folders, limits)
        except OSError:
            group.close()
            for folder in folders.values():
                with suppress(OSError):
                    folder.rmdir()
            raise
        return group

    def _limit(self, folders: Mapping[str, Path], limits: Limits) -> None:
        total = limits.total_mb << 20
        memory = folders["memory"]
        if self.unified:
            _put(memory / "memory.max", total)
            _try_put(memory / "memory.swap.max", 0)
            _try_put(memory / "memory.oom.group", 1)
        else:
            _put(memory / "memory.limit_in_bytes", total)
            _try_put(memory / "memory.memsw.limit_in_bytes", total)
        if "pids" in folders:
            _put(folders["pids"] / "pids.max", MAX_PROCESSES)
        if "cpu" in folders and self.unified:
            _put(folders["cpu"] / "cpu.weight", cpu_weight(limits.memory_mb))
        elif "cpu" in folders:
            _put(folders["cpu"] / "cpu.shares", cpu_shares(limits.memory_mb))

    def leftovers(self) -> set[Path]:
        """Folders of this instance that exist now."""
        bases = set(self._bases.values())
        return {folder for base in bases for folder in base.glob("*.*") if folder.is_dir()}

    async def reap(self) -> int:
        """Kill and remove what earlier starts of this instance left; return how many folders."""
        folders = self.leftovers()
        for folder in folders:
            await _remove_patiently(folder)
        return len(folders)

    def close(self) -> None:
        """Remove the instance's folder. The one above it stays: another instance may be about to use it."""
        for base in set(self._bases.values()):
            with suppress(OSError):  # not empty: what is left is found by name at the next start
                base.rmdir()


def cpu_shares(memory_mb: int) -> int:
    """Version 1: 1024 for one vCPU's worth of memory."""
    return max(2, memory_mb * 1024 // MEMORY_MB_PER_CPU)


def cpu_weight(memory_mb: int) -> int:
    """Version 2: 100 for one vCPU's worth of memory, 1 to 10000."""
    return min(10_000, max(1, memory_mb * 100 // MEMORY_MB_PER_CPU))


def open_cgroups(
    instance: str, epoch: int, *, mounts: str | None = None, own: str | None = None
) -> tuple[Cgroups | None, str]:
    """Find a place where groups with a memory limit can be made, by making one.

    :param mounts: text of ``/proc/self/mountinfo``; `own` that of ``/proc/self/cgroup``.
    :returns: the place, and why there is none (empty if there is).
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_text() if mounts is None else mounts
        own = Path("/proc/self/cgroup").read_text() if own is None else own
    except OSError:
        return None, "this system has no cgroups"
    reasons = []
    for bases, unified in _places(mounts, own, instance):
        try:
            return _try_place(bases, epoch, unified=unified), ""
        except OSError as problem:
            reasons.append(f"{problem.strerror} at {problem.filename}")
    return None, "; ".join(dict.fromkeys(reasons)) or "no memory controller is mounted"


def _places(mounts: str, own: str, instance: str) -> Iterator[tuple[dict[str, Path], bool]]:
    folder = Path("lockgate") / instance
    hierarchies = _version_1(mounts)
    if "memory" in hierarchies:
        yield {name: mount / folder for name, mount in hierarchies.items()}, False
    unified = _version_2(mounts)
    if unified is None:
        return
    own_path = next((line[3:] for line in own.splitlines() if line.startswith("0::")), "/")
    # First below our own group, which is ours if it was delegated; else at the top, which root may use.
    for base in dict.fromkeys((unified / own_path.lstrip("/"), unified)):
        controllers = _words(base / "cgroup.controllers")
        if "memory" in controllers:
            yield {name: base / folder for name in _CONTROLLERS if name in controllers}, True


def _try_place(bases: Mapping[str, Path], epoch: int, *, unified: bool) -> Cgroups:
    for base in dict.fromkeys(bases.values()):
        if unified:
            _delegate(base.parent.parent, set(bases))
        base.mkdir(parents=True, exist_ok=True)
        if unified:
            _delegate(base.parent, set(bases))
            _delegate(base, set(bases))
    found = Cgroups(bases, epoch=epoch, unified=unified)
    trial = found.create(0, Limits(memory_mb=128, total_mb=128))
    for fd in trial.open_join():
        os.close(fd)
    trial.close()
    for base in set(bases.values()):
        (base / f"{epoch}.0").rmdir()
    return found


def _delegate(folder: Path, controllers: set[str]) -> None:
    """Let children of a version 2 group have the controllers. :raises OSError:"""
    missing = controllers - set(_words(folder / "cgroup.subtree_control"))
    if not missing:
        return
    order = " ".join(f"+{name}" for name in sorted(missing))
    try:
        _put(folder / "cgroup.subtree_control", order)
    except OSError as problem:
        if str(os.getpid()) not in _words(folder / "cgroup.procs"):
            raise
        _move_aside(folder, order, problem)


def _move_aside(folder: Path, order: str, problem: OSError) -> None:
    # A group with processes of its own may not have limited children (cgroups(7), "no internal processes").
    aside = folder / "lockgate-server"
    aside.mkdir(exist_ok=True)
    _put(aside / "cgroup.procs", os.getpid())
    try:
        _put(folder / "cgroup.subtree_control", order)
    except OSError:  # others live there too: go back and leave everything as it was
        _put(folder / "cgroup.procs", os.getpid())
        aside.rmdir()
        raise problem from None


def _version_1(mounts: str) -> dict[str, Path]:
    found = {}
    for fields, options in _cgroup_mounts(mounts, "cgroup"):
        for name in _CONTROLLERS:
            if name in options:
                found[name] = Path(fields[4])
    return found


def _version_2(mounts: str) -> Path | None:
    return next((Path(fields[4]) for fields, _ in _cgroup_mounts(mounts, "cgroup2")), None)


def _cgroup_mounts(mounts: str, kind: str) -> Iterator[tuple[list[str], list[str]]]:
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        tail = rest.split()
        if tail and tail[0] == kind:
            yield fields.split(), tail[-1].split(",")


def _open_peak(memory: Path, *, unified: bool) -> int | None:
    try:
        return os.open(memory / ("memory.peak" if unified else "memory.max_usage_in_bytes"), os.O_RDONLY)
    except FileNotFoundError:  # version 2 has memory.peak from Linux 5.19 on
        return None


def _remove_folder(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # EBUSY: somebody is in it
        for pid in map(int, _words(folder / "cgroup.procs")):
            if pid > 1 and pid != os.getpid():  # 0: a process that our process namespace does not have
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        return False
    return True


async def _remove_patiently(folder: Path) -> None:
    for _ in range(_REMOVAL_TRIES):
        if _remove_folder(folder):
            return
        await asyncio.sleep(_REMOVAL_PAUSE_S)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:  # not there, or not for us: nothing in it is ours to use
        return []


def _put(file: Path, value: int | str) -> None:
    file.write_text(str(value))


def _try_put(file: Path, value: int) -> None:
    with suppress(OSError):  # swap accounting is off, or the kernel is too old: the limit on memory stands
        _put(file, value)


def _mebibytes(count: int) -> int:
    return -(-count // (1 << 20))
