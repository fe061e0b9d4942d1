"""The process driver: environments are processes of this machine, forked from zygotes.

What the machine allows is found in `open`, by doing it: namespaces by right, by a user namespace, or none; a
cgroup or a resource limit. It keeps functions from seeing each other; it is no security boundary.
State: `state` holds notes on living zygotes and an empty folder to build file systems on; nothing is adopted.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from executor.driver import (
    Capabilities,
    ChannelAddress,
    ChannelKind,
    DriverSink,
    StartError,
    StartSpec,
    WithoutSlots,
)
from executor.drivers.process import cgroup, probing
from executor.drivers.process.environment import Environment
from executor.drivers.process.nursery import Nursery, is_provided
from executor.drivers.process.output import OutputPipe
from executor.drivers.process.profile import Profile
from executor.drivers.process.reap import reap_processes
from executor.drivers.process.request import make_temporary, remove_temporaries, start_request
from executor.drivers.process.slots import Slots
from executor.drivers.process.wire import Message
from executor.drivers.process.zygotes import ZygoteProcess, ZygoteRefused
from executor.interpreters import Interpreter, find_interpreters
from executor.language import Installation, runtime_name
from executor.languages import find_programs, language_of
from executor.revision import Revision
from kit.names import Names

log = logging.getLogger(__name__)

START_TIMEOUT_S = 10.0  # 4 ms on an idle machine; past this the machine is in trouble, not the function
STOP_TIMEOUT_S = 5.0  # SIGKILL needs microseconds; a process in an uninterruptible wait may need longer
KEPT_PEAKS = 1024  # of environments that are gone: their last log line is written a moment later


class ProcessDriver(WithoutSlots):
    """
    :param packages: package digest → the folder that holds it (0755/0644, never changed).
    :param runtime_folder: interpreter or program → what AWS's runtimes bring along, or None.
    :param state: a folder of ours, only for the server's eyes.
    :param uid_base: environments started by root have this uid + their slot.
    """

    def __init__(
        self,
        *,
        names: Names,
        packages: Callable[[str], Path],
        runtime_folder: Callable[[Interpreter | Installation], Path | None],
        state: Path,
        uid_base: int = 200_000,
    ) -> None:
        self._names = names
        self._packages = packages
        self._state = state
        self._uid_base = uid_base
        self._slots = Slots()
        self._nursery = Nursery(
            names=names, runtime_folder=runtime_folder, state=state, heard=self._heard, gone=self._zygote_gone
        )
        self._environments: dict[int, Environment] = {}
        self._leaving: dict[int, Environment] = {}  # without processes, not cleaned up yet
        self._peaks: OrderedDict[int, int] = OrderedDict()
        self._cgroups: cgroup.Cgroups | None = None
        self._temporary_prefix = f"lockgate-{names.instance}-"

    async def open(self, sink: DriverSink) -> Capabilities:
        """:raises StartError: functions cannot be started here without rights that they must not have."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._remove_leftovers)
        found, installed = await asyncio.gather(
            asyncio.to_thread(find_interpreters, self._state), asyncio.to_thread(find_programs, self._state)
        )
        self._cgroups, why_no_cgroup = cgroup.open_cgroups(self._names.instance, self._names.epoch)
        if self._cgroups is not None:
            await self._cgroups.reap()
        findings = await probing.probe(
            self._cgroups, why_no_cgroup, names=self._names, state=self._state, uid_base=self._uid_base
        )
        self._cgroups = findings.cgroups
        self._profile: Profile = findings.profile
        self._nursery.open(found, installed, findings.profile)
        runtimes = dict.fromkeys(f"python{interpreter.minor}" for interpreter in found)
        others = dict.fromkeys(runtime_name(each) for some in installed.values() for each in some)
        return Capabilities(
            name="process",
            runtimes=(*runtimes, *others, "provided"),
            private_tmp=findings.profile.is_private,
            memory_limit="rlimit" if self._cgroups is None else "cgroup",
            own_uid=findings.profile.own_uid,
            degraded=findings.degraded,
        )

    def _remove_leftovers(self) -> None:
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        count = reap_processes(self._names.instance, self._state)
        if count:
            log.warning("killed %d processes that an earlier start had left", count)
        remove_temporaries(self._temporary_prefix)

    def channel_kind(self, runtime: str) -> ChannelKind:
        """Executables bring official clients; our own bootstraps take the socket."""
        language = language_of(runtime)
        if language is not None:
            return language.channel
        return ChannelKind.PORT if is_provided(runtime) else ChannelKind.SOCKET

    async def prepare(self, revision: Revision) -> None:
        """Have the zygote of the revision's runtime. :raises StartError:"""
        await self._nursery.zygote(revision.config.runtime)

    async def start(self, spec: StartSpec, channel: ChannelAddress) -> float:
        zygote = await self._nursery.zygote(spec.revision.config.runtime)
        environment = self._create(spec, channel, zygote)
        try:
            done, _ = await asyncio.wait([environment.started], timeout=START_TIMEOUT_S)
            if not done:
                raise StartError("The start took too long", permanent=False, error_type="Sandbox.Failure")
            return environment.started.result()
        except BaseException:  # also when cancelled: nobody else would remove it
            await asyncio.shield(self.stop(spec.environment, 0))
            raise

    def _create(self, spec: StartSpec, channel: ChannelAddress, zygote: ZygoteProcess) -> Environment:
        assert spec.environment not in self._environments
        number = spec.environment
        environment = Environment(
            number=number,
            slot=self._slots.take(),
            zygote=zygote,
            output=OutputPipe(self._loop, lambda chunk: self._sink.printed(number, chunk)),
            started=self._loop.create_future(),
            gone=self._loop.create_future(),
        )
        try:
            self._send_start(environment, spec, channel)
        except (OSError, ZygoteRefused) as problem:
            self._leave(environment)
            log.warning("environment %d could not be started: %s", number, problem)
            message = "The environment could not be started"  # the reason names paths of the host
            raise StartError(message, permanent=False, error_type="Sandbox.Failure") from problem
        self._environments[number] = environment
        return environment

    def _send_start(self, environment: Environment, spec: StartSpec, channel: ChannelAddress) -> None:
        environment.temporary = make_temporary(spec, self._profile, self._temporary_prefix)
        if self._cgroups is not None:
            memory_mb = spec.revision.config.memory_mb
            # /tmp is a tmpfs, whose pages are charged to the group that wrote them.
            storage_mb = spec.shape.storage_mb if self._profile.is_private else 0
            limits = cgroup.Limits(memory_mb=memory_mb, total_mb=memory_mb + storage_mb)
            environment.group = self._cgroups.create(environment.number, limits)
        request = start_request(
            spec,
            channel,
            profile=self._profile,
            setup=environment.zygote.setup,
            package=self._packages(spec.revision.package),
            slot=environment.slot,
            temporary=environment.temporary,
            has_group=environment.group is not None,
        )
        environment.send_start(request)

    async def stop(self, environment: int, grace_s: float) -> None:  # noqa: ARG002  # see below
        """SIGKILL at once, as Lambda does to an environment without extensions; `grace_s` is for those.

        :raises TimeoutError: it is still there; try again.
        """
        there = self._environments.get(environment)
        if there is not None:
            there.is_stopping = True
            there.send_stop()
            done, _ = await asyncio.wait([there.gone], timeout=STOP_TIMEOUT_S)
            if not done:
                raise TimeoutError(f"environment {environment} has processes that cannot be killed now")
        leaving = self._leaving.get(environment)
        if leaving is not None and leaving.cleanup is not None:
            await asyncio.shield(leaving.cleanup)

    def flush(self, environment: int) -> None:
        there = self._environments.get(environment)
        if there is not None:
            there.output.flush()

    def peak_memory_mb(self, environment: int) -> int:
        there = self._environments.get(environment)
        if there is None:
            return self._peaks.get(environment, 0)
        return there.peak_mb(self._loop.time())

    def environments(self) -> frozenset[int]:
        return frozenset(self._environments)

    async def close(self) -> None:
        """Kill all environments, end all zygotes, remove our folders."""
        await asyncio.gather(*(self.stop(number, 0) for number in self._environments), return_exceptions=True)
        await self._nursery.close()
        cleanups = [each.cleanup for each in self._leaving.values() if each.cleanup is not None]
        await asyncio.gather(*cleanups)
        if self._cgroups is not None:
            self._cgroups.close()

    # --- what zygotes say --------------------------------------------------------------------------

    def _heard(self, message: Message) -> None:
        environment = self._environments.get(message["number"])
        if environment is None:  # given up meanwhile
            return
        if message["event"] == "started":
            environment.set_started(message["pid"], message["at"])
        elif message["event"] == "failed":
            environment.set_failed(
                StartError(
                    message["message"], permanent=message["permanent"], error_type=message["error_type"]
                )
            )
        elif message["event"] == "gone":
            self._ended(environment, message)

    def _zygote_gone(self, zygote: ZygoteProcess) -> None:
        """The kernel kills its environments; how each of them ended nobody can say."""
        for environment in [each for each in self._environments.values() if each.zygote is zygote]:
            self._ended(environment, {})

    def _ended(self, environment: Environment, ending: Message) -> None:
        environment.ending = ending
        report = environment.report()
        peak_mb = environment.last_peak_mb()
        self._leave(environment)
        self._remember_peak(environment.number, peak_mb)
        if environment.is_running and not environment.is_stopping:
            self._sink.exited(environment.number, report)

    def _remember_peak(self, number: int, peak_mb: int) -> None:
        self._peaks[number] = peak_mb
        while len(self._peaks) > KEPT_PEAKS:
            self._peaks.popitem(last=False)

    def _leave(self, environment: Environment) -> None:
        """None of its processes is left: hand over its last output, and remove the rest in the background."""
        number = environment.number
        self._leaving[number] = environment
        environment.output.close()
        self._environments.pop(number, None)
        environment.cleanup = self._loop.create_task(
            self._clean_up(environment), name=f"clean up environment {number}"
        )
        environment.set_gone()

    async def _clean_up(self, environment: Environment) -> None:
        if not await environment.clean_up():
            log.error("the cgroup of environment %d cannot be removed", environment.number)
        self._slots.give_back(environment.slot)
        del self._leaving[environment.number]

    def __repr__(self) -> str:
        return f"<ProcessDriver environments={len(self._environments)} {self._slots!r}>"
