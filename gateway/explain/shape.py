"""An explanation as JSON. The names are stable: scripts rely on them, docs/operating.md lists them."""

from typing import Any

from gateway.explain.values import Answer, Explanation, Integration, NotChosen, Step


def as_json(found: Explanation) -> dict[str, Any]:
    asked = found.asked
    return {
        "request": {
            "method": asked.method,
            "path": asked.path,
            "host": asked.host,
            "from": asked.source_ip,
            "headers": list(asked.headers),
            "token": asked.has_token,
        },
        "verdict": found.verdict,
        "sentence": found.sentence,
        "code": found.code,
        "reason": found.reason,
        "stage": found.stage,
        "route": found.route,
        "parameters": dict(found.parameters),
        "steps": [step_as_json(step) for step in found.steps],
        "answer": None if found.answer is None else _answer(found.answer),
        "integration": None if found.integration is None else _integration(found.integration),
        "budget": _budget(found),
        "not_chosen": [_not_chosen(each) for each in found.not_chosen],
        "did_you_mean": found.did_you_mean,
        "claims": None if found.claims is None else dict(found.claims),
        "other_claims": list(found.other_claims),
    }


def step_as_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "outcome": step.outcome,
        "sentence": step.sentence,
        "checks": [step_as_json(each) for each in step.checks],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "by": answer.by,
        "status": answer.status,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers],
        "body": None if answer.body is None else answer.body.decode("utf-8", "replace"),
        "body_bytes": answer.body_bytes,
    }


def _integration(integration: Integration) -> dict[str, Any]:
    return {
        "kind": "respond" if integration.function is None else "function",
        "function": integration.function,
        "payload": integration.payload,
        "timeout_s": integration.timeout_s,
    }


def _budget(found: Explanation) -> dict[str, float] | None:
    """How long a client waits at most, once its request has arrived; None where nobody is waited for."""
    if found.integration is None or found.integration.timeout_s is None:
        return None
    parts = {"authorizer_s": found.authorizer_s, "integration_s": found.integration.timeout_s}
    return {**parts, "total_s": sum(parts.values())}


def _not_chosen(each: NotChosen) -> dict[str, Any]:
    return {"route": each.key, "why": each.why, "instead": each.instead}
