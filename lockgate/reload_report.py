"""How a reload is told: one event for machines, a line for who develops, an answer for `lockgate reload`."""

from collections.abc import Callable, Mapping
from typing import Any

from lockgate.admin_actions import Action, ActionAnswer
from lockgate.changes import Changes
from lockgate.config.problems import as_json, render_text
from lockgate.console import Console, visible
from lockgate.metrics import ReloadMetrics
from lockgate.reload import Outcome, Refused, Reloaded, Reloader

FAULT_STATUS = 503
REFUSED_STATUS = 409  # the state that was asked for and the files do not fit; nothing has changed


class ReloadReport:
    """:param superseded: whether another reload follows at once, so that a person need not see this one's mistake."""

    def __init__(
        self, console: Console, metrics: ReloadMetrics, *, dev: bool, superseded: Callable[[], bool]
    ) -> None:
        self._console = console
        self._metrics = metrics
        self._dev = dev
        self._superseded = superseded
        self._warned: dict[str, str] = {}

    def tell(self, outcome: Outcome) -> None:
        if isinstance(outcome, Reloaded):
            self._metrics.applied(outcome.generation)
            self._tell_reloaded(outcome)
        else:
            self._metrics.refused()
            if not (self._dev and self._superseded()):
                text = f"{words(outcome, colour=self._console.colour)}\nNot reloaded: what was served before goes on."
                self._console.news("reload_refused", text, level="warning", reason=outcome.reason)

    def _tell_reloaded(self, outcome: Reloaded) -> None:
        changes = outcome.changes
        if changes or not self._dev:  # a save that changes nothing is no news
            self._tell_changes(outcome, changes)
        warned = render_text(outcome.warnings, outcome.source_lines, self._console.colour).rstrip("\n")
        for kind, text in (("needs_restart", changes.restart_sentence()), ("check_warnings", warned)):
            if text and self._warned.get(kind) != text:  # once, not with every save
                self._console.news(kind, text, level="warning", message=text)
            self._warned[kind] = text

    def _tell_changes(self, outcome: Reloaded, changes: Changes) -> None:
        self._console.news(
            "reloaded",
            f"Reloaded in {outcome.took_s * 1000:.0f} ms: {changes.sentence()}.",
            generation=outcome.generation,
            took_ms=round(outcome.took_s * 1000),
            routes=_counts(changes.routes.as_json()),
            functions=_counts(changes.functions.as_json()),
            rebuilt=list(changes.rebuilt),
            sections=list(changes.sections),
            kept_environments=changes.kept_environments,
            needs_restart=list(changes.needs_restart),
        )


def reload_action(reloader: Reloader) -> Action:
    """``POST /reload``: ``{"colour": true}`` asks for mistakes painted for a terminal."""

    async def reload(asked: Mapping[str, Any]) -> ActionAnswer:
        outcome = await reloader.reload()
        colour = asked.get("colour") is True
        if isinstance(outcome, Refused):
            return ActionAnswer(
                status=FAULT_STATUS if outcome.is_fault else REFUSED_STATUS,
                value={
                    "outcome": "refused",
                    "message": outcome.reason,
                    "problems": as_json(outcome.problems),
                    "text": words(outcome, colour=colour),
                },
            )
        return ActionAnswer(status=200, value=_answer(outcome, colour=colour))

    return reload


def words(outcome: Refused, *, colour: bool) -> str:
    """The mistakes exactly as `lockgate check` prints them, or what else stood in the way."""
    if not outcome.problems:
        return visible(outcome.reason)
    return render_text(outcome.problems, outcome.source_lines, colour).rstrip("\n")


def _answer(outcome: Reloaded, *, colour: bool) -> dict[str, object]:
    changes = outcome.changes
    return {
        "outcome": "reloaded",
        "generation": outcome.generation,
        "message": changes.sentence(),
        "changes": changes.as_json(),
        "needs_restart": changes.restart_sentence(),
        "took_ms": round(outcome.took_s * 1000),
        "problems": as_json(outcome.warnings),
        "text": render_text(outcome.warnings, outcome.source_lines, colour).rstrip("\n"),
    }


def _counts(names: Mapping[str, list[str]]) -> dict[str, int]:
    return {verb: len(each) for verb, each in names.items()}
