"""J15, R4, R6: how often an issuer is asked, who waits for it, and what holds while it is away."""

import asyncio
import json

import pytest

from gateway.errors import AuthorizerUnavailable
from gateway.issuers import issuer_keys
from gateway.issuers.schedule import FRESH_S, KEPT_S, REFETCH_S
from tests.support.issuer import jwk, jwks
from tests.support.issuer_world import IssuerWorld

HOUR_S = 3600.0


async def test_the_first_fetch_begins_when_the_issuer_is_opened() -> None:
    world = IssuerWorld("a")
    keys = await world.open()
    assert world.issuer.fetches == 1
    key = keys.get("a")
    assert key is not None
    assert key.kid == "a"
    assert keys.generation == 0
    assert world.events == [("keys_fetched", "1 keys"), ("keys_changed", "new: a")]


async def test_fresh_keys_are_not_fetched_again_and_nothing_polls() -> None:
    """J15: fresh for 15 min; while nobody asks, nobody is asked."""
    world = IssuerWorld("a")
    keys = await world.open()
    await world.pass_time(FRESH_S - 1)
    assert keys.get("a")
    await world.settle()
    assert world.issuer.fetches == 1
    await world.pass_time(10 * FRESH_S)
    assert world.issuer.fetches == 1


async def test_a_look_up_of_stale_keys_is_answered_at_once_and_begins_a_fetch() -> None:
    """J15: fresh for 15 min."""
    world = IssuerWorld("a")
    keys = await world.open()
    await world.pass_time(FRESH_S)
    assert keys.get("a")
    await world.settle()
    assert world.issuer.fetches == 2
    assert keys.snapshot().state == "fresh"


@pytest.mark.parametrize("outage_s", [60.0, HOUR_S, KEPT_S - FRESH_S])
async def test_stale_keys_are_used_while_the_issuer_is_away(outage_s: float) -> None:
    """J15: an outage logs nobody out. The twin: `test_keys_are_dropped_when_they_are_too_old`."""
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuer.fail()
    until = world.now + outage_s
    while world.now < until:
        await world.pass_time(60.0)
        assert keys.get("a")
        assert await keys.find("a")
    assert keys.generation == 0


async def test_keys_are_dropped_when_they_are_too_old() -> None:
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuer.fail()
    await world.pass_time(KEPT_S - 1)
    assert keys.get("a")
    await world.pass_time(REFETCH_S + 1)
    assert keys.get("a") is None
    assert keys.generation == 1
    with pytest.raises(AuthorizerUnavailable):
        await keys.find("a")
    assert "keys_expired" in world.kinds()
    world.issuer.recover()
    await world.pass_time(REFETCH_S)
    assert await keys.find("a")


async def test_an_outage_is_asked_about_every_30_seconds_at_most() -> None:
    """J15: also look-ups of known keys ask no more often."""
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuer.fail()
    await world.pass_time(FRESH_S)
    before = world.issuer.fetches
    for _ in range(600):
        await world.pass_time(1.0)
        keys.get("a")
    assert world.issuer.fetches - before == 600 / REFETCH_S
    world.issuer.recover()
    await world.pass_time(REFETCH_S)
    keys.get("a")
    await world.settle()
    assert keys.snapshot().last_error is None


async def test_ten_thousand_unknown_kids_cost_one_fetch_per_30_seconds() -> None:
    """J15: the flood of PyJWT's CVE-2026-48524, from many connections at once."""
    world = IssuerWorld("a")
    keys = await world.open()
    before = world.issuer.fetches
    for second in range(91):
        flood = [keys.find(f"random-{second}-{number}") for number in range(110)]
        assert await asyncio.gather(*flood) == [None] * len(flood)
        await world.pass_time(1.0)
    assert world.issuer.fetches - before == 4  # at 0, 30, 60 and 90 s
    assert keys.get("a")


