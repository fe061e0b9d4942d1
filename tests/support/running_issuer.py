"""Issuers beside a real server: each in a thread of its own, so that tests that only wait can tell it how to be."""

import asyncio
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.issuer import DISCOVERY, KEYS, Answer, IssuerServer, answer, discovery
from tests.support.jwt_world import SigningKey, b64, claims, compact, header, jwks, make_token, rsa_key

AUDIENCE = "web"
LIFE_S = 3600


class RunningIssuer:
    """:ivar key: what `token` signs with, unless told otherwise."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self._place = _bound(0)
        self._server = IssuerServer("http")
        self._server.port = self._place.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"issuer {self._server.port}")
        self._thread.start()
        self._listening: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def fetches(self) -> int:
        """How often somebody began to ask for the keys."""
        return self._server.paths.count(DISCOVERY)

    @property
    def paths(self) -> list[str]:
        return self._server.paths

    def publish(self, *keys: SigningKey) -> None:
        """Be a good issuer with these keys."""
        self._server.answers = {DISCOVERY: answer(discovery(self.url)), KEYS: answer(jwks(*keys))}

    def behave(self, behaviour: Answer, *, at: str = KEYS) -> None:
        """Answer so at one of its two documents from now on."""
        self._server.answers = {**self._server.answers, at: behaviour}

    def listen(self) -> None:
        self._run(self._listen())

    def vanish(self) -> None:
        """Connections are refused from now on; the port stays its own."""
        self._run(self._vanish())

    def token(self, key: SigningKey | None = None, /, **changes: Any) -> str:
        """A token that is good now, but for the changes; a change to None leaves the claim out."""
        return make_token(key or self.key, self.claims(**changes))

    def claims(self, **changes: Any) -> dict[str, Any]:
        now_s = int(time.time())
        base = {"iss": self.url, "aud": AUDIENCE, "iat": now_s - 10, "exp": now_s + LIFE_S}
        return claims(**{**base, **changes})

    def headed(self, **changes: Any) -> str:
        """A token with another header, signed."""
        head = json.dumps(header(self.key, **changes)).encode()
        return compact(self.key, head, json.dumps(self.claims()).encode())

    def close(self) -> None:
        self.vanish()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._place.close()

    async def _listen(self) -> None:
        sock = _bound(self._server.port)
        self._listening = await asyncio.start_server(self._server.serve, sock=sock)

    async def _vanish(self) -> None:
        if self._listening is not None:
            self._listening.close()
            await self._server.close()
            await self._listening.wait_closed()
            self._listening = None

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def running_issuer(key: SigningKey | None = None, *, is_there: bool = True) -> Iterator[RunningIssuer]:
    """A good issuer with one key. :param is_there: whether it listens already."""
    key = key or rsa_key()
    issuer = RunningIssuer(key)
    try:
        issuer.publish(key)
        if is_there:
            issuer.listen()
        yield issuer
    finally:
        issuer.close()


def with_kid(token: str, kid: str | None = None) -> str:
    """The same token under another key id, or one that nobody has ever heard of. Its signature is wrong now."""
    head = json.dumps({"alg": "RS256", "kid": kid or secrets.token_hex(16)}).encode()
    return ".".join((b64(head), *token.split(".")[1:]))


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that refuses connections until somebody listens there who knows of it; nobody else is given it."""
    with _bound(0) as sock:
        yield sock.getsockname()[1]


def _bound(port: int) -> socket.socket:
    sock = socket.socket()
    # Linux lets several sockets have one address as long as one of them at most listens.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock
