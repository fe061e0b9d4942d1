"""From a loaded routes file to its revisions: each function's package and configuration, by content.

Building packages blocks on disk and pip, so it runs on worker threads. What cannot be built is told whole, by
function. State: which sentences the operator has heard.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from executor.interpreters import find_interpreters
from executor.languages import find_programs
from executor.packages.errors import PackageError
from executor.packages.store import PackageStore
from executor.revision import FunctionConfig, Revision
from lockgate.config.checks.places import overlap
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.resolved import ResolvedFunction
from lockgate.container_keys import refuse_container_keys
from lockgate.containers import Containers
from lockgate.errors import ConfigurationError
from lockgate.runners import ImageRunners, MachineRunners, NoRunner, Runners

Say = Callable[[str], None]


class RevisionBuilder:
    """:param cache: a folder that keeps what is known of interpreters. :param say: called on any thread.
    :param containers: where functions run in images; None where they are processes.
    """

    def __init__(
        self, store: PackageStore, *, cache: Path, say: Say, containers: Containers | None = None
    ) -> None:
        self.store = store
        self._containers = containers
        self._cache = cache
        self._say = say
        self._said: set[str] = set()

    async def build(self, file: RoutesFile) -> list[Revision]:
        """Make each function's package and name its revision. Cancelled (the server ends), it installs nothing more.

        :raises ConfigurationError: naming every function whose package cannot be made.
        """
        if self._containers is None:
            refuse_container_keys(file)
        functions = file.resolved_functions()
        _refuse_state_in_volumes(functions.values(), self._cache)
        if not functions:
            return []
        try:
            runners = await self._runners(file)
            built = await asyncio.gather(
                *(asyncio.to_thread(self._build, each, runners) for each in functions.values()),
                return_exceptions=True,
            )
        except asyncio.CancelledError:
            self.store.close()  # threads cannot be cancelled, and the process would wait for pip
            if self._containers is not None:
                self._containers.close()
            raise
        mistakes = [each for each in built if isinstance(each, ConfigurationError)]
        if mistakes:
            what = "\n".join(mistake.what for mistake in mistakes)
            raise ConfigurationError(what, mistakes[0].instead)
        return [_revision(each) for each in built]

    async def _runners(self, file: RoutesFile) -> Runners:
        interpreters, programs = await asyncio.gather(
            asyncio.to_thread(find_interpreters, self._cache), asyncio.to_thread(find_programs, self._cache)
        )
        if self._containers is None:
            return MachineRunners(interpreters, programs)
        catalog = self._containers.catalog(file)
        return ImageRunners(catalog, self._containers.pythons, interpreters, programs)

    def _build(self, function: ResolvedFunction, runners: Runners) -> Revision:
        name = function.name
        try:
            runner = runners.of(function)
            self._say_once(name, runner.note)
            if function.code is None:
                return Revision.of(config_of(function), "", runner.image)
            package = self.store.build(
                function.code,
                interpreter=runner.interpreter,
                program=runner.program,
                on_progress=lambda text: self._say(f"{name}: {text}"),
            )
        except NoRunner as error:
            raise ConfigurationError(f"functions.{name}: {error}", error.instead) from error
        except PackageError as error:
            raise ConfigurationError(f"functions.{name}: {error}", "Mend the code folder.") from error
        return Revision.of(config_of(function), package.digest, runner.image)

    def _say_once(self, function: str, text: str | None) -> None:
        """A reload need not repeat which interpreter stands in for one that is not there."""
        sentence = f"{function}: {text}"
        if text is not None and sentence not in self._said:
            self._said.add(sentence)
            self._say(sentence)


def _refuse_state_in_volumes(functions: Iterable[ResolvedFunction], state: Path) -> None:
    """Whoever may write to a folder above the state can put another one in its place."""
    for function in functions:
        for variable, folder in function.volumes.items():
            if overlap(folder.resolve(), state.resolve()):
                raise ConfigurationError(
                    f"functions.{function.name}.volumes.{variable}: {folder} and the state folder {state} overlap.",
                    "Take another folder, or start with another --state.",
                )


def _revision(built: Revision | BaseException) -> Revision:
    if isinstance(built, BaseException):
        raise built
    return built


def config_of(function: ResolvedFunction) -> FunctionConfig:
    return FunctionConfig(
        name=function.name,
        runtime=function.runtime,
        handler=function.handler,
        memory_mb=function.memory_mb,
        timeout_s=function.timeout_s,
        storage_mb=function.storage_mb,
        idle_timeout_s=function.idle_timeout_s,
        environment=dict(function.environment),
        volumes={name: str(path) for name, path in function.volumes.items()},
        reserved=function.reserved,
        cpu=function.cpu,
        provisioned=function.provisioned,
        isolation=function.isolation,
        network=function.network,
        image=function.overrides,
        sandbox=function.sandbox,
    )
