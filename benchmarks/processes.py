"""CPU, memory and handles of a server and all that it started, from ``/proc``. Linux only."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """The process and its living descendants, itself first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))) is not None:
            children.setdefault(int(stat[1]), []).append(int(entry))
    found = [root]
    for pid in found:  # grows while it is read: breadth first
        found.extend(children.get(pid, ()))
    return found


def children(parent: int) -> list[int]:
    """Living processes that it started itself."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(int(entry))
        if stat is not None and int(stat[1]) == parent:
            found.append(int(entry))
    return found


def of_users(uids: range) -> list[int]:
    """Living processes of these users."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if uids and uid(pid) in uids]


def cpu_s(pids: list[int]) -> float:
    """utime + stime of processes that still live, in seconds; steps of 10 ms."""
    stats = (_stat(pid) for pid in pids)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats if stat is not None) / _TICKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """MB. ``rss`` counts shared pages in every process, ``pss`` divides them among those that share them."""

    rss: float
    pss: float


def memory_mb(pids: list[int]) -> Memory:
    rss = pss = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kb = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
        rss += kb["Rss"]
        pss += kb["Pss"]
    return Memory(rss=rss / 1024, pss=pss / 1024)


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def uid(pid: int) -> int | None:
    """The effective user; None when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[2]) for line in lines if line.startswith("Uid:"))


def handles(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def mounts(pid: int) -> int:
    return len(Path(f"/proc/{pid}/mounts").read_text().splitlines())


def cgroups(instance: str) -> int:
    """Groups of one server's environments, in all hierarchies."""
    # os.walk forgives folders that vanish under it
    base = os.path.join("lockgate", instance)
    return sum(len(folders) for place, folders, _ in os.walk("/sys/fs/cgroup") if place.endswith(base))


def _stat(pid: int) -> list[str] | None:
    """Fields of ``/proc/PID/stat`` from the state on; the name before it may hold spaces."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
