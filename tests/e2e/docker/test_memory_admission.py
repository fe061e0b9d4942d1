"""A node made too small on purpose: what waits, who leaves, and that all are answered."""

import threading
import time
from collections.abc import Iterator

import pytest

from executor.core.environment import TURN_S
from tests.support.chaos_shared import at_once, shared_site, told
from tests.support.chaos_site import ChaosSite
from tests.support.engine import Engine
from tests.support.observed import metrics, wait_until

PLACES = 2
THERE_S = 60.0
MEMORY_MB = 256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(engine: Engine) -> Iterator[ChaosSite]:
    """Room for two environments of three functions."""
    functions = {name: {"memory": MEMORY_MB} for name in ("first", "second", "third")}
    with shared_site(engine, functions, limits={"memory": PLACES * MEMORY_MB}) as made:
        yield made


def test_more_calls_than_fit_wait_their_turn(site: ChaosSite) -> None:
    """All are answered, by no more than there is room for: those that leave and those that wait count, too."""
    used: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            used.append(metrics(site.server)["lockgate_environments_memory_bytes"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answers = at_once(*[lambda: site.call("/first?sleep=0.2")] * (4 * PLACES))
    finally:
        ended.set()
        watcher.join()
    assert [each.status for each in answers] == [200] * (4 * PLACES)
    assert 0 < max(used) <= PLACES * MEMORY_MB << 20
    assert len(site.settle().containers) <= PLACES


def test_the_longest_idle_leaves_for_who_waits(site: ChaosSite) -> None:
    first = told(site.call("/first"))["container"]
    second = told(site.call("/second"))["container"]
    # One that was used a moment ago is left alone, for as long as its start suggests, up to a second.
    used_at = time.monotonic()
    wait_until(lambda: time.monotonic() - used_at > TURN_S, "a time in which both are idle")
    third = told(site.call("/third"))["container"]
    wait_until(lambda: first not in site.containers(), "the end of the longest idle", THERE_S)
    assert {second, third} <= site.containers().keys()
    assert told(site.call("/second"))["container"] == second
    assert told(site.call("/third"))["container"] == third


def test_who_waits_too_long_is_sent_away_in_words(engine: Engine) -> None:
    """The only place is taken for longer than the second caller's route lets it wait; then it is free again."""
    functions = {name: {"memory": MEMORY_MB} for name in ("busy", "late")}
    routes = {"GET /soon": {"function": "late", "public": True, "timeout": "2s"}}
    routes |= {f"GET /{name}": {"function": name, "public": True} for name in functions}
    with shared_site(engine, functions, routes, limits={"memory": MEMORY_MB, "slots": 0}) as site:
        told(site.call("/busy"))
        running = threading.Thread(target=lambda: site.call("/busy?sleep=6"))
        running.start()
        wait_until(lambda: site.environments("busy"), "the one that is busy", THERE_S)
        refused = site.call("/soon")
        assert (refused.status, refused.json()) == (503, {"message": "Service Unavailable"})
        assert refused.headers["retry-after"] == "1"
        running.join()
        assert site.call("/late").status == 200
