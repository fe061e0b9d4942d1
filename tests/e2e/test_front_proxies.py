"""Behind the proxies that people put in front: whose request it is, what passes, and that none is lost in between."""

import asyncio
import hashlib
import http.client
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from kit.forwarded import ProxyTrust
from kit.listener import Listener, bind
from tests.support.edge_wire import respond
from tests.support.front_proxy import FrontProxy, is_installed
from tests.support.gateway_harness import Harness, answer_of, build
from tests.support.observed import access_record
from tests.support.plain_http import Reply
from tests.support.server import RunningServer
from tests.support.tls_pair import make_pair

LOOPBACK = (ip_network("127.0.0.1/32"),)
MIB = 1024 * 1024
CLIENT = "127.0.0.5"

pytestmark = pytest.mark.timeout(60)

both_proxies = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed")
        )
        for name in ("caddy", "nginx")
    ],
)


class Caller:
    """A client at `CLIENT` on one kept connection to a proxy. Blocking: use it in a thread."""

    def __init__(self, proxy: FrontProxy, *, tls: bool = False) -> None:
        source = (CLIENT, 0)
        if tls:
            context = proxy.pair.trusting()
            context.check_hostname = False
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                *proxy.https, context=context, source_address=source, timeout=20
            )
        else:
            self._connection = http.client.HTTPConnection(*proxy.http, source_address=source, timeout=20)

    def call(self, path: str, body: bytes | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with suppress(
            BrokenPipeError, ConnectionResetError
        ):  # refused before all was sent: the answer is there
            self._connection.request("GET" if body is None else "POST", path, body, named)
        answer = self._connection.getresponse()
        content = answer.read()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(status=answer.status, headers=fields, body=content)

    def close(self) -> None:
        self._connection.close()


@asynccontextmanager
async def listening(app: Any, limits: EdgeLimits) -> AsyncIterator[Listener]:
    listener = Listener("test", app, bind("127.0.0.1:0"), limits)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.drain(1)


async def with_caller(
    name: str,
    folder: Path,
    listener: Listener,
    act: Callable[[Caller], Any],
    *,
    tls: bool = False,
    keepalive_ms: int = 60_000,
) -> Any:
    """What *act* returns, in a thread, with a caller of that proxy before that listener."""

    def run() -> Any:
        pair = make_pair(folder / "tls")
        with FrontProxy(name, folder, listener.address, pair, keepalive_ms=keepalive_ms) as proxy:
            caller = Caller(proxy, tls=tls)
            try:
                return act(caller), proxy
            finally:
                caller.close()

    return await asyncio.to_thread(run)


def gateway(*, trusted: bool = True) -> Harness:
    async def echo(call: Any) -> Any:
        return answer_of({"statusCode": 200, "body": call.payload.decode()})

    harness = build(answer=echo)
    harness.gateway.trust = ProxyTrust(LOOPBACK if trusted else ())
    return harness


@both_proxies
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_event_says_who_the_client_is(tmp_path: Path, name: str, tls: bool) -> None:
    """H9: address, scheme and port of the client at the proxy; what the client claims stays out."""
    harness = gateway()
    async with listening(harness.gateway, EdgeLimits(trusted_proxies=LOOPBACK)) as listener:
        reply, proxy = await with_caller(
            name, tmp_path, listener, tls=tls,
            act=lambda caller: caller.call(
                "/a?b=c", host="api.example.com", x_forwarded_for="203.0.113.9", x_forwarded_host="evil.example",
                forwarded="for=203.0.113.9",
            ),
        )  # fmt: skip
    event = json.loads(reply.body)
    headers = event["headers"]
    assert event["requestContext"]["http"]["sourceIp"] == CLIENT
    assert event["requestContext"]["domainName"] == headers["host"] == "api.example.com"
    assert headers["x-forwarded-for"].endswith(f"{CLIENT}, 127.0.0.1")
    assert headers["x-forwarded-proto"] == ("https" if tls else "http")
    port = {"nginx": (proxy.https if tls else proxy.http)[1], "caddy": 443 if tls else 80}[name]
    assert headers["x-forwarded-port"] == str(port)
    assert "evil.example" not in reply.body.decode()
    assert "forwarded" not in headers
    assert harness.records[0]["ip"] == CLIENT


@both_proxies
async def test_proxy_that_is_not_trusted_is_the_client(tmp_path: Path, name: str) -> None:
    """H9, twin: the same request, without trusted_proxies."""
    harness = gateway(trusted=False)
    async with listening(harness.gateway, EdgeLimits()) as listener:
        reply, _ = await with_caller(name, tmp_path, listener, lambda caller: caller.call("/a"))
    event = json.loads(reply.body)
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-proto"] == "http"


async def digest_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size and digest of the body."""
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        digest.update(message["body"])
        size += len(message["body"])
        more = message["more_body"]
    await respond(send, f"{size} {digest.hexdigest()}".encode())


@both_proxies
async def test_10_mib_pass_and_a_byte_more_is_413(tmp_path: Path, name: str) -> None:
    """H6: through a proxy the 413 arrives too, ten times of ten, and no 502 in its place."""
    body = bytes(range(256)) * (10 * MIB // 256)

    def act(caller: Caller) -> tuple[list[bytes], list[int]]:
        passed = [caller.call("/", body).body for _ in range(2)]
        refused = []
        for _ in range(10):
            refused.append(caller.call("/", body + b"x").status)
            caller.close()
        return passed, refused

    async with listening(digest_app, EdgeLimits(trusted_proxies=LOOPBACK)) as listener:
        (passed, refused), proxy = await with_caller(name, tmp_path, listener, act)
    assert passed == [f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()] * 2
    assert refused == [413] * 10, proxy.log()


@both_proxies
async def test_large_answers_arrive_whole(tmp_path: Path, name: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, b"a" * 20 * MIB)

    async with listening(app, EdgeLimits(trusted_proxies=LOOPBACK)) as listener:
        replies, _ = await with_caller(
            name, tmp_path, listener, lambda caller: [len(caller.call("/").body) for _ in range(2)]
        )
    assert replies == [20 * MIB] * 2


async def plain(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, b"ok")


@both_proxies
@pytest.mark.slow
async def test_no_request_is_lost_around_the_proxys_idle_time(tmp_path: Path, name: str) -> None:
    """The proxy drops resting connections first, because we keep them longer: 100 requests, each with a pause
    near its idle time, and no 502. With real times: 60 s or 2 minutes there, 180 s here."""

    def act(caller: Caller) -> list[int]:
        seen = []
        for number in range(100):
            seen.append(caller.call("/").status)
            time.sleep(0.07 + number % 7 * 0.01)  # the pause is what is tested
        return seen

    limits = EdgeLimits(trusted_proxies=LOOPBACK, trusted_idle_s=0.3, idle_s=0.001, sweep_s=0.005)
    async with listening(plain, limits) as listener:
        seen, proxy = await with_caller(name, tmp_path, listener, act, keepalive_ms=100)
    assert seen == [200] * 100, proxy.log()


@both_proxies
async def test_connections_of_a_proxy_are_not_counted_against_it(tmp_path: Path, name: str) -> None:
    """H5: neither the cap of a peer nor the number of requests on a connection holds for it."""
    limits = EdgeLimits(trusted_proxies=LOOPBACK, peer_connections=1, requests=2)

    def act(caller: Caller) -> list[int]:
        return [caller.call("/").status for _ in range(50)]

    async with listening(plain, limits) as listener:
        seen, proxy = await with_caller(name, tmp_path, listener, act)
    assert seen == [200] * 50, proxy.log()


@pytest.mark.skipif(not is_installed("caddy"), reason="caddy is not installed")
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "stranger"])
def test_server_behind_caddy_logs_the_client(tmp_path: Path, trusted: bool) -> None:
    """H9, with the whole server and its routes file; the twin lacks only trusted_proxies."""
    config = tmp_path / "routes.yaml"
    server_section = "server:\n  trusted_proxies: [127.0.0.1]\n" if trusted else ""
    config.write_text(
        f"version: 1\n{server_section}routes:\n  GET /:\n    public: true\n    respond: {{body: ok}}\n"
    )
    with RunningServer(config, tmp_path / "state") as server:
        pair = make_pair(tmp_path / "tls")
        with FrontProxy("caddy", tmp_path / "caddy", server.gateway_address, pair) as proxy:
            caller = Caller(proxy)
            reply = caller.call("/")
            caller.close()
        assert reply.status == 200
        record = access_record(server, reply.request_id)
    assert record["ip"] == (CLIENT if trusted else "127.0.0.1")
