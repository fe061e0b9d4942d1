"""The OAuth endpoints on a real listener with a real store, one user, clients of each kind, and a log-in of two lines.

The log-in page of the product is driven elsewhere, in a browser; this one lets in whoever posts, so that what is
tested here is what happens before and after it.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from auth.app import Door
from auth.client import Client
from auth.core.steps import SignedIn
from auth.directory import Directory
from auth.identity import Identity, Lanes, issuer_of
from auth.key_file import KeyFile
from auth.lanes import Lane, PoolLanes
from auth.oauth.errors import PageError, RedirectError
from auth.oauth.routes import authorizer_of, oauth_routes
from auth.pool import Lifetimes, Pool
from auth.sessions import Sessions
from auth.store.ports import Declared, NewUser, Store
from auth.store.sql.store import open_store
from auth.tokens.judge import Judge
from auth.tokens.keyring import KeyRing
from auth.tokens.tokens import Tokens
from kit.listener import Listener

POOL_ID = "us-east-1_Main00001"
SUB = "4f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a10"
OTHER_SUB = "5f3a1c7e-0d2b-4a55-9c1e-5d2f8f6b7a11"
SECRET = "a-secret+of%a-client-with-24"
CALLBACK = "https://app.example/callback"
GOODBYE = "https://app.example/bye"
SCOPES = ("openid", "email", "phone", "profile", "notes/read", "notes/write")
ATTRIBUTES = {
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+15551234567",
    "phone_number_verified": "false",
    "name": "Ada Example",
    "address": "1 Example Street",
    "updated_at": "1700000000",
}


class Clock:
    """Real time and what a test adds to it: clients by others look at the real clock."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


def _clients(callback: str) -> tuple[Client, ...]:
    base = Client(
        client_id="",
        pool_id=POOL_ID,
        name="",
        flows=frozenset({"code"}),
        redirect_uris=(callback, f"{callback}?kept=1"),
        logout_uris=(GOODBYE,),
        scopes=SCOPES,
        has_secret=True,
    )
    return (
        replace(base, client_id="confidential", name="confidential"),
        replace(base, client_id="confidential2", name="confidential2"),
        replace(base, client_id="public", name="public", has_secret=False, rotates_refresh=True),
        replace(base, client_id="implicit", name="implicit", flows=frozenset({"implicit"}), has_secret=False),
        replace(
            base,
            client_id="jobs",
            name="jobs",
            flows=frozenset({"client_credentials"}),
            redirect_uris=(),
            logout_uris=(),
            scopes=("openid", "notes/read", "notes/write"),  # what is about users is not granted to it
        ),
    )


