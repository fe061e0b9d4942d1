"""What a server has on its machine: processes, cgroups, mounts, sockets, descriptors, temporary files.

Taken before and after something bad happened; `beyond` says what the bad thing left.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path

import orjson

from executor.drivers.process.reap import marked_processes
from lockgate.executor_part import runtime_sockets
from tests.support.observed import wait_until
from tests.support.server import RunningServer

UIDS = 500  # of one server: more environments than any test here has
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
_next_base = count(1_000_000 + (os.getpid() % 50_000) * 10_000, UIDS)


def new_uid_base() -> int:
    """User ids that no other server of this test run has, so that its processes can be told by them."""
    return next(_next_base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """:param processes: ``uid state`` → how many; ours are told by uid and by the marker in their environ.
    :param descriptors: of the server, by kind.
    """

    processes: Counter[str]
    cgroups: Counter[str]
    mounts: Counter[str]
    sockets: Counter[str]
    temporary: Counter[str]
    descriptors: Counter[str]

    def beyond(self, before: "Leftovers") -> dict[str, dict[str, int]]:
        """What there is now and was not then, or was then and is not now (negative)."""
        found = {}
        for field in fields(self):
            now, then = getattr(self, field.name), getattr(before, field.name)
            difference = {key: now[key] - then[key] for key in now | then if now[key] != then[key]}
            if difference:
                found[field.name] = difference
        return found


class Watch:
    """Looks after one server. :param uid_base: as given to it."""

    def __init__(self, server: RunningServer, uid_base: int) -> None:
        self._server = server
        self._uids = range(uid_base - 1, uid_base + UIDS)
        self.instance: str = orjson.loads((server.state / "instance.json").read_bytes())["instance"]

    def look(self) -> Leftovers:
        return Leftovers(
            processes=Counter(f"uid {uid}" for uid in self.processes().values()),
            cgroups=Counter(self._cgroups()),
            mounts=Counter(self._mounts()),
            sockets=Counter(self._sockets()),
            temporary=Counter(self._temporary()),
            descriptors=Counter(self._descriptors()),
        )

    def settle(self, before: Leftovers, timeout_s: float = 10.0) -> None:
        """Wait until everything is as it was. :raises AssertionError: naming what is left."""
        last: dict[str, dict[str, int]] = {}

        def is_as_before() -> bool:
            nonlocal last
            last = self.look().beyond(before)
            return not last

        try:
            wait_until(is_as_before, "as before", timeout_s)
        except AssertionError:
            raise AssertionError(f"left behind after {timeout_s} s: {last}") from None

    def expect_nothing(self, timeout_s: float = 5.0) -> None:
        """The server is gone: so is everything that was its."""
        nothing: Counter[str] = Counter()
        self.settle(
            Leftovers(
                processes=nothing, cgroups=nothing, mounts=nothing, sockets=nothing, temporary=nothing,
                descriptors=nothing,
            ),
            timeout_s,
        )  # fmt: skip

    def marked_processes(self) -> list[int]:
        """Those that carry its marker, which a program that was started with an empty environ does not."""
        return marked_processes(self.instance)

    def processes(self) -> dict[int, int]:
        """pid → uid of everything that is the server's, the server itself left out; zombies count."""
        marker = f"LOCKGATE_MARK={self.instance}/".encode()
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self._server_pid():
                continue
            with suppress(OSError):  # it ended meanwhile
                uid = _uid(entry)
                if uid in self._uids or marker in Path(f"/proc/{entry}/environ").read_bytes():
                    found[int(entry)] = uid
        return found

    def memory_mb(self) -> int:
        return self._status("VmRSS")

    def peak_memory_mb(self) -> int:
        """Since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self._server_pid()}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self._server_pid()}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) // 1024

    def _server_pid(self) -> int:
        assert self._server.process is not None
        return self._server.process.pid

    def _cgroups(self) -> Iterator[str]:
        own = Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].split("\n")[0]
        tops = ("", own, *(entry.name for entry in os.scandir("/sys/fs/cgroup") if entry.is_dir()))
        for top in dict.fromkeys(tops):
            folder = Path("/sys/fs/cgroup") / top / "lockgate" / self.instance
            with suppress(OSError), os.scandir(folder) as entries:
                yield str(folder)
                yield from (entry.path for entry in entries if entry.is_dir())

    def _sockets(self) -> Iterator[str]:
        folder = runtime_sockets(self.instance).parent
        if folder.exists():
            yield str(folder)
            yield from (str(path) for path in folder.glob("**/*"))

    def _mounts(self) -> Iterator[str]:
        state = str(self._server.state)
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            if state in line or self.instance in line:
                yield line.split()[4]

    def _temporary(self) -> Iterator[str]:
        for folder in {*_TEMPORARY, tempfile.gettempdir()}:
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(OSError):
                        owner = entry.stat(follow_symlinks=False).st_uid
                        if owner in self._uids or self.instance in entry.name:
                            yield entry.path

    def _descriptors(self) -> Iterator[str]:
        folder = f"/proc/{self._server_pid()}/fd"
        with suppress(OSError):  # the server is gone
            for fd in os.listdir(folder):
                with suppress(OSError):
                    target = os.readlink(f"{folder}/{fd}")
                    if not target.startswith(str(self._server.state / "logs")):  # one a function, kept open
                        yield _kind(target)


def _kind(target: str) -> str:
    if target.startswith(("socket:", "pipe:", "anon_inode:")):
        return target.partition("[")[0] if "inode" not in target else target
    return "cgroup file" if target.startswith("/sys/fs/cgroup") else target


def _uid(pid: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Uid:"))
