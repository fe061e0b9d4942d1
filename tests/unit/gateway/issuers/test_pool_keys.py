"""Keys of our own pools: no fetch, changes seen at once or within a bounded time, kept while nobody can look."""

import asyncio
from pathlib import Path

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.errors import AuthorizerUnavailable, Unauthorized
from gateway.issuers.issuer import Issuers
from gateway.issuers.key_cache import KeyCache
from gateway.issuers.pool_keys import EMPTY_LOOK_S, KEEP_S, LOOK_S, PoolFeedError, PoolKeys
from tests.support.jwt_world import (
    AUDIENCE,
    ISSUER,
    RsaKey,
    claims,
    jwks,
    make_token,
    request_with,
    rsa_key,
)

POOL = "us-east-1_Main00001"
SPEC = IssuerSpec(issuer=ISSUER, algorithms=("RS256",), user_pool=POOL)


class Feed:
    """A feed that a test changes. :ivar later: what the next look brings; None: the same."""

    def __init__(self, *keys: RsaKey) -> None:
        self.documents = {POOL: jwks(*keys)} if keys else {}
        self.later: bytes | None = None
        self.looks = 0
        self.fault: Exception | None = None
        self.may_look = asyncio.Event()
        self.may_look.set()

    def document(self, pool_id: str) -> bytes:
        return self.documents.get(pool_id, b"")

    async def renew(self, pool_id: str) -> None:
        self.looks += 1
        await self.may_look.wait()
        if self.fault is not None:
            raise self.fault
        if self.later is not None:
            self.documents[pool_id] = self.later


class World:
    def __init__(self, *keys: RsaKey, state: Path | None = None) -> None:
        self.feed = Feed(*keys)
        self.time = 1000.0
        self.events: list[tuple[str, str]] = []
        self.issuers = Issuers(
            pools=self.feed,
            state=state,
            clock=lambda: self.time,
            on_event=lambda kind, _issuer, detail: self.events.append((kind, detail)),
        )
        self.issuers.start()
        keys_there = self.issuers.open(SPEC)
        assert isinstance(keys_there, PoolKeys)
        self.keys = keys_there

    @classmethod
    async def begun(cls, *keys: RsaKey, state: Path | None = None) -> "World":
        """With the first look done, which begins as soon as the keys are opened."""
        world = cls(*keys, state=state)
        await world.looked(1)
        return world

    async def looked(self, count: int) -> None:
        """Wait until the look under way has ended, which is the *count*-th."""
        await asyncio.gather(*self.issuers._tasks)
        assert sum(self.keys.snapshot().fetches.values()) == count


async def test_a_key_is_there_at_once() -> None:
    """Nothing is fetched and nobody waits; and a key of another name is not there."""
    world = await World.begun(rsa_key("a"))
    assert world.keys.get("a") is not None
    assert world.keys.get("b") is None
    assert world.keys.snapshot().kids == ("a",)
    assert world.keys.snapshot().state == "fresh"


async def test_rotation_in_this_process_counts_with_the_next_look_up() -> None:
    """J17: a new key is known, and a token of a key that went is forgotten (J18), without any look."""
    world = await World.begun(rsa_key("a"))
    assert world.keys.generation == 0
    world.feed.documents[POOL] = jwks(rsa_key("a"), rsa_key("b"))
    assert world.keys.get("b") is not None
    assert world.keys.generation == 0
    world.feed.documents[POOL] = jwks(rsa_key("b"))
    assert world.keys.generation == 1
    assert world.keys.get("a") is None
    assert world.events[-1] == ("keys_changed", "gone: a")


async def test_rotation_in_another_process_is_seen_within_four_seconds() -> None:
    """J17: while tokens come, the feed looks again; a moment before the four seconds it does not."""
    world = await World.begun(rsa_key("a"))
    world.feed.later = jwks(rsa_key("b"))
    world.time += LOOK_S - 0.001
    assert world.keys.get("a") is not None
    assert world.feed.looks == 1
    world.time += 0.001
    assert world.keys.get("a") is not None
    await world.looked(2)
    assert world.keys.get("a") is None
    assert world.keys.get("b") is not None


async def test_a_remembered_token_is_forgotten_when_its_key_goes() -> None:
    """J18: also when no other token comes that would ask for a key."""
    world = await World.begun(rsa_key("a"))
    authorizer = JwtAuthorizer(JwtSpec(issuer=SPEC, audience=frozenset({AUDIENCE})), world.keys)
    gate = authorizer.for_route(())
    exchange = request_with(f"Bearer {make_token(rsa_key('a'))}")
    await gate.authorize(exchange)
    assert gate.recall(exchange) is not None
    world.feed.documents[POOL] = jwks(rsa_key("b"))
    assert gate.recall(exchange) is None
    with pytest.raises(Unauthorized):
        await gate.authorize(exchange)


