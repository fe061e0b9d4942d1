"""J17: keys of our own: made, published, rotated while tokens are signed and verified."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from auth.errors import NotAuthorized, ResourceNotFound, Unavailable
from auth.pool import Lifetimes
from auth.store.ports import KeyUse
from auth.tokens.keyring import LOOK_S, MAX_TOKEN_LIFE_S, PUBLISHED_S, KeyRing
from auth.tokens.signing_key import KEY_BITS, make_key
from kit.jwt.keys import KeySet
from tests.support.token_world import (
    CLIENT,
    NOW,
    OTHER_POOL,
    POOL,
    MemoryKeys,
    TokenWorld,
    later,
    live,
)

POOL_ID = POOL.pool_id
LIFE = timedelta(seconds=MAX_TOKEN_LIFE_S)


def kids(ring: KeyRing, pool_id: str = POOL_ID) -> list[str]:
    return [key["kid"] for key in json.loads(ring.jwks(pool_id))["keys"]]


def access_token(world: TokenWorld, now: datetime = NOW) -> str:
    return world.tokens.of_grant(POOL, CLIENT, live(), now=now).access_token


def test_two_keys_of_each_use_are_published() -> None:
    """J17: current and next, RS256, of 2048 bits, named as Cognito names them."""
    world = TokenWorld()
    published = json.loads(world.ring.jwks(POOL_ID))["keys"]
    assert len(published) == 4
    assert {key["kid"] for key in published} == {key.kid for key in world.store.keys(POOL_ID)}
    assert {(key.use, key.state) for key in world.store.keys(POOL_ID)} == {
        ("id", "current"), ("id", "next"), ("access", "current"), ("access", "next"),
    }  # fmt: skip
    for key in published:
        assert set(key) == {"alg", "e", "kid", "kty", "n", "use"}
        assert (key["alg"], key["kty"], key["use"], len(key["kid"])) == ("RS256", "RSA", "sig", 44)


def test_a_key_is_large_enough_for_a_verifier_that_is_strict() -> None:
    """J17: a smaller one would be left out of the set by J2; this one is not."""
    new = make_key()
    keys = KeySet.load(json.dumps({"keys": [dict(new.public_jwk)]}).encode(), ("RS256",))
    assert (KEY_BITS, keys.kids, keys.dropped) == (2048, (new.kid,), ())
    assert new.private_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in repr(new)


def test_keys_are_kept_over_a_restart() -> None:
    """J17: a second start makes no key; what the first has signed is good."""
    world = TokenWorld()
    token = access_token(world)
    again = TokenWorld(world.store)
    assert kids(again.ring) == kids(world.ring)
    assert again.judge.access(token, NOW).sub == live().user.sub


def test_a_key_that_is_missing_is_made_and_no_other() -> None:
    """J17: a start that was killed between two keys is completed by the next one."""
    world = TokenWorld()
    lost = next(key for key in world.store.stored if (key.use, key.state) == ("access", "next"))
    world.store.stored.remove(lost)
    again = TokenWorld(world.store)
    assert len(kids(again.ring)) == 4
    assert set(kids(again.ring)) - set(kids(world.ring)) == set(kids(again.ring)) - {
        key.kid for key in world.store.stored if key.published_at == NOW and key.kid in kids(world.ring)
    }
    assert lost.kid not in kids(again.ring)


def test_processes_that_start_at_once_agree() -> None:
    """J17: the database has one current and one next key of each use; who came second uses the first one's."""
    store = MemoryKeys()
    gate = threading.Barrier(8)

    def start() -> list[str]:
        gate.wait()
        return kids(TokenWorld(store).ring)

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(start) for _ in range(8)]]
    assert len(store.stored) == 4
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize("use", ["id", "access"])
def test_rotation_needs_no_restart(use: KeyUse) -> None:
    """J17: the next key signs, a new next one is published, the old one still verifies."""
    world = TokenWorld()
    before, signed = world.ring.signer(POOL_ID, use).kid, access_token(world)
    now = later(seconds=PUBLISHED_S)
    assert world.ring.rotate(POOL_ID, use, now)
    assert world.ring.signer(POOL_ID, use).kid != before
    assert before in kids(world.ring)
    assert len(kids(world.ring)) == 5
    assert world.judge.access(signed, now)
    assert world.judge.access(access_token(world, now), now)


