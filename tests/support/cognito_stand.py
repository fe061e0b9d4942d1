"""The Cognito API over HTTP on loopback, in this process: for boto3, with the pool's people behind it.

Two ports: the public one, unsigned, and that of operators, signed. The pool's clock stands; signatures have today's.
"""

import base64
import hmac
import http.client
import json
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import uvicorn
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from auth.app import auth_app, operators_app
from auth.cognito.service import TARGET, Operators
from auth.cognito.signatures import Signatures
from auth.grant import Grant
from auth.identity import Identity, Lanes
from auth.lanes import Lane, PoolLanes
from auth.making import Foundation, make_identity
from auth.store.ports import StoredKey
from auth.tokens.keyring import KeyRing
from auth.tokens.tokens import TokenSet
from kit.forwarded import NO_TRUST
from kit.host_guard import HostGuard
from tests.support.user_pool import CLIENT, PASSWORD, POOL, UserPool

STARTS_S = 10.0
REGION = "us-east-1"
KEY_ID = "LKTESTKEY00000000000"
SECRET_KEY = "a secret key of this test, and no other"
SELF_SERVICE = "aws.cognito.signin.user.admin"
API_CLIENT = replace(
    CLIENT,
    flows=frozenset({"code", "refresh", "srp", "password"}),
    scopes=("openid", "email", "profile", SELF_SERVICE),
    rotates_refresh=False,
)
Refused = tuple[str, str]


