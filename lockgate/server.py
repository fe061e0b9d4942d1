"""The one place that puts the parts together in one process: read, build, listen, wait for a signal, drain.

Start: configuration whole → sockets bound → state locked → driver probed → packages built → deployment built →
listeners accept → ``ready``. A step that fails ends the start with what, why and what to do instead. From then on
`reload` exchanges what is served.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from random import Random

from starlette.types import ASGIApp

from executor.api.app import lambda_api
from executor.driver import Capabilities
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.packages.store import PackageStore
from gateway.app import Gateway
from gateway.forwarded import ProxyTrust
from gateway.issuers.events import IssuerEvent
from gateway.issuers.issuer import Issuers
from gateway.issuers.metrics import IssuerMetrics
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from kit.edge_limits import EdgeLimits
from kit.json_log import Level
from kit.listener import Listener
from lockgate.admin import admin_app
from lockgate.admin_actions import Actions
from lockgate.banner import print_banner
from lockgate.config.grammar.file import RoutesFile
from lockgate.configuration import load_or_explain
from lockgate.console import Console
from lockgate.driver_choice import choose_driver, refuse_exposed, refuse_unsafe
from lockgate.echoed_logs import EchoedLogs
from lockgate.endpoints import describe
from lockgate.errors import ExitCode
from lockgate.executor_part import make_executor, packages_in_use
from lockgate.explanation import explain_action
from lockgate.janitor import Janitor
from lockgate.listeners import ADMIN_LIMITS, CONTROL_LIMITS, bound_hosts, make_listeners
from lockgate.metrics import (
    EdgeMetrics,
    FleetCollector,
    LogCollector,
    ReloadMetrics,
    new_registry,
    snapshot_of,
)
from lockgate.reload import Builder, Reloader, Served
from lockgate.reload_report import ReloadReport, reload_action
from lockgate.revisions import RevisionBuilder
from lockgate.saves import Saves
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket, open_sockets
from lockgate.state import State
from lockgate.tls import open_tls, reread_tls

GC_THRESHOLD = (20_000, 20, 100)  # requests leave few cycles: no need to look for them every ten
ISSUER_TROUBLE = frozenset({"keys_failed", "key_ignored", "keys_expired", "key_cache_failed"})
ADMIN_DRAIN_S = 1.0  # metrics and health answer in milliseconds


async def serve(settings: Settings) -> int:
    """Run until a signal. :returns: the exit code. :raises CommandError: the start failed."""
    file = load_or_explain(settings.config)
    choose_driver(settings)
    with ExitStack() as held:
        sockets = held.enter_context(open_sockets(settings))
        refuse_exposed(sockets["gateway"].sock, settings)
        state = State(settings.state)
        state.open()
        held.enter_context(state.lock())
        console = held.enter_context(Console(sys.stderr, dev=settings.dev))
        return await Server(settings, file, state, console).run(sockets)


class Server:
    """One start of the server, from the built parts to the exit code."""

    def __init__(self, settings: Settings, file: RoutesFile, state: State, console: Console) -> None:
        self._settings = settings
        self._file = file
        self._state = state
        self._console = console
        self._names = state.next_identity().names(account=file.account_id, region=file.region)
        self._credentials = state.credentials()
        self._registry = new_registry()
        self._edge_metrics = EdgeMetrics(self._registry)
        self._reload_metrics = ReloadMetrics(self._registry)
        self._reloader: Reloader | None = None
        self._hung_up = False
        self._tls = open_tls(settings, state.root)
        self._public: Listener | None = None
        self._stop = asyncio.Event()
        self._unready: tuple[str, ...] = ("starting",)

    async def run(self, sockets: Mapping[str, ListeningSocket]) -> int:
        # A HUP must not kill a server, also not one that is about to read its configuration anyway.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        async with AsyncExitStack() as stack:
            store = PackageStore(self._state.root / "packages")
            logs = self._open_logs()
            stack.callback(logs.close)
            executor = make_executor(
                self._file, self._settings, self._state,
                names=self._names, store=store, logs=logs, metrics=ExecutorMetrics(self._registry),
            )  # fmt: skip
            stack.push_async_callback(executor.close)
            self._report(await executor.open())
            metrics = GatewayMetrics(self._registry)
            issuers = self._open_issuers(sockets)
            stack.push_async_callback(issuers.aclose)
            builder = Builder(
                self._settings.config,
                names=self._names,
                revisions=RevisionBuilder(store, cache=self._state.root, say=self._console.say),
                executor=executor,
                metrics=metrics,
                services=Services(issuers),
            )
            served = await builder.build(self._file, number=1)
            executor.adopt(served.functions)
            self._collect(executor, logs)
            gateway = self._make_gateway(served, metrics)
            janitor = Janitor(store, lambda: packages_in_use(executor), self._console)
            stack.push_async_callback(janitor.finish)
            saves = self._make_saves(gateway)
            reloader = self._make_reloader(builder, served, gateway, janitor, saves)
            stack.push_async_callback(reloader.close)
            public = gateway if saves is None else saves.hold
            listeners = await self._listen(sockets, executor, public, reloader)
            if saves is not None:
                stack.push_async_callback(saves.close)
                await saves.open(reloader, self._console.warn)
            janitor.clean()
            del served
            gc.collect()
            gc.freeze()  # what lives now lives on: the collector need not look at it again
            gc.set_threshold(*GC_THRESHOLD)
            self._catch_signals()  # before `ready`, which allows them
            stack.callback(self._state.withdraw)
            self._publish(listeners)
            self._reloader = reloader
            if self._hung_up:
                reloader.request()
            await self._stop.wait()
            await reloader.close()
            await self._drain(listeners, executor)
        self._console.event("stopped")
        return ExitCode.OK

    def _open_issuers(self, sockets: Mapping[str, ListeningSocket]) -> Issuers:
        """Issuers must not lead to the listeners that nobody but the operator may call."""
        ports = (
            sockets[name].sock.getsockname()[1] for name in ("control", "admin") if is_tcp(sockets[name])
        )
        issuers = Issuers(
            state=self._state.root, forbidden_ports=frozenset(ports), on_event=self._issuer_event
        )
        issuers.start()
        IssuerMetrics(self._registry, issuers.snapshot)
        return issuers

    def _issuer_event(self, kind: IssuerEvent, issuer: str, detail: str) -> None:
        level: Level = "warning" if kind in ISSUER_TROUBLE else "info"
        self._console.event(kind, level=level, issuer=issuer, message=detail)

    def _make_gateway(self, served: Served, metrics: GatewayMetrics) -> Gateway:
        entropy = Random(os.urandom(32)).randbytes  # noqa: S311  # request ids are unique, not secret
        return Gateway(
            served.deployment,
            sink=self._console.access,
            metrics=metrics,
            entropy=entropy,
            trust=ProxyTrust(served.file.server.trusted_networks),
        )

    def _begin(self, served: Served, gateway: Gateway) -> None:
        """Take in what a reload has brought beside the deployment."""
        networks = served.file.server.trusted_networks
        gateway.trust = ProxyTrust(networks)
        if self._public is not None:
            self._public.trust(networks)
        self._warn_of_tls()

    def _warn_of_tls(self) -> None:
        for warning in () if self._tls is None else self._tls.warnings:
            self._console.warn(f"TLS: {warning}.")

    def _make_saves(self, gateway: Gateway) -> Saves | None:
        if not self._settings.dev:
            return None
        pair = [path for path in (self._settings.tls_cert, self._settings.tls_key) if path is not None]
        return Saves(gateway, self._settings.config[0], state=self._state.root, also=pair)

    def _make_reloader(
        self, builder: Builder, served: Served, gateway: Gateway, janitor: Janitor, saves: Saves | None
    ) -> Reloader:
        report = ReloadReport(
            self._console,
            self._reload_metrics,
            dev=saves is not None,
            superseded=lambda: saves is not None and saves.are_behind(),
        )

        def begun(served: Served) -> None:
            self._begin(served, gateway)
            janitor.clean()

        return Reloader(
            builder, served, gateway,
            reread=lambda: reread_tls(self._tls), tell=report.tell, begun=begun,
        )  # fmt: skip

    def _open_logs(self) -> FunctionLogs:
        max_mb = self._file.server.limits.log_mb
        if self._settings.dev:
            return EchoedLogs(self._state.logs, max_mb, echo=self._console.function_line)
        return FunctionLogs(self._state.logs, max_mb)

    def _collect(self, executor: Executor, logs: FunctionLogs) -> None:
        fleet = executor.shell.fleet
        self._registry.register(FleetCollector(lambda: snapshot_of(fleet, executor.catalog)))
        dropped = {"functions": lambda: logs.dropped_records, "access": lambda: self._console.dropped}
        self._registry.register(LogCollector(dropped))

    def _report(self, capabilities: Capabilities) -> None:
        """Say what the driver cannot do here. :raises RuntimeFailure: what would be unsafe for `serve`."""
        refuse_unsafe(capabilities, self._settings)
        if not self._settings.dev:
            self._console.warn("Functions run as processes of this machine: that is no security boundary.")
        for sentence in capabilities.degraded:
            self._console.warn(sentence)

    async def _listen(
        self, sockets: Mapping[str, ListeningSocket], executor: Executor, public: ASGIApp, reloader: Reloader
    ) -> dict[str, Listener]:
        secrets = {self._credentials.access_key_id: self._credentials.secret_access_key}.get
        actions = Actions(
            {"reload": reload_action(reloader), "explain": explain_action(lambda: reloader.served)},
            secrets=secrets,
            region=self._names.region,
            audit=self._audit,
        )
        control = lambda_api(
            invoker=executor,
            functions=executor.catalog,
            names=self._names,
            secrets=secrets,
            hosts=bound_hosts(sockets["control"]),
        )
        apps: dict[str, tuple[ASGIApp, EdgeLimits]] = {
            "gateway": (public, EdgeLimits(trusted_proxies=reloader.served.file.server.trusted_networks)),
            "control": (control, CONTROL_LIMITS),
            "admin": (
                admin_app(self._registry, self._reasons, actions, hosts=bound_hosts(sockets["admin"])),
                ADMIN_LIMITS,
            ),
        }
        listeners = make_listeners(
            sockets, apps, tls=self._tls, metrics=self._edge_metrics, say=self._console.event
        )
        for listener in listeners.values():
            await listener.start()
        self._public = listeners["gateway"]
        self._warn_of_tls()
        return listeners

    def _audit(self, action: str, actor: str, status: int) -> None:
        if not self._settings.dev:
            self._console.event("admin_action", action=action, actor=actor, status=status)

    def _reasons(self) -> tuple[str, ...]:
        return self._unready

    def _publish(self, listeners: Mapping[str, Listener]) -> None:
        listening = {name: listener.url for name, listener in listeners.items()}
        # What clients are told is the public address, never what a request's Host says (A13).
        urls = listening | {"gateway": self._file.server.gateway_url or listening["gateway"]}
        self._state.publish(describe(**urls, names=self._names, credentials=self._credentials))
        self._unready = ()
        if self._settings.dev:
            print_banner(
                routes=list(self._file.resolved_routes()), config=str(self._settings.config[0]), **urls
            )
        else:
            self._console.event("ready", level="info", **listening, gateway_url=urls["gateway"])
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def _catch_signals(self) -> None:
        """SIGTERM and SIGINT begin the drain; the second one ends the process at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    def _hang_up(self) -> None:
        """SIGHUP: reload; one that comes during the start is remembered, because the file may have been read."""
        if self._reloader is None:
            self._hung_up = True
        else:
            self._reloader.request()

    def _signalled(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            os._exit(128 + number)  # the zygotes die with this process, and the environments with them
        self._stop.set()

    async def _drain(self, listeners: Mapping[str, Listener], executor: Executor) -> None:
        """Public listeners first, then functions; health answers until the end."""
        self._unready = ("draining",)
        self._console.event("draining", seconds=self._settings.drain_s)
        async with asyncio.TaskGroup() as group:
            for name in ("gateway", "control"):
                group.create_task(listeners[name].drain(self._settings.drain_s), name=f"drain {name}")
        await executor.drain(0.0)
        await listeners["admin"].drain(ADMIN_DRAIN_S)


def is_tcp(opened: ListeningSocket) -> bool:
    return opened.sock.family != socket.AF_UNIX
