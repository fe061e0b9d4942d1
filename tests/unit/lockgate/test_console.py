import json
import logging
import os

import pytest

from lockgate.console import Console, visible

RECORD = {
    "status": 200, "httpMethod": "GET", "path": "/notes", "latency_us": 1900, "init_us": None, "start_us": None,
    "integrationErrorMessage": None,
}  # fmt: skip


@pytest.fixture
def stderr(tmp_path):
    with (tmp_path / "stderr").open("w+") as file:
        yield file


def written(file):
    file.seek(0)
    return file.read()


def test_serve_writes_json_lines(stderr):
    with Console(stderr, dev=False) as console:
        console.access(RECORD)
        console.event("draining", seconds=3)
        console.warn("careful")
        logging.getLogger("lockgate.executor").warning("environment %d", 7)
    lines = [json.loads(line) for line in written(stderr).splitlines()]
    assert lines[0]["path"] == "/notes"
    assert (lines[1]["event"], lines[1]["seconds"]) == ("draining", 3)
    assert (lines[2]["level"], lines[2]["message"]) == ("warning", "careful")
    assert (lines[3]["event"], lines[3]["message"]) == ("lockgate.executor", "environment 7")


def test_a_logged_exception_brings_its_traceback(stderr):
    with Console(stderr, dev=False):
        try:
            raise ValueError("inner")
        except ValueError:
            logging.getLogger("lockgate.gateway").exception("request failed")
    line = json.loads(written(stderr))
    assert line["level"] == "error"
    assert "ValueError: inner" in line["traceback"]


def test_dev_writes_lines_for_a_person(stderr):
    with Console(stderr, dev=True) as console:
        console.access(RECORD)
        console.access(
            RECORD | {"status": 500, "start_us": 4000, "init_us": 6000, "integrationErrorMessage": "it broke"}
        )
        console.function_line("notes", "hello")
        console.say("building")
    assert written(stderr).splitlines() == [
        "200 GET /notes  1.9 ms",
        "500 GET /notes  1.9 ms  cold start 10.0 ms  it broke",
        "    notes  hello",
        "building",
    ]


def test_what_others_wrote_cannot_drive_the_terminal(stderr):
    with Console(stderr, dev=True) as console:
        console.access(RECORD | {"path": "/\x1b[2J", "integrationErrorMessage": "\x07"})
        console.function_line("notes", "\x1b]0;owned\x07")
        console.event("x", message="\x1b[31m")
    assert "\x1b" not in written(stderr)
    assert "\x07" not in written(stderr)


def test_our_loggers_are_given_back(stderr):
    before = list(logging.getLogger("lockgate").handlers)
    with Console(stderr, dev=True):
        assert logging.getLogger("lockgate").handlers != before
    assert logging.getLogger("lockgate").handlers == before


def test_visible_keeps_text_and_line_ends():
    assert visible("naïve ☃\n") == "naïve ☃\n"
    assert visible("a\x00b") == "a\\x00b"


def test_a_reader_that_went_away_stops_nothing():
    read, write = os.pipe()
    with os.fdopen(write, "w") as file:
        with Console(file, dev=False) as console:
            os.close(read)
            console.access(RECORD)
        assert console.dropped == 1