async def test_a_flood_while_a_fetch_hangs_waits_in_bounded_number() -> None:
    """J15: single flight; who finds no place to wait is told so at once."""
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuer.held.clear()
    waiting = [asyncio.create_task(keys.find(f"kid-{number}")) for number in range(10_000)]
    await world.settle()
    done = [task for task in waiting if task.done()]
    assert len(waiting) - len(done) == issuer_keys.MAX_WAITERS
    assert world.issuer.fetches == 2
    assert keys.get("a")
    world.issuer.held.set()
    assert await asyncio.gather(*waiting) == [None] * 10_000
    assert world.issuer.fetches == 2


async def test_a_new_key_is_found_by_the_first_token_that_names_it() -> None:
    """Rotation: nobody waits for the keys to become stale. The twin: a kid that nobody published."""
    world = IssuerWorld("old")
    keys = await world.open()
    await world.pass_time(1.0)
    world.issuer.kids = ("new", "old")
    found = await keys.find("new")
    assert found is not None
    assert found.kid == "new"
    assert keys.generation == 0  # nothing that was verified before is in doubt
    assert world.events[-1] == ("keys_changed", "new: new")
    assert await keys.find("never") is None


async def test_many_tokens_with_the_new_key_share_one_fetch() -> None:
    world = IssuerWorld("old")
    keys = await world.open()
    world.issuer.kids = ("new", "old")
    found = await asyncio.gather(*(keys.find("new") for _ in range(100)))
    assert all(found)
    assert world.issuer.fetches == 2


async def test_a_second_rotation_is_noticed_after_30_seconds() -> None:
    world = IssuerWorld("a")
    keys = await world.open()
    for number in range(2):
        world.issuer.kids = (f"b{number}", "a")
        if number:
            assert await keys.find(f"b{number}") is None
            await world.pass_time(REFETCH_S)
        assert await keys.find(f"b{number}")


async def test_a_withdrawn_key_is_gone_with_the_next_fetch() -> None:
    world = IssuerWorld("good", "stolen")
    keys = await world.open()
    world.issuer.kids = ("good",)
    await world.pass_time(FRESH_S)
    keys.get("good")
    await world.settle()
    assert keys.get("stolen") is None
    assert await keys.find("stolen") is None
    assert keys.get("good")
    assert keys.generation == 1
    assert world.events[-1] == ("keys_changed", "gone: stolen")


async def test_a_replaced_key_of_the_same_kid_raises_the_generation() -> None:
    world = IssuerWorld("a")
    keys = await world.open()
    before = keys.get("a")
    world.issuer.document = _renamed("b", "a")
    await world.pass_time(FRESH_S)
    keys.get("a")
    await world.settle()
    assert keys.get("a") not in (None, before)
    assert keys.generation == 1
    assert world.events[-1] == ("keys_changed", "replaced: a")


async def test_a_key_that_was_missing_once_comes_back_within_30_seconds() -> None:
    """A set without the good key is believed: nobody can tell a mistake from a withdrawal."""
    world = IssuerWorld("good", "other")
    keys = await world.open()
    world.issuer.kids = ("other",)
    await world.pass_time(FRESH_S)
    keys.get("good")
    await world.settle()
    assert await keys.find("good") is None
    world.issuer.kids = ("good", "other")
    await world.pass_time(REFETCH_S)
    assert await keys.find("good")


@pytest.mark.parametrize(
    "document",
    [b'{"keys": []}', b"{}", b"<html>", b"", b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "good"}]}'],
)
async def test_a_set_without_any_usable_key_is_a_failed_fetch(document: bytes) -> None:
    world = IssuerWorld("good")
    keys = await world.open()
    world.issuer.document = document
    await world.pass_time(FRESH_S)
    keys.get("good")
    await world.settle()
    assert keys.get("good")
    assert keys.generation == 0
    assert world.kinds()[-1] == "keys_failed"
    assert keys.snapshot().state == "stale"


async def test_entries_that_cannot_be_used_are_named() -> None:
    world = IssuerWorld("a")
    world.issuer.document = _with_symmetric_key("a")
    await world.open()
    [(_, detail)] = [event for event in world.events if event[0] == "key_ignored"]
    assert detail.startswith("secret: ")


# While there has never been a key


