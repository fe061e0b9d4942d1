"""The executor with its driver, as this machine and the routes file make it."""

import os
from pathlib import Path

from executor.drivers.process.driver import ProcessDriver
from executor.executor import Executor
from executor.interpreters import Interpreter
from executor.language import Installation
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.packages.store import PackageStore
from executor.runtimes import folder as runtime_folder
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.node import machine_memory_mb, node_limits
from lockgate.settings import Settings
from lockgate.state import State


def make_executor(
    file: RoutesFile,
    settings: Settings,
    state: State,
    *,
    names: Names,
    store: PackageStore,
    logs: FunctionLogs,
    metrics: ExecutorMetrics,
) -> Executor:
    """:param store: where the driver finds the packages of revisions."""

    def package(digest: str) -> Path:
        found = store.open(digest)
        if found is None:
            raise FileNotFoundError(digest)
        return found.folder

    def folder(runner: Interpreter | Installation) -> Path | None:
        return runtime_folder.installed(state.root, runner)

    limits = file.server.limits
    return Executor(
        names=names,
        driver=ProcessDriver(
            names=names, packages=package, runtime_folder=folder, state=state.root, uid_base=settings.uid_base
        ),
        node=node_limits(
            memory_mb=limits.memory.of(machine_memory_mb()),
            environments=limits.environments,
            starts=limits.starts,
        ),
        logs=logs,
        metrics=metrics,
        socket_root=runtime_sockets(names.instance),
    )


def packages_in_use(executor: Executor) -> set[str]:
    """Of every revision that has a pool: generations that end only now still start environments from them."""
    return {revision.package for revision in executor.shell.revisions.values()}


def runtime_sockets(instance: str) -> Path:
    """Where environments' sockets lie: short, because a socket's path has at most 107 bytes."""
    base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    name = "lockgate" if base != Path("/tmp") else f"lockgate-{os.geteuid()}"  # noqa: S108
    return base / name / instance / "e"
