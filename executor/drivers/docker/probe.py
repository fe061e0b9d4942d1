"""What this engine allows, found by one container that does it: no table of platforms, no version numbers.

The container says what it sees through its FIFO, waits until the code was put in place, and says what it sees then.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from executor.drivers.docker import cgroup
from executor.drivers.docker.cgroup import CgroupPaths
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import EngineFault
from executor.drivers.docker.fifo import OutputFifo
from executor.drivers.docker.labels import PROBE, common_labels
from executor.drivers.docker.places import CHANNEL, OPT, OUTPUT, OUTPUT_NAME, TASK, TEMPORARY
from executor.drivers.docker.profile import Attachment, Bind, ContainerSpec, container_config
from executor.drivers.docker.workspace import Delivery, Folder, Workspace
from kit.names import Names

PROBE_TIMEOUT_S = 30.0  # one start and a few lines of shell; an engine that was just started is slow
_MEMORY_MB = 64
_STORAGE_MB = 16
_MARKER = "lockgate-probe"
_GO = "go"  # a second FIFO, by which the container is told to look again
_SCRIPT = f"""
echo attached
echo fifo >{OUTPUT} || exit 1
exec >{OUTPUT} 2>/dev/null
while read -r id parent device root point options rest; do echo "mount $point $options"; done </proc/self/mountinfo
read -r word <{CHANNEL}/{_GO}
test -f {TASK}/{_MARKER} && echo code
while read -r id parent device root point options rest; do
  test "$point" = {TASK} && echo "task $options"
done </proc/self/mountinfo
echo written >{TASK}/written && echo task-writable
echo written >/etc/written && echo root-writable
echo written >{TEMPORARY}/written && echo tmp-writable
while read -r name value rest; do echo "status $name $value"; done </proc/self/status
echo end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """:param fifo: output comes through a FIFO in the channel's folder; else by attach.
    :param delivery: how code gets into a slot; None: not at all, so there are no slots.
    :param disk: ``/tmp`` is a disk of its own; else it is memory.
    :param cgroups: where limits are raised by file; None: by the engine.
    """

    fifo: bool
    delivery: Delivery | None
    disk: bool
    cgroups: CgroupPaths | None
    degraded: tuple[str, ...]


class ProbeFailed(OSError):
    """Containers cannot run here as they must."""


async def probe(
    engine: EngineClient, workspace: Workspace, *, names: Names, image: str, uid: int, why_no_mounts: str
) -> Findings:
    """:raises ProbeFailed: what does not work, and what to do. :raises EngineFault:"""
    disk, why_no_disk = await asyncio.to_thread(_try_disk, workspace, why_no_mounts)
    folder = await asyncio.to_thread(workspace.make, "probe", storage_mb=_STORAGE_MB if disk else None)
    name = f"lockgate-{names.instance}-{names.epoch}-probe"
    try:
        seen, paths = await _run(
            engine, workspace, folder, names=names, name=name, image=image, uid=uid, disk=disk
        )
    finally:
        with suppress(EngineFault):
            await engine.remove(name)
        await asyncio.to_thread(workspace.remove, folder)
    return judge(seen, paths, disk=disk, why_no_disk=why_no_disk, why_no_mounts=why_no_mounts)


def _try_disk(workspace: Workspace, why_no_mounts: str) -> tuple[bool, str]:
    if not workspace.can_mount:
        return False, why_no_mounts
    folder = Folder(root=Path())
    try:
        folder = workspace.make("probe-disk", storage_mb=_STORAGE_MB)
    except OSError as problem:
        return False, str(problem)
    finally:
        if folder.root.name:
            workspace.remove(folder)
    return True, ""


@dataclass(slots=True)
class Seen:
    """What the container said through its FIFO in the end, and what came by attach."""

    after: str = ""
    words: str = ""
    fifo: bool = False


