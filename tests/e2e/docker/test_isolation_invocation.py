"""`isolation: invocation` on a real engine: a container for each call, thrown away after it."""

from collections.abc import Iterator

import pytest

from tests.support.chaos_shared import at_once, shared_site, told
from tests.support.chaos_site import ChaosSite
from tests.support.engine import Engine
from tests.support.observed import metrics, wait_until

CALLS = 5
GONE_S = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(engine: Engine) -> Iterator[ChaosSite]:
    functions = {"fresh": {"isolation": "invocation"}, "kept": {}}
    with shared_site(engine, functions) as made:
        yield made


def test_each_call_has_a_container_of_its_own(site: ChaosSite) -> None:
    """Its module is new, its /tmp is empty, and its container has gone. The twin keeps all three."""
    fresh = [told(site.call("/fresh")) for _ in range(CALLS)]
    assert len({each["container"] for each in fresh}) == CALLS
    assert {each["calls"] for each in fresh} == {0}
    assert all(each["seen"] == [] for each in fresh)
    used = {each["container"] for each in fresh}
    wait_until(lambda: not used & site.containers().keys(), "an end of all that were used", GONE_S)

    kept = [told(site.call("/kept")) for _ in range(CALLS)]
    assert len({each["container"] for each in kept}) == 1
    assert [each["calls"] for each in kept] == list(range(CALLS))
    assert [len(each["seen"]) for each in kept] == list(range(CALLS))


def test_calls_at_once_share_nothing(site: ChaosSite) -> None:
    answers = [told(each) for each in at_once(*[lambda: site.call("/fresh?sleep=0.2")] * CALLS)]
    assert len({each["container"] for each in answers}) == CALLS
    assert {(each["calls"], tuple(each["seen"])) for each in answers} == {(0, ())}


def test_a_call_takes_a_container_that_waits(site: ChaosSite) -> None:
    """It is one that had no function before: so the call does not wait for the engine."""

    def settled() -> bool:
        found = metrics(site.server)
        ready, others = found['lockgate_slots{state="ready"}'], ("filling", "dropping")
        return ready >= 1 and not any(found[f'lockgate_slots{{state="{each}"}}'] for each in others)

    wait_until(settled, "containers that wait", GONE_S)
    waiting = site.environments(None)
    assert told(site.call("/fresh"))["container"] in waiting
