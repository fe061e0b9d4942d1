"""Two servers with states of their own on one machine: neither ever touches what is the other's."""

import sys
from pathlib import Path

import pytest

from tests.support.leftovers import Watch, new_uid_base
from tests.support.observed import wait_until
from tests.support.plain_http import call
from tests.support.server import RunningServer

CONFIG = Path(__file__).parent / "bad_functions" / "lifecycle.yaml"

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def started(state: Path, uid_base: int) -> tuple[RunningServer, Watch]:
    server = RunningServer(CONFIG, state, extra=("--uid-base", str(uid_base))).start()
    return server, Watch(server, uid_base)


def environment(server: RunningServer) -> str:
    reply = call(server.gateway_address, "/good")
    assert reply.status == 200
    return str(reply.json()["environment"])


@pytest.mark.parametrize("own_uids", [True, False], ids=["own-uids", "same-uids"])
def test_killed_and_restarted_server_spares_the_others_environments(tmp_path: Path, own_uids: bool) -> None:
    """With the same user ids (two servers with default settings), only mark and state tell them apart."""
    first_base = new_uid_base()
    second_base = new_uid_base() if own_uids else first_base
    first, first_watch = started(tmp_path / "first", first_base)
    second, second_watch = started(tmp_path / "second", second_base)
    try:
        assert first_watch.instance != second_watch.instance
        killed, kept = environment(first), environment(second)
        environments = marked(second_watch)

        first.kill()
        wait_until(lambda: not marked(first_watch), "the end of the first one's processes", 2)
        assert environment(second) == kept
        first, first_watch = started(tmp_path / "first", first_base)

        assert environment(first) not in (killed, kept)
        assert environment(second) == kept
        assert marked(second_watch) >= environments
        assert first.stop() == 0
        assert environment(second) == kept
        assert marked(second_watch) >= environments
        assert second.stop() == 0
    finally:
        for server in (first, second):
            if server.process is not None and server.process.poll() is None:
                server.kill()
    first_watch.expect_nothing()
    second_watch.expect_nothing()


def marked(watch: Watch) -> set[int]:
    """Its processes, told by mark alone: user ids may be another server's, too."""
    return set(watch.marked_processes())
