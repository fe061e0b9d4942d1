"""What an explanation is made of. Values only; none of them holds a token, or the value of a header."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.response import Fields

Outcome = Literal["ok", "refused", "unknown"]
Verdict = Literal["allowed", "refused", "unknown"]
Speaker = Literal["edge", "gateway", "cors", "respond"]

# Stands where the id of a request would: each has its own.
REQUEST_ID = "<request id>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """:param outcome: ``unknown``: only a request itself would show.
    :param checks: what it consists of, in order, up to the one that decided.
    """

    name: str
    outcome: Outcome
    sentence: str
    checks: tuple["Step", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChosen:
    """:param key: of a route. :param why: it does not answer this request.
    :param instead: method and path that it would answer, as near as possible; None: none comes near.
    """

    key: str
    why: str
    instead: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """:param by: who would say this.
    :param headers: without those that the connection adds (date, connection).
    :param body: None: it is the routes file's own, and is not shown.
    """

    by: Speaker
    status: int
    headers: Fields
    body: bytes | None
    body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """:param function: None: a ``respond:``.
    :param timeout_s: how long the client would wait for it, queue and start included.
    """

    function: str | None
    payload: str | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """:param headers: names only."""

    method: str
    path: str
    host: str
    source_ip: str
    headers: tuple[str, ...]
    has_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """:param verdict: ``allowed``: an integration, or CORS, would answer.
    :param code: of the refusal, as in the access log; :param reason: of a denial.
    :param answer: None: the function's own, or nobody knows yet.
    :param authorizer_s: how long an authorizer may take before the integration's time begins.
    :param claims: of a token whose signature is good: those that name no person, or all if asked for.
    :param other_claims: names of the others.
    """

    asked: Asked
    verdict: Verdict
    sentence: str
    steps: tuple[Step, ...]
    stage: str | None = None
    route: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    not_chosen: tuple[NotChosen, ...] = ()
    did_you_mean: str | None = None
    code: str | None = None
    reason: str | None = None
    answer: Answer | None = None
    integration: Integration | None = None
    authorizer_s: float = 0.0
    claims: Mapping[str, object] | None = None
    other_claims: tuple[str, ...] = ()
