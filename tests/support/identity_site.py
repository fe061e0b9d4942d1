"""Servers with user pools on addresses that outlive them, and somebody's way through their pages and endpoints."""

import base64
import hashlib
import html
import json
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from auth.flows.password_hasher import PasswordHasher
from auth.store.ports import NewUser
from auth.store.sql.store import SqlStore
from lockgate.people import open_people
from tests.support.plain_http import Address
from tests.support.server import RunningServer

PASSWORD = "correct horse battery"
CALLBACK = "https://app.example.com/callback"
_TOKEN_FIELD = re.compile(r'name="_csrf" value="([^"]+)"')


def pools_file(**changes: Any) -> dict[str, Any]:
    """``main`` has a grace for lost answers, ``strict`` has none. *changes* are top-level sections."""
    clients = {"web": {"flows": ["code"], "redirect_uris": [CALLBACK], "scopes": ["openid", "email"]}}
    common = {"sign_in_with": ["email"], "self_sign_up": True}
    return {
        "version": 1,
        "server": {"trusted_proxies": ["127.0.0.1"]},  # as one address alone may try 300 passwords a minute
        "user_pools": {
            "main": {**common, "clients": clients},
            "strict": {**common, "clients": clients, "token_lifetimes": {"refresh_grace": "0s"}},
        },
        "authorizers": {"users": {"type": "jwt", "user_pool": "main"}},
        "routes": {
            "GET /open": {"public": True, "respond": {"body": "open"}},
            "GET /mine": {"auth": "users", "respond": {"body": "mine"}},
        },
    } | changes  # fmt: skip


class Site:
    """:param names: of its servers, each with a state of its own; all of them are reached as the first.

    :param database: of all of them; ``sqlite``: in the state of each.
    """

    def __init__(self, folder: Path, sockets: dict[str, dict[str, socket.socket]], database: str) -> None:
        self.folder = folder
        self.config = folder / "routes.yaml"
        self.database = database
        self._sockets = sockets
        self.addresses: tuple[Address, ...] = tuple(each["auth"].getsockname() for each in sockets.values())
        self.auth_url = f"http://127.0.0.1:{self.addresses[0][1]}"
        self.env = {} if database == "sqlite" else {"LOCKGATE_KEY_FILE": str(folder / "key")}
        self.declare(pools_file())

    def declare(self, file: dict[str, Any]) -> None:
        where = {"auth_url": self.auth_url, "database": self.database}
        self.config.write_text(json.dumps(file | {"server": file.get("server", {}) | where}))

    def server(self, name: str = "one", *extra: str) -> RunningServer:
        """Not started yet."""
        return RunningServer(
            self.config, self.folder / name, extra=extra, env=self.env, inherited=self._sockets[name]
        )

    def store(self, server: RunningServer) -> SqlStore:
        """Beside the server, which the caller closes."""
        url = f"sqlite:///{server.state}/auth/auth.db" if self.database == "sqlite" else self.database
        with ExitStack() as patched:
            if self.env:
                import pytest

                patch = patched.enter_context(pytest.MonkeyPatch.context())
                patch.setenv("LOCKGATE_KEY_FILE", self.env["LOCKGATE_KEY_FILE"])
            return open_people(url, server.state)


@contextmanager
def site(folder: Path, *names: str, database: str = "sqlite") -> Iterator[Site]:
    with ExitStack() as held:
        sockets = {
            name: {
                each: held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
                for each in ("gateway", "auth")
            }
            for name in names or ("one",)
        }
        yield Site(folder, sockets, database)


def add_person(store: SqlStore, server: RunningServer, name: str, *, pool: str = "main") -> str:
    """Confirmed, by the store's own verb. :returns: their sub."""
    sub = secrets.token_hex(16)
    store.users.create(
        NewUser(
            pool_id=server.endpoints["user_pools"][pool]["id"], sub=sub, username=sub, username_key=sub,
            status="CONFIRMED", attributes={"email": name, "email_verified": "true"},
            aliases=(("email", name),), password_hash=_hash(),
        ),
        datetime.now(UTC),
    )  # fmt: skip
    return sub


@cache
def _hash() -> str:
    return PasswordHasher().hash(PASSWORD)


class Visitor:
    """A browser and the application that it came from. Close it, or use it as a context manager.

    :param address: where it comes from, as a front proxy of ours would say.
    """

    def __init__(
        self,
        server: RunningServer,
        *,
        pool: str = "main",
        address: str = "192.0.2.1",
        at: str | None = None,
        scope: str = "openid email",
    ) -> None:
        self._verifier = secrets.token_urlsafe(48)
        self.client_id: str = server.endpoints["user_pools"][pool]["clients"]["web"]["id"]
        digest = hashlib.sha256(self._verifier.encode()).digest()
        self.query = urlencode(
            {
                "client_id": self.client_id,
                "response_type": "code",
                "redirect_uri": CALLBACK,
                "scope": scope,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        self.auth_url: str = server.endpoints["auth"]
        self.headers = {
            "origin": self.auth_url, "sec-fetch-site": "same-origin", "x-forwarded-for": address,
            "accept": "text/html",
        }  # fmt: skip
        self.http = httpx.Client(
            base_url=at or self.auth_url, headers=self.headers, trust_env=False, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def page(self, path: str) -> tuple[str, str]:
        """:returns: the form's token, and the cookie that it belongs to."""
        shown = self.http.get(f"{path}?{self.query}")
        assert shown.status_code == 200, shown.text
        found = _TOKEN_FIELD.search(shown.text)
        assert found is not None
        return html.unescape(found[1]), "; ".join(
            f"{name}={value}" for name, value in self.http.cookies.items()
        )

    def submit(self, path: str, **fields: str) -> httpx.Response:
        token, _ = self.page(path)
        return self.http.post(f"{path}?{self.query}", data={"_csrf": token, **fields})

    def try_password(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.submit("/login", username=name, password=password)

    def log_in(self, name: str) -> str:
        """:returns: a code."""
        return _code_of(self.try_password(name))

    def code(self) -> str:
        """Another one, for whoever has logged in."""
        return _code_of(self.http.get(f"/oauth2/authorize?{self.query}"))

    def code_form(self, code: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code", "client_id": self.client_id, "redirect_uri": CALLBACK,
            "code": code, "code_verifier": self._verifier,
        }  # fmt: skip

    def refresh_form(self, token: str) -> dict[str, str]:
        return {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": token}

    def token(self, form: dict[str, str]) -> httpx.Response:
        return self.http.post("/oauth2/token", data=form)

    def tokens(self, code: str) -> dict[str, str]:
        answer = self.token(self.code_form(code))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    def lives(self, access_token: str) -> bool:
        """Whether userInfo, which looks into the database, takes it."""
        answer = self.http.get("/oauth2/userInfo", headers={"authorization": f"Bearer {access_token}"})
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


def _code_of(answer: httpx.Response) -> str:
    location = answer.headers.get("location", "")
    assert location.startswith(CALLBACK), (answer.status_code, location, answer.text)
    return parse_qs(urlsplit(location).query)["code"][0]
