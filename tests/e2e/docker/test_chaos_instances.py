"""Several servers on one engine, and what a killed one left: each touches only what is its own."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.chaos_shared import new_site, shared_site, told
from tests.support.chaos_site import ChaosSite, chaos_folder, serving
from tests.support.engine import Engine
from tests.support.observed import wait_until
from tests.support.processes import is_alive, parts

THERE_S = 60.0
FUNCTIONS = {"work": {"memory": 128}}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def other(engine: Engine) -> Iterator[ChaosSite]:
    with shared_site(engine, FUNCTIONS) as made:
        yield made


@pytest.fixture
def site(engine: Engine) -> Iterator[ChaosSite]:
    """Not started."""
    with chaos_folder() as folder:
        yield new_site(engine, folder, FUNCTIONS)


def test_a_start_a_killed_one_and_an_end_spare_the_other(other: ChaosSite, site: ChaosSite) -> None:
    """C7: what the killed one left is gone when its next start says `ready`, networks and mounts with it."""
    kept = told(other.call("/work"))["container"]
    with serving(site):
        left = told(site.call("/work"))["container"]
        pids = list(parts(site.server).values())
        site.server.kill()  # its parts end by themselves, and clean nothing
        for pid in pids:
            wait_until(lambda pid=pid: not is_alive(pid), f"the end of process {pid}", THERE_S)
        there = set(site.containers())
        assert left in there or not there
        site.server.start()
        assert not there & site.containers().keys()
        again = told(site.call("/work"))
        assert again["container"] not in (left, kept)
        site.settle()
        assert told(other.call("/work"))["container"] == kept
    site.expect_nothing()
    assert told(other.call("/work"))["container"] == kept
    other.settle()


def test_killed_executor_comes_back_without_what_it_had(other: ChaosSite, site: ChaosSite) -> None:
    """C7: its containers belong to nobody; the next one removes them before calls that waited are run."""
    kept = told(other.call("/work"))["container"]
    with serving(site):
        told(site.call("/work"))
        there = set(site.containers())
        os.kill(site.executor_pid, signal.SIGKILL)
        assert told(site.call("/work"))["container"] not in there
        assert not there & site.containers().keys()
        site.settle()
    site.expect_nothing()
    assert told(other.call("/work"))["container"] == kept
