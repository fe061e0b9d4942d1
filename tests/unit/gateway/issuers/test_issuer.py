"""Issuers: who owns the fetches, what a restart keeps, and building away from the loop."""

import asyncio
from pathlib import Path

import pytest

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.errors import AuthorizerUnavailable
from gateway.issuers.issuer import IssuerKeys, Issuers
from gateway.issuers.schedule import KEPT_S
from kit.jwt.algorithms import ES_FAMILY
from tests.support.issuer import issuer_server
from tests.support.issuer_world import ISSUER, SPEC, IssuerWorld

HOUR_S = 3600.0


async def fetches_end() -> None:
    """Wait for the tasks of all fetches, those that keep what was fetched included."""
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


async def _saved(state: Path, *kids: str, wall: float = 1_800_000_000.0) -> None:
    world = IssuerWorld(*kids, state=state, wall=wall)
    await world.open()
    await fetches_end()


async def test_a_restart_while_the_issuer_is_away_knows_the_keys(tmp_path: Path) -> None:
    """J15 over a restart. The twin: without a state folder."""
    await _saved(tmp_path, "a")
    for state, knows in ((tmp_path, True), (None, False)):
        world = IssuerWorld(state=state)
        world.issuer.fail()
        keys = await world.open()
        assert (keys.get("a") is not None) is knows
        assert keys.snapshot().state == ("stale" if knows else "none")


async def test_restored_keys_are_refreshed_at_once(tmp_path: Path) -> None:
    await _saved(tmp_path, "withdrawn", "kept")
    world = IssuerWorld("kept", state=tmp_path)
    world.issuer.held.clear()
    keys = await world.open()
    assert keys.get("withdrawn")  # so far
    world.issuer.held.set()
    await world.settle()
    assert keys.get("withdrawn") is None
    assert keys.get("kept")
    assert keys.generation == 1
    await world.issuers.aclose()


@pytest.mark.parametrize(
    ("away_s", "knows"), [(HOUR_S, True), (KEPT_S - 1, True), (KEPT_S, False), (-HOUR_S, True)]
)
async def test_restored_keys_are_as_old_as_they_are(away_s: float, knows: bool, tmp_path: Path) -> None:
    """R6: a clock that was set back since counts as no time at all."""
    await _saved(tmp_path, "a", wall=1_800_000_000.0)
    world = IssuerWorld(state=tmp_path, wall=1_800_000_000.0 + away_s)
    world.issuer.fail()
    keys = await world.open()
    assert (keys.get("a") is not None) is knows


async def test_restored_keys_expire_when_the_fetched_ones_would_have(tmp_path: Path) -> None:
    await _saved(tmp_path, "a", wall=1_800_000_000.0)
    world = IssuerWorld(state=tmp_path, wall=1_800_000_000.0 + KEPT_S - HOUR_S)
    world.issuer.fail()
    keys = await world.open()
    await world.pass_time(HOUR_S - 60)
    assert keys.get("a")
    await world.pass_time(60)
    assert keys.get("a") is None


async def test_a_wall_clock_that_jumps_changes_nothing_while_running() -> None:
    """R6: ages are counted on the monotonic clock."""
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuer.fail()
    for jump in (-2 * KEPT_S, 4 * KEPT_S):
        world.wall += jump
        await world.pass_time(1.0)
        assert keys.get("a")
        assert keys.snapshot().state == "fresh"
    assert world.issuer.fetches == 1


async def test_a_corrupt_file_is_ignored_with_a_reason(tmp_path: Path) -> None:
    await _saved(tmp_path, "a")
    [path] = (tmp_path / "issuers").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    world = IssuerWorld("a", state=tmp_path)
    keys = await world.open()
    [(kind, detail)] = world.events[:1]
    assert kind == "key_cache_failed"
    assert str(path) in detail
    assert keys.get("a")  # fetched
    await world.issuers.aclose()