class CognitoStand:
    """`with CognitoStand(tmp_path) as stand:`. A keyword changes the pool: ``mfa="required"``.

    :param client: what is different from `API_CLIENT`: ``{"has_secret": True}``.
    :param foundation: what is different in `Foundation`.
    :ivar people: the pool behind it, with its clock and its mails. :ivar public: boto3's client without keys.
    :ivar admin: boto3's client with the keys of the operators.
    """

    def __init__(
        self,
        folder: Path,
        *,
        client: Mapping[str, Any] | None = None,
        foundation: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        own = replace(API_CLIENT, **client or {})
        self.people = UserPool(folder, pool=replace(POOL, **changes), client=own)
        self._changed = dict(foundation or {})
        self._sockets = [_listening(), _listening()]
        self.url, self.admin_url = (f"http://127.0.0.1:{_port(each)}" for each in self._sockets)
        self._server = _Server(
            uvicorn.Config(self._serve, log_level="error", lifespan="off", interface="asgi3", ws="none")
        )
        self._thread = threading.Thread(target=self._server.run, args=(self._sockets,), name="cognito")

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self._apps[scope["server"][1]](scope, receive, send)

    def __enter__(self) -> Self:
        self.lanes = Lanes(
            store=_lane("store", 2),
            passwords=_lane("passwords", 1),
            triggers=PoolLanes("triggers", threads=4, waiting=20, deadline_s=10),
        )
        self.identity = self._identity()
        self._apps = {
            _port(self._sockets[0]): auth_app(self.identity),
            _port(self._sockets[1]): operators_app(self.identity, operators()),
        }
        self._thread.start()
        assert self._server.listens.wait(STARTS_S)
        self.public = aws_client(self.url)
        self.admin = aws_client(self.admin_url, SECRET_KEY)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.public.close()
        self.admin.close()
        self._server.should_exit = True
        self._thread.join(STARTS_S)
        for each in self._sockets:
            each.close()
        self.lanes.close()
        self.people.__exit__(kind, error, trace)

    def _identity(self) -> Identity:
        people = self.people
        given: dict[str, Any] = {
            "store": people.store,
            "lanes": self.lanes,
            "outbox": _Mails(people.mails.append),
            "hasher": people.hasher,
            "keyring": KeyRing(people.store.keys),
            "audit": people.store.audit,
            "decoy_key": people.tools.decoy_key,
            "limits": people.tools.limits,
            "clock": people.clock,
        }
        identity = make_identity(Foundation(**given | self._changed), auth_url=self.url, trust=NO_TRUST)
        identity.directory.refresh(people.now)
        _give_keys(identity, people)
        return identity

    # --- short ways ---

    @property
    def client_id(self) -> str:
        return self.people.client.client_id

    @property
    def pool_id(self) -> str:
        return self.people.pool.pool_id

    @property
    def secret(self) -> str:
        """Of the client, which has one."""
        return self.people.store.pools.client_secrets(self.client_id, self.people.now)[0]

    def secret_hash(self, username: str) -> str:
        """What a client with a secret sends."""
        mac = hmac.digest(self.secret.encode(), f"{username}{self.client_id}".encode(), "sha256")
        return base64.b64encode(mac).decode()

    def sign_in(self, username: str = "ada", password: str = PASSWORD, **parameters: str) -> dict[str, Any]:
        """InitiateAuth by password. :returns: the whole answer."""
        asked = {"USERNAME": username, "PASSWORD": password, **parameters}
        answer: dict[str, Any] = self.public.initiate_auth(
            ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked
        )
        return answer

    def tokens(self, username: str = "ada", *, scopes: tuple[str, ...] = (SELF_SERVICE,)) -> TokenSet:
        """Of a sign-in by the API, past its sign-in actions."""
        people, now = self.people, self.people.now
        grant = Grant(
            grant_id=str(uuid.uuid4()), pool_id=self.pool_id, client_id=self.client_id,
            sub=people.user(username).sub, kind="api", scopes=scopes, auth_time=now, amr=("pwd",),
            created_at=now, expires_at=now + timedelta(days=30),
        )  # fmt: skip
        refresh = people.store.grants.start(grant, now, refresh=True)
        live = people.store.grants.live(grant.grant_id, now)
        assert live is not None
        return self.identity.tokens.of_grant(people.pool, people.client, live, now=now, refresh_token=refresh)

    def access_token(self, username: str = "ada") -> str:
        return self.tokens(username).access_token

    def post(
        self,
        action: str,
        body: bytes | Mapping[str, Any],
        *,
        url: str = "",
        method: str = "POST",
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """Without boto3. :param headers: more of them, ``_`` for ``-``.

        :returns: status, fields in lower case, body.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{TARGET}.{action}"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(urlsplit(url or self.url).netloc, timeout=10)
        try:
            connection.request(method, "/", data, fields)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def refusal(call: Callable[..., Any], **given: Any) -> Refused:
    """:returns: the exception's name without its suffix, and its message. Fails if nothing is refused."""
    try:
        call(**given)
    except ClientError as error:
        said = error.response["Error"]
        return said["Code"].removesuffix("Exception"), said["Message"]
    raise AssertionError("it was not refused")


def operators() -> Operators:
    secrets = {KEY_ID: SECRET_KEY}
    return Operators(signatures=Signatures(secrets.get, REGION), guard=HostGuard(any_address=True))


def aws_client(url: str, secret: str | None = None) -> Any:
    """:param secret: None: without keys, as applications are."""
    unsigned: dict[str, Any] = {} if secret else {"signature_version": UNSIGNED}
    return _session().create_client(
        "cognito-idp",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=KEY_ID if secret else None,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=15, **unsigned),
    )


@cache
def _session() -> Session:
    """One, for it keeps the model that it has read."""
    return Session()


def _give_keys(identity: Identity, people: UserPool) -> None:
    """The same in all stands of this process: to make them takes longer than all else that a stand does."""
    keys, pool_id = people.store.keys, people.pool.pool_id
    for key in _keys:
        keys.add(key)
    identity.keyring.ensure(pool_id, people.now)
    if not _keys:
        _keys.extend(keys.keys(pool_id))


_keys: list[StoredKey] = []


class _Mails:
    """An outbox that keeps what it is given."""

    def __init__(self, post: Callable[[Any], None]) -> None:
        self.post = post


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _port(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def _lane(name: str, threads: int) -> Lane:
    return Lane(name, threads=threads, waiting=20, deadline_s=10)