def test_a_key_signs_only_once_it_has_been_published_for_a_while() -> None:
    """J17: verifiers keep key sets for 15 minutes. Its twin waits a second longer."""
    world = TokenWorld()
    before = world.ring.signer(POOL_ID, "access").kid
    assert not world.ring.rotate(POOL_ID, "access", later(seconds=PUBLISHED_S - 1))
    assert world.ring.signer(POOL_ID, "access").kid == before
    assert len(kids(world.ring)) == 4
    assert world.ring.rotate(POOL_ID, "access", later(seconds=PUBLISHED_S))
    assert world.ring.signer(POOL_ID, "access").kid != before


def test_a_key_that_is_lost_to_a_thief_goes_at_once() -> None:
    """J17: an operator may not want to wait."""
    world = TokenWorld()
    assert world.ring.rotate(POOL_ID, "access", NOW, published_s=0)


def test_a_retired_key_is_published_until_its_last_token_has_died() -> None:
    """J17: the longest token lives a day; with the minute that clocks may differ the key is there, then it is gone."""
    world = TokenWorld()
    old = world.ring.signer(POOL_ID, "access").kid
    rotated = later(seconds=PUBLISHED_S)
    world.ring.rotate(POOL_ID, "access", rotated)
    world.ring.refresh(rotated + LIFE + timedelta(seconds=59))
    assert old in kids(world.ring)
    assert world.ring.find("access", old) is not None
    world.ring.refresh(rotated + LIFE + timedelta(seconds=60))
    assert old not in kids(world.ring)
    assert world.ring.find("access", old) is None
    assert len(kids(world.ring)) == 4


def test_a_token_does_not_outlive_its_key() -> None:
    """J17: no setting makes a token that lives longer than retired keys are published."""
    world = TokenWorld()
    week = replace(POOL, lifetimes=Lifetimes(access_s=7 * 86400.0, id_s=7 * 86400.0))
    made = world.tokens.of_grant(week, CLIENT, live(), now=NOW)
    assert made.expires_in == MAX_TOKEN_LIFE_S
    assert world.judge.access(made.access_token, NOW).expires_at_s == (NOW + LIFE).timestamp()
    short = replace(POOL, lifetimes=Lifetimes(access_s=300.0))
    assert world.tokens.of_grant(short, CLIENT, live(), now=NOW).expires_in == 300


def test_rotation_in_another_process_is_seen() -> None:
    """J17: two processes on one store; who did not rotate sees it within a second of its next token."""
    one = TokenWorld()
    two = TokenWorld(one.store)
    two.ring.refresh(NOW)
    now = later(seconds=PUBLISHED_S)
    assert one.ring.rotate(POOL_ID, "access", now)
    token = access_token(two, now)
    assert two.ring.signer(POOL_ID, "access").kid == one.ring.signer(POOL_ID, "access").kid
    assert kids(two.ring) == kids(one.ring)
    assert one.judge.access(token, now)


def test_a_key_that_was_made_elsewhere_verifies_at_once() -> None:
    """J17: rotated twice in another process within our second of not looking; the judge looks again for its kid."""
    one = TokenWorld()
    two = TokenWorld(one.store)
    one.ring.rotate(POOL_ID, "access", NOW, published_s=0)
    one.ring.rotate(POOL_ID, "access", NOW, published_s=0)
    token = access_token(one)
    assert two.judge.access(token, NOW).grant_id == live().grant.grant_id


def test_only_one_of_two_rotations_at_once_wins() -> None:
    """J17: two operators; the second one finds a next key that was published just now."""
    one = TokenWorld()
    two = TokenWorld(one.store)
    now = later(seconds=PUBLISHED_S)
    gate = threading.Barrier(2)

    def rotate(world: TokenWorld) -> bool:
        gate.wait()
        return world.ring.rotate(POOL_ID, "access", now)

    with ThreadPoolExecutor(2) as pool:
        won = [future.result() for future in [pool.submit(rotate, world) for world in (one, two)]]
    assert sorted(won) == [False, True]
    assert one.ring.signer(POOL_ID, "access").kid == two.ring.signer(POOL_ID, "access").kid


