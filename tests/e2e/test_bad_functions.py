"""What a misbehaving function does to its caller (the answer), its owner (the log) and its machine (what is left).

One server with a good function beside the bad ones; after each bad call the good one must still answer from the
environment that it had before.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from executor.logs.records import LogRecord
from tests.support.leftovers import Leftovers, Watch, new_uid_base
from tests.support.observed import access_record, function_log, wait_until
from tests.support.plain_http import Reply, call, invoke
from tests.support.server import RunningServer, ServerFailed

CONFIG = Path(__file__).parent / "bad_functions" / "routes.yaml"
INTERNAL = b'{"message":"Internal Server Error"}'
PEAK_MB = 64  # a 7 MB answer and 100 MB of output pass through the server; neither may stay in it

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.xdist_group("bad_functions"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """:param before: what there was when only the good function had run.
    :param environment: the one that the good function has.
    """

    server: RunningServer
    watch: Watch
    before: Leftovers
    environment: str

    def get(self, path: str) -> Reply:
        return call(self.server.gateway_address, path)

    def expect_good(self) -> None:
        reply = self.get("/good")
        assert (reply.status, reply.json()) == (200, {"environment": self.environment, "left": []})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    uid_base = new_uid_base()
    state = tmp_path_factory.mktemp("bad") / "state"
    server = RunningServer(CONFIG, state, extra=("--uid-base", str(uid_base)))
    with server:
        watch = Watch(server, uid_base)
        good = call(server.gateway_address, "/good").json()
        wait_until(lambda: "platform.report" in types(function_log(server, "good")), "the good one's log")
        yield World(server=server, watch=watch, before=watch.look(), environment=good["environment"])
    watch.expect_nothing()


def types(records: list[LogRecord]) -> list[str]:
    return [record.type for record in records]


def finished_log(world: World, function: str, ends: int = 1) -> list[LogRecord]:
    """The log once its last record is there."""

    def look() -> list[LogRecord]:
        records = function_log(world.server, function)
        ended = [record for record in records if record.type in ("platform.report", "platform.initReport")]
        return records if len(ended) >= ends else []

    return wait_until(look, f"the end of {function}'s log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """:param error: ``error.responseType`` of the access record.
    :param detail: a part of its ``integrationErrorMessage``.
    :param log: parts that the log's last platform record must have.
    :param says: a part of some line of the function's.
    """

    name: str
    status: int = 500
    body: bytes = INTERNAL
    error: str | None = "INTEGRATION_FAILURE"
    detail: str = "failed: Unhandled"
    log: tuple[str, ...] = ("Status: error",)
    says: str = ""


TIMED_OUT = ("Status: timeout",)
CASES = (
    Bad(
        name="not_importable",
        log=("INIT_REPORT", "Status: error", "Error Type: Runtime.ImportModuleError"),
        says="No module named 'no_such_module_anywhere'",
    ),
    Bad(
        name="no_handler",
        log=("INIT_REPORT", "Status: error", "Error Type: Runtime.HandlerNotFound"),
        says="Handler 'exit_0' missing on module 'app'",
    ),
    Bad(name="not_json", log=("Status: error", "Error Type: Runtime.MarshalError"), says="Unable to marshal"),
    Bad(name="not_json_bytes", error="MALFORMED_RESPONSE", detail="not JSON", log=("REPORT",)),
    Bad(name="header_injection", error="MALFORMED_RESPONSE", detail="control character", log=("REPORT",)),
    Bad(name="status_999", error="MALFORMED_RESPONSE", detail="'999'", log=("REPORT",)),
    Bad(name="large", log=("Status: error", "Error Type: Function.ResponseSizeTooLarge")),
    Bad(name="exit_0", log=("Status: error", "Error Type: Runtime.ExitError")),
    Bad(name="exit_1", log=("Status: error", "Error Type: Runtime.ExitError")),
    Bad(name="segfault", log=("Status: error", "Error Type: Runtime.ExitError")),
    Bad(name="fork_and_hang", log=TIMED_OUT),
    Bad(name="daemon_and_hang", log=TIMED_OUT),
    Bad(name="ignore_sigterm", log=TIMED_OUT),
    Bad(name="close_channel", log=("Status: error",)),
    Bad(name="close_channel_and_hang", log=TIMED_OUT),
    Bad(name="leave_daemon", status=200, body=b"left", error=None, detail="", log=("REPORT",)),
    Bad(name="print_much", status=200, body=b"printed", error=None, detail="", log=("REPORT",)),
)


@pytest.mark.parametrize("bad", [pytest.param(case, id=case.name) for case in CASES])
def test_bad_function_harms_only_itself(world: World, bad: Bad) -> None:
    can_reset_peak = os.geteuid() == 0
    if can_reset_peak:
        world.watch.forget_peak()
    memory_mb = world.watch.memory_mb()

    reply = world.get(f"/{bad.name}")

    assert (reply.status, reply.body) == (bad.status, bad.body)
    assert "set-cookie" not in reply.headers
    record = access_record(world.server, reply.request_id)
    assert (record["status"], record["error.responseType"]) == (bad.status, bad.error)
    assert bad.detail in (record["integrationErrorMessage"] or "")
    records = finished_log(world, bad.name)
    last = [record for record in records if record.is_platform][-1]
    assert all(part in last.text for part in bad.log), last.text
    said = [record.text for record in records if not record.is_platform]
    assert any(bad.says in text for text in said) or not bad.says, said
    world.watch.settle(world.before)
    peak_mb = world.watch.peak_memory_mb() if can_reset_peak else world.watch.memory_mb()
    assert peak_mb - memory_mb < PEAK_MB
    world.expect_good()


def test_memory_eater_is_killed_by_the_kernel(world: World) -> None:
    reply = world.get("/eat_memory")

    assert (reply.status, reply.body) == (500, INTERNAL)
    last = finished_log(world, "eat_memory")[-1]
    assert "Status: error" in last.text
    if world.before.cgroups:
        assert "Error Type: Runtime.OutOfMemory" in last.text
    world.watch.settle(world.before)
    world.expect_good()


def test_tmp_is_full_at_its_size_and_gone_with_its_environment(world: World) -> None:
    """``storage`` is 512 MB by default; ENOSPC is what the function sees, as on a disk of that size."""
    reply = world.get("/fill_tmp")

    assert (reply.status, reply.json()) == (200, {"errno": 28, "written_mb": 512})
    assert "REPORT" in finished_log(world, "fill_tmp")[-1].text
    assert not Path("/tmp/left-full").exists()
    world.watch.settle(world.before)
    world.expect_good()


def test_dropped_lines_are_counted(world: World) -> None:
    """100 MB against a cap of 4 MiB and 1 MiB a second: what is kept and what is said to be lost is everything."""
    known = len(function_log(world.server, "print_much"))
    ends = types(function_log(world.server, "print_much")).count("platform.report")

    assert world.get("/print_much").body == b"printed"

    records = finished_log(world, "print_much", ends + 1)[known:]
    kept = [record for record in records if not record.is_platform]
    lost = [record.text.split() for record in records if record.type == "platform.logsDropped"]
    assert len(kept) + sum(int(words[2]) for words in lost) == 100_000
    assert 4096 <= len(kept) < 20_000
    assert all(record.text == "x" * 1023 for record in kept)
    world.watch.settle(world.before)


def test_response_under_another_calls_id_reaches_nobody(world: World) -> None:
    """A function learns the request id of a call that is running elsewhere and answers it on its own channel."""
    replies: list[Reply] = []
    victim = threading.Thread(target=lambda: replies.append(world.get("/slow")), name="victim")
    known = len(function_log(world.server, "slow"))
    victim.start()
    try:
        started = wait_until(
            lambda: [r for r in function_log(world.server, "slow")[known:] if r.text == "started"],
            "the victim's start",
        )
        forged = world.get(f"/forge_response?id={started[0].request_id}")
    finally:
        victim.join(15)

    assert (forged.status, forged.json()) == (200, [400, 400])
    assert (replies[0].status, replies[0].json()) == (200, {"id": started[0].request_id})
    world.watch.settle(world.before)
    world.expect_good()


def test_forged_platform_lines_stay_the_functions_own(world: World) -> None:
    reply = world.get("/forge_lines")
    assert reply.body == b"forged"
    finished_log(world, "forge_lines")

    shown = subprocess.run(
        [sys.executable, "-m", "lockgate.cli", "logs", "forge_lines", "--json", "--state", world.server.state],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip

    assert b"\x1b" not in shown.stdout
    records = [orjson.loads(line) for line in shown.stdout.splitlines()]
    of_platform = [record["type"] for record in records if record["type"] != "function"]
    assert of_platform == ["platform.initStart", "platform.start", "platform.end", "platform.report"]
    forged = [record["record"] for record in records if record["type"] == "function"]
    assert [text.split()[0] for text in forged[:3]] == ["START", "END", "REPORT"]
    assert forged[3].startswith('{"time":"2026-01-01')
    assert len(forged) == 5
    world.watch.settle(world.before)


def test_unknown_function_is_not_found(world: World) -> None:
    reply = invoke(world.server.endpoints, "no-such-function")

    assert reply.status == 404
    assert reply.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert not (world.server.state / "logs" / "no-such-function").exists()
    assert world.watch.look().beyond(world.before) == {}


def test_route_to_an_unknown_function_ends_the_start(tmp_path: Path) -> None:
    config = tmp_path / "routes.yaml"
    config.write_text("version: 1\nroutes:\n  GET /: {public: true, function: nobody}\n")
    server = RunningServer(config, tmp_path / "state")

    with pytest.raises(ServerFailed, match="exit 3"):
        server.start()

    assert f"{config}:3:" in server.stderr()
    assert "nobody" in server.stderr()
    assert not server.state.exists()