async def test_an_unknown_key_is_looked_for_once_for_all() -> None:
    """J15: 200 tokens with invented kids are one look; four seconds later there may be one more."""
    world = await World.begun(rsa_key("a"))
    world.time += LOOK_S
    world.feed.may_look.clear()
    asked = [asyncio.create_task(world.keys.find(f"invented-{number}")) for number in range(200)]
    await asyncio.sleep(0)
    world.feed.later = jwks(rsa_key("a"), rsa_key("invented-7"))
    world.feed.may_look.set()
    found = await asyncio.gather(*asked)
    assert [number for number, key in enumerate(found) if key is not None] == [7]
    assert world.feed.looks == 2
    assert await world.keys.find("invented-300") is None
    assert world.feed.looks == 2
    world.time += LOOK_S
    assert await world.keys.find("invented-300") is None
    assert world.feed.looks == 3


async def test_keys_stay_while_the_database_is_away() -> None:
    """R4: for days; one line in the log says so, and the first good look ends it."""
    world = await World.begun(rsa_key("a"))
    world.feed.fault = PoolFeedError("the database is away")
    for count in range(2, 7):
        world.time += 86400
        assert world.keys.get("a") is not None
        await world.looked(count)
    assert world.events.count(("keys_failed", "the database is away")) == 1
    assert world.keys.snapshot().last_error == "the database is away"
    world.feed.fault = None
    world.time += LOOK_S
    world.keys.get("a")
    await world.looked(7)
    assert world.keys.snapshot().last_error is None


async def test_a_pool_without_keys_is_unavailable_until_it_has_some() -> None:
    """503, not 401: its clients should try again. A look a second, whatever comes."""
    world = await World.begun()
    with pytest.raises(AuthorizerUnavailable):
        await world.keys.find("a")
    with pytest.raises(AuthorizerUnavailable):
        await world.keys.find("a")
    assert world.feed.looks == 1
    world.feed.later = jwks(rsa_key("a"))
    world.time += EMPTY_LOOK_S
    assert await world.keys.find("a") is not None


async def test_a_document_that_cannot_be_read_verifies_nothing() -> None:
    """Fail closed; the readable one before and after it is used."""
    world = await World.begun(rsa_key("a"))
    assert world.keys.get("a") is not None
    world.feed.documents[POOL] = b"{"
    assert world.keys.get("a") is None
    assert world.keys.generation == 1
    assert world.events[-2][0] == "keys_failed"
    world.feed.documents[POOL] = jwks(rsa_key("a"))
    assert world.keys.get("a") is not None


async def test_peeking_begins_nothing() -> None:
    world = await World.begun(rsa_key("a"))
    world.time += 3600
    assert world.keys.peek("a") is not None
    assert world.keys.snapshot().fetches["success"] == 1
    assert world.feed.looks == 1
    assert world.keys.get("a") is not None
    await world.looked(2)


async def test_a_process_without_pools_fetches_their_keys() -> None:
    """An issuer that is written with its URL, or a process without a feed, goes over HTTP."""
    with_feed, without = Issuers(pools=Feed(rsa_key("a"))), Issuers()
    assert isinstance(with_feed.open(SPEC), PoolKeys)
    assert not isinstance(with_feed.open(IssuerSpec(issuer="http://127.0.0.1:1/x")), PoolKeys)
    assert not isinstance(without.open(IssuerSpec(issuer="http://127.0.0.1:1/x", user_pool=POOL)), PoolKeys)
    await with_feed.aclose()
    await without.aclose()


async def test_another_issuer_of_the_same_key_is_refused() -> None:
    """J10: the pool's key is good, the token says another issuer. Its twin says the pool's."""
    world = await World.begun(rsa_key("a"))
    gate = JwtAuthorizer(JwtSpec(issuer=SPEC, audience=frozenset({AUDIENCE})), world.keys).for_route(())
    forged = make_token(rsa_key("a"), claims(iss=f"{ISSUER}2"))
    with pytest.raises(Unauthorized):
        await gate.authorize(request_with(f"Bearer {forged}"))
    assert await gate.authorize(request_with(f"Bearer {make_token(rsa_key('a'))}"))


def kept_kids(state: Path) -> tuple[str, ...]:
    cached = KeyCache(state / "issuers").load(SPEC)
    return () if cached is None else cached.published.keys.kids


async def test_what_is_there_is_kept_for_those_who_ask_without_a_server(tmp_path: Path) -> None:
    """By a process without a feed, as `explain` is: at the first look, after a change, and hourly."""
    world = await World.begun(rsa_key("a"), state=tmp_path)
    assert kept_kids(tmp_path) == ("a",)
    world.feed.documents[POOL] = jwks(rsa_key("a"), rsa_key("b"))
    world.time += LOOK_S
    world.keys.get("a")
    await world.looked(2)
    assert kept_kids(tmp_path) == ("a", "b")
    file = next((tmp_path / "issuers").iterdir())
    file.unlink()
    world.time += LOOK_S
    world.keys.get("a")
    await world.looked(3)
    assert not file.exists()
    world.time += KEEP_S
    world.keys.get("a")
    await world.looked(4)
    assert file.exists()
