"""What works here, found by starting an environment that ends at once, with the best means first.

Each thing that does not work becomes a sentence that says what it means for functions.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from executor.driver import StartError
from executor.drivers.process.cgroup import Cgroups, Group, Limits
from executor.drivers.process.nursery import executables_setup
from executor.drivers.process.profile import Profile, instance_gid, possible_modes, system_locale
from executor.drivers.process.request import probe_request
from executor.drivers.process.wire import Message
from executor.drivers.process.zygotes import Mode, ZygoteProcess, ZygoteRefused
from kit.names import Names

PROBE_TIMEOUT_S = 10.0  # some milliseconds on an idle machine
_PROBE = 0  # environments count from 1
_PROBE_MB = 64

_NETWORK = "Functions use this machine's network as it is: they reach what this machine reaches."
_NO_NAMESPACES = (
    "Functions see this machine's files and processes, share one /tmp without a size limit, and package folders are "
    "not read-only: private namespaces are not allowed here ({})."
)
_NO_CGROUP = (
    "Memory is limited by the address space a process may fill, not by what it uses, a function out of memory sees an "
    "allocation fail, and CPU is not shared out: cgroups cannot be used here ({})."
)
_NO_PIDS = "The number of processes of a function is not limited: there is no pids cgroup here."
_SAME_USER = (
    "Functions run as the user who runs the server: as root, it gives each an unprivileged user of its own."
)
_NO_SUPERVISION = "A process that leaves its group may outlive its environment: only Linux can find those."


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    profile: Profile
    cgroups: Cgroups | None
    degraded: tuple[str, ...]


async def probe(
    cgroups: Cgroups | None, why_no_cgroup: str, *, names: Names, state: Path, uid_base: int
) -> Findings:
    """:raises StartError: nothing works; above all, root that may not give up being root."""
    reasons: list[str] = []
    for mode in possible_modes():
        profile = Profile(
            mode=mode,
            own_uid=os.geteuid() == 0,
            uid_base=uid_base,
            gid=instance_gid(names, uid_base),
            locale=system_locale(),
        )
        reason = await _try(profile, cgroups, names, state)
        if reason is not None and cgroups is not None and await _try(profile, None, names, state) is None:
            why_no_cgroup, cgroups, reason = reason, None, None
        if reason is None:
            sentences = _sentences(
                profile, cgroups, why_no_namespaces="; ".join(reasons), why_no_cgroup=why_no_cgroup
            )
            return Findings(profile=profile, cgroups=cgroups, degraded=sentences)
        reasons.append(reason)
    raise StartError(
        f"No function can be started here: {'; '.join(reasons)}", permanent=True, error_type="Sandbox.Failure"
    )


async def _try(profile: Profile, cgroups: Cgroups | None, names: Names, state: Path) -> str | None:
    """:returns: why it does not work, or None."""
    group = None
    try:
        if cgroups is not None:
            group = cgroups.create(_PROBE, Limits(memory_mb=_PROBE_MB, total_mb=_PROBE_MB))
        return await _run(profile, profile.mode, group, names, state)
    except (OSError, ZygoteRefused) as problem:
        return str(problem)
    finally:
        if group is not None:
            await group.remove()


async def _run(profile: Profile, mode: Mode, group: Group | None, names: Names, state: Path) -> str | None:
    said: list[Message] = []
    ended = asyncio.Event()

    def hear(message: Message) -> None:
        said.append(message)
        if message["event"] == "gone":
            ended.set()

    zygote = ZygoteProcess(executables_setup(names, state, mode), hear, lambda _: ended.set())
    await zygote.start()
    try:
        _send_probe(zygote, profile, group)
        await asyncio.wait_for(ended.wait(), PROBE_TIMEOUT_S)
    except TimeoutError:
        return "a trial environment did not end"
    finally:
        await asyncio.shield(zygote.close())
    failure = next((message["message"] for message in said if message["event"] == "failed"), None)
    if failure is not None:
        return str(failure)
    return None if said and said[-1].get("code") == 0 else "a trial environment vanished"


def _send_probe(zygote: ZygoteProcess, profile: Profile, group: Group | None) -> None:
    output = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    fds = [output]
    try:
        fds += group.open_join() if group is not None else []
        zygote.send(probe_request(_PROBE, profile, storage_mb=1), fds)
    finally:
        for fd in fds:
            os.close(fd)


def _sentences(
    profile: Profile, cgroups: Cgroups | None, *, why_no_namespaces: str, why_no_cgroup: str
) -> tuple[str, ...]:
    sentences = [_NETWORK]
    if not profile.is_private:
        sentences.append(_NO_NAMESPACES.format(why_no_namespaces or f"{sys.platform} has none"))
        if sys.platform != "linux":
            sentences.append(_NO_SUPERVISION)
    if cgroups is None:
        sentences.append(_NO_CGROUP.format(why_no_cgroup))
    elif "pids" not in cgroups.controllers:
        sentences.append(_NO_PIDS)
    if not profile.own_uid:
        sentences.append(_SAME_USER)
    return tuple(sentences)
