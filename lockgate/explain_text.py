"""An explanation, and a verdict on a token, for people: lines that read alike on a terminal and in a pipe."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from rich.text import Text

from gateway.explain.values import REQUEST_ID
from lockgate.console import visible

_STYLES = {
    **dict.fromkeys(("ok", "allowed", "accepted"), "green"),
    **dict.fromkeys(("refused",), "red"),
    **dict.fromkeys(("unknown",), "yellow"),
}
_NAME_CHARS = 11  # of a step; what an authorizer looks at may have a longer one


def explanation_lines(found: Mapping[str, Any]) -> Iterator[Text]:
    """:param found: what `POST /explain` answers."""
    yield _heading(found)
    yield Text()
    answer = found["answer"]
    status = f"{answer['status']}  " if answer is not None else ""
    yield Text.assemble(outcome(found["verdict"]), "  ", status, visible(found["sentence"]))
    yield Text()
    yield from step_lines(found["steps"])
    if answer is not None:
        yield from _section(f"answer, by {_SPEAKERS[answer['by']]}", _answer(answer))
    elif found["verdict"] == "allowed":
        yield from _section("answer", ["whatever the function says"])
    yield from _section("time", _budget(found))
    yield from claims_lines(found)
    if found["did_you_mean"] is not None:
        yield from _section("did you mean", [found["did_you_mean"]])
    width = max((len(each["route"]) for each in found["not_chosen"]), default=0)
    yield from _section(
        "routes that come near", [f"{each['route']:{width}}  {each['why']}" for each in found["not_chosen"]]
    )


def outcome(word: str) -> Text:
    return Text(f"{word:7}", style=_STYLES.get(word, ""))


def step_lines(steps: Iterable[Mapping[str, Any]], indent: int = 2) -> Iterator[Text]:
    """One line a step, and below it one a check."""
    for step in steps:
        name = Text(f"{visible(step['name']):{_NAME_CHARS}} ", style="bold")
        yield Text.assemble(" " * indent, outcome(step["outcome"]), "  ", name, visible(step["sentence"]))
        yield from step_lines(step["checks"], indent + 9)


def claims_lines(found: Mapping[str, Any]) -> Iterator[Text]:
    """What a token says of itself, as far as its signature is good."""
    claims = found["claims"]
    if claims is None:
        return
    lines = [f"{name}: {value}" for name, value in claims.items()]
    if found["other_claims"]:
        lines.append(f"and {', '.join(found['other_claims'])}: --claims shows them")
    yield from _section("claims", lines)


_SPEAKERS = {
    "edge": "the listener, before the gateway sees it",
    "gateway": "the gateway",
    "cors": "the gateway, as cors: says",
    "respond": "the route's respond:, whose text is not shown",
}


def _heading(found: Mapping[str, Any]) -> Text:
    request = found["request"]
    text = Text.assemble((visible(f"{request['method']} {request['path']}"), "bold"))
    if found["source"] == "live":
        return text.append(f"   as the running server has it (generation {found['generation']})", style="dim")
    return text.append("   offline, from the file and the keys that are kept", style="dim")


def _section(title: str, lines: Iterable[str]) -> Iterator[Text]:
    shown = list(lines)
    if not shown:
        return
    yield Text()
    yield Text(title, style="dim")
    for line in shown:
        yield Text(f"  {visible(line)}")


def _answer(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"HTTP/1.1 {answer['status']} {_phrase(answer['status'])}"
    for name, value in answer["headers"]:
        yield f"{name}: {'(its own each time)' if value == REQUEST_ID else value}"
    if answer["body"]:
        yield ""
        yield answer["body"]


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in {int(each) for each in HTTPStatus} else ""


def _budget(found: Mapping[str, Any]) -> Iterator[str]:
    budget, integration = found["budget"], found["integration"]
    if budget is None:
        return
    own = f"its own timeout is {integration['function_timeout_s']:g} s, its memory {integration['memory_mb']} MB"
    yield f"at most {budget['total_s']:g} s once the request has arrived:"
    if budget["authorizer_s"]:
        yield f"{budget['authorizer_s']:g} s for the authorizer, if it has to ask"
    yield (
        f"{budget['integration_s']:g} s for {integration['function']}, waiting and starting included ({own})"
    )
