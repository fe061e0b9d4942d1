"""The user pools of a server: what the public auth listener answers from, exchanged as the gateway's deployment is.

`prepare` asks the store whether it could hold what the file declares, `commit` writes it and answers by it from then
on, `abandon` forgets. Store, lanes, mail and keys outlive a reload; so do sessions. State: what is declared now, and
whether the database answered lately.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from auth.app import Answered, auth_app, operators_app
from auth.cognito.service import Operators
from auth.errors import AuthError, Unavailable
from auth.flows.password_hasher import PasswordHasher
from auth.identity import Identity, Lanes, utc_now
from auth.lanes import Lane, PoolLanes
from auth.mail.outbox import Outbox
from auth.making import Foundation, make_identity
from auth.store.ports import Declared
from auth.store.sql.store import SqlStore
from auth.tokens.keyring import KeyRing
from auth.triggers.functions import FunctionTriggers
from kit.forwarded import ProxyTrust
from kit.invoke import Invoker
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.console import Console
from lockgate.declared_pools import declared_pools
from lockgate.errors import ConfigurationError, RuntimeFailure
from lockgate.identity_metrics import IdentityMetrics
from lockgate.mail import Mailer, is_mailed
from lockgate.people import database_url, declaration_refused, decoy_key, open_people, refuse_plain_http
from lockgate.pool_feed import PoolFeedOf
from lockgate.pool_names import PoolNames, pool_names

STORE_THREADS = 8  # a query is some 200 µs; more threads would only wait for SQLite's one writer
STORE_WAITING = 512
STORE_DEADLINE_S = (
    5.0  # the database says itself within a second that it is gone; a writer may wait for its turn
)
PASSWORD_THREADS = 8  # one hash a core at once (19 MiB, 21 ms); the others wait for the disk meanwhile
PASSWORD_WAITING = 64  # more than this is over a second of hashing: whoever comes then is told to come again
PASSWORD_DEADLINE_S = 10.0
TRIGGER_THREADS = 16  # of each pool with triggers: they wait for functions, and work little
TRIGGER_WAITING = 256
TRIGGER_DEADLINE_S = 25.0  # AWS gives a trigger 5 s, three times; a sign-in asks several of them
BEAT_S = (
    2.0  # other processes' pools and keys are seen so soon, and a database that is gone: nothing tells of it
)
CLEAN_EVERY = 30  # beats
CLEAN_ROWS = 500

log = logging.getLogger("lockgate.auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    file: RoutesFile
    invoker: Invoker
    names: PoolNames
    declared: tuple[Declared, ...]


class IdentityPart:
    """:param state: absolute. :param listening: the auth listener's own address, where the file names no other.

    :param on_change: called when `describe` or `troubles` says something else.
    :param operators: who may call admin actions of the Cognito API, by `operators_app`; None: nobody, here.
    :param is_beside: edges of this server say already what is wrong with its file.
    """

    def __init__(
        self,
        *,
        state: Path,
        console: Console,
        metrics: IdentityMetrics,
        listening: str,
        dev: bool,
        on_change: Callable[[], None] = lambda: None,
        operators: Operators | None = None,
        is_beside: bool = False,
    ) -> None:
        self._state = state
        self._console = console
        self._metrics = metrics
        self._listening = listening
        self._dev = dev
        self._on_change = on_change
        self._operators = operators
        self._is_beside = is_beside
        self._prepared: _Prepared | None = None
        self._late: _Prepared | None = None  # committed while the database was gone
        self._serving: _Prepared | None = None
        self._known: dict[str, str] = {}
        self._trouble = ""
        self._functions: Invoker | None = None
        self._is_mailed = True  # not told that it is not, yet
        self._beat: asyncio.Task[None] | None = None
        self._app: ASGIApp | None = None
        self._operators_app: ASGIApp | None = None
        self.identity: Identity | None = None
        self.feed = PoolFeedOf(self)

    async def open(self, file: RoutesFile) -> None:
        """Open the store. :raises RuntimeFailure: it cannot be used; ConfigurationError: nor can the address."""
        auth_url = self._auth_url(file)
        refuse_plain_http(auth_url)
        self._url = database_url(file, self._state)
        self._store: SqlStore = await asyncio.to_thread(open_people, self._url, self._state)
        self.lanes = Lanes(
            store=Lane("store", threads=STORE_THREADS, waiting=STORE_WAITING, deadline_s=STORE_DEADLINE_S),
            passwords=Lane(
                "passwords",
                threads=PASSWORD_THREADS,
                waiting=PASSWORD_WAITING,
                deadline_s=PASSWORD_DEADLINE_S,
                is_polite=True,
            ),
            triggers=PoolLanes(
                "triggers",
                threads=TRIGGER_THREADS,
                waiting=TRIGGER_WAITING,
                deadline_s=TRIGGER_DEADLINE_S,
            ),
        )
        self._mailer = Mailer(self._invoker, dev=self._dev, loop=asyncio.get_running_loop())
        self._outbox = Outbox(self._mailer, log=self._console)
        self._triggers = FunctionTriggers(
            self._invoker, asyncio.get_running_loop(), on_run=self._metrics.trigger_ran
        )
        self.keyring = KeyRing(self._store.keys)
        self._foundation = Foundation(
            store=self._store,
            lanes=self.lanes,
            outbox=self._outbox,
            hasher=await asyncio.to_thread(PasswordHasher),
            keyring=self.keyring,
            triggers=self._triggers,
            audit=self._metrics.count_audit(self._store.audit),
            decoy_key=await asyncio.to_thread(decoy_key, self._state),
        )
        self._metrics.watch(self._outbox, self.lanes, lambda: not self._trouble)
        try:
            await self._learn_ids()
        except Unavailable as error:
            raise RuntimeFailure(_gone(error), "Start it, or mend server.database.") from error
        if auth_url.startswith("http:") and not self._dev:
            self._console.warn(f"Login pages speak plain http on {auth_url}: good for this machine only.")

    async def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)
        if hasattr(self, "_store"):
            self._triggers.close()
            await asyncio.to_thread(self._close)

    async def end_mail(self) -> None:
        """Deliver what waits, while there are still functions that could; what is posted later is dropped."""
        await asyncio.to_thread(self._outbox.close)

    def _close(self) -> None:
        self._outbox.close()
        self.lanes.close()
        self._store.close()

    def names_of(self, file: RoutesFile) -> PoolNames:
        return pool_names(file, auth_url=self._auth_url(file), known=self._known)

    # --- what is declared -----------------------------------------------------------------------

    async def prepare(self, file: RoutesFile, invoker: Invoker) -> None:
        """:param invoker: runs the functions of *file*.
        :raises ConfigurationError: what the file declares contradicts what exists; nothing has changed.
        """
        refuse_plain_http(self._auth_url(file))
        if database_url(file, self._state) != self._url:
            raise ConfigurationError("server.database cannot change while the server runs.", "Restart it.")
        try:
            await self._learn_ids()
            names = self.names_of(file)
            declared = declared_pools(file, names)
            await self.lanes.store.run(self._store.pools.check, declared)
        except Unavailable as error:
            raise ConfigurationError(_gone(error), "Try again when it is back.") from error
        except AuthError as error:
            raise declaration_refused(error) from error
        self._prepared = _Prepared(file=file, invoker=invoker, names=names, declared=declared)

    def abandon(self) -> None:
        self._prepared = None

    async def commit(self) -> None:
        """:raises RuntimeFailure: the database has gone since; what was served is served on until it is back."""
        assert self._prepared is not None
        after, self._prepared = self._prepared, None
        self._late = after
        self._follow_mail(after)
        try:
            await self._begin(after)
        except AuthError as error:
            raise RuntimeFailure(_gone(error), "Start it, or mend server.database.") from error

    async def _begin(self, after: _Prepared) -> None:
        identity = self._make(after)
        said = await self.lanes.store.run(self._declare, identity, after.declared)
        self._late = None
        for sentence in said:
            self._console.event("user_pools", level="warning", message=sentence)
        self.identity, self._serving = identity, after
        self._app = auth_app(identity, on_answer=partial(self._answered, "auth"))
        if self._operators is not None:
            self._operators_app = operators_app(
                identity, self._operators, on_answer=partial(self._answered, "control")
            )
        if self._beat is None:
            self._beat = asyncio.create_task(self._keep_up(), name="user pools")
        self._on_change()

    def _declare(self, identity: Identity, declared: tuple[Declared, ...]) -> tuple[str, ...]:
        now = utc_now()
        said = self._store.pools.declare(declared, now)
        for each in self._store.pools.pools():
            identity.keyring.ensure(each.pool_id, now)
        identity.directory.refresh(now)
        return said

    def _make(self, after: _Prepared) -> Identity:
        trust = ProxyTrust(after.file.server.trusted_networks)
        names = Names(account=after.file.account_id, region=after.file.region)
        return make_identity(self._foundation, auth_url=after.names.auth_url, trust=trust, names=names)

    async def _learn_ids(self) -> None:
        """Ids are fixed at first creation: whatever they would be derived as now."""
        pools = await self.lanes.store.run(self._store.pools.pools)
        self._known = {pool.name: pool.pool_id for pool in pools if pool.source == "file"}

    def _auth_url(self, file: RoutesFile) -> str:
        return file.server.auth_url or self._listening

    # --- requests -------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the listener calls; a reload exchanges what is behind it."""
        assert self._app is not None
        await self._app(scope, receive, send)

    async def operators_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same for the Cognito API on the control listener."""
        assert self._operators_app is not None
        await self._operators_app(scope, receive, send)

    def _answered(self, listener: str, answered: Answered) -> None:
        self._metrics.answered(listener, answered)
        self._console.access(
            {
                "listener": listener,
                "requestId": answered.request_id,
                "ip": answered.address,
                "httpMethod": answered.method,
                "path": answered.path,
                "routeKey": answered.route,
                "userAgent": answered.user_agent,
                "status": answered.status,
                "responseLength": answered.length,
                "latency_us": answered.latency_us,
                **({} if answered.action is None else {"action": answered.action}),
            }
        )

    # --- for operators --------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """Where it is, for ``lockgate env``; no secrets."""
        assert self._serving is not None
        names = self._serving.names
        pools = {
            name: {
                "id": pool.pool_id,
                "issuer": names.issuer(name),
                "jwks_uri": f"{names.issuer(name)}/.well-known/jwks.json",
                "clients": {each: {"id": client_id} for each, client_id in pool.clients.items()},
            }
            for name, pool in names.pools.items()
        }
        return {"auth": names.auth_url, "user_pools": pools}

    def login_url(self) -> str | None:
        """A page for whoever develops: of the first client that people sign in to."""
        assert self._serving is not None
        for name, pool in self._serving.file.user_pools.items():
            for each, client in pool.clients.items():
                if (
                    "code" in client.flows and client.secret is not None
                ):  # others need PKCE, which no link brings (A3)
                    names = self._serving.names
                    return login_url(names.auth_url, names.pools[name].clients[each], client.redirect_uris[0])
        return None

    def troubles(self) -> tuple[str, ...]:
        return (self._trouble,) if self._trouble else ()

    async def _keep_up(self) -> None:
        """See what other processes have changed, whether the database answers, and remove what has expired."""
        beats = 0
        while True:
            await asyncio.sleep(BEAT_S)
            beats += 1
            await self._try(self._look)
            if beats % CLEAN_EVERY == 0 and not self._trouble:
                await self._try(self._clean)

    async def _try(self, doing: Callable[[], Awaitable[None]]) -> None:
        trouble = ""
        try:
            await doing()
        except AuthError as error:
            trouble = _gone(error)
        except Exception:
            log.exception("the user pools' housekeeping failed")
            return
        if trouble != self._trouble:
            self._trouble = trouble
            level = "error" if trouble else "info"
            self._console.event("database", level=level, message=trouble or "The database answers again.")  # type: ignore[arg-type]  # a Level
            self._on_change()

    async def _look(self) -> None:
        if self._late is not None:
            await self._begin(self._late)
        identity = self.identity
        assert identity is not None
        await self.lanes.store.run(self._refresh, identity)

    def _refresh(self, identity: Identity) -> None:
        now = utc_now()
        self._store.pools.version()
        identity.directory.refresh(now)
        for pool in identity.directory.pools():
            if pool.pool_id not in identity.keyring.pools():
                identity.keyring.ensure(pool.pool_id, now)
        there = {pool.pool_id for pool in identity.directory.pools()}
        for pool_id in set(identity.keyring.pools()) - there:
            identity.keyring.forget(pool_id)
        identity.keyring.refresh(now)

    async def _clean(self) -> None:
        removed = CLEAN_ROWS
        while removed >= CLEAN_ROWS:
            removed = await self.lanes.store.run(self._store.clean, utc_now(), limit=CLEAN_ROWS)

    # --- mail -----------------------------------------------------------------------------------

    def _follow_mail(self, after: _Prepared) -> None:
        """Mail needs no database: it leaves the new way at once."""
        was_mailed, self._functions = self._is_mailed, after.invoker
        self._is_mailed = is_mailed(after.file.server)
        self._mailer.follow(after.file.server)
        if was_mailed and not self._is_mailed and not (self._dev or self._is_beside):
            self._console.warn(
                "No mail is sent: server.smtp and server.mail are missing, so codes reach nobody."
            )

    def _invoker(self) -> Invoker:
        assert self._functions is not None  # mail is posted by flows, and they begin with the first commit
        return self._functions


def login_url(auth_url: str, client_id: str, redirect_uri: str) -> str:
    query = urlencode({"client_id": client_id, "response_type": "code", "redirect_uri": redirect_uri})
    return f"{auth_url}/login?{query}"


def _gone(error: AuthError) -> str:
    return f"The database of the user pools does not answer: {error.detail or error}."