async def test_without_keys_ever_a_token_gets_503_with_the_reason() -> None:
    world = IssuerWorld("a")
    world.issuer.fail()
    keys = await world.open()
    with pytest.raises(AuthorizerUnavailable) as caught:
        await keys.find("a")
    error = caught.value
    assert error.status == 503
    assert error.reason == "keys_unavailable"
    assert "No connection: refused." in error.detail
    assert (b"retry-after", b"1") in error.headers
    [challenge] = [value for name, value in error.headers if name == b"www-authenticate"]
    assert b'error_description="OIDC discovery endpoint communication error"' in challenge


async def test_the_challenge_names_the_document_that_failed() -> None:
    world = IssuerWorld("a")
    world.issuer.document = b"[]"
    keys = await world.open()
    with pytest.raises(AuthorizerUnavailable) as caught:
        await keys.find("a")
    assert b"JWKS communication error" in caught.value.headers[0][1]


async def test_an_issuer_that_comes_late_is_noticed_within_ten_seconds() -> None:
    """R4: no restart, whenever it comes; and it is not asked more often than the back-off says."""
    world = IssuerWorld("a")
    world.issuer.fail()
    keys = await world.open()
    for _ in range(600):
        await world.pass_time(0.1)
        with pytest.raises(AuthorizerUnavailable):
            await keys.find("a")
    assert world.issuer.fetches == 1 + 3 + 10  # after 1, 2, 4, then every 5 s: one minute
    world.issuer.recover()
    recovered_s = 0.0
    while keys.get("a") is None:
        await world.pass_time(0.1)
        recovered_s += 0.1
        try:
            await keys.find("a")
        except AuthorizerUnavailable:
            continue
    assert recovered_s <= 10


async def test_the_first_token_waits_for_the_fetch_under_way() -> None:
    world = IssuerWorld("a")
    world.issuer.held.clear()
    keys = await world.open()
    waiting = asyncio.create_task(keys.find("a"))
    await world.settle()
    assert not waiting.done()
    world.issuer.held.set()
    assert await waiting
    assert world.issuer.fetches == 1


async def test_a_token_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "PATIENCE_S", 0.01)
    world = IssuerWorld("a")
    world.issuer.held.clear()
    keys = await world.open()
    with pytest.raises(AuthorizerUnavailable) as caught:
        await keys.find("a")
    assert "none has come yet" in caught.value.detail
    assert (b"retry-after", b"1") in caught.value.headers
    await world.issuers.aclose()


async def test_tokens_wait_less_while_the_issuer_is_known_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """R4: an issuer that hangs costs each request half a second, not three."""
    monkeypatch.setattr(issuer_keys, "HURRIED_S", 0.01)
    monkeypatch.setattr(issuer_keys, "PATIENCE_S", 3600.0)
    world = IssuerWorld("a")
    world.issuer.fail()
    keys = await world.open()
    world.issuer.held.clear()
    await world.pass_time(1.0)
    with pytest.raises(AuthorizerUnavailable):
        await keys.find("a")
    await world.issuers.aclose()


async def test_a_client_that_leaves_does_not_end_the_fetch_of_the_others() -> None:
    world = IssuerWorld("a")
    world.issuer.held.clear()
    keys = await world.open()
    leaving, staying = (asyncio.create_task(keys.find("a")) for _ in range(2))
    await world.settle()
    leaving.cancel()
    await world.settle()
    assert leaving.cancelled()
    world.issuer.held.set()
    assert await staying


async def test_a_waiters_place_is_free_again_when_it_leaves() -> None:
    world = IssuerWorld("a")
    world.issuer.held.clear()
    keys = await world.open()
    for _ in range(3):
        crowd = [asyncio.create_task(keys.find("a")) for _ in range(issuer_keys.MAX_WAITERS)]
        await world.settle()
        assert not any(task.done() for task in crowd)
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
    await world.issuers.aclose()


def _renamed(kid: str, to: str) -> bytes:
    return jwks(kid).replace(f'"kid": "{kid}"'.encode(), f'"kid": "{to}"'.encode())


def _with_symmetric_key(kid: str) -> bytes:
    return json.dumps({"keys": [jwk(kid), {"kty": "oct", "k": "AAAA", "kid": "secret"}]}).encode()