def test_tokens_are_good_while_keys_rotate() -> None:
    """J17: two threads sign in one process and verify in another while a third rotates; nothing is refused."""
    signs = TokenWorld()
    verifies, rotates = TokenWorld(signs.store), TokenWorld(signs.store)
    is_over = threading.Event()
    seen: set[str] = set()

    clock = [NOW]

    def work() -> int:
        count = 0
        while not is_over.is_set() or count < 5:
            now = clock[0]
            token = access_token(signs, now)
            verifies.judge.access(token, now)
            seen.add(signs.ring.signer(POOL_ID, "access").kid)
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(work) for _ in range(2)]
        try:
            for number in range(6):
                assert rotates.ring.rotate(POOL_ID, "access", clock[0], published_s=0)
                clock[0] = later(seconds=2 * number + 2)
        finally:
            is_over.set()
        assert all(future.result() >= 5 for future in working)
    assert len(seen) > 1


def test_the_store_is_asked_once_a_second() -> None:
    """However many tokens are made; also when the clock was set back (R6)."""
    world = TokenWorld()
    world.ring.refresh(NOW)
    looks = world.store.looks
    for millisecond in range(0, 1000, 100):
        world.ring.refresh(later(milliseconds=millisecond))
    assert world.store.looks == looks
    world.ring.refresh(later(seconds=LOOK_S))
    assert world.store.looks == looks + 1
    world.ring.refresh(later(hours=-1))
    assert world.store.looks == looks + 2


def test_the_document_is_the_same_object_until_it_changes() -> None:
    """Whoever keeps what was read from it need not compare more."""
    world = TokenWorld()
    document = world.ring.jwks(POOL_ID)
    world.ring.refresh(later(hours=1))
    world.ring.ensure(POOL_ID, later(hours=2))
    assert world.ring.jwks(POOL_ID) is document
    world.ring.rotate(POOL_ID, "id", later(hours=3))
    assert world.ring.jwks(POOL_ID) is not document


def test_a_pool_that_is_not_served_has_no_keys() -> None:
    world = TokenWorld()
    for ask in (world.ring.jwks, lambda pool_id: world.ring.signer(pool_id, "id")):
        with pytest.raises(ResourceNotFound):
            ask(OTHER_POOL.pool_id)
    with pytest.raises(ResourceNotFound):
        world.ring.rotate(OTHER_POOL.pool_id, "id", NOW)
    assert world.ring.jwks(POOL_ID)


def test_tokens_of_a_deleted_pool_are_nobodys() -> None:
    """In this process at once, in others with their next look."""
    one = TokenWorld()
    two = TokenWorld(one.store)
    two.ring.refresh(NOW)
    token = access_token(one)
    one.store.stored.clear()
    one.store._versions[POOL_ID] += 1
    one.ring.forget(POOL_ID)
    with pytest.raises(NotAuthorized):
        one.judge.access(token, NOW)
    assert two.judge.access(token, NOW)
    two.ring.refresh(later(seconds=1))
    assert two.ring.pools() == ()
    with pytest.raises(NotAuthorized):
        two.judge.access(token, NOW)


def test_a_key_that_cannot_be_read_signs_nothing() -> None:
    """Fail closed: the pool is refused whole. The ring that there was before stays in use."""
    world = TokenWorld()
    good = list(world.store.stored)
    world.store.stored = [replace(key, private_pem=b"nonsense") for key in good]
    with pytest.raises(Unavailable):
        TokenWorld(world.store)
    with pytest.raises(Unavailable):
        KeyRing(world.store).ensure(POOL_ID, NOW)
    assert world.judge.access(access_token(world), NOW)
    world.store.stored = good
    KeyRing(world.store).ensure(POOL_ID, NOW)


def test_no_private_key_is_printed() -> None:
    """L2: neither the ring nor what it is made of shows one."""
    world = TokenWorld()
    stored = world.store.stored[0]
    shown = " ".join(map(repr, (stored, world.ring, world.ring._rings, world.ring.signer(POOL_ID, "id"))))
    assert stored.kid in shown
    assert "PRIVATE" not in shown
