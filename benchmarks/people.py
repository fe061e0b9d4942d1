"""A server with a user pool, people in it, and a browser's way through its login page."""

import base64
import hashlib
import json
import re
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from auth.flows.password_hasher import PasswordHasher
from auth.store.ports import NewUser
from benchmarks.closed_loop import Answer, Connection, run
from benchmarks.load import LoadFailed
from benchmarks.lockgate_server import RUNTIME, LockgateServer, write_handler
from lockgate.people import database_file, database_url, open_people

PASSWORD = "Correct-horse-7"
CALLBACK = "https://app.example.com/callback"
VERIFIER = "v" * 43
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
_FIRST = "00000000-0000-4000-8000-000000000000"
_OF_A_PERSON = ("users", "passwords", "user_aliases", "user_index")
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_TOKEN_FIELD = re.compile(rb'name="_csrf" value="([^"]+)"')


def name_of(number: int) -> str:
    return f"user{number:06d}@example.com"


class PeopleServer:
    """One pool, three clients: ``web`` rotates its refresh tokens, ``kept`` does not, ``jobs`` has a secret.

    :param guarded: with a function behind the pool's tokens. :param speaks_api: with a fourth, ``api``, which signs
        people in by password and by SRP. :param workers: gateway processes; 0: all is one process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "people",
        guarded: bool = False,
        speaks_api: bool = False,
        workers: int = 0,
    ) -> None:
        function: dict[str, Any] = {}
        if guarded:
            write_handler(folder / f"{name}-code")
            function = {
                "functions": {
                    "call": {
                        "code": f"{name}-code", "handler": "app.handler", "runtime": RUNTIME, "memory": 128,
                    }
                },
                "authorizers": {"users": {"type": "jwt", "user_pool": "main"}},
            }  # fmt: skip
        routes: dict[str, Any] = {"GET /open": {"public": True, "respond": {"status": 200, "body": "open"}}}
        if guarded:
            routes["GET /guarded"] = {"function": "call", "auth": "users"}
        config = {
            "version": 1,
            # Each sign-in says that it comes from another address: one alone may try 300 passwords a minute.
            "server": {"trusted_proxies": ["127.0.0.1"], "limits": {"environments": 4}},
            "user_pools": {
                "main": {
                    "sign_in_with": ["email"],
                    "resource_servers": {"bench": {"read": "Read"}},
                    "clients": {
                        "web": {"flows": ["code"], "redirect_uris": [CALLBACK], "scopes": ["openid", "email"]},
                        "kept": {
                            "flows": ["code"], "rotate_refresh": False, "redirect_uris": [CALLBACK],
                            "scopes": ["openid", "email"],
                        },
                        "jobs": {"flows": ["client_credentials"], "secret": "generate", "scopes": ["bench/read"]},
                        **({"api": {"flows": ["srp", "password", "refresh"]}} if speaks_api else {}),
                    },
                }
            },
            **function,
            "routes": routes,
        }  # fmt: skip
        self._server = LockgateServer(folder, json.dumps(config), name=name, workers=workers)
        self.config = folder / f"{name}.yaml"
        self.state = self._server.state
        self.program = self._server.program
        self.endpoints = self._server.endpoints
        self.auth: str = self.endpoints["auth"]
        self.pool: dict[str, Any] = self.endpoints["user_pools"]["main"]

    def client(self, name: str) -> str:
        client_id: str = self.pool["clients"][name]["id"]
        return client_id

    def url(self, path: str) -> str:
        return self._server.url(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def populate(server: PeopleServer, count: int) -> None:
    """One person by the store's own verb, with a real hash; the others are that person's rows under other names."""
    store = open_people(database_url(None, server.state), server.state)
    pool_id, now = server.pool["id"], datetime.now(UTC)
    try:
        store.users.create(
            NewUser(
                pool_id=pool_id, sub=_FIRST, username=_FIRST, username_key=_FIRST, status="CONFIRMED",
                attributes={"email": name_of(0), "email_verified": "true"},
                aliases=(("email", name_of(0)),), password_hash=PasswordHasher().hash(PASSWORD),
            ),
            now,
        )  # fmt: skip
    finally:
        store.close()
    copy_people(server, range(1, count))


def copy_people(server: PeopleServer, numbers: range) -> None:
    """In one transaction, beside the running server."""
    with closing(sqlite3.connect(database_file(server.state), timeout=60)) as database, database:
        for table in _OF_A_PERSON:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            marks = ", ".join("?" * len(columns))
            for row in database.execute(f"SELECT * FROM {table} WHERE sub = ?", (_FIRST,)).fetchall():
                copies = (tuple(_as(number, value) for value in row) for number in numbers)
                database.executemany(f"INSERT INTO {table} VALUES ({marks})", copies)


def _as(number: int, value: object) -> object:
    """A value of the first person's rows in those of another one."""
    if not isinstance(value, str):
        return value
    return value.replace(_FIRST, f"00000000-0000-4000-8000-{number:012d}").replace(
        name_of(0), name_of(number)
    )


