"""The listening sockets that a process has open."""

import os
from pathlib import Path


def listening(pid: int) -> set[str]:
    """Their inodes; those of functions' channels left out."""
    tables = {
        line.split()[index]: line
        for path, index in (("tcp", 9), ("unix", 6))
        for line in Path(f"/proc/{pid}/net/{path}").read_text().splitlines()[1:]
        if (path == "tcp" and line.split()[3] == "0A") or (path == "unix" and line.split()[3] == "00010000")
    }
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        inode = target.removeprefix("socket:[").removesuffix("]")
        if target.startswith("socket:[") and inode in tables and "/e/" not in tables[inode]:
            found.add(inode)
    return found
