"""`lockgate explain` on both sides: the question as JSON, its answer by the running server or from the file alone."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol

from prometheus_client import CollectorRegistry

from gateway.deployment import Deployment
from gateway.explain.question import Question
from gateway.explain.shape import as_json
from gateway.explain.walk import Terms, explain
from gateway.issuers.issuer import Issuers
from gateway.metrics import GatewayMetrics
from gateway.request_clock import RequestClock
from gateway.services import Services
from kit.forwarded import ProxyTrust
from kit.networks import parse_address
from lockgate.admin_actions import Action, ActionAnswer
from lockgate.build import deployment_of
from lockgate.config.grammar.file import RoutesFile
from lockgate.configuration import load_or_explain
from lockgate.offline_pools import offline_names
from lockgate.state import State

_DEFAULT_HOST = "localhost"


def asked_of(
    *,
    method: str,
    target: bytes,
    headers: Sequence[tuple[str, str]],
    host: str | None,
    token: str | None,
    peer: str,
    all_claims: bool,
) -> dict[str, object]:
    """The body of ``POST /explain``. Bytes are latin-1 text."""
    return {
        "method": method,
        "target": target.decode("latin-1"),
        "headers": [list(pair) for pair in headers],
        "host": host,
        "token": token,
        "from": peer,
        "claims": all_claims,
    }


class Serving(Protocol):
    """What requests run on now."""

    @property
    def number(self) -> int: ...

    @property
    def file(self) -> RoutesFile: ...

    @property
    def deployment(self) -> Deployment: ...


def explain_action(serving: Callable[[], Serving]) -> Action:
    """``POST /explain``. Nothing of what was asked goes into a log."""

    async def answer(asked: Mapping[str, Any]) -> ActionAnswer:
        served = serving()
        try:
            found = await _explain(served.deployment, served.file, asked, is_live=True)
        except BadQuestion as error:
            return ActionAnswer(status=400, value={"message": str(error)})
        return ActionAnswer(status=200, value={"source": "live", "generation": served.number, **found})

    return answer


def explain_offline(paths: Sequence[Path], state: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """From the routes file and the keys that a server has left in its state folder. Fetches and writes nothing.

    :raises ConfigurationError: the file is wrong.
    """
    file = load_or_explain(paths)
    deployment = deployment_of(
        file,
        State(state).known_names(account=file.account_id, region=file.region),
        locator=_NoLocator(),
        metrics=GatewayMetrics(CollectorRegistry()),
        services=Services(Issuers(state=state.absolute())),
        pools=offline_names(file, state),
    )
    found = asyncio.run(_explain(deployment, file, asked, is_live=False))
    return {"source": "offline", "generation": None, **found}


class BadQuestion(ValueError):
    """What was asked has not the shape of a question; the message names the member, never its value."""


async def _explain(
    deployment: Deployment, file: RoutesFile, asked: Mapping[str, Any], *, is_live: bool
) -> dict[str, Any]:
    terms = Terms(
        at=RequestClock().now(),
        trust=ProxyTrust(file.server.trusted_networks),
        is_live=is_live,
        all_claims=asked.get("claims") is True,
    )
    found = as_json(await explain(deployment, _question(asked, file), terms))
    integration = found["integration"]
    if integration is not None and integration["function"] is not None:
        function = file.resolved_functions()[integration["function"]]
        integration |= {"memory_mb": function.memory_mb, "function_timeout_s": function.timeout_s}
    return found


def _question(asked: Mapping[str, Any], file: RoutesFile) -> Question:
    headers = asked.get("headers", [])
    is_list = isinstance(headers, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(_is_line(part) for part in pair) for pair in headers
    )
    if not is_list:
        raise BadQuestion("headers must be a list of [name, value]")
    token = asked.get("token")
    if token is not None and not _is_line(token):
        raise BadQuestion("token must be text of one line, or null")
    host = asked.get("host")
    if host is None:
        host = min(file.server.domains, default=_DEFAULT_HOST)
    texts = {
        "method": asked.get("method"),
        "target": asked.get("target"),
        "host": host,
        "from": asked.get("from"),
    }
    for name, value in texts.items():
        if not _is_line(value):
            raise BadQuestion(f"{name} must be text of one line")
    if parse_address(texts["from"] or "") is None:
        raise BadQuestion("from must be an IP address")
    return Question(
        method=texts["method"] or "",
        target=(texts["target"] or "").encode("latin-1"),
        host=host,
        headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers),
        token=token,
        peer=texts["from"] or "",
    )


def _is_line(value: object) -> bool:
    """Text that could stand in a request as it is."""
    return isinstance(value, str) and not set(value) & {"\r", "\n", "\0"} and all(ord(c) < 256 for c in value)


class _NoLocator:
    """Nothing is called, so nobody is found."""

    def locate(self, function: str, qualifier: str | None) -> NoReturn:
        raise AssertionError(f"an explanation would call {function} ({qualifier})")
