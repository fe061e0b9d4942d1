"""Issuers that misbehave: who is known goes on, nobody else gets in, other routes notice nothing, and all recover."""

import asyncio
import contextlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import issuer as answers
from tests.support.issuer import DISCOVERY, Answer, answer, discovery
from tests.support.jwt_door import ask, expect_refusal, invalid
from tests.support.jwt_world import jwks, rsa_key
from tests.support.observed import metrics, wait_until
from tests.support.plain_http import Address, call
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import RunningIssuer, running_issuer, with_kid
from tests.support.server import RunningServer

BACK_WITHIN_S = 10.0  # R4
REFETCH_S = 30.0  # J15
PATIENCE_S = 3.0  # what a request waits for keys at most
UNKNOWN = ("key_unknown", invalid("the token does not have a known key id"))
DISCOVERY_FAILED = "OIDC discovery endpoint communication error"
KEYS_FAILED = "JWKS communication error"
KEYS_ELSEWHERE = "/moved"
FLOOD, CONNECTIONS = 10_000, 50

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("bad-issuers")]


@dataclass(frozen=True)
class Behaviour:
    """:param at: which of the two documents is so. :param challenge: told while there are no keys."""

    answer: Answer
    at: str
    challenge: str


def at_keys(behaviour: Answer) -> Behaviour:
    return Behaviour(behaviour, answers.KEYS, KEYS_FAILED)


def at_discovery(behaviour: Answer) -> Behaviour:
    return Behaviour(behaviour, DISCOVERY, DISCOVERY_FAILED)


HTML = answer(b"<!doctype html><title>Maintenance</title>", content_type="text/html")
MOVED = answer(b"", status=302, location=KEYS_ELSEWHERE)
MANY = [rsa_key("new").jwk(kid=f"k{number}") for number in range(5000)]
MOST = 100  # J16
BEHAVIOURS = {
    "hangs": at_discovery(answers.hang),
    "keys-hang": at_keys(answers.hang_after_head),
    "drips": at_keys(answers.drip),
    "fails": at_discovery(answer(b"{}", status=500)),
    "keys-fail": at_keys(answer(b"{}", status=503)),
    "html": at_discovery(HTML),
    "keys-html": at_keys(HTML),
    "floods": at_keys(answers.flood),
    "5000-keys": at_keys(answer(jwks(*MANY))),
    "one-too-many": at_keys(answer(jwks(rsa_key("new"), *MANY[:MOST]))),
    "moved": at_discovery(MOVED),
    "keys-moved": at_keys(MOVED),
    "no-keys": at_keys(answer(jwks())),
    "weak-key": at_keys(answer(jwks(rsa_key("new", bits=1024)))),
    "resets": at_keys(answers.reset),
    "another-issuer": at_discovery(answer(discovery("https://issuer.example.net"))),
}
OTHERS = ("calm", "mute", "flooded", "rotates", "forgets")


@dataclass(frozen=True)
class World:
    server: RunningServer
    issuers: dict[str, RunningIssuer]

    def get(self, name: str, token: str) -> int:
        return ask(self.server, f"/{name}", f"Bearer {token}").status


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("issuers")
    with contextlib.ExitStack() as running:
        issuers = {name: running.enter_context(running_issuer()) for name in (*BEHAVIOURS, *OTHERS)}
        issuers["mute"].behave(answers.hang, at=DISCOVERY)
        for name in BEHAVIOURS:  # one that is so from the beginning, and one that becomes so
            issuers[f"first-{name}"] = running.enter_context(running_issuer())
            turn(issuers[f"first-{name}"], name)
        config = configure(folder, {name: issuer.url for name, issuer in issuers.items()})
        yield World(running.enter_context(RunningServer(config, folder / "state")), issuers)


def configure(folder: Path, issuers: dict[str, str]) -> Path:
    copy_function("echo", folder)
    guarded = {f"GET /{name}": {"function": "echo", "auth": name} for name in issuers}
    return write_routes(
        folder,
        functions={"echo": {"code": "echo", "handler": "app.answers"}},
        routes={"GET /open": {"public": True, "respond": {"body": "open"}}, **guarded},
        authorizers={
            name: {"type": "jwt", "issuer": issuer, "audience": ["web"]} for name, issuer in issuers.items()
        },
    )