class OAuthWorld:
    """`with OAuthWorld(folder) as world:`; runs in threads of its own.

    :ivar url: of the server, and in every URL that it says.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.store: Store = open_store(f"sqlite:///{folder}/auth.db", KeyFile.open_or_make(folder / "key"))
        self.pool = Pool(
            pool_id=POOL_ID,
            name="main",
            resource_servers={"notes": {"read": "Read notes", "write": "Change notes"}},
            lifetimes=Lifetimes(refresh_grace_s=10.0),
        )
        self.identity = self._identity()
        self._fill()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="oauth world")
        app = Door(self.identity, [*oauth_routes(self.identity), *self._login()])
        self._listener = Listener("auth", app, self._socket)

    @property
    def issuer(self) -> str:
        return f"{self.url}/{POOL_ID}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listener.start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._listener.drain(5), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.identity.lanes.close()
        self.store.close()

    def _identity(self) -> Identity:
        def issuer(pool_id: str) -> str:
            return issuer_of(self.url, pool_id)

        keyring = KeyRing(self.store.keys)
        none = cast(Any, None)  # flows that nothing here speaks through
        return Identity(
            auth_url=self.url,
            store=self.store,
            lanes=Lanes(
                store=Lane("store", threads=4, waiting=100, deadline_s=10),
                passwords=Lane("passwords", threads=1, waiting=1, deadline_s=10),
                triggers=PoolLanes("triggers", threads=1, waiting=1, deadline_s=10),
            ),
            directory=Directory(self.store.pools),
            sign_in=none,
            sign_up=none,
            recovery=none,
            second_factor=none,
            account=none,
            administration=none,
            srp_sign_in=none,
            refresh=none,
            api_sessions=none,
            management=none,
            keyring=keyring,
            tokens=Tokens(keyring, issuer),
            judge=Judge(keyring, issuer),
            sessions=Sessions(self.store.browser_sessions, self.url),
            outbox=none,
            clock=self.clock,
        )

    def _fill(self) -> None:
        now = self.clock()
        clients = _clients(CALLBACK)
        with_secret = {client.client_id: SECRET for client in clients if client.has_secret}
        self.store.pools.declare([Declared(pool=self.pool, clients=clients, secrets=with_secret)], now)
        for sub, name in ((SUB, "ada"), (OTHER_SUB, "bea")):
            self.store.users.create(
                NewUser(
                    pool_id=POOL_ID,
                    sub=sub,
                    username=name,
                    username_key=name,
                    status="CONFIRMED",
                    attributes=ATTRIBUTES | {"email": f"{name}@example.com"},
                ),
                now,
            )
        self.identity.directory.refresh(now)
        self.identity.keyring.ensure(POOL_ID, now)

    def _login(self) -> list[Route]:
        authorizer = authorizer_of(self.identity)

        def log_in(request: Request) -> Response:
            """A form's POST; ``user`` says who it is."""
            now = self.clock()
            try:
                asked = authorizer.read(request.scope["query_string"])
                if request.method == "GET":
                    return HTMLResponse(f"log in {asked.login_hint}")
                sub = request.headers.get("x-sub", SUB)
                user = self.store.users.get(POOL_ID, sub)
                assert user is not None
                signed_in = SignedIn(user=user, auth_time=now, amr=("pwd",))
                begun = self.identity.sessions.log_in(request, asked.pool, signed_in, now)
                location = authorizer.grant(asked, begun.session, now=now)
            except PageError as error:
                return HTMLResponse(str(error), error.status)
            except RedirectError as error:
                return Response(status_code=303, headers={"location": error.location})
            response = Response(status_code=303, headers={"location": location})
            self.identity.sessions.remember(response, asked.pool, begun.handle)
            return response

        return [Route("/login", log_in, methods=["GET", "POST"])]


class Browser:
    """A person's browser: keeps cookies, follows redirects on the server, stops where they lead out of it."""

    def __init__(self, world: OAuthWorld) -> None:
        self.world = world
        self.http = httpx.Client(base_url=world.url, trust_env=False)
        self.pages: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def authorize(
        self, parameters: Mapping[str, str], *, sub: str = SUB, method: str = "GET"
    ) -> httpx.Response:
        """To the end: a log-in where one is asked for. :returns: the answer that leads out, or a page."""
        if method == "GET":
            response = self.http.get("/oauth2/authorize", params=dict(parameters))
        else:
            response = self.http.post("/oauth2/authorize", data=dict(parameters))
        while response.has_redirect_location and response.headers["location"].startswith(self.world.url):
            location = response.headers["location"]
            self.pages.append(urlsplit(location).path)
            if urlsplit(location).path == "/login":
                assert self.http.get(location).status_code == 200
                response = self.http.post(location, headers={"x-sub": sub})
            else:
                response = self.http.get(location)
        return response

    def answer(self, parameters: Mapping[str, str], *, sub: str = SUB, method: str = "GET") -> dict[str, str]:
        """What the client is told at its address."""
        return answer_of(self.authorize(parameters, sub=sub, method=method))


def answer_of(response: httpx.Response) -> dict[str, str]:
    url = urlsplit(response.headers["location"])
    return dict(parse_qsl(url.query or url.fragment, keep_blank_values=True))


def basic(client_id: str = "confidential", secret: str = SECRET) -> str:
    quoted = httpx.QueryParams({"s": secret})
    encoded = str(quoted).partition("=")[2]
    return "Basic " + base64.b64encode(f"{client_id}:{encoded}".encode()).decode()


def code_request(**more: str) -> dict[str, str]:
    """Of the client with a secret."""
    base = {"response_type": "code", "client_id": "confidential", "redirect_uri": CALLBACK}
    return {**base, "scope": "openid", "state": "of-the-client", "nonce": "once"} | more


def public_request(**more: str) -> tuple[dict[str, str], str]:
    """And the verifier of its PKCE challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    request = code_request(client_id="public", code_challenge=challenge, code_challenge_method="S256", **more)
    return request, verifier


def payload(token: str) -> dict[str, Any]:
    """Unverified: what it says."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@contextmanager
def running_oauth(folder: Path) -> Iterator[OAuthWorld]:
    with OAuthWorld(folder) as world:
        yield world
