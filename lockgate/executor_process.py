"""The executor in a process of its own: it owns functions and configuration, and edges serve what it says.

Control and admin listeners are here, and what is asked of them about edges is asked of the edges. Started again by
its supervisor it goes on with the generation that it served, whatever has become of the file meanwhile.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from executor.remote.server import InvokeServer
from kit.edge_limits import EdgeLimits
from kit.listener import Listener
from lockgate.admin import admin_app
from lockgate.admin_actions import Action, ActionAnswer, Actions
from lockgate.config.grammar.file import RoutesFile
from lockgate.configuration import load_with_bytes
from lockgate.console import Console
from lockgate.containers import engine_url
from lockgate.driver_choice import choose_driver
from lockgate.endpoints import describe
from lockgate.errors import ExitCode
from lockgate.listeners import ADMIN_LIMITS, CONTROL_LIMITS, bound_hosts, make_listeners
from lockgate.metrics import EdgeMetrics, PartMetrics, ReloadMetrics, new_registry
from lockgate.parts.edges import Edges
from lockgate.parts.functions import FunctionsPart
from lockgate.parts.kept import Kept, keep, kept
from lockgate.parts.line import LineLost
from lockgate.parts.membership import Membership
from lockgate.parts.process import Stop, operators_ports, settle_memory
from lockgate.people import needs_identity
from lockgate.reload import Reloader
from lockgate.reload_report import ReloadReport, reload_action
from lockgate.served import Served
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket, edges_address, open_listening, unix_path
from lockgate.state import State

if TYPE_CHECKING:  # who has no user pools has nothing of them in memory
    from lockgate.parts.operators import LatePools

ADMIN_DRAIN_S = 1.0  # metrics and health answer in milliseconds


async def run_executor(settings: Settings, member: Membership | None) -> int:
    """Run until a signal. :returns: the exit code. :raises CommandError: the start failed."""
    found = None if member is None else kept(member.kept)
    file, data = (found.file, found.data) if found else load_with_bytes(settings.config)
    settings = replace(settings, driver=choose_driver(settings, url=engine_url(file)))
    with ExitStack() as held:
        if member is None:
            addresses = {
                "executor": settings.executor_url,
                "edges": f"unix:{edges_address(settings.executor_url)}",
                "control": settings.control,
                "admin": settings.admin,
            }
            sockets = held.enter_context(open_listening(addresses))
            if settings.edge_uids:
                admit_all(settings.executor_url)
        else:
            sockets = held.enter_context(member.listening())
            member.watch()
        state = State(settings.state)
        state.open()
        held.enter_context(state.lock("executor"))
        lock = None if member is None else member.log_lock
        console = held.enter_context(Console(sys.stderr, dev=False, part="executor", lock=lock))
        process = ExecutorProcess(settings, member, state, console, sockets)
        return await process.run(file, data, found)


class ExecutorProcess:
    def __init__(
        self,
        settings: Settings,
        member: Membership | None,
        state: State,
        console: Console,
        sockets: Mapping[str, ListeningSocket],
    ) -> None:
        self._settings = settings
        self._member = member
        self._state = state
        self._console = console
        self._sockets = sockets
        self._credentials = state.credentials()
        self._registry = new_registry()
        self._reload_metrics = ReloadMetrics(self._registry)
        self._reloader: Reloader | None = None
        self._hung_up = False
        self._unready: tuple[str, ...] = ("starting",)
        self._edge_uids = (os.geteuid(), 0, *settings.edge_uids)
        self._published: dict[str, Any] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pools: LatePools | None = None

    async def run(self, file: RoutesFile, data: bytes, found: Kept | None) -> int:
        stop = Stop(self._hang_up)
        account, region = (found.account, found.region) if found else (file.account_id, file.region)
        self._names = self._state.next_identity().names(account=account, region=region)
        async with AsyncExitStack() as stack:
            functions = FunctionsPart(self._settings, self._state, self._console, self._registry)
            await functions.open(file, self._names, stack)
            served = await self._first(functions, file, data, found)
            functions.executor.adopt(served.functions)
            self._edges = edges = self._make_edges(served)
            self._pools = self._make_pools(served)
            if self._pools is not None:
                stack.push_async_callback(self._pools.close)
            PartMetrics(self._registry, self._restarts)
            await edges.begin(served)
            self._served = served
            self._reload_metrics.resumed(served.number)
            await asyncio.to_thread(self._keep, served)
            reloader = self._make_reloader(functions, served)
            stack.push_async_callback(reloader.close)
            invokes = InvokeServer(functions.executor, edges.resolve, uids=self._edge_uids)
            stack.push_async_callback(invokes.close)
            stack.push_async_callback(edges.close)
            listeners = await self._listen(functions, reloader)
            functions.janitor.clean()
            settle_memory()
            stop.catch()
            self._unready = ()
            self._reloader = reloader
            stack.callback(self._withdraw)
            attaching = await asyncio.start_unix_server(
                edges.connected, sock=self._sockets["edges"].sock.dup()
            )
            stack.callback(attaching.close)
            await invokes.listen(self._sockets["executor"].sock.dup())
            self._publish()
            self._tell_ready(listeners, served, resumed=found is not None)
            if self._hung_up:
                reloader.request()
            await stop.wait()
            await reloader.close()
            self._unready = ("draining",)
            self._console.event("draining", seconds=self._settings.drain_s)
            async with asyncio.TaskGroup() as group:
                group.create_task(listeners["control"].drain(self._settings.drain_s), name="drain control")
                group.create_task(self._drain_calls(invokes), name="drain calls")
            if self._pools is not None:
                await self._pools.end_mail()
            await functions.executor.drain(0.0)
            await listeners["admin"].drain(ADMIN_DRAIN_S)
        self._console.event("stopped")
        return ExitCode.OK

    async def _first(
        self, functions: FunctionsPart, file: RoutesFile, data: bytes, found: Kept | None
    ) -> Served:
        served = await self._resumed(functions, found) if found else None
        return served or await functions.builder.build(file, number=1, data=data)

    async def _resumed(self, functions: FunctionsPart, found: Kept) -> Served:
        """Exactly what was served before: edges go on with it, and saves that nobody asked to serve wait."""
        return await functions.builder.resume(
            found.file, number=found.number, data=found.data, revisions=found.revisions
        )

    def _make_edges(self, served: Served) -> Edges:
        member = self._member
        names = {
            "account": self._names.account,
            "region": self._names.region,
            "instance": self._names.instance,
            "epoch": self._names.epoch,
        }
        return Edges(
            self._settings.config[0],
            welcome={
                "names": names,
                "forbidden_ports": sorted(operators_ports(self._sockets)),
                "has_user_pools": needs_identity(served.file, self._state.root),
            },
            expected=() if member is None else member.public,
            on_change=self._publish,
            uids=self._edge_uids,
        )

    def _make_pools(self, served: Served) -> "LatePools | None":
        """For operators: edges serve people."""
        if not needs_identity(served.file, self._state.root):
            return None
        from lockgate.identity_metrics import IdentityMetrics
        from lockgate.parts.identity import IdentityPart
        from lockgate.parts.operators import LatePools, operators_of

        metrics = IdentityMetrics(self._registry)

        def make(auth_url: str) -> IdentityPart:
            return IdentityPart(
                state=self._state.root,
                console=self._console,
                metrics=metrics,
                listening=auth_url,
                dev=False,
                operators=operators_of(self._sockets["control"], self._names, self._secrets),
                is_beside=True,
            )

        return LatePools(make)

    def _follow_pools(self) -> None:
        if self._pools is not None and (described := self._edges.identity()):
            self._pools.follow(self._served, described["auth"])

    def _make_reloader(self, functions: FunctionsPart, served: Served) -> Reloader:
        report = ReloadReport(self._console, self._reload_metrics, dev=False, superseded=lambda: False)

        def begun(after: Served) -> None:
            self._served = after
            functions.janitor.clean()
            self._follow_pools()
            self._keeping = asyncio.create_task(self._keep_next(after, self._keeping), name="keep")

        return Reloader(functions.builder, served, self._edges, tell=report.tell, begun=begun)

    async def _keep_next(self, after: Served, before: "asyncio.Task[None] | None") -> None:
        """Off the loop: reading a large file again takes a second. In their order."""
        if before is not None:
            await asyncio.wait([before])
        await asyncio.to_thread(self._keep, after)

    def _keep(self, served: Served) -> None:
        """For the next start of this process, should it be killed."""
        if self._member is not None:
            names = self._names
            keep(
                self._member.kept,
                served,
                self._settings.config[0],
                account=names.account,
                region=names.region,
            )

    async def _listen(self, functions: FunctionsPart, reloader: Reloader) -> dict[str, Listener]:
        actions = Actions(
            {"reload": reload_action(reloader), "explain": self._explain_action()},
            secrets=self._secrets,
            region=self._names.region,
            audit=self._audit,
        )
        control, admin = self._sockets["control"], self._sockets["admin"]
        apps: dict[str, tuple[ASGIApp, EdgeLimits]] = {
            "control": (self._control_app(control, functions), CONTROL_LIMITS),
            "admin": (
                admin_app(
                    self._registry, self._reasons, actions,
                    hosts=bound_hosts(admin), others=self._edges.expositions,
                    troubles=lambda: (*functions.troubles(), *self._edges.troubles()),
                ),
                ADMIN_LIMITS,
            ),
        }  # fmt: skip
        listeners = make_listeners(
            self._sockets, apps, tls=None, metrics=EdgeMetrics(self._registry), say=self._console.event
        )
        for listener in listeners.values():
            await listener.start()
        return listeners

    def _control_app(self, control: ListeningSocket, functions: FunctionsPart) -> ASGIApp:
        app = functions.control_app(control, self._secrets)
        if self._pools is None:
            return app
        from lockgate.parts.operators import beside

        return beside(app, self._pools.app)

    def _secrets(self, access_key_id: str) -> str | None:
        own = self._credentials
        return own.secret_access_key if access_key_id == own.access_key_id else None

    def _explain_action(self) -> Action:
        async def explain(asked: Mapping[str, Any]) -> ActionAnswer:
            try:
                answer = await self._edges.explain(asked)
            except LineLost as error:
                return ActionAnswer(status=503, value={"message": f"{error}."})
            return ActionAnswer(status=answer["status"], value=answer["value"])

        return explain

    def _audit(self, action: str, actor: str, status: int) -> None:
        self._console.event("admin_action", action=action, actor=actor, status=status)

    def _reasons(self) -> tuple[str, ...]:
        return self._unready or self._edges.reasons()

    def _restarts(self) -> dict[str, int]:
        own = {} if self._member is None else {self._member.name: self._member.restarts}
        return own | {edge.name: edge.restarts for edge in self._edges.serving if self._member is not None}

    def _publish(self) -> None:
        """Say where everything is: again when the first edge has come, because it knows the public address."""
        self._follow_pools()
        edges = self._edges.serving
        if self._unready or not (edges or self._member is None):
            return
        gateways = [edge.gateway for edge in edges if edge.gateway]
        public = self._served.file.server.gateway_url or (gateways[0] if gateways else None)
        described = describe(
            gateway=public or "",
            control=url_of(self._sockets["control"]),
            admin=url_of(self._sockets["admin"]),
            names=self._names,
            credentials=self._credentials,
            **self._edges.identity(),
        )
        if described != self._published:
            self._published = described
            self._state.publish(described)

    def _withdraw(self) -> None:
        """A supervised executor is not the whole server: what it published is withdrawn by the supervisor."""
        if self._member is None:
            self._state.withdraw()

    def _tell_ready(self, listeners: Mapping[str, Listener], served: Served, *, resumed: bool) -> None:
        self._console.event(
            "executor_ready",
            generation=served.number,
            resumed=resumed,
            executor=self._settings.executor_url,
            control=listeners["control"].url,
            admin=listeners["admin"].url,
        )
        if self._member is not None:
            self._member.ready()
        else:
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    async def _drain_calls(self, invokes: InvokeServer) -> None:
        """Calls under way end; those that come meanwhile are sent back, and wait for the next executor."""
        try:
            async with asyncio.timeout(self._settings.drain_s):
                await invokes.drain()
        except TimeoutError:
            await invokes.close()

    def _hang_up(self) -> None:
        """Reload; a signal that comes during the start is remembered, because the file may have been read."""
        if self._reloader is None:
            self._hung_up = True
        else:
            self._reloader.request()


def admit_all(url: str) -> None:
    """Let any user connect: the kernel tells who does, and everybody but edges is turned away before a byte is read."""
    for path in (unix_path(url), edges_address(url)):
        if path.is_socket():  # an inherited one may lie elsewhere, and is the service manager's
            path.chmod(0o666)


def url_of(opened: ListeningSocket) -> str:
    name = opened.sock.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name}"
    return f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}"