async def test_a_state_that_cannot_be_written_costs_a_log_line(tmp_path: Path) -> None:
    """R7: keys serve requests, also with a full disk."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    world = IssuerWorld("a", state=blocked)
    keys = world.issuers.open(SPEC)
    await fetches_end()
    assert world.kinds().count("key_cache_failed") == 2  # the load and the save
    assert keys.get("a")


def test_without_a_loop_the_kept_keys_serve(tmp_path: Path) -> None:
    """What `lockgate explain` does without a server."""
    asyncio.run(_saved(tmp_path, "a"))
    world = IssuerWorld(state=tmp_path)
    keys = world.issuers.open(SPEC)
    assert keys.get("a")
    assert keys.get("b") is None
    assert world.issuer.fetches == 0
    assert [one.kids for one in world.issuers.snapshot()] == [("a",)]


async def test_opened_away_from_the_loop_the_fetch_runs_on_it() -> None:
    """A reload builds its deployment in a thread."""
    world = IssuerWorld("a")
    world.issuers.start()
    keys = await asyncio.to_thread(world.issuers.open, SPEC)
    await world.settle()
    assert keys.get("a")
    assert world.issuer.fetches == 1


async def test_what_was_opened_before_the_start_is_fetched_then() -> None:
    world = IssuerWorld("a")
    keys = await asyncio.to_thread(world.issuers.open, SPEC)
    await world.settle()
    assert world.issuer.fetches == 0
    world.issuers.start()
    await world.settle()
    assert keys.get("a")


async def test_a_closed_issuer_is_asked_no_more_and_its_last_requests_keep_their_keys() -> None:
    world = IssuerWorld("a")
    keys = await world.open()
    world.issuers.close(SPEC)
    await world.pass_time(HOUR_S)
    assert keys.get("a")
    assert await keys.find("b") is None
    assert world.issuer.fetches == 1
    assert world.issuers.snapshot() == []


async def test_closing_ends_the_fetch_and_its_waiters() -> None:
    world = IssuerWorld("a")
    world.issuer.held.clear()
    keys = await world.open()
    waiting = asyncio.create_task(keys.find("a"))
    await world.settle()
    world.issuers.close(SPEC)
    with pytest.raises(AuthorizerUnavailable):
        await waiting


async def test_closing_one_issuer_leaves_the_other() -> None:
    world = IssuerWorld("a")
    other = IssuerSpec(issuer=ISSUER, algorithms=("RS256",))
    world.issuer.held.clear()
    keys = await world.open()
    await world.open(other)
    world.issuers.close(other)
    world.issuer.held.set()
    await world.settle()
    assert keys.get("a")


async def test_closing_all_ends_all_fetches() -> None:
    world = IssuerWorld("a")
    world.issuer.held.clear()
    await world.open()
    await world.issuers.aclose()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_fault_of_our_own_is_reported_and_lets_nobody_in() -> None:
    world = IssuerWorld("a")
    world.issuer.failure = RuntimeError("a fault of ours")
    keys = await world.open()
    assert ("keys_failed", "the fetch itself failed: RuntimeError('a fault of ours')") in world.events
    with pytest.raises(AuthorizerUnavailable):
        await keys.find("a")


async def test_algorithms_decide_which_keys_are_there() -> None:
    """J1: the same document is another set of keys for another family."""
    world = IssuerWorld("a")
    keys = await world.open(IssuerSpec(issuer=ISSUER, algorithms=ES_FAMILY))
    assert keys.snapshot().kids == ()
    assert keys.snapshot().last_error is not None


async def test_without_any_argument_it_fetches_for_real() -> None:
    async with issuer_server() as server:
        server.publish("a")
        issuers = Issuers()
        keys: IssuerKeys = issuers.open(IssuerSpec(issuer=server.url))
        assert await keys.find("a")
        await issuers.aclose()


async def test_ports_of_ours_that_open_later_are_forbidden_too() -> None:
    """S2: the listeners' ports are known only after the issuers have been made."""
    ports: set[int] = set()
    issuers = Issuers(forbidden_ports=ports)
    async with issuer_server() as admin:
        admin.publish("a")
        ports.add(admin.port)
        keys = issuers.open(IssuerSpec(issuer=admin.url))
        with pytest.raises(AuthorizerUnavailable, match="our own listeners"):
            await keys.find("a")
        assert admin.requests == []
    await issuers.aclose()
