"""The executor with its driver, as this machine and the routes file make it."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from executor.driver import Capabilities, Driver
from executor.drivers.docker.driver import DockerDriver
from executor.drivers.process.driver import ProcessDriver
from executor.executor import Executor
from executor.interpreters import Interpreter, find_interpreters
from executor.language import Installation, language_name, of_an_image
from executor.languages import find_programs
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.packages.store import PackageStore
from executor.runtimes import folder as runtime_folder
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.containers import Containers
from lockgate.errors import RuntimeFailure
from lockgate.node import machine_memory_mb, node_limits
from lockgate.settings import Settings
from lockgate.state import State

NO_IMAGES: Mapping[str, str] = MappingProxyType({})


def make_executor(
    file: RoutesFile,
    settings: Settings,
    state: State,
    *,
    names: Names,
    store: PackageStore,
    logs: FunctionLogs,
    metrics: ExecutorMetrics,
    containers: Containers | None = None,
    images: Mapping[str, str] = NO_IMAGES,
) -> Executor:
    """:param store: where the driver finds the packages of revisions.
    :param containers: of the docker driver; None is the process driver.
    :param images: runtime → image id, for the docker driver.
    """

    def package(digest: str) -> Path:
        found = store.open(digest)
        if found is None:
            raise FileNotFoundError(digest)
        return found.folder

    def folder(runner: Interpreter | Installation) -> Path | None:
        return runtime_folder.installed(state.root, runner)

    driver: Driver
    if containers is None:
        driver = ProcessDriver(
            names=names, packages=package, runtime_folder=folder, state=state.root, uid_base=settings.uid_base
        )
    else:
        driver = DockerDriver(
            names=names,
            packages=package,
            runtime_folder=runtime_folders(state.root),
            state=state.root,
            images=images,
            engine=containers.address,
            uid_base=settings.uid_base,
        )
    limits = file.server.limits
    return Executor(
        names=names,
        driver=driver,
        node=node_limits(
            memory_mb=limits.memory.of(machine_memory_mb()),
            environments=limits.environments,
            starts=limits.starts,
            slots=limits.slots,
        ),
        logs=logs,
        metrics=metrics,
        socket_root=runtime_sockets(names.instance),
    )


async def open_executor(executor: Executor, containers: Containers | None) -> Capabilities:
    """Probe what the driver can do here. :raises RuntimeFailure: an engine that cannot run functions as it must."""
    try:
        return await executor.open()
    except OSError as error:
        if containers is None:
            raise
        raise RuntimeFailure(
            f"The Docker engine at {containers.address} cannot run functions: {error}.",
            "lockgate doctor says what it lacks; --driver process runs functions without containers.",
        ) from error


def runtime_folders(state: Path) -> Callable[[str], Path | None]:
    """Runtime → what AWS's runtimes bring along, as installed here: pure Python, pure JavaScript fit any image."""

    def folder(runtime: str) -> Path | None:
        for runner in _runners(state, runtime):
            found = runtime_folder.installed(state, runner)
            if found is not None:
                return found
        return None

    return folder


def _runners(state: Path, runtime: str) -> Iterator[Interpreter | Installation]:
    """Those of the runtime's own version first: the folder then has .pyc files for it."""
    if runtime.startswith("python"):
        found = find_interpreters(state)
        yield from sorted(found, key=lambda each: f"python{each.minor}" != runtime)
    else:
        yield from find_programs(state).get(language_name(runtime), ()) or (of_an_image(runtime),)


def packages_in_use(executor: Executor) -> set[str]:
    """Of every revision that has a pool: generations that end only now still start environments from them."""
    return {revision.package for revision in executor.shell.revisions.values()}


def runtime_sockets(instance: str) -> Path:
    """Where environments' sockets lie: short, because a socket's path has at most 107 bytes."""
    base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    if base != Path("/tmp"):  # noqa: S108
        return base / "lockgate" / instance / "e"
    return own_folder(base / f"lockgate-{os.geteuid()}") / instance / "e"


def own_folder(folder: Path) -> Path:
    """Make it, in a place where everybody may: who made it before could put other sockets there.

    :raises RuntimeFailure: it is somebody else's.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RuntimeFailure(
            f"{folder} belongs to another user.", "Set XDG_RUNTIME_DIR to a folder of your own."
        )
    folder.chmod(0o700)
    return folder
