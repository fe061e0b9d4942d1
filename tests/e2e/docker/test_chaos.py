"""Containers are killed and the engine is restarted, stalls and goes, under a server that has calls to answer.

`LOCKGATE_CHAOS_CALLS=2000` makes the long run; the engine is restarted once for each 1,000 calls, at least once.
"""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.support.chaos_engine import ChaosEngine, chaos_engine
from tests.support.chaos_load import CODE, FUNCTION, ChaosLoad, Killer, Outcome
from tests.support.chaos_site import WHERE, ChaosSite, chaos_folder, serving
from tests.support.engine import Engine
from tests.support.observed import access_records, function_log, log_lines, metrics, wait_until

CALLS = int(os.environ.get("LOCKGATE_CHAOS_CALLS", "400"))
RESTARTS = max(1, CALLS // 1000)
RUN_S = 300.0
BACK_S = 60.0  # for a loaded machine; alone it takes one or two
WORDS = ("signal: killed", "without providing a reason")

WHERE_HANDLER = f"{WHERE}\ndef handler(event, context):\n    return CONTAINER\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(max(300, CALLS)),
    pytest.mark.xdist_group("chaos"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine"),
    pytest.mark.skipif(shutil.which("dockerd") is None, reason="dockerd is not installed"),
]


@pytest.fixture(scope="module")
def own(engine: Engine) -> Iterator[ChaosEngine]:
    with chaos_engine(engine.address, engine.tag("python3.11")) as made:
        yield made


@contextmanager
def site_on(own: ChaosEngine, image: str, **limits: int) -> Iterator[ChaosSite]:
    """A server with two functions: one gives ids back, one says in which container it is."""
    with chaos_folder() as folder:
        for name, code in {FUNCTION: CODE, "where": WHERE_HANDLER}.items():
            (folder / name).mkdir()
            (folder / name / "app.py").write_text(code)
        functions = {
            name: {"code": name, "handler": "app.handler", "timeout": "20s"} for name in (FUNCTION, "where")
        }
        made = ChaosSite(own, image, folder, functions=functions, server={"limits": limits})
        with serving(made):
            yield made
        made.expect_nothing()


@pytest.fixture
def site(own: ChaosEngine, engine: Engine) -> Iterator[ChaosSite]:
    with site_on(own, engine.tag("python3.11")) as made:
        yield made


@pytest.fixture
def slotless(own: ChaosEngine, engine: Engine) -> Iterator[ChaosSite]:
    """Every start needs the engine."""
    with site_on(own, engine.tag("python3.11"), slots=0) as made:
        yield made


def echo(site: ChaosSite) -> int:
    """The status of one call."""
    body = b'{"id": 0, "sleep": 0}'
    headers = {"content-type": "application/json"}
    return site.call(f"/{FUNCTION}", method="POST", body=body, headers=headers).status


def test_calls_fail_only_with_the_container_that_runs_them(site: ChaosSite, own: ChaosEngine) -> None:
    """Busy, idle and starting containers are killed, and the engine is restarted, which ends all of them.

    Each failed call was delivered to a container that was killed, no two to one; all others are answered, each
    with its own id; and afterwards there is one of everything for each container that is left.
    """
    assert echo(site) == 200
    before = site.settle()
    load = ChaosLoad(site)
    restarts = len(own.moments)
    with Killer(site, seed=len(before.containers)) as killer:
        running = threading.Thread(target=load.run, args=(CALLS,))
        running.start()
        for number in range(1, 1 + RESTARTS):
            share = CALLS * number // (1 + RESTARTS)
            wait_until(lambda share=share: len(load.outcomes) >= share, f"{share} calls", RUN_S)
            own.restart(signal.SIGTERM)
        running.join(RUN_S)
    assert sorted(each.id for each in load.outcomes) == list(range(CALLS))
    assert [each for each in load.outcomes if not each.problem and each.told["id"] != each.id] == []

    held = held_by(site, load.failures)
    killed = {kill.container: kill.done for kill in killer.kills}
    late = []
    for failure, container in zip(load.failures, held, strict=True):
        assert container, f"{failure} was delivered to nobody; {warnings(site)}"
        assert failure.status == 500 or any(word in failure.problem for word in WORDS), failure
        ended = [killed[container]] if container in killed else [back for _, back in own.moments[restarts:]]
        late.append(min((failure.answered - each for each in ended), key=abs))
    assert len(set(held)) == len(held), "one container failed two calls"
    assert max(late, default=0.0) < BACK_S / 2
    after = site.settle()
    print(  # the figures of the long run
        f"{CALLS} calls, {len(killer.kills)} kills, {RESTARTS} restarts, {len(load.failures)} failed, "
        f"the latest {max(late, default=0.0):.2f} s after its kill; {after.counts()}"
    )


def warnings(site: ChaosSite) -> str:
    lines = [line for line in log_lines(site.server) if line.get("level") in ("warning", "error")]
    return "\n".join(str(line.get("message")) for line in lines[-20:])


def held_by(site: ChaosSite, failures: list[Outcome]) -> list[str]:
    """The container that each of them was delivered to; "" where there was none."""
    integration = {each["requestId"]: each["integrationRequestId"] for each in access_records(site.server)}
    wanted = {integration.get(each.request_id, each.request_id) for each in failures}

    streams: dict[str, str] = {}
    places: dict[str, str] = {}

    def have_begun() -> bool:
        for each in function_log(site.server, FUNCTION):
            if each.type == "platform.start":
                streams[each.request_id or ""] = each.env
            elif each.text.startswith("CONTAINER "):
                places[each.env] = each.text.split()[1]
        return wanted <= streams.keys()

    with suppress(AssertionError):  # the caller says which of them was delivered to nobody
        wait_until(have_begun, "the log of the calls that failed")
    return [
        places.get(streams.get(integration.get(each.request_id, each.request_id), ""), "")
        for each in failures
    ]


@pytest.mark.parametrize("trouble", ["gone", "stalled"])
def test_warm_calls_go_on_and_starts_wait_while_the_engine_is_away(
    slotless: ChaosSite, own: ChaosEngine, trouble: str
) -> None:
    """Killed, its containers run on until it is started again. Nothing else is restarted, nobody sent elsewhere."""
    site = slotless
    warm = site.call("/where")
    assert warm.status == 200
    assert site.admin("/health").json() == {"status": "ok"}
    cold: list[int] = []
    caller = threading.Thread(target=lambda: cold.append(echo(site)))
    if trouble == "gone":
        own.end(signal.SIGKILL)
    else:
        os.kill(own.pid, signal.SIGSTOP)
    try:
        caller.start()
        wait_until(lambda: site.admin("/health").json()["status"] == "degraded", "its trouble", BACK_S)
        assert "The engine does not answer" in site.admin("/health").json()["troubles"][0]
        assert site.admin("/ready").status == 200
        assert metrics(site.server)["lockgate_engine_up"] == 0
        assert site.call("/where").body == warm.body
    finally:
        if trouble == "gone":
            own.start()
        else:
            os.kill(own.pid, signal.SIGCONT)
    caller.join(BACK_S)
    assert cold in ([200], [500], [503])  # in time, or in words
    assert wait_until(lambda: echo(site) == 200, "starts again", BACK_S)
    wait_until(lambda: site.admin("/health").json() == {"status": "ok"}, "an end of the trouble", BACK_S)
    site.settle()