async def _run(
    engine: EngineClient,
    workspace: Workspace,
    folder: Folder,
    *,
    names: Names,
    name: str,
    image: str,
    uid: int,
    disk: bool,
) -> tuple[Seen, CgroupPaths | None]:
    loop = asyncio.get_running_loop()
    seen, said, changed = Seen(), bytearray(), asyncio.Event()

    def printed(chunk: bytes) -> None:
        said.extend(chunk)
        changed.set()

    def attached(chunk: bytes) -> None:
        seen.words += chunk.decode(errors="replace")
        changed.set()

    open_to(folder.channel, uid)
    fifo = OutputFifo(folder.channel / OUTPUT_NAME, gid=uid, loop=loop, printed=printed)
    go = _make_go(folder.channel / _GO, uid)
    delivery = Delivery.PROPAGATED if workspace.can_mount else Delivery.COPIED
    package = folder.root / "package"
    try:
        container = await engine.create(
            name, _config(folder, workspace, names=names, image=image, uid=uid, disk=disk)
        )
        stream = await engine.attach(container)
        stream.listen(attached)
        ended = stream.ended
        assert ended is not None
        ended.add_done_callback(lambda _: changed.set())
        try:
            await engine.start(container)
            await _until(changed, lambda: b"fifo\n" in said or seen.words)
            paths = cgroup.learn(int((await engine.inspect(container))["State"]["Pid"]), container)
            await _until(changed, lambda: (b"fifo\n" in said and seen.words) or ended.done())
            seen.fifo = b"fifo\n" in said
            await asyncio.to_thread(_put_marker, workspace, package, folder, delivery)
            os.write(go, b"go\n")
            await _until(changed, lambda: b"end\n" in said or ended.done())
            fifo.flush()
            seen.after = said.decode(errors="replace")
        finally:
            stream.close()
    finally:
        fifo.close()
        os.close(go)
    return seen, paths


def _config(
    folder: Folder, workspace: Workspace, *, names: Names, image: str, uid: int, disk: bool
) -> dict[str, object]:
    binds = [
        Bind(source=folder.task, target=TASK, follows=workspace.can_mount),
        Bind(source=folder.channel, target=CHANNEL),
        Bind(source=workspace.opt, target=OPT),
    ]
    if disk:
        binds.append(Bind(source=folder.temporary, target=TEMPORARY, writable=True))
    spec = ContainerSpec(
        image=image,
        entrypoint=("/bin/sh", "-c", _SCRIPT),
        command=(),
        cwd="/",
        variables={},
        labels=common_labels(names) | {PROBE: "1"},
        uid=uid,
        gid=uid,
        memory_mb=_MEMORY_MB,
        tmpfs_mb=None if disk else _STORAGE_MB,
        binds=binds,
        attachment=Attachment(),
        attach=True,
    )
    return container_config(spec)


def _put_marker(workspace: Workspace, package: Path, folder: Folder, delivery: Delivery) -> None:
    package.mkdir(mode=0o755)
    (package / _MARKER).touch()
    workspace.put_code(package, folder, delivery)


def _make_go(path: Path, gid: int) -> int:
    os.mkfifo(path, 0o600)
    if os.geteuid() == 0:
        os.chown(path, 0, gid)
    path.chmod(0o644)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def open_to(folder: Path, gid: int) -> None:
    """Let a container's group into a folder of ours; its owner could replace the socket in it."""
    if os.geteuid() == 0:
        os.chown(folder, 0, gid)
        folder.chmod(0o710)
    else:  # who is not root cannot give it away; the folders above it are closed to others
        folder.chmod(0o711)


async def _until(changed: asyncio.Event, holds: Callable[[], object]) -> None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            while not holds():
                changed.clear()
                if not holds():
                    await changed.wait()
    except TimeoutError as error:
        raise ProbeFailed(
            f"a container that only says what it sees did not answer in {PROBE_TIMEOUT_S} s"
        ) from error


def judge(
    seen: Seen, paths: CgroupPaths | None, *, disk: bool, why_no_disk: str, why_no_mounts: str
) -> Findings:
    lines = seen.after.splitlines()
    if "attached" not in seen.words.splitlines():
        raise ProbeFailed(f"a container cannot run /bin/sh of its image: {seen.words.strip()[:200]}")
    if seen.fifo and ("root-writable" in lines or "task-writable" in lines):
        raise ProbeFailed(
            "containers can write to their own file system although it was asked to be read-only"
        )
    degraded = []
    delivery = None
    if "code" in lines:
        delivery = Delivery.PROPAGATED if not why_no_mounts else Delivery.LINKED
    if delivery is None:
        degraded.append(
            "Functions start without prepared containers: what is mounted later is not seen in them."
        )
    elif delivery is not Delivery.PROPAGATED:
        degraded.append(f"Code is copied into prepared containers, which takes longer: {why_no_mounts}.")
    if not disk:
        degraded.append(f"{TEMPORARY} of functions is memory and counts as such: {why_no_disk}.")
    if not seen.fifo:
        degraded.append(
            "Output of functions comes through the engine: a FIFO in a mounted folder does not work."
        )
    if paths is None:
        degraded.append(
            "Limits of prepared containers are raised by the engine: their cgroup cannot be written."
        )
    return Findings(fifo=seen.fifo, delivery=delivery, disk=disk, cgroups=paths, degraded=tuple(degraded))
