"""What a running server lets its operator see: access records, function logs, metrics. Waits for what comes late."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from executor.logs.reader import read
from executor.logs.records import LogRecord
from tests.support.plain_http import address_of, call
from tests.support.server import RunningServer

T = TypeVar("T")
WAIT_S = 10.0
_LOOK_EVERY_S = 0.02  # the things waited for live in another process and tell nobody


def wait_until(look: Callable[[], T], what: str, timeout_s: float = WAIT_S) -> T:
    """The first truthy thing that `look` sees. :raises AssertionError: with what it saw last."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s; last seen {seen!r}"
        time.sleep(_LOOK_EVERY_S)
    return seen


def log_lines(server: RunningServer) -> list[dict[str, Any]]:
    """Whole lines of the server's own log; all of them are JSON objects, or this fails."""
    text = server.stderr_path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    return [orjson.loads(line) for line in whole.split(b"\n")[:-1]]


def access_records(server: RunningServer) -> list[dict[str, Any]]:
    return [line for line in log_lines(server) if "requestId" in line]


def access_record(server: RunningServer, request_id: str) -> dict[str, Any]:
    """The one access record of a request."""

    def look() -> list[dict[str, Any]]:
        return [line for line in access_records(server) if line["requestId"] == request_id]

    found = wait_until(look, f"access record of {request_id}")
    assert len(found) == 1
    return found[0]


def events(server: RunningServer, kind: str) -> list[dict[str, Any]]:
    return [line for line in log_lines(server) if line.get("event") == kind]


def function_log(server: RunningServer, function: str) -> list[LogRecord]:
    return list(read(server.state / "logs", function))


def metrics(server: RunningServer) -> dict[str, float]:
    """Series (name with labels) → value."""
    reply = call(address_of(server.endpoints["admin"]), "/metrics")
    assert reply.status == 200
    lines = [line for line in reply.body.decode().splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
