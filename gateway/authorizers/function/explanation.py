"""What a Lambda authorizer would do with a request, in words. It never holds a value of an identity source."""

from dataclasses import dataclass
from typing import Literal

from gateway.authorizers.function.identity import fault_text
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.errors import DenialReason
from gateway.policy.policy import Verdict

Outcome = Literal["unauthorized", "allowed", "denied", "asks"]
Sources = tuple[tuple[str, DenialReason | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """:param sources: each identity source as written, and what is wrong with its value, None if nothing.
    :param outcome: ``asks``: the function would be called, so nobody knows yet.
    :param cached_for_s: how long the answer that decided is still kept.
    :param sentence: the deciding step, for people.
    """

    sources: Sources
    outcome: Outcome
    sentence: str
    cached_for_s: float | None = None


def explain_fault(sources: Sources, reason: DenialReason) -> Explanation:
    places = ", ".join(text for text, fault in sources if fault == reason)
    sentence = f"{fault_text(reason)} at {places}: 401, the function is not called"
    return Explanation(sources=sources, outcome="unauthorized", sentence=sentence)


def explain_cached(sources: Sources, verdict: Verdict, cached_for_s: float) -> Explanation:
    result = "passes" if verdict.is_allowed else "403"
    sentence = f"by the answer that is kept for {cached_for_s:.0f} s more: {verdict.why}: {result}"
    outcome: Outcome = "allowed" if verdict.is_allowed else "denied"
    return Explanation(sources=sources, outcome=outcome, sentence=sentence, cached_for_s=cached_for_s)


def explain_call(sources: Sources, spec: FunctionAuthorizerSpec) -> Explanation:
    is_kept = spec.ttl_s > 0 and bool(spec.identity_source)
    why = "no answer is kept for this request" if is_kept else "no answers are kept"
    return Explanation(sources=sources, outcome="asks", sentence=f"{why}: would call {spec.function}")
