"""What an authorizer's function answered, read strictly: anything but the one right shape is a failure (J19)."""

from dataclasses import dataclass

import orjson

from gateway.exchange import Authorization
from gateway.policy.policy import Policy, PolicyError, Verdict, read_policy

# 64 KiB: a context goes into every event of the integration, and answers are kept; AWS's own limits are below this.
MAX_ANSWER_BYTES = 64 * 1024

# 1.0 events show the context beside these, which mean a token's claims there.
_RESERVED = "claims"

_ALLOWED = Verdict(True, "isAuthorized is true")
_DENIED = Verdict(False, "isAuthorized is false")


class AnswerError(ValueError):
    """The answer is none of an authorizer; the message says why and holds nothing of it but names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """:param decision: a policy, evaluated anew for each request, or what holds for all that share the answer.
    :param size_bytes: of the answer as it came.
    """

    decision: Policy | Verdict
    authorization: Authorization
    size_bytes: int

    def decide(self, arn: str) -> Verdict:
        decision = self.decision
        return decision if isinstance(decision, Verdict) else decision.evaluate(arn)


def read_simple(payload: bytes) -> Answer:
    """Read ``{"isAuthorized": …, "context": {…}}``.

    :raises AnswerError: any other shape.
    """
    found = _read_object(payload)
    is_authorized = found.get("isAuthorized")
    if not isinstance(is_authorized, bool):
        raise AnswerError("isAuthorized is neither true nor false")
    if "policyDocument" in found:
        raise AnswerError("it has isAuthorized and policyDocument")
    return Answer(
        decision=_ALLOWED if is_authorized else _DENIED,
        authorization=_authorization(_read_context(found), None),
        size_bytes=len(payload),
    )


def read_policy_answer(payload: bytes) -> Answer:
    """Read ``{"principalId": …, "policyDocument": {…}, "context": {…}}``.

    :raises AnswerError: any other shape.
    """
    found = _read_object(payload)
    principal = found.get("principalId")
    if not isinstance(principal, str) or not principal:
        raise AnswerError("principalId is no text")
    if "isAuthorized" in found:
        raise AnswerError("it has isAuthorized, and simple responses are off")
    try:
        policy = read_policy(found.get("policyDocument"))
    except PolicyError as exc:
        raise AnswerError(str(exc)) from exc
    return Answer(
        decision=policy,
        authorization=_authorization(_read_context(found), principal),
        size_bytes=len(payload),
    )


def read_v1_answer(payload: bytes) -> Answer:
    """Read the answer of format 1.0: a policy whose context does not pretend to be a token's claims.

    :raises AnswerError: any other shape.
    """
    answer = read_policy_answer(payload)
    if _RESERVED in answer.authorization.values:
        raise AnswerError(f"context has {_RESERVED}, which is reserved in format 1.0")
    return answer


def _read_object(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_ANSWER_BYTES:
        raise AnswerError(f"it has {len(payload)} bytes, the limit is {MAX_ANSWER_BYTES}")
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as exc:
        raise AnswerError("it is not JSON") from exc
    if not isinstance(found, dict):
        raise AnswerError("it is no object")
    return found


def _read_context(found: dict[str, object]) -> dict[str, object]:
    context = found.get("context")
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise AnswerError("context is no object")
    try:
        orjson.dumps([[[[context]]]])  # as deep as it will lie in an event
    except TypeError as exc:
        raise AnswerError("context is nested too deep") from exc
    return context


def _authorization(context: dict[str, object], principal: str | None) -> Authorization:
    """:param principal: None: a simple answer names nobody."""
    shown = {name: value for name, value in context.items() if name != _RESERVED}
    named = {} if principal is None else {"principalId": principal}
    # claims.NAME are a token's: no context may add to them.
    values = {name: value for name, value in context.items() if not name.startswith(f"{_RESERVED}.")}
    return Authorization(v2={"lambda": context}, v1={**shown, **named}, values={**values, **named})
