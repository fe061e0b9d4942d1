"""What a misbehaving function in a container does to its caller, its owner's log, its machine and its neighbours.

One server of several processes with a good function beside the bad ones; after each bad call nothing may be left that
belongs to no container, and the good one must answer from the environment that it had before.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from executor.logs.records import LogRecord
from tests.support.bad_containers import ContainerWatch, image_of
from tests.support.engine import Engine
from tests.support.leftovers import new_uid_base
from tests.support.observed import access_record, function_log, log_lines, metrics, wait_until
from tests.support.plain_http import Reply, call, invoke
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

HERE = Path(__file__).parent / "bad_functions"
INTERNAL = b'{"message":"Internal Server Error"}'
GROWTH_MB = 48  # of any process of the server, whatever a function prints
LONG_S = 90.0  # an engine that has much else to do takes seconds for a container

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

CODE = (
    "good", "fork_bomb", "eat_memory", "fill_tmp", "print_much", "one_line", "binary", "ignore_signals", "hang",
    "leave_daemon", "close_channel", "slow", "forge_answer", "forge_lines",
)  # fmt: skip
IMAGES = (
    "never_next",
    "exits",
    "next_twice",
    "next_beside_next",
    "foreign_id",
    "foreign_host",
    "answers_twice",
)
OPTIONS: dict[str, dict[str, Any]] = {
    "good": {"idle_timeout": "1h"},
    # Four times what its 1024 processes used on a fast machine: their number is the limit that acts, never this.
    "fork_bomb": {"timeout": "3s", "memory": 1536},
    "eat_memory": {"memory": 128},
    "fill_tmp": {"memory": 128},
    "print_much": {"timeout": "5m", "volumes": {"SHARED": "shared"}},
    "slow": {"volumes": {"SHARED": "shared"}},
    "ignore_signals": {"timeout": "1s", "volumes": {"SHARED": "shared"}},
    "hang": {"timeout": "3s", "volumes": {"SHARED": "shared"}},
    "never_next": {"timeout": "1s"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """:param environment: the one that the good function has.
    :param vanishing: the image of a function that nobody has called.
    :param silent: the answer for the function that never asks for work: it takes its time.
    """

    server: RunningServer
    watch: ContainerWatch
    shared: Path
    vanishing: str
    environment: str
    silent: Future[Reply]

    def get(self, path: str) -> Reply:
        return call(self.server.gateway_address, path, timeout_s=LONG_S)

    def invoke(self, function: str, **event: Any) -> Reply:
        return invoke(self.server.endpoints, function, orjson.dumps(event), timeout_s=LONG_S)

    def expect_good(self) -> None:
        reply = self.get("/good")
        assert (reply.status, reply.json()) == (200, {"environment": self.environment, "tmp": []})

    def expect_nothing_left(self, *gone: str) -> None:
        """:param gone: functions whose environments must not be used again."""
        self.watch.settle(*gone)
        self.expect_good()

    def log_bytes(self, function: str) -> int:
        """On the disk."""
        folder = self.server.state / "logs" / function
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    def finished_log(self, function: str, ends: int = 1) -> list[LogRecord]:
        """The log once as many calls as that have their last record."""

        def look() -> list[LogRecord]:
            records = function_log(self.server, function)
            ended = [record for record in records if record.type in ENDS]
            return records if len(ended) >= ends else []

        return wait_until(look, f"the end of {function}'s log", 30)


ENDS = ("platform.report", "platform.initReport")


@pytest.fixture(scope="module")
def world(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "shared").mkdir()
    tag = f"lockgate-test/bad:{secrets.token_hex(4)}"
    other = f"lockgate-test/bad-vanishing:{secrets.token_hex(4)}"
    base, words = engine.images["python3.11"], ["/usr/bin/python3", "/srv/client.py"]
    with (
        image_of(engine, base, tag, HERE / "image", Entrypoint=words, WorkingDir="/srv"),
        image_of(engine, base, other, HERE / "image", Entrypoint=words, Labels={"other": other}),
        ThreadPoolExecutor(4) as pool,
    ):
        uid_base = new_uid_base()
        server = RunningServer(
            declare(folder, tag, other),
            folder / "state",
            extra=("--driver", "docker", "--uid-base", str(uid_base)),
            env={"DOCKER_HOST": engine.address},
        )
        client = engine.client()
        with server:
            watch = ContainerWatch(server, client, uid_base)
            silent = pool.submit(call, server.gateway_address, "/never_next", timeout_s=LONG_S)
            good = call(server.gateway_address, "/good", timeout_s=LONG_S).json()
            yield World(
                server=server,
                watch=watch,
                shared=folder / "shared",
                vanishing=other,
                environment=good["environment"],
                silent=silent,
            )
            assert server.stop() == 0
        watch.expect_nothing()
        client.close()


def declare(folder: Path, tag: str, other: str) -> Path:
    code = {"code": str(HERE / "code"), "memory": 128, "idle_timeout": "5m"}
    image = {"image": tag, "memory": 128, "idle_timeout": "5m"}
    functions = {name: code | {"handler": f"app.{name}"} | OPTIONS.get(name, {}) for name in CODE}
    functions |= {name: image | {"command": [name]} | OPTIONS.get(name, {}) for name in IMAGES}
    functions["vanished"] = image | {"image": other}
    functions["joined"] = code | {"handler": "app.good", "network": {"join": ["no-such-network"]}}
    functions["sandboxed"] = code | {"handler": "app.good", "sandbox": "no-such-runtime"}
    functions["no_entrypoint"] = image | {"entry_point": ["/no/such/program"]}
    functions["no_rights"] = image | {"entry_point": ["/etc/hostname"]}
    return write_routes(
        folder,
        functions=functions,
        server={"pull": "never", "limits": {"slots": 1}},
        defaults={"runtime": "python3.11", "timeout": "20s"},
    )


def types(records: list[LogRecord]) -> list[str]:
    return [record.type for record in records]


def said(records: list[LogRecord]) -> list[str]:
    return [record.text for record in records if not record.is_platform]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """:param error: ``errorType`` of what Invoke answers; None: it answers `value`.
    :param ended: parts that some record of the platform must have. :param says: a part of some line of its own.
    """

    name: str
    error: str | None = None
    value: Any = None
    ended: tuple[str, ...] = ("REPORT",)
    says: str = ""


NO_RUNTIME = ("INIT_REPORT", "Phase: init", "Status: error", "Error Type: Runtime.ExitError")
CASES = (
    Bad(name="exits", error="Runtime.ExitError", ended=NO_RUNTIME, says="ends at once"),
    Bad(
        name="no_entrypoint", error="Runtime.ExitError", ended=NO_RUNTIME, says="/no/such/program: not found"
    ),
    Bad(name="no_rights", error="Runtime.ExitError", ended=NO_RUNTIME, says="Permission denied"),
    Bad(name="fork_bomb", error="Sandbox.Timedout", ended=("Status: timeout",)),
    Bad(name="close_channel", error="Runtime.ExitError", ended=("Status: error",)),
    Bad(
        name="eat_memory",
        error="Runtime.OutOfMemory",
        ended=("Status: error", "Error Type: Runtime.OutOfMemory", "Max Memory Used: 128 MB"),
    ),
    Bad(name="leave_daemon", value="left"),
    Bad(name="next_twice", value=[[403, "InvalidStateTransition"]] * 2),
    Bad(name="next_beside_next", value={"second": 403, "error": "InvalidStateTransition"}),
    Bad(name="foreign_host", value=[403] * 4),
)


@pytest.mark.parametrize("bad", [pytest.param(case, id=case.name) for case in CASES])
def test_bad_function_harms_only_itself(world: World, bad: Bad) -> None:
    """C5, C7: by the gateway and by Lambda's own API, at the same time."""
    with ThreadPoolExecutor(1) as pool:
        invocation = pool.submit(world.invoke, bad.name)
        reply = world.get(f"/{bad.name}")
        invoked = invocation.result(LONG_S)

    record = access_record(world.server, reply.request_id)
    assert invoked.status == 200
    if bad.error is None:
        assert (reply.status, invoked.status) == (200, 200)
        text = bad.value if isinstance(bad.value, str) else orjson.dumps(bad.value).decode()
        assert (reply.body.decode(), invoked.json()) == (text, bad.value)
    else:
        assert (reply.status, reply.body) == (500, INTERNAL)
        assert (record["status"], record["error.responseType"]) == (500, "INTEGRATION_FAILURE")
        assert invoked.headers["x-amz-function-error"] == "Unhandled"
        assert invoked.json()["errorType"] == bad.error
    records = world.finished_log(bad.name, 2)
    of_platform = [record.text for record in records if record.is_platform]
    assert [text for text in of_platform if all(part in text for part in bad.ended)], of_platform
    assert any(bad.says in text for text in said(records)) or not bad.says
    world.expect_nothing_left(*([bad.name] if bad.error else []))


