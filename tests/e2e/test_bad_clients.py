"""What a misbehaving client gets, what the log says, and what is left; a good client beside it notices nothing."""

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import pytest

from tests.support.good_client import GoodClient
from tests.support.leftovers import Leftovers, Watch, new_uid_base
from tests.support.observed import access_records, events, function_log, metrics, wait_until
from tests.support.plain_http import call
from tests.support.raw_client import RawClient, statuses
from tests.support.server import RunningServer

CONFIG = Path(__file__).parent / "bad_functions" / "clients.yaml"
MIB = 1 << 20

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.xdist_group("bad_clients"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """:param before: what there was when each function had run once."""

    server: RunningServer
    watch: Watch
    before: Leftovers

    def client(self, data: bytes = b"") -> RawClient:
        return RawClient(self.server.gateway_address, data)

    def refused(self, reason: str) -> float:
        series = f'lockgate_edge_refused_total{{listener="gateway",reason="{reason}"}}'
        return metrics(self.server)[series]

    def invocations(self, function: str, outcome: str) -> float:
        series = f'lockgate_invocations_total{{function="{function}",outcome="{outcome}"}}'
        return metrics(self.server).get(series, 0.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    uid_base = new_uid_base()
    state = tmp_path_factory.mktemp("clients") / "state"
    server = RunningServer(CONFIG, state, extra=("--uid-base", str(uid_base)))
    with server:
        watch = Watch(server, uid_base)
        for method, path in (("GET", "/good"), ("GET", "/slow"), ("POST", "/length")):
            assert call(server.gateway_address, path, method=method).status == 200
        metrics(server)
        before = wait_until(lambda: settled(watch), "an idle server")
        yield World(server=server, watch=watch, before=before)
    watch.expect_nothing()


def settled(watch: Watch) -> Leftovers | None:
    first, second = watch.look(), watch.look()
    return first if not second.beyond(first) else None


@pytest.fixture(autouse=True)
def good_client(world: World) -> Iterator[None]:
    """Beside every bad one; afterwards nothing is left of either."""
    with GoodClient(world.server.gateway_address):
        yield
    world.watch.settle(world.before)


def smuggled(world: World) -> int:
    """How often the function that only smuggled requests call has run."""
    return sum(record["path"] == "/files/smuggled" for record in access_records(world.server))


SMUGGLED = b"GET /files/smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
REFUSED = (
    pytest.param(b"GET /good HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", id="two-hosts"),
    pytest.param(b"GET /good HTTP/1.1\r\n\r\n", id="no-host"),
    pytest.param(
        b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        id="length-and-chunked",
    ),
    pytest.param(
        b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        id="two-lengths",
    ),
    pytest.param(b"GET /good HTTP/1.1\nhost: x\n\n", id="bare-lf"),
    pytest.param(b"GET /good HTTP/1.1\r\nhost: x\r\na: b\x00c\r\n\r\n", id="nul-in-header"),
    pytest.param(b"GET /go\x00od HTTP/1.1\r\nhost: x\r\n\r\n", id="nul-in-target"),
)


@pytest.mark.parametrize("request_bytes", REFUSED)
def test_malformed_request_is_refused_and_nothing_after_it_runs(world: World, request_bytes: bytes) -> None:
    reasons = ("malformed", "framing", "host", "target_invalid")
    known = sum(world.refused(reason) for reason in reasons)
    known_smuggled = smuggled(world)

    with world.client(request_bytes + SMUGGLED) as client:
        answers = client.rest()

    assert statuses(answers) == [400]
    assert answers.endswith(b'{"message":"Bad Request"}')
    assert sum(world.refused(reason) for reason in reasons) == known + 1
    assert smuggled(world) == known_smuggled


def test_refusal_is_in_the_log(world: World) -> None:
    """There is no access record of it: no application saw it. Again and again, as a flood silences the line."""

    def look() -> list[dict[str, object]]:
        with world.client(b"GET /good HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n") as client:
            assert statuses(client.rest()) == [400]
        return [line for line in events(world.server, "refused") if line["status"] == 400]

    said = wait_until(look, "the log line")
    assert {(line["listener"], line["ip"], line["level"]) for line in said} == {
        ("gateway", "127.0.0.1", "warning")
    }
    assert {line["reason"] for line in said} <= {"framing", "malformed", "host", "target_invalid"}


@pytest.mark.parametrize(
    "target",
    ["/files/%2e%2e/good", "/files/../good", "/files/a%2fb", "/files/a%5cb", "/files/%00", "/files/%zz"],
)
def test_path_with_two_readings_is_refused(world: World, target: str) -> None:
    answers = b""
    with world.client(f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()) as client:
        answers = client.rest()

    assert statuses(answers) == [400]
    assert b"environment" not in answers


def test_endless_header_costs_no_memory(world: World) -> None:
    """149 MB of one header, which a stock server takes whole."""
    if os.geteuid() == 0:
        world.watch.forget_peak()
    memory_mb = world.watch.memory_mb()

    with world.client(b"GET /good HTTP/1.1\r\nhost: x\r\nx-long: ") as client:
        client.send_until_closed(repeat(b"a" * MIB, 149))
        sent = client.sent
        answers = client.rest()

    assert sent < 16 * MIB  # what fits into the sockets' buffers
    assert statuses(answers) in ([431], [])  # a reset may overtake the answer
    assert world.watch.memory_mb() - memory_mb < 16
    if os.geteuid() == 0:
        assert world.watch.peak_memory_mb() - memory_mb < 16


def test_header_over_the_limit_is_told_so(world: World) -> None:
    with world.client(b"GET /good HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 40_000 + b"\r\n\r\n") as client:
        assert statuses(client.rest()) == [431]


def chunked(size: int) -> bytes:
    return b"%x\r\n%b\r\n" % (size, b"b" * size)


def test_body_of_11_mb_is_refused(world: World) -> None:
    known = world.invocations("length", "success")

    head = b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (11 * MIB)
    with world.client(head) as client:
        client.send_until_closed(repeat(b"b" * MIB, 11))
        declared = statuses(client.rest())
    with world.client(b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n") as client:
        client.send_until_closed(repeat(chunked(MIB), 11))
        counted = statuses(client.rest())

    assert declared in ([413], [])  # a reset may overtake the answer to who goes on sending
    assert counted in ([413], [])
    assert world.invocations("length", "success") == known


def test_declared_length_over_the_limit_is_refused_before_the_body(world: World) -> None:
    for limit in (6 * MIB + 1, 11 * MIB):
        head = b"POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % limit
        with world.client(head) as client:
            answers = client.rest()
        assert statuses(answers) == [413]
        assert answers.endswith(b'{"message":"Request Entity Too Large"}')


def slow_records(world: World) -> list[tuple[str, str]]:
    return [(record.type, record.text) for record in function_log(world.server, "slow")]


def told(world: World, status: int) -> int:
    return sum(r["path"] == "/slow" and r["status"] == status for r in access_records(world.server))


def test_client_that_leaves_while_its_function_runs(world: World) -> None:
    """The function goes on, as on AWS; the access log says 499."""
    known, known_499 = len(slow_records(world)), told(world, 499)
    with world.client(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"):
        wait_until(lambda: ("function", "started") in slow_records(world)[known:], "the function's start")

    wait_until(lambda: told(world, 499) == known_499 + 1, "the access record")
    wait_until(lambda: "platform.report" in dict(slow_records(world)[known:]), "the function's end")
    records = slow_records(world)[known:]
    assert ("function", "finished") in records
    assert "Status:" not in records[-1][1]
    assert len([kind for kind, _ in records if kind == "platform.start"]) == 1


def test_client_that_leaves_the_queue_is_never_run(world: World) -> None:
    """The environment takes a second to be ready; its caller does not wait for that."""
    cancelled = world.invocations("slow_init", "cancelled")
    with world.client(b"GET /slow_init HTTP/1.1\r\nhost: x\r\n\r\n"):
        queued = 'lockgate_queued_invocations{function="slow_init"}'
        wait_until(lambda: metrics(world.server)[queued] == 1, "the call in the queue")

    wait_until(lambda: world.invocations("slow_init", "cancelled") == cancelled + 1, "its end")
    left = wait_until(
        lambda: [r for r in access_records(world.server) if r["path"] == "/slow_init"], "the access record"
    )
    assert [record["status"] for record in left] == [499]
    idle = 'lockgate_environments{function="slow_init",state="idle"}'
    wait_until(lambda: metrics(world.server)[idle] == 1, "the environment")
    assert [record.type for record in function_log(world.server, "slow_init")] == ["platform.initStart"]


def test_stalled_clients_are_closed(world: World) -> None:
    """Half a header, no byte at all, and a body of ten bytes a second: each is closed in its time."""
    address = world.server.gateway_address
    halves = [RawClient(address, b"GET /good HTTP/1.1\r\nhost: x\r\nx-slow: ") for _ in range(50)]
    silent = RawClient(address)
    trickle = RawClient(address, b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.1):
            trickle.send_until_closed([b"b"])

    dripping = threading.Thread(target=drip, name="drip")
    dripping.start()
    try:
        assert statuses(trickle.rest()) in ([408], [])
        assert {tuple(statuses(half.rest())) for half in halves} <= {(408,), ()}
        assert statuses(silent.rest()) in ([408], [])
    finally:
        stop.set()
        dripping.join()
        for client in (*halves, silent, trickle):
            client.close()
    assert world.refused("header_timeout") >= 50
    assert world.refused("first_byte_timeout") >= 1
    assert world.refused("body_too_slow") >= 1