def turn(issuer: RunningIssuer, name: str) -> None:
    """Let an issuer behave so. Where it points elsewhere, it would be answered well there."""
    behaviour = BEHAVIOURS[name]
    elsewhere = jwks(rsa_key("new")) if behaviour.at == answers.KEYS else discovery(issuer.url)
    issuer.behave(answer(elsewhere), at=KEYS_ELSEWHERE)
    issuer.behave(behaviour.answer, at=behaviour.at)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_who_is_known_goes_on(world: World, name: str) -> None:
    """J15, J16: a fetch that fails costs nobody the keys that are there, and brings none that were not asked for."""
    issuer = world.issuers[name]
    assert world.get(name, issuer.token()) == 200
    known, asked = issuer.token(jti="before"), issuer.fetches
    turn(issuer, name)
    started = time.monotonic()
    refused = ask(world.server, f"/{name}", issuer.token(rsa_key("new")))
    assert time.monotonic() - started < PATIENCE_S + 1
    expect_refusal(world.server, refused, 401, *UNKNOWN)
    assert issuer.fetches == asked + 1
    assert KEYS_ELSEWHERE not in issuer.paths
    assert world.get(name, known) == world.get(name, issuer.token(jti="after")) == 200
    assert metrics(world.server)[f'lockgate_gateway_issuer_keys{{issuer="{issuer.url}"}}'] == 1


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_an_issuer_that_begins_badly(world: World, name: str) -> None:
    """J16, R4: 503 with its reason, soon; and 200 within 10 s of its recovery, without a restart."""
    issuer, route = world.issuers[f"first-{name}"], f"first-{name}"
    token = issuer.token()
    wait_until(lambda: failures(world.server, issuer), "the first fetch to fail")
    started = time.monotonic()
    refused = ask(world.server, f"/{route}", token)
    assert time.monotonic() - started < PATIENCE_S + 1
    record = expect_refusal(
        world.server, refused, 503, "keys_unavailable", invalid(BEHAVIOURS[name].challenge)
    )
    assert issuer.url in record["authorizer.error"]
    assert 1 <= int(refused.headers["retry-after"]) <= BACK_WITHIN_S
    assert KEYS_ELSEWHERE not in issuer.paths

    issuer.publish(issuer.key)
    wait_until(lambda: world.get(route, token) == 200, "recovery", BACK_WITHIN_S)
    assert world.get(route, issuer.token(rsa_key("new"))) == 401


def failures(server: RunningServer, issuer: RunningIssuer) -> float:
    counted = metrics(server)
    name = f'lockgate_gateway_issuer_fetches_total{{issuer="{issuer.url}",result='
    return counted[f'{name}"discovery_failed"}}'] + counted[f'{name}"keys_failed"}}']


def test_others_notice_nothing_of_one_that_hangs(world: World) -> None:
    """R4: while 40 requests wait for its keys, an open route and one of another issuer answer as ever."""
    mute, token = world.issuers["mute"], world.issuers["calm"].token()
    assert world.get("calm", token) == 200
    with ThreadPoolExecutor(40) as clients:
        waiting = [clients.submit(world.get, "mute", mute.token(jti=str(number))) for number in range(40)]
        slowest_s, count = 0.0, 0
        while count < 20 or (not all(call.done() for call in waiting) and count < 2000):
            started = time.monotonic()
            assert call(world.server.gateway_address, "/open").status == 200
            assert world.get("calm", token) == 200
            slowest_s, count = max(slowest_s, time.monotonic() - started), count + 1
        assert {call.result() for call in waiting} == {503}
    assert slowest_s < PATIENCE_S / 2


def test_a_flood_of_unknown_keys(world: World) -> None:
    """J15: 10,000 invented key ids over 50 connections are one fetch; good tokens are 200 meanwhile."""
    issuer = world.issuers["flooded"]
    assert world.get("flooded", issuer.token()) == 200
    tokens = [issuer.token(jti=str(number)) for number in range(100)]
    found: list[int] = []
    over = threading.Event()

    def call_well() -> None:
        while not over.is_set() or len(found) < len(tokens):
            found.append(world.get("flooded", tokens[len(found) % len(tokens)]))

    good = threading.Thread(target=call_well, name="good caller")
    good.start()
    try:
        statuses = asyncio.run(flood(world.server.gateway_address, "/flooded", tokens[0]))
    finally:
        over.set()
        good.join(30)
    assert statuses == {401: FLOOD}
    assert issuer.fetches <= 2
    assert set(found) == {200}


async def flood(address: Address, path: str, token: str) -> Counter[int]:
    statuses: Counter[int] = Counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(FLOOD // CONNECTIONS):
            bad = with_kid(token, secrets.token_hex(8))
            writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {bad}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            statuses[int(head[9:12])] += 1
            length = head.lower().partition(b"content-length: ")[2]
            await reader.readexactly(int(length.partition(b"\r\n")[0]))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return statuses


def test_a_rotation(world: World) -> None:
    """J15: the new key is found by the first token that names it; tokens of the old one go on."""
    issuer, new = world.issuers["rotates"], rsa_key("new")
    assert world.get("rotates", issuer.token()) == 200
    never = issuer.token(rsa_key("never"))
    issuer.publish(new, issuer.key)
    with ThreadPoolExecutor(10) as clients:
        tokens = [issuer.token(new, jti=str(number)) for number in range(10)]
        assert list(clients.map(lambda token: world.get("rotates", token), tokens)) == [200] * 10
    assert world.get("rotates", issuer.token()) == 200
    assert world.get("rotates", never) == 401
    assert issuer.fetches == 2


def test_a_key_that_is_forgotten_once(world: World) -> None:
    """J15, J18: gone with the fetch without it, verified tokens too; back with the next that is allowed."""
    issuer, new = world.issuers["forgets"], rsa_key("new")
    known = issuer.token()
    assert world.get("forgets", known) == 200
    issuer.publish(new)
    assert world.get("forgets", issuer.token(new)) == 200
    expect_refusal(world.server, ask(world.server, "/forgets", known), 401, *UNKNOWN)
    issuer.publish(new, issuer.key)
    assert world.get("forgets", known) == 401, "no second fetch within 30 s"
    wait_until(lambda: world.get("forgets", known) == 200, "the key again", REFETCH_S + 5)
    assert world.get("forgets", issuer.token(new)) == 200
    assert issuer.fetches == 3