def test_container_that_never_asks_for_work_is_ended(world: World) -> None:
    """Ten seconds for its start, as on Lambda; once more under the function's own timeout; then the caller is told."""
    reply = world.silent.result(LONG_S)

    assert (reply.status, reply.body) == (500, INTERNAL)
    records = world.finished_log("never_next", 2)
    ends = [record.text for record in records if record.type == "platform.initReport"]
    assert ["Phase: init" in ends[0], "Phase: invoke" in ends[1]] == [True, True]
    assert all("Status: timeout" in text for text in ends)
    assert set(said(records)) == {"asks for nothing"}  # the second has one second for all that it does
    world.expect_nothing_left("never_next")


def test_second_answer_is_refused_and_reaches_nobody(world: World) -> None:
    """C5: what became of it is told with the next call."""
    first, second = world.invoke("answers_twice"), world.invoke("answers_twice")

    assert first.json() == "first"
    assert second.json() == [403, "InvalidStateTransition"]
    world.expect_nothing_left()


def test_answer_under_another_calls_id_reaches_nobody(world: World) -> None:
    """C5, C6: two kinds of channels, and a call that is running elsewhere meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        victim = pool.submit(world.invoke, "slow", until="forged")
        try:
            text = wait_until(lambda: said(function_log(world.server, "slow")), "the victim's start", LONG_S)[
                -1
            ]
            identity = text.removeprefix("working on ")
            forged = world.invoke("forge_answer", other=identity)
            foreign = world.invoke("foreign_id", other=identity)
        finally:
            (world.shared / "forged").touch()
        answer = victim.result(LONG_S)

    assert forged.json() == [400, 400]
    assert foreign.json() == [400, 400, 400, 400]
    assert answer.json() == {"id": identity}
    world.expect_nothing_left()


def test_function_that_cannot_be_stopped_is_gone_within_two_seconds(world: World) -> None:
    """C7: timeout 1 s; deaf to signals, forked, without channel and streams. It has ended before another function
    whose timeout of 3 s began after it.
    """
    for name in ("ignore_signals", "hang"):
        assert world.invoke(name, warm=True).json() == "warm"
    starts = types(function_log(world.server, "ignore_signals")).count("platform.start")
    with ThreadPoolExecutor(2) as pool:
        stubborn = pool.submit(world.invoke, "ignore_signals")
        wait_until(
            lambda: types(function_log(world.server, "ignore_signals")).count("platform.start") > starts,
            "start",
        )
        witness = pool.submit(world.invoke, "hang")
        replies = [stubborn.result(LONG_S), witness.result(LONG_S)]

    assert [reply.json()["errorType"] for reply in replies] == ["Sandbox.Timedout"] * 2
    world.expect_nothing_left("ignore_signals", "hang")
    [ended], [after] = (world.watch.events("die", name) for name in ("ignore_signals", "hang"))
    assert ended["timeNano"] < after["timeNano"]


def test_full_tmp_is_an_error_of_the_function_and_it_goes_on(world: World) -> None:
    """C1: ``storage`` is 512 MB by default, and disk: the function has 128 MB of memory."""
    for _ in range(2):
        answer = world.invoke("fill_tmp").json()
        assert (answer["errno"], answer["files"]) == (28, ["after"])
        assert 512 <= answer["written_mb"] < 530
    world.expect_nothing_left()


def test_gigabyte_of_output_stalls_nobody_and_fills_nothing(world: World) -> None:
    """L5: lines over the cap are dropped and counted; others are served meanwhile; no part of the server grows."""
    world.watch.forget_peaks()
    before = world.watch.memory_peaks_mb()
    with ThreadPoolExecutor(1) as pool:
        hog = pool.submit(call, world.server.gateway_address, "/print_much", timeout_s=300)
        try:
            wait_until(lambda: world.log_bytes("print_much") > 1 << 20, "its first lines", LONG_S)
            for _ in range(20):
                world.expect_good()
            assert not hog.done()
        finally:
            (world.shared / "stop").touch()
        lines = hog.result(LONG_S).json()

    assert lines >= 1 << 20
    records = world.finished_log("print_much")
    kept = said(records)
    lost = [record.text.split() for record in records if record.type == "platform.logsDropped"]
    assert len(kept) + sum(int(words[2]) for words in lost) == lines
    assert 4096 <= len(kept) < lines // 4
    assert world.log_bytes("print_much") < lines * 1024 // 4
    assert all(text == "x" * 1023 for text in kept)
    grown = {name: peak - before[name] for name, peak in world.watch.memory_peaks_mb().items()}
    assert max(grown.values()) < GROWTH_MB, grown
    world.expect_nothing_left()


def test_line_without_an_end_is_cut_into_records(world: World) -> None:
    world.watch.forget_peaks()
    before = world.watch.memory_peaks_mb()
    assert world.get("/one_line").body == b"printed"

    records = world.finished_log("one_line")
    lost = [record.text.split() for record in records if record.type == "platform.logsDropped"]
    kept = said(records)
    lost_lines = sum(int(words[2]) for words in lost)  # each with an end that it never had
    assert sum(map(len, kept)) + sum(int(words[4]) for words in lost) - lost_lines == 64 << 20
    assert max(map(len, kept)) <= 256 << 10  # as on Lambda
    grown = {name: peak - before[name] for name, peak in world.watch.memory_peaks_mb().items()}
    assert max(grown.values()) < GROWTH_MB, grown
    world.expect_nothing_left()


def test_bytes_that_are_no_text_stay_in_their_record(world: World) -> None:
    """L1: what no terminal may get is escaped; nothing of it becomes a line of somebody else's."""
    assert world.get("/binary").body == b"printed"

    texts = said(world.finished_log("binary"))
    assert (texts[0], texts[-1]) == ("before", "after")
    shown = lockgate("logs", "binary", "--state", world.server.state).stdout
    assert not set(shown) & (set(range(32)) - set(b"\n\t"))
    assert shown.decode().splitlines()
    raw = lockgate("logs", "binary", "--json", "--state", world.server.state).stdout
    records = [orjson.loads(line) for line in raw.splitlines()]
    assert [each["record"] for each in records if each["type"] == "function"] == texts
    world.expect_nothing_left()


