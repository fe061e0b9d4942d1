"""The one place that puts all parts together in one process: read, build, listen, wait for a signal, drain.

Start: configuration whole → sockets bound → state locked → driver probed → packages built → deployment built →
listeners accept → ``ready``. A step that fails ends the start with what, why and what to do instead. From then on
`reload` exchanges what is served. `lockgate.supervised` has the same parts in processes of their own.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from executor.executor import Executor
from kit.edge_limits import EdgeLimits
from kit.listener import Listener
from lockgate.admin import admin_app
from lockgate.admin_actions import Actions
from lockgate.banner import print_banner
from lockgate.config.grammar.file import RoutesFile
from lockgate.console import Console
from lockgate.driver_choice import DriverName, refuse_exposed
from lockgate.endpoints import describe
from lockgate.errors import ExitCode
from lockgate.explanation import explain_action
from lockgate.listeners import ADMIN_LIMITS, CONTROL_LIMITS, bound_hosts, make_listeners
from lockgate.mail import is_mailed
from lockgate.metrics import EdgeMetrics, ReloadMetrics, new_registry
from lockgate.parts.functions import FunctionsPart
from lockgate.parts.process import Stop, operators_ports, settle_memory
from lockgate.parts.public import PublicPart
from lockgate.people import needs_identity
from lockgate.reload import Reloader
from lockgate.reload_report import ReloadReport, reload_action
from lockgate.saves import Saves
from lockgate.served import Served
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket, open_sockets, public_url
from lockgate.state import State
from lockgate.tls import open_tls

if TYPE_CHECKING:  # who has no user pools has nothing of them in memory
    from lockgate.parts.identity import IdentityPart

ADMIN_DRAIN_S = 1.0  # metrics and health answer in milliseconds


async def serve(settings: Settings, file: RoutesFile, driver: DriverName) -> int:
    """Run until a signal. :returns: the exit code. :raises CommandError: the start failed."""
    with ExitStack() as held:
        with_auth = needs_identity(file, settings.state)
        sockets = held.enter_context(open_sockets(settings, with_auth=with_auth))
        refuse_exposed(sockets["gateway"].sock, settings, driver)
        settings = replace(settings, driver=driver)
        state = State(settings.state)
        state.open()
        held.enter_context(state.lock("server"))
        held.enter_context(state.lock("executor"))
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
        self._identity: IdentityPart | None = None
        self._listening: Mapping[str, str] = {}
        self._hung_up = False
        self._unready: tuple[str, ...] = ("starting",)

    async def run(self, sockets: Mapping[str, ListeningSocket]) -> int:
        stop = Stop(self._hang_up)
        async with AsyncExitStack() as stack:
            functions = FunctionsPart(self._settings, self._state, self._console, self._registry)
            tls = open_tls(self._settings, self._state.root)
            await functions.open(self._file, self._names, stack)
            identity = await self._open_identity(sockets, tls is not None, stack)
            public = PublicPart(
                names=self._names,
                console=self._console,
                registry=self._registry,
                tls=tls,
                state=self._state.root,
                forbidden_ports=operators_ports(sockets),
                identity=identity,
            )
            public.open()
            stack.push_async_callback(public.close)
            served = await functions.builder.build(self._file, number=1)
            await public.front.prepare(served)
            functions.executor.adopt(served.functions)
            await public.front.commit()
            saves = self._make_saves(public)
            reloader = self._make_reloader(functions, public, served, saves)
            stack.push_async_callback(reloader.close)
            listeners = await self._listen(sockets, functions, public, reloader, saves)
            if saves is not None:
                stack.push_async_callback(saves.close)
                await saves.open(reloader, self._console.warn)
            functions.janitor.clean()
            del served
            settle_memory()
            stop.catch()  # before `ready`, which allows them
            stack.callback(self._state.withdraw)
            self._publish(listeners)
            self._reloader = reloader
            if self._hung_up:
                reloader.request()
            await stop.wait()
            await reloader.close()
            await self._drain(listeners, functions.executor)
        self._console.event("stopped")
        return ExitCode.OK

    async def _open_identity(
        self, sockets: Mapping[str, ListeningSocket], is_tls: bool, stack: AsyncExitStack
    ) -> "IdentityPart | None":
        if "auth" not in sockets:
            return None
        from lockgate.identity_metrics import IdentityMetrics
        from lockgate.parts.identity import IdentityPart
        from lockgate.parts.operators import operators_of

        identity = IdentityPart(
            state=self._state.root,
            console=self._console,
            metrics=IdentityMetrics(self._registry),
            listening=public_url(sockets["auth"].sock, is_tls=is_tls),
            dev=self._settings.dev,
            on_change=self._publish_again,
            operators=operators_of(sockets["control"], self._names, self._secrets),
        )
        stack.push_async_callback(identity.close)
        await identity.open(self._file)
        self._identity = identity
        return identity

    def _make_saves(self, public: PublicPart) -> Saves | None:
        if not self._settings.dev:
            return None
        pair = [path for path in (self._settings.tls_cert, self._settings.tls_key) if path is not None]
        return Saves(public.front.gateway, self._settings.config[0], state=self._state.root, also=pair)

    def _make_reloader(
        self, functions: FunctionsPart, public: PublicPart, served: Served, saves: Saves | None
    ) -> Reloader:
        report = ReloadReport(
            self._console,
            self._reload_metrics,
            dev=saves is not None,
            superseded=lambda: saves is not None and saves.are_behind(),
        )
        return Reloader(
            functions.builder, served, public.front,
            tell=report.tell, begun=lambda _: functions.janitor.clean(),
        )  # fmt: skip

    async def _listen(
        self,
        sockets: Mapping[str, ListeningSocket],
        functions: FunctionsPart,
        public: PublicPart,
        reloader: Reloader,
        saves: Saves | None,
    ) -> dict[str, Listener]:
        actions = Actions(
            {"reload": reload_action(reloader), "explain": explain_action(lambda: public.front.serving)},
            secrets=self._secrets,
            region=self._names.region,
            audit=self._audit,
        )
        apps: dict[str, tuple[ASGIApp, EdgeLimits]] = {
            **public.apps,
            **({} if saves is None else {"gateway": (saves.hold, public.limits)}),
            "control": (self._control_app(sockets["control"], functions), CONTROL_LIMITS),
            "admin": (
                admin_app(
                    self._registry, self._reasons, actions,
                    hosts=bound_hosts(sockets["admin"]), troubles=lambda: self._troubles(functions),
                ),
                ADMIN_LIMITS,
            ),
        }  # fmt: skip
        listeners = make_listeners(
            sockets, apps, tls=public.tls, metrics=self._edge_metrics, say=self._console.event
        )
        for listener in listeners.values():
            await listener.start()
        public.listen_on(listeners)
        return listeners

    def _control_app(self, control: ListeningSocket, functions: FunctionsPart) -> ASGIApp:
        app = functions.control_app(control, self._secrets)
        if self._identity is None:
            return app
        from lockgate.parts.operators import beside

        return beside(app, self._identity.operators_app)

    def _secrets(self, access_key_id: str) -> str | None:
        own = self._credentials
        return own.secret_access_key if access_key_id == own.access_key_id else None

    def _troubles(self, functions: FunctionsPart) -> tuple[str, ...]:
        return (*functions.troubles(), *(() if self._identity is None else self._identity.troubles()))

    def _audit(self, action: str, actor: str, status: int) -> None:
        if not self._settings.dev:
            self._console.event("admin_action", action=action, actor=actor, status=status)

    def _reasons(self) -> tuple[str, ...]:
        return self._unready

    def _publish(self, listeners: Mapping[str, Listener]) -> None:
        self._listening = listening = {name: listener.url for name, listener in listeners.items()}
        described = self._described()
        self._state.publish(described)
        self._unready = ()
        if self._settings.dev:
            print_banner(
                routes=list(self._file.resolved_routes()),
                config=str(self._settings.config[0]),
                described=described,
                login=None if self._identity is None else self._identity.login_url(),
                shows_mail=not is_mailed(self._file.server),
            )
        else:
            public = {} if self._identity is None else {"auth_url": described["auth"]}
            self._console.event(
                "ready", level="info", **listening, gateway_url=described["gateway"], **public
            )
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def _described(self) -> dict[str, Any]:
        """What clients are told are the public addresses, never what a request's Host says (A13)."""
        listening = self._listening
        identity = {} if self._identity is None else self._identity.describe()
        return describe(
            gateway=self._file.server.gateway_url or listening["gateway"],
            control=listening["control"],
            admin=listening["admin"],
            names=self._names,
            credentials=self._credentials,
            **identity,
        )

    def _publish_again(self) -> None:
        """User pools have changed."""
        if self._listening and not self._unready:
            self._state.publish(self._described())

    def _hang_up(self) -> None:
        """Reload; a signal that comes during the start is remembered, because the file may have been read."""
        if self._reloader is None:
            self._hung_up = True
        else:
            self._reloader.request()

    async def _drain(self, listeners: Mapping[str, Listener], executor: Executor) -> None:
        """Public listeners first, then functions; health answers until the end."""
        self._unready = ("draining",)
        self._console.event("draining", seconds=self._settings.drain_s)
        async with asyncio.TaskGroup() as group:
            for name in listeners.keys() - {"admin"}:
                group.create_task(listeners[name].drain(self._settings.drain_s), name=f"drain {name}")
        if self._identity is not None:
            await self._identity.end_mail()
        await executor.drain(0.0)
        await listeners["admin"].drain(ADMIN_DRAIN_S)
