"""What a route's authorizer would do: its checks, and the refusal that a client would see. It asks nobody anything."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.authorizers.function.authorizer import FunctionGate
from gateway.authorizers.function.call import BUDGET_MS
from gateway.authorizers.jwt.authorizer import JwtGate
from gateway.authorizers.jwt.claim_text import claim_texts
from gateway.authorizers.jwt.identity import bare_token
from gateway.errors import AccessDenied, Denial, Unauthorized
from gateway.exchange import Authorization, Exchange
from gateway.explain.token_steps import Judged, token_steps
from gateway.explain.values import Step
from gateway.issuers.events import IssuerSnapshot
from gateway.issuers.issuer_keys import PATIENCE_S
from gateway.issuers.schedule import KEPT_S
from gateway.route_spec import Authorizer
from gateway.selection import Selection

NO_CHECKS: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """:param error: what would be raised; None where the outcome is another.
    :param authorization: as far as it is known, for those who count by a claim.
    :param longest_s: how long asking may take.
    """

    step: Step
    error: Denial | None = None
    authorization: Authorization | None = None
    claims: Mapping[str, object] | None = None
    longest_s: float = 0.0


def token_source(authorizer: Authorizer | None) -> Selection | None:
    """Where a token belongs: the one place of a JWT authorizer; Authorization, or the first place, of a function's."""
    if isinstance(authorizer, JwtGate):
        return authorizer.spec.identity_source
    if not isinstance(authorizer, FunctionGate):
        return None
    places = [each for each in authorizer.spec.identity_source if each.kind in ("header", "querystring")]
    named = [each for each in places if each.kind == "header" and each.name == "authorization"]
    return next(iter((*named, *places)), None)


def opinion(authorizer: Authorizer, exchange: Exchange) -> Opinion:
    """:raises BadRequest: the query has too many pairs."""
    if isinstance(authorizer, JwtGate):
        return _of_token(authorizer, exchange)
    if isinstance(authorizer, FunctionGate):
        return _of_function(authorizer, exchange)
    sentence = f"only asking {type(authorizer).__name__} would show it"
    return Opinion(step=Step(name="authorizer", outcome="unknown", sentence=sentence))


def _of_token(gate: JwtGate, exchange: Exchange) -> Opinion:
    verdict, error = gate.explain(exchange)
    issuer = gate.keys.snapshot()
    values = gate.spec.identity_source.resolve_all(exchange)
    judged = Judged(
        verdict=verdict,
        text=bare_token(values[0]) if len(values) == 1 else "",
        spec=gate.spec,
        scopes=gate.scopes,
        now_s=exchange.request.at.epoch_ms / 1000,
        issuer=issuer,
    )
    checks = token_steps(judged)
    who = f"tokens of {gate.spec.issuer.issuer} at {gate.spec.identity_source.text}"
    if verdict.reason == "key_unknown" and _has_no_keys(issuer):
        why = "" if issuer.last_error is None else f" (last time: {issuer.last_error})"
        sentence = (
            f"{who}: no keys of the issuer are here{why}, so the gateway would ask for them first, "
            f"and answer 503 if it gets none"
        )
        unknown = Step(name="authorizer", outcome="unknown", sentence=sentence, checks=_without_key(checks))
        return Opinion(step=unknown, longest_s=PATIENCE_S)
    if error is not None:
        again = verdict.reason == "key_unknown"
        more = "; before it says so, the gateway asks the issuer again, every 30 s at most" if again else ""
        sentence = f"{who}: {checks[-1].sentence}{more}"
        return Opinion(
            step=Step(name="authorizer", outcome="refused", sentence=sentence, checks=checks),
            error=error,
            claims=verdict.claims,
            longest_s=PATIENCE_S,
        )
    texts = claim_texts(verdict.claims or {})
    return Opinion(
        step=Step(name="authorizer", outcome="ok", sentence=f"{who}: {verdict.sentence}", checks=checks),
        authorization=Authorization(
            v2={}, v1={}, values={f"claims.{name}": text for name, text in texts.items()}
        ),
        claims=verdict.claims,
        longest_s=PATIENCE_S,
    )


def _has_no_keys(issuer: IssuerSnapshot) -> bool:
    return issuer.state == "none" or (issuer.age_s or 0.0) >= KEPT_S


def _without_key(checks: tuple[Step, ...]) -> tuple[Step, ...]:
    unknown = Step(name="key", outcome="unknown", sentence="the issuer's keys are not here")
    return (*checks[:-1], unknown)


def _of_function(gate: FunctionGate, exchange: Exchange) -> Opinion:
    found = gate.explain(exchange)
    checks = tuple(
        Step(name=text, outcome="ok" if fault is None else "refused", sentence=_SOURCES[fault])
        for text, fault in found.sources
    )
    outcome = found.outcome
    error: Denial | None = None
    if outcome == "unauthorized":
        fault = next(fault for _, fault in found.sources if fault is not None)
        error = Unauthorized(fault, found.sentence)
    elif outcome == "denied":
        error = AccessDenied("authorizer_denied", found.sentence)
    step = Step(
        name="authorizer",
        outcome="unknown" if outcome == "asks" else "ok" if error is None else "refused",
        sentence=f"the function {gate.spec.function}: {found.sentence}",
        checks=checks,
    )
    return Opinion(step=step, error=error, longest_s=BUDGET_MS / 1000)


_SOURCES = {
    None: "there is a value",
    "identity_missing": "nothing is there",
    "identity_repeated": "more than one value is there",
}
