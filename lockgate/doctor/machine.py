"""What this machine has left: memory, disk."""

import shutil
from pathlib import Path

from lockgate.doctor.row import Row, Verdict

GROUP = "machine"
_MEMINFO = Path("/proc/meminfo")
_LITTLE_MEMORY_MB = 1024  # four functions of the default size
_LITTLE_DISK_MB = 2048  # four times the default /tmp


def machine_rows(folders: dict[str, Path], meminfo: Path = _MEMINFO) -> list[Row]:
    """:param folders: what lies there → the folder, or where it will be made."""
    rows = [_memory(meminfo)]
    seen: set[int] = set()
    for what, folder in folders.items():
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if there.stat().st_dev not in seen:  # one row for each file system
            seen.add(there.stat().st_dev)
            rows.append(_disk(what, there))
    return rows


def bad_file(path: Path) -> Row:
    return Row(
        group=GROUP,
        check="routes file",
        verdict=Verdict.MISSING,
        found=f"{path} has mistakes",
        follows="The server does not start with it, and which images it needs is not known.",
        do="`lockgate check` shows them.",
    )


def _memory(meminfo: Path) -> Row:
    available_mb = _available_mb(meminfo)
    if available_mb is None:
        return Row(group=GROUP, check="free memory", verdict=Verdict.OK, found="not told by this system")
    found = f"{available_mb} MB"
    if available_mb >= _LITTLE_MEMORY_MB:
        return Row(group=GROUP, check="free memory", verdict=Verdict.OK, found=found)
    return Row(
        group=GROUP,
        check="free memory",
        verdict=Verdict.WEAK,
        found=found,
        follows="Few functions can run at once; calls beyond that wait, then get 503.",
        do="End what uses memory, or give functions less with `memory:`.",
    )


def _available_mb(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return None if found is None else int(found.split()[1]) >> 10


def _disk(what: str, folder: Path) -> Row:
    free_mb = shutil.disk_usage(folder).free >> 20
    check, found = f"free disk, {what}", f"{free_mb} MB at {folder}"
    if free_mb >= _LITTLE_DISK_MB:
        return Row(group=GROUP, check=check, verdict=Verdict.OK, found=found)
    return Row(
        group=GROUP,
        check=check,
        verdict=Verdict.WEAK,
        found=found,
        follows="Packages, logs and the /tmp of functions live there; starts fail when it is full.",
        do="Free some space, or name another folder with --state.",
    )
