"""The user pool's public application on loopback, with a client of another origin that keeps what it is sent."""

import http.server
import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn

from auth.app import auth_app
from auth.identity import Identity, Lanes, issuer_of
from auth.lanes import Lane, PoolLanes
from auth.pool import Brand, PasswordPolicy
from auth.sessions import Sessions
from auth.tokens.judge import Judge
from auth.tokens.keyring import KeyRing
from auth.tokens.tokens import Tokens
from tests.support.user_pool import CLIENT, POOL, UserPool

STARTS_S = 10.0
PEOPLE_SIGN_UP = replace(
    POOL,
    sign_in_with=frozenset({"email"}),
    self_sign_up=True,
    password=PasswordPolicy(min_length=10, require=frozenset({"upper", "digit"})),
    brand=Brand(name="Harbour Notes", colour="#0b7285"),
)


class PagesSite:
    """`with PagesSite(tmp_path) as site:`. :param changes: of the pool. :ivar people: the pool behind it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self._client = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Client)
        self.client_url = f"http://127.0.0.1:{self._client.server_port}"
        client = replace(
            CLIENT,
            redirect_uris=(f"{self.client_url}/back",),
            logout_uris=(f"{self.client_url}/bye",),
        )
        self.people = UserPool(folder, pool=replace(PEOPLE_SIGN_UP, **changes), client=client)
        self._server = _Server(
            uvicorn.Config(
                self._late, host="127.0.0.1", port=0, log_level="error", lifespan="off", interface="asgi3"
            )
        )
        self._threads = [
            threading.Thread(target=self._client.serve_forever, name="client"),
            threading.Thread(target=self._server.run, name="pages"),
        ]

    async def _late(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        assert self._server.listens.wait(STARTS_S)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._lanes = Lanes(store=_lane("store"), passwords=_lane("passwords"), triggers=_pool_lanes())
        self._app = auth_app(self._identity())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._client.shutdown()
        for thread in self._threads:
            thread.join(STARTS_S)
        self._client.server_close()
        self._lanes.close()
        self.people.__exit__(kind, error, trace)

    def _identity(self) -> Identity:
        people = self.people
        keyring = KeyRing(people.store.keys)

        def issuer(pool_id: str) -> str:
            return issuer_of(self.url, pool_id)

        none = cast(Any, None)  # flows that no page speaks through
        return Identity(
            auth_url=self.url,
            store=people.store,
            lanes=self._lanes,
            directory=people.directory,
            sign_in=people.sign_in,
            sign_up=people.sign_up,
            recovery=people.recovery,
            second_factor=people.second_factor,
            account=people.account,
            administration=people.administration,
            srp_sign_in=none,
            refresh=none,
            api_sessions=none,
            management=none,
            keyring=keyring,
            tokens=Tokens(keyring, issuer),
            judge=Judge(keyring, issuer),
            sessions=Sessions(people.store.browser_sessions, self.url),
            outbox=none,  # mails are kept by `people`
            clock=people.clock,
        )

    def address(self, path: str = "/oauth2/authorize", **changes: str) -> str:
        asked = {
            "client_id": self.people.client.client_id,
            "redirect_uri": f"{self.client_url}/back",
            "response_type": "code",
            "scope": "openid email",
            "state": "s1",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
            "code_challenge_method": "S256",
        }
        return f"{self.url}{path}?{urlencode(asked | changes)}"

    def logout_address(self) -> str:
        asked = {"client_id": self.people.client.client_id, "logout_uri": f"{self.client_url}/bye"}
        return f"{self.url}/logout?{urlencode(asked)}"

    def given(self, url: str) -> dict[str, str]:
        """What the client was sent, if *url* is its address."""
        assert url.startswith(f"{self.client_url}/back?"), url
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()


class _Client(http.server.BaseHTTPRequestHandler):
    """An application that says that somebody has come."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><title>The application</title><h1>Welcome</h1>")

    def log_message(self, format: str, *args: object) -> None: ...


def _pool_lanes() -> PoolLanes:
    return PoolLanes("triggers", threads=4, waiting=20, deadline_s=10)


def _lane(name: str) -> Lane:
    return Lane(name, threads=1, waiting=20, deadline_s=10)