def test_forged_platform_lines_stay_the_functions_own(world: World) -> None:
    """L5: printed, and written past the runtime; what goes to the first process of the container goes nowhere."""
    assert world.get("/forge_lines").body == b"forged"
    world.finished_log("forge_lines")

    shown = lockgate("logs", "forge_lines", "--json", "--state", world.server.state).stdout
    records = [orjson.loads(line) for line in shown.splitlines()]
    of_platform = [record["type"] for record in records if record["type"] != "function"]
    assert of_platform == ["platform.initStart", "platform.start", "platform.end", "platform.report"]
    forged = [record["record"] for record in records if record["type"] == "function"]
    assert [text.split(" ")[0] for text in forged] == ["START", "END", "REPORT", *forged[3:5], "REPORT"]
    assert b"\x1b" not in shown
    world.expect_nothing_left()


def test_image_that_vanished_while_serving_is_said(world: World, engine: Engine) -> None:
    client = engine.client()
    client.images.remove(world.vanishing, force=True)
    client.close()

    reply, invoked = world.get("/vanished"), world.invoke("vanished")

    assert (reply.status, reply.body) == (500, INTERNAL)
    assert invoked.json()["errorType"] == "Runtime.InvalidImage"
    assert "is not on the engine: pull or build it first" in invoked.json()["errorMessage"]
    records = world.finished_log("vanished")
    assert [record.text for record in records if "Error Type: Runtime.InvalidImage" in record.text]
    world.expect_nothing_left()


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        pytest.param(
            "joined", "Runtime.InvalidNetwork", 'no network "no-such-network" on the engine', id="network"
        ),
        pytest.param("sandboxed", "Runtime.InvalidSandbox", 'no runtime "no-such-runtime"', id="sandbox"),
    ],
)
def test_what_the_engine_lacks_is_said_at_the_start_and_to_callers(
    world: World, name: str, error: str, says: str
) -> None:
    warnings = [line["message"] for line in log_lines(world.server) if line.get("level") == "warning"]
    assert [
        text for text in warnings if text.startswith(f"function {name} cannot be started: ") and says in text
    ]
    answer = world.invoke(name).json()
    assert answer["errorType"] == error
    assert says in answer["errorMessage"]
    world.expect_nothing_left(name)


def test_parts_of_the_server_are_all_there_still(world: World) -> None:
    """Nothing of the above has restarted one, and nothing was lost for want of a word in the log."""
    seen = metrics(world.server)
    assert seen['lockgate_part_restarts_total{part="executor"}'] == 0
    assert not [line for line in log_lines(world.server) if "Traceback" in str(line)]
