"""What the rows about containers read from a server, and what they make of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import containers, processes
from benchmarks.container_cold_start import Call, _row
from benchmarks.container_leaks import State, is_as_before
from benchmarks.lockgate_server import LockgateServer
from benchmarks.program import Program


def state(**changed: int) -> State:
    nothing: dict[str, Any] = dict.fromkeys(State.__slots__, 0)
    return State(**nothing | changed)


def fake_server(tmp_path: Path, *lines: dict[str, object]) -> LockgateServer:
    log = tmp_path / "log"
    log.write_text("a banner\n" + "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines))
    return cast(
        LockgateServer, SimpleNamespace(program=SimpleNamespace(log=log), endpoints={"admin": "http://a"})
    )


def test_start_kinds_are_the_executors_own_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        'lockgate_cold_starts_total{function="a",start="slot"} 1.0',
        'lockgate_cold_starts_total{function="a",start="direct"} 0.0',
        'lockgate_cold_starts_total{function="b",start="slot"} 0.0',
        'lockgate_cold_starts_total{function="b",start="direct"} 1.0',
        'lockgate_cold_starts_total{function="never",start="slot"} 0.0',
    ]
    monkeypatch.setattr(containers, "get", lambda url: (200, "\n".join(lines).encode()))
    assert containers.starts_by_kind(fake_server(tmp_path)) == {"a": "slot", "b": "direct"}


def test_ledger_is_read_from_the_access_log(tmp_path: Path) -> None:
    record: dict[str, object] = {"path": "/a", "queue_us": 1, "start_us": 2000, "init_us": 3000}
    server = fake_server(tmp_path, {"event": "ready"}, record)
    assert containers.access_records(server) == {"/a": record}


def test_row_tells_hits_and_both_clocks() -> None:
    calls = [
        Call(whole=4.0, start="slot", start_ms=1.0, init_ms=2.0),
        Call(whole=200.0, start="direct", start_ms=150.0, init_ms=40.0),
    ]
    assert _row("n", calls) == ("n", "2", "50%", "200.0", "200.0", "200.0", "150.0 / 150.0", "40.0 / 40.0")
    assert _row("n", [])[2:6] == ("-", "-", "-", "-")


@pytest.mark.parametrize("what", ["containers", "processes", "shims", "networks", "mounts", "loops", "dead"])
def test_anything_left_is_a_leak(what: str) -> None:
    assert not is_as_before(state(**{what: 1}), state())


def test_memory_and_what_is_pooled_is_no_leak() -> None:
    assert is_as_before(state(rss_mb=9, files=9, veths=9), state(mounts=1))


def test_family_of_a_program_has_processes_of_its_users(tmp_path: Path) -> None:
    """A container's processes are children of the engine, not of the server."""
    sleeper = [sys.executable, "-c", "input()"]
    with subprocess.Popen(sleeper, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as other:
        mine = range(os.getuid(), os.getuid() + 1)
        with Program(
            "p", [sys.executable, "-c", "import time; time.sleep(60)"], folder=tmp_path, uids=mine
        ) as one:
            assert other.pid in one.family()
            assert one.servers() == [one.pid, *processes.children(one.pid)]
        with Program("q", [sys.executable, "-c", "import time; time.sleep(60)"], folder=tmp_path) as two:
            assert other.pid not in two.family()
            assert two.servers() == [two.pid]
        other.kill()
