"""An edge: the public listener in a process of its own, which runs no function and never holds an engine's socket.

It asks the executor's process for what to serve and takes every reload from there. While the executor is away it goes
on answering: calls wait for it as long as their budgets last. One that was given no socket of the gateway is the
process of the login pages: it takes everything from the executor but the routes. State: the line to the executor, and
what is served.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

from prometheus_client import generate_latest

from kit.http_client import HttpClient, UnixPeer
from kit.names import Names
from kit.remote_invoker import EXECUTOR_LIMITS, RemoteInvoker
from lockgate.config.grammar.file import RoutesFile
from lockgate.console import Console
from lockgate.door import Share
from lockgate.errors import ConfigurationError, ExitCode, RuntimeFailure
from lockgate.explanation import explain_action
from lockgate.listeners import make_listeners
from lockgate.metrics import EdgeMetrics, LogCollector, new_registry
from lockgate.parts.document import Document, Received, file_of
from lockgate.parts.line import Line, LineLost, Value
from lockgate.parts.membership import Membership
from lockgate.parts.process import Stop, settle_memory
from lockgate.parts.public import PublicPart
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket, edges_address, open_listening, public_url, unix_path
from lockgate.tls import open_tls

if TYPE_CHECKING:  # who has no user pools has nothing of them in memory
    from lockgate.parts.identity import IdentityPart

HELLO_S = 30.0
PATIENCE_S = 10.0  # of an edge that is replaced, with connections that rest
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # between attempts to attach: no event tells that somebody listens

log = logging.getLogger("lockgate.edge")


async def serve_edge(settings: Settings, member: Membership | None) -> int:
    """Run until a signal. :returns: the exit code. :raises CommandError: the start failed."""
    with ExitStack() as held:
        if member is None:
            sockets = held.enter_context(open_listening({"gateway": settings.gateway}))
            auth = settings.auth  # bound once the executor has said that there are user pools
        else:
            sockets = held.enter_context(member.listening())
            auth = ""
            member.watch()
        lock = None if member is None else member.log_lock
        part = "edge" if member is None else member.name
        console = held.enter_context(Console(sys.stderr, dev=False, part=part, lock=lock))
        process = EdgeProcess(settings, member, console, sockets)
        if auth:
            process.may_bind = lambda: held.enter_context(open_listening({"auth": auth}))
        return await process.run()


class EdgeProcess:
    def __init__(
        self,
        settings: Settings,
        member: Membership | None,
        console: Console,
        sockets: Mapping[str, ListeningSocket],
    ) -> None:
        self._settings = settings
        self._member = member
        self._console = console
        self._sockets = dict(sockets)
        self.may_bind: Callable[[], Mapping[str, ListeningSocket]] = dict
        self._identity: IdentityPart | None = None
        self._is_identity_open = False
        self._name = f"edge {os.getpid()}" if member is None else member.name
        self._registry = new_registry()
        self._edge_metrics = EdgeMetrics(self._registry)
        self._registry.register(LogCollector({"access": lambda: console.dropped}))
        state = settings.state.absolute()
        self._state = state if os.access(state, os.W_OK | os.X_OK) else None
        self._tls = open_tls(settings, state)
        self._public: PublicPart | None = None
        self._serving: Document | None = None
        self._prepared: Document | None = None
        self._line: Line | None = None
        self._settled = asyncio.Event()  # what is served at first, or that it cannot be
        self._unfit = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers = {
            "prepare": self._prepare,
            "abandon": self._abandon,
            "commit": self._commit,
            "attached": self._begin,
            "unfit": self._give_up,
            "metrics": self._metrics,
            "explain": self._explain,
        }

    async def run(self) -> int:
        stop = Stop(
            lambda: self._console.event("reload_ignored", message="Reload the executor: edges follow it.")
        )
        async with AsyncExitStack() as stack:
            client = HttpClient(UnixPeer(path=unix_path(self._settings.executor_url)), EXECUTOR_LIMITS)
            stack.push_async_callback(client.close)
            self._invoker = RemoteInvoker(client)
            keeping = asyncio.create_task(self._keep_attached(), name="line to the executor")
            stack.push_async_callback(self._end, keeping)
            await self._settled.wait()
            if self._unfit:
                raise ConfigurationError(self._unfit, "Mend it and start again.")
            assert self._public is not None
            settle_memory()
            stop.catch()
            if self._member is not None:
                self._member.ready()
            else:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            takes_its_time = await stop.wait_to_leave()
            self._take_leave()
            listening = self._public.listening
            if takes_its_time:
                await stop.unless_asked(_all(each.dismiss(PATIENCE_S) for each in listening))
            await _all(each.drain(self._settings.drain_s) for each in listening)
        self._console.event("stopped")
        return ExitCode.OK

    def _take_leave(self) -> None:
        self._console.event("draining", seconds=self._settings.drain_s)
        if self._line is not None:
            self._line.tell("leaving")
        for opened in self._sockets.values():
            opened.sock.close()  # the listener has a copy; whoever else holds it goes on accepting

    async def _end(self, keeping: "asyncio.Task[None]") -> None:
        for task in (keeping, *self._tasks):
            task.cancel()
        await asyncio.gather(keeping, *self._tasks, return_exceptions=True)
        if self._public is not None:
            await self._public.close()
        if self._identity is not None:
            await self._identity.close()

    # --- the line -------------------------------------------------------------------------------

    async def _keep_attached(self) -> None:
        """Attach, and attach again when the executor has gone, for as long as this process lives."""
        failures = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(
                    edges_address(self._settings.executor_url)
                )
            except OSError as error:
                if failures == 0 and not self._settled.is_set():
                    self._console.event("executor_awaited", level="warning", message=str(error))
            else:
                if await self._attach(reader, writer):
                    failures = 0
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    async def _attach(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Until the line is lost. :returns: whether the executor knew us."""
        line = self._line = Line(reader, writer, self._handlers)
        running = asyncio.create_task(line.run(), name="line")
        restarts = 0 if self._member is None else self._member.restarts
        try:
            hello = {
                "name": self._name,
                "gateway": self._gateway_url,
                "restarts": restarts,
                "serving": self._serving,
            }
            self._greet(await line.ask("hello", hello, timeout_s=HELLO_S))
            await running
        except LineLost:
            return False
        finally:
            line.close()
            self._line = None
            running.cancel()
            await asyncio.wait([running])
        return True

    @property
    def _gateway_url(self) -> str:
        """Where clients reach its gateway; empty: it has none."""
        return self._url("gateway") if "gateway" in self._sockets else ""

    def _url(self, listener: str) -> str:
        return public_url(self._sockets[listener].sock, is_tls=self._tls is not None)

    def _greet(self, welcome: Value) -> None:
        if self._public is not None:
            return  # names are for a process's life
        share = (
            Share(index=0, of=1)
            if self._member is None
            else Share(index=self._member.index, of=self._member.of)
        )
        if welcome["has_user_pools"]:
            self._identity = self._make_identity()
        self._public = PublicPart(
            names=Names(**welcome["names"]),
            console=self._console,
            registry=self._registry,
            tls=self._tls,
            state=self._state,
            forbidden_ports=welcome["forbidden_ports"],
            share=share,
            identity=self._identity,
        )
        self._public.open()

    def _make_identity(self) -> "IdentityPart":
        from lockgate.identity_metrics import IdentityMetrics
        from lockgate.parts.identity import IdentityPart

        if self._member is None:
            self._sockets |= self.may_bind()
        return IdentityPart(
            state=self._settings.state.absolute(),
            console=self._console,
            metrics=IdentityMetrics(self._registry),
            listening=self._url("auth") if self._member is None else self._member.auth_url,
            dev=False,
            on_change=self._tell_identity,
            is_beside="auth" not in self._sockets,
        )

    def _tell_identity(self) -> None:
        """Where the user pools are, and what is wrong with them: the executor tells operators."""
        identity = self._identity
        if self._line is not None and identity is not None and identity.identity is not None:
            troubles = list(identity.troubles())
            self._line.tell("identity", {"described": identity.describe(), "troubles": troubles})

    async def _open_identity(self, file: RoutesFile) -> None:
        if self._identity is None or self._is_identity_open:
            return
        await self._identity.open(file)
        self._is_identity_open = True

    # --- what the executor asks -----------------------------------------------------------------

    async def _prepare(self, document: Value) -> Value:
        assert self._public is not None
        value = document["value"] if self._gateway_url else {**document["value"], "routes": {}}
        received = Received(
            number=document["number"],
            file=await asyncio.to_thread(file_of, value, document["folder"]),
            digests=document["digests"],
            invoker=self._invoker.of_generation(document["number"]),
        )
        try:
            await self._open_identity(received.file)
            reread = await self._public.front.prepare(received)
        except RuntimeFailure as error:
            raise ConfigurationError(error.what, error.instead) from error
        self._prepared = dict(document)
        return {"reread": list(reread)}

    async def _abandon(self, _: Value) -> Value:
        assert self._public is not None
        self._public.front.abandon()
        return {}

    async def _commit(self, _: Value) -> Value:
        assert self._public is not None
        front = self._public.front
        before = front.serving.number if front.is_open else None
        try:
            await front.commit()
        except RuntimeFailure as error:
            raise ConfigurationError(error.what, error.instead) from error
        self._serving = self._prepared
        if before is None:
            await self._listen(self._public)
        else:
            self._spawn(self._release(self._public, before), f"retire generation {before}")
        return {}

    async def _listen(self, public: PublicPart) -> None:
        listeners = make_listeners(
            self._sockets,
            {name: app for name, app in public.apps.items() if name in self._sockets},
            tls=self._tls,
            metrics=self._edge_metrics,
            say=self._console.event,
            processes=1 if self._member is None else len(self._member.public),
        )
        public.listen_on(listeners)
        for listener in public.listening:
            await listener.start()

    async def _release(self, public: PublicPart, number: int) -> None:
        await public.front.ended(number)
        if self._line is not None:
            self._line.tell("released", {"number": number})

    def _spawn(self, doing: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(doing, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, _: Value) -> Value:
        self._tell_identity()  # an executor that was started again knows nothing of it
        self._settled.set()
        return {}

    async def _give_up(self, value: Value) -> Value:
        """What is served cannot be served here: fatal at the start, else what was served before goes on."""
        if not self._settled.is_set():
            self._unfit = value["why"]
            self._settled.set()
        return {}

    async def _metrics(self, _: Value) -> Value:
        return {"text": generate_latest(self._registry).decode()}

    async def _explain(self, asked: Value) -> Value:
        assert self._public is not None
        front = self._public.front
        answer = await explain_action(lambda: front.serving)(asked)
        return {"status": answer.status, "value": answer.value}


async def _all(doing: Iterable[Coroutine[object, object, None]]) -> None:
    await asyncio.gather(*doing)
