"""The part of the server that runs functions: executor, packages, logs, and the Lambda API on the control listener."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from executor.api.app import lambda_api
from executor.driver import Capabilities
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.packages.store import PackageStore
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.console import Console
from lockgate.containers import Containers, engine_url
from lockgate.driver_choice import refuse_unsafe, remember_docker
from lockgate.driver_metrics import DriverMetrics
from lockgate.echoed_logs import EchoedLogs
from lockgate.executor_part import NO_IMAGES, make_executor, open_executor, packages_in_use
from lockgate.janitor import Janitor
from lockgate.listeners import bound_hosts
from lockgate.metrics import FleetCollector, LogCollector, snapshot_of
from lockgate.reload import Builder
from lockgate.revisions import RevisionBuilder
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket
from lockgate.state import State

Secrets = Callable[[str], str | None]


class FunctionsPart:
    """:ivar builder: makes what a generation of the configuration runs. :ivar executor: runs it."""

    executor: Executor
    builder: Builder
    janitor: Janitor

    def __init__(
        self, settings: Settings, state: State, console: Console, registry: CollectorRegistry
    ) -> None:
        self._settings = settings
        self._state = state
        self._console = console
        self._registry = registry

    async def open(self, file: RoutesFile, names: Names, stack: AsyncExitStack) -> None:
        """Have the driver ready; *stack* closes what is opened.

        :raises RuntimeFailure: functions cannot be run here, or not safely.
        """
        self._names = names
        store = PackageStore(self._state.root / "packages")
        logs = self._open_logs(file.server.limits.log_mb)
        stack.callback(logs.close)
        containers, images = self._open_containers(file, stack), NO_IMAGES
        if containers is not None:
            images = await containers.images_of(file)
        self.executor = make_executor(
            file, self._settings, self._state,
            names=names, store=store, logs=logs, metrics=ExecutorMetrics(self._registry),
            containers=containers, images=images,
        )  # fmt: skip
        stack.push_async_callback(self.executor.close)
        self._report(await open_executor(self.executor, containers))
        if containers is not None:
            remember_docker(self._state.root)
        self.builder = Builder(
            self._settings.config,
            revisions=RevisionBuilder(
                store, cache=self._state.root, say=self._console.say, containers=containers
            ),
            executor=self.executor,
        )
        self._collect(logs)
        self.janitor = Janitor(store, lambda: packages_in_use(self.executor), self._console)
        stack.push_async_callback(self.janitor.finish)

    def _open_containers(self, file: RoutesFile, stack: AsyncExitStack) -> Containers | None:
        if self._settings.driver != "docker":
            return None
        containers = Containers(engine_url(file), cache=self._state.root, say=self._console.say)
        stack.callback(containers.close)
        return containers

    def control_app(self, sock: ListeningSocket, secrets: Secrets) -> ASGIApp:
        return lambda_api(
            invoker=self.executor,
            functions=self.executor.catalog,
            names=self._names,
            secrets=secrets,
            hosts=bound_hosts(sock),
        )

    def troubles(self) -> tuple[str, ...]:
        """What cannot be done at present, for operators."""
        trouble = self.executor.trouble
        return (trouble,) if trouble else ()

    def _open_logs(self, max_mb: int) -> FunctionLogs:
        if self._settings.dev:
            return EchoedLogs(self._state.logs, max_mb, echo=self._console.function_line)
        return FunctionLogs(self._state.logs, max_mb)

    def _collect(self, logs: FunctionLogs) -> None:
        executor = self.executor
        self._registry.register(FleetCollector(lambda: snapshot_of(executor.shell.fleet, executor.catalog)))
        dropped = {"functions": lambda: logs.dropped_records, "access": lambda: self._console.dropped}
        self._registry.register(LogCollector(dropped))

    def _report(self, capabilities: Capabilities) -> None:
        """Say what the driver cannot do here. :raises RuntimeFailure: what would be unsafe for `serve`."""
        refuse_unsafe(capabilities, self._settings)
        DriverMetrics(self._registry).opened(capabilities, lambda: self.executor.trouble)
        if not self._settings.dev and not capabilities.isolated:
            self._console.warn("Functions run as processes of this machine: that is no security boundary.")
        for sentence in capabilities.degraded:
            self._console.warn(sentence)