class Browser:
    """Signs people in as a browser does: the page, its form, the way back.

    :param page: the login page's address with the application's request. :param names: of people, in turn.
    """

    def __init__(self, auth: str, page: str, client_id: str, names: Sequence[str]) -> None:
        self.page = page
        self._auth = auth
        self._client_id = client_id
        self._names = names

    @classmethod
    def of(cls, server: PeopleServer, names: Sequence[str], *, client: str = "web") -> Self:
        asked = {
            "response_type": "code",
            "client_id": server.client(client),
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "s",
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
        return cls(server.auth, f"/login?{urlencode(asked)}", server.client(client), names)

    async def sign_in(self, connection: Connection, number: int) -> str:
        """:returns: the authorization code. :raises LoadFailed: an answer that is none."""
        source = {"x-forwarded-for": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        page = await connection.call("GET", self.page, headers=source)
        token = _TOKEN_FIELD.search(page.body)
        if page.status != 200 or token is None:
            raise _wrong("GET /login", page)
        form = {
            "_csrf": token[1].decode(),
            "username": self._names[number % len(self._names)],
            "password": PASSWORD,
        }
        own = {"origin": self._auth, "sec-fetch-site": "same-origin", "cookie": "; ".join(page.cookies)}
        done = await connection.call(
            "POST", self.page, headers=source | own | _FORM, body=urlencode(form).encode()
        )
        answered = parse_qs(urlsplit(done.headers.get("location", "")).query)
        if done.status != 303 or "code" not in answered:
            raise _wrong("POST /login", done)
        return answered["code"][0]

    async def tokens(self, connection: Connection, number: int = 0) -> dict[str, Any]:
        code = await self.sign_in(connection, number)
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "redirect_uri": CALLBACK,
            "code": code,
            "code_verifier": VERIFIER,
        }
        return await post_token(connection, form)


async def post_token(
    connection: Connection, form: dict[str, str], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """:raises LoadFailed: no tokens."""
    answer = await connection.call(
        "POST", "/oauth2/token", headers=_FORM | (headers or {}), body=urlencode(form).encode()
    )
    if answer.status != 200:
        raise _wrong("POST /oauth2/token", answer)
    tokens: dict[str, Any] = json.loads(answer.body)
    return tokens


def secret_of(server: PeopleServer, client: str) -> str:
    store = open_people(database_url(None, server.state), server.state)
    try:
        return store.pools.client_secrets(server.client(client), datetime.now(UTC))[0]
    finally:
        store.close()


def _wrong(what: str, answer: Answer) -> LoadFailed:
    return LoadFailed(f"{what}: {answer.status} {answer.body[:300]!r}")


def main(auth: str, page: str, people: str, callers: str, rate: str, seconds: str) -> None:
    """Sign-ins at a steady rate: for a process of its own beside calls that are timed in another one."""
    browser = Browser(auth, page, "", [name_of(number) for number in range(int(people))])

    async def call(connection: Connection, number: int) -> None:
        await browser.sign_in(connection, number)

    run(auth, call, callers=int(callers), seconds=float(seconds), rate=float(rate))


if __name__ == "__main__":
    main(*sys.argv[1:])
