"""A reload is told once: as an event for machines, as a line for a person, as an answer for the command."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from lockgate.changes import Changes, Differences
from lockgate.config.loader import load_bytes
from lockgate.console import Console
from lockgate.metrics import ReloadMetrics
from lockgate.reload import Outcome, Refused, Reloaded
from lockgate.reload_report import ReloadReport, reload_action

WRONG = load_bytes(b"version: 1\ncolour: red\n", Path("/somewhere/routes.yaml"), {})
REFUSED = Refused(reason="colour", problems=WRONG.problems, source_lines=WRONG.source_lines)


def reloaded(*added: str, needs_restart: tuple[str, ...] = (), **more: Any) -> Reloaded:
    changes = Changes(
        routes=Differences(added=added),
        functions=Differences(),
        rebuilt=(),
        sections=(),
        kept_environments=0,
        needs_restart=needs_restart,
    )
    return Reloaded(generation=7, changes=changes, took_s=0.0841, **more)


class Told:
    """A report to a developer's terminal."""

    def __init__(self) -> None:
        self.is_superseded = False
        self.registry = CollectorRegistry()
        self._printed = io.StringIO()
        self.report = ReloadReport(
            Console(self._printed, dev=True),
            ReloadMetrics(self.registry),
            dev=True,
            superseded=lambda: self.is_superseded,
        )

    def lines(self, outcome: Outcome) -> list[str]:
        before = len(self._printed.getvalue())
        self.report.tell(outcome)
        return self._printed.getvalue()[before:].splitlines()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def test_developer_gets_one_line() -> None:
    told = Told()
    assert told.lines(reloaded("GET /a")) == ["Reloaded in 84 ms: 1 route added."]
    assert told.value("lockgate_reloads_total", outcome="applied") == 1
    assert told.value("lockgate_generation") == 7


def test_developer_gets_none_for_a_save_that_changed_nothing() -> None:
    assert Told().lines(reloaded()) == []


def test_mistake_is_shown_as_check_shows_it() -> None:
    told = Told()
    lines = told.lines(REFUSED)
    assert lines[0].startswith("/somewhere/routes.yaml:2:1: error[unknown-key]")
    assert lines[-1] == "Not reloaded: what was served before goes on."
    assert told.value("lockgate_reloads_total", outcome="refused") == 1


def test_mistake_of_a_save_that_another_followed_is_not_shown() -> None:
    """An editor that truncates a file and then writes it is two saves; the first is no mistake of anybody."""
    told = Told()
    told.is_superseded = True
    assert told.lines(REFUSED) == []


def test_what_needs_a_restart_is_said_once() -> None:
    told = Told()
    sentence = "region keeps its value until a restart."
    assert told.lines(reloaded("GET /a", needs_restart=("region",)))[1:] == [sentence]
    assert told.lines(reloaded("GET /b", needs_restart=("region",)))[1:] == []
    assert told.lines(reloaded("GET /c"))[1:] == []
    assert told.lines(reloaded("GET /d", needs_restart=("region",)))[1:] == [sentence]


def test_machine_gets_an_event_with_every_reload(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        with Console(stream, dev=False) as console:
            report = ReloadReport(
                console, ReloadMetrics(CollectorRegistry()), dev=False, superseded=lambda: True
            )
            report.tell(reloaded())
            report.tell(REFUSED)
        stream.seek(0)
        applied, refused = (json.loads(line) for line in stream)
    assert (applied["event"], applied["generation"], applied["took_ms"]) == ("reloaded", 7, 84)
    assert applied["routes"] == {"added": 0, "changed": 0, "removed": 0}
    assert (refused["event"], refused["level"], refused["reason"]) == ("reload_refused", "warning", "colour")


@pytest.mark.parametrize(
    ("asked", "painted"), [({}, False), ({"colour": True}, True), ({"colour": 1}, False)]
)
async def test_action_answers_with_the_words_of_check(asked: dict[str, Any], painted: bool) -> None:
    class Refusing:
        async def reload(self) -> Outcome:
            return REFUSED

    answer = await reload_action(Refusing())(asked)  # type: ignore[arg-type]  # all that it uses
    assert (answer.status, answer.value["outcome"], answer.value["message"]) == (409, "refused", "colour")
    text = answer.value["text"]
    assert isinstance(text, str)
    assert ("\x1b[" in text) == painted
    json.dumps(answer.value)


async def test_a_server_that_ends_is_no_mistake_in_the_files() -> None:
    """A deployment script took exit 3 for a wrong file; the server was being restarted."""

    class Ending:
        async def reload(self) -> Outcome:
            return Refused(reason="The server is shutting down.", is_fault=True)

    answer = await reload_action(Ending())({})  # type: ignore[arg-type]  # all that it uses
    assert (answer.status, answer.value["message"]) == (503, "The server is shutting down.")


async def test_action_answers_what_changed_and_warns() -> None:
    class Applying:
        async def reload(self) -> Outcome:
            return reloaded("GET /a", needs_restart=("region",))

    answer = await reload_action(Applying())({})  # type: ignore[arg-type]  # all that it uses
    assert answer.status == 200
    assert answer.value["message"] == "1 route added"
    assert answer.value["needs_restart"] == "region keeps its value until a restart."
    assert (answer.value["generation"], answer.value["took_ms"], answer.value["text"]) == (7, 84, "")
