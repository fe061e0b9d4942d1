"""`provisioned:` on a real engine: environments that are there before anybody calls."""

from collections.abc import Iterator

import pytest

from tests.support.chaos_shared import at_once, shared_site, told
from tests.support.chaos_site import ChaosSite
from tests.support.engine import Engine
from tests.support.observed import function_log, wait_until

THERE_S = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(engine: Engine) -> Iterator[ChaosSite]:
    functions = {
        "ready": {"concurrency": {"provisioned": 2}, "idle_timeout": "1s", "memory": 128},
        "plain": {"idle_timeout": "1s", "memory": 128},
    }
    with shared_site(engine, functions) as made:
        yield made


def there(site: ChaosSite, *, without: frozenset[str] = frozenset()) -> set[str]:
    """Two of them, beside `without`."""

    def look() -> set[str]:
        found = site.environments("ready") - without
        return found if len(found) == 2 else set()

    return wait_until(look, "two environments", THERE_S)


def test_they_are_there_before_the_first_call_and_know_it(site: ChaosSite) -> None:
    """The twin's container comes with its call."""
    before = there(site)
    wait_until(lambda: inits(site) >= 2, "their init", THERE_S)
    assert site.environments("plain") == set()
    answers = [told(each) for each in at_once(*[lambda: site.call("/ready?sleep=0.5")] * 2)]
    assert {each["container"] for each in answers} == before
    assert {each["type"] for each in answers} == {"provisioned-concurrency"}
    assert told(site.call("/plain"))["type"] == "on-demand"


def inits(site: ChaosSite) -> int:
    return sum(each.type == "platform.initStart" for each in function_log(site.server, "ready"))


def test_one_that_was_killed_is_made_again(site: ChaosSite) -> None:
    before = there(site)
    victim = min(before)
    assert site.engine.kill(victim)
    after = there(site, without=frozenset({victim}))
    assert len(after & before) == 1


def test_they_outlive_the_idle_time(site: ChaosSite) -> None:
    """The twin's container, idle as long as they are, is the clock: it goes."""
    before = there(site)
    plain = told(site.call("/plain"))["container"]
    wait_until(lambda: plain not in site.containers(), "the end of the one that is not kept", THERE_S)
    plain = told(site.call("/plain"))["container"]
    wait_until(lambda: plain not in site.containers(), "its end again", THERE_S)
    assert there(site) == before
