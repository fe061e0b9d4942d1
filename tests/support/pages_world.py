"""The login pages over flows that answer what a test says, and over a store of sessions in memory."""

import contextlib
import itertools
import json
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx

from auth.app import Door
from auth.client import Client
from auth.core.steps import Origin, SignedIn
from auth.errors import ResourceNotFound
from auth.lanes import Lane
from auth.pages.routes import page_routes
from auth.pool import Brand, Pool
from auth.sessions import Sessions
from auth.store.ports import BrowserSession
from auth.user import User

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://login.example.com"
CALLBACK = "https://notes.example.com/back"
POOL = Pool(
    pool_id="us-east-1_Main00001",
    name="main",
    sign_in_with=frozenset({"email"}),
    self_sign_up=True,
    brand=Brand(name="Notes", colour="#0b7285"),
)
CLIENT = Client(
    client_id="c" * 26,
    pool_id=POOL.pool_id,
    name="web",
    flows=frozenset({"code"}),
    redirect_uris=(CALLBACK,),
    scopes=("openid", "email"),
)
USER = User(
    pool_id=POOL.pool_id,
    sub="6f0e1f7c-0000-4000-8000-000000000001",
    username="ada",
    status="CONFIRMED",
    is_enabled=True,
    created_at=NOW,
    updated_at=NOW,
    tokens_valid_from=NOW,
)
SIGNED_IN = SignedIn(user=USER, auth_time=NOW, amr=("pwd",))
OWN = {"sec-fetch-site": "same-origin", "origin": "null"}


def query(**changes: str | None) -> str:
    """A good authorization request. :param changes: None takes a parameter out."""
    pairs = {
        "client_id": CLIENT.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s1",
        "code_challenge": urlsafe_b64encode(bytes(32)).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    } | changes
    return urlencode({name: value for name, value in pairs.items() if value is not None})


class MemorySessions:
    """`BrowserSessionStore` as its contract says, without its secrecy."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[BrowserSession, datetime]] = {}

    def put(self, handle: str, session: BrowserSession, idle_until: datetime) -> None:
        assert handle not in self.rows
        self.rows[handle] = (session, idle_until)

    def get(self, handle: str, now: datetime, idle_until: datetime) -> BrowserSession | None:
        session, idle_at = self.rows.get(handle, (None, now))
        if session is None or session.expires_at <= now or idle_at <= now:
            return None
        self.rows[handle] = (session, idle_until)
        return session

    def save(self, handle: str, data: bytes) -> None:
        session, idle_until = self.rows[handle]
        self.rows[handle] = (replace(session, data=data), idle_until)

    def replace(self, old: str | None, new: str, session: BrowserSession, idle_until: datetime) -> None:
        self.rows.pop(old or "", None)
        self.rows[new] = (session, idle_until)

    def delete(self, handle: str) -> None:
        self.rows.pop(handle, None)

    def pending(self) -> list[dict[str, Any]]:
        return [json.loads(session.data) for session, _ in self.rows.values() if session.data]

    def logged_in(self) -> list[str]:
        return [handle for handle, (session, _) in self.rows.items() if session.sub]


class Scripted:
    """A flow: each method answers with what is in ``answers`` under its name; an exception is raised.

    ``calls`` are (method, positional arguments behind pool and client, named ones); ``threads`` the names of those on
    which they were made.
    """

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.threads: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., object]:
        def method(*arguments: Any, **named: Any) -> object:
            self.calls.append((name, arguments[2:], named))
            self.threads.add(threading.current_thread().name)
            answer = self.answers[name]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return method


@dataclass(kw_only=True)
class PagesWorld:
    pool: Pool = POOL
    client: Client = CLIENT
    auth_url: str = URL
    now: datetime = NOW
    sign_in: Scripted = field(default_factory=lambda: Scripted(begin=SIGNED_IN, answer=SIGNED_IN))
    sign_up: Scripted = field(default_factory=Scripted)
    recovery: Scripted = field(default_factory=Scripted)
    store: MemorySessions = field(default_factory=MemorySessions)
    grants: list[Any] = field(default_factory=list)

    # a directory
    def refresh(self, now: datetime) -> None: ...

    def pools(self) -> tuple[Pool, ...]:
        return (self.pool,)

    def get_pool(self, pool_id: str) -> Pool:
        return self.pool

    def get_client(self, client_id: str) -> Client:
        if client_id != self.client.client_id:
            raise ResourceNotFound
        return self.client

    def start(self, grant: object, now: datetime, **more: Any) -> None:
        """Of a store of grants."""
        self.grants.append((grant, more))

    def identity(self, lane: Lane, passwords: Lane | None = None) -> Any:
        directory = SimpleNamespace(
            refresh=self.refresh, pools=self.pools, pool=self.get_pool, client=self.get_client
        )
        return SimpleNamespace(
            auth_url=self.auth_url,
            is_secure=self.auth_url.startswith("https"),
            directory=directory,
            store=SimpleNamespace(browser_sessions=self.store, grants=SimpleNamespace(start=self.start)),
            lanes=SimpleNamespace(store=lane, passwords=passwords or lane),
            lane_for=lambda _pool, name: lane if name == "store" else passwords or lane,
            sign_in=self.sign_in,
            sign_up=self.sign_up,
            recovery=self.recovery,
            tokens=None,
            judge=None,
            sessions=Sessions(self.store, self.auth_url),
            clock=lambda: self.now,
            origin_of=lambda _: Origin(address="192.0.2.7"),
            address_of=lambda _: "192.0.2.7",
        )

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    @contextlib.asynccontextmanager
    async def browser(self) -> AsyncIterator["Browser"]:
        lane = Lane("store", threads=1, waiting=10, deadline_s=5)
        passwords = Lane("passwords", threads=1, waiting=10, deadline_s=5)
        identity = self.identity(lane, passwords)
        transport = httpx.ASGITransport(app=Door(identity, page_routes(identity)))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url=self.auth_url, headers={"accept": "text/html"}
            ) as http:
                yield Browser(http)
        finally:
            lane.close()
            passwords.close()


class Browser:
    """Sends forms as browsers do: with the page's token, the cookie and what they say about the sender."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, asked: str | None = None) -> httpx.Response:
        return await self.http.get(path if "?" in path else f"{path}?{asked or query()}")

    async def token(self, path: str = "/login", asked: str | None = None) -> str:
        return token_of(await self.get(path, asked))

    async def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        asked: str | None = None,
        headers: dict[str, str] = OWN,
        token: str | None = None,
    ) -> httpx.Response:
        """:param token: None: of the page, fetched before."""
        if token is None:
            page = await self.get(path, asked)
            token = token_of(page) if page.status_code == 200 else await self.token("/login", asked)
        return await self.http.post(
            f"{path}?{asked or query()}", data={"_csrf": token, **form}, headers=headers
        )

    def cookie(self) -> str | None:
        return next(iter(self.http.cookies.values()), None)


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def texts_of(page: httpx.Response) -> str:
    """What a reader sees, on one line."""
    return " ".join(itertools.chain(re.sub(r"<[^>]+>", " ", page.text.partition("<body>")[2]).split()))
