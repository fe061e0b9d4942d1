"""Triggers that answer what a test says, in place of functions."""

from collections.abc import Callable, Mapping
from typing import Any

from auth.flows.triggers import Asked, TriggerName
from auth.pool import Pool

Script = Callable[[Asked], Mapping[str, Any]]


class ScriptedTriggers:
    """:ivar asked: all that was, in its order."""

    def __init__(self, **scripts: Script) -> None:
        self.scripts = scripts
        self.asked: list[Asked] = []

    def has(self, _pool: Pool, trigger: TriggerName, /) -> bool:
        return trigger in self.scripts

    def ask(self, _pool: Pool, asked: Asked, /) -> Mapping[str, Any] | None:
        script = self.scripts.get(asked.trigger)
        if script is None:
            return None
        self.asked.append(asked)
        return script(asked)


def challenges(*names: str, answer: str = "5") -> ScriptedTriggers:
    """One after the other, each of which must be right; then tokens. What a right custom answer is stays private."""

    def define(asked: Asked) -> Mapping[str, Any]:
        session = [each for each in asked.request["session"] if each["challengeName"] != "SRP_A"]
        right = [each for each in session if each["challengeResult"]]
        if len(right) == len(names):
            return {"issueTokens": True}
        return {"challengeName": names[len(right)]}

    def create(_: Asked) -> Mapping[str, Any]:
        return {
            "publicChallengeParameters": {"question": "2 + 3"},
            "privateChallengeParameters": {"answer": answer},
            "challengeMetadata": "SUM",
        }

    def verify(asked: Asked) -> Mapping[str, Any]:
        private = asked.request["privateChallengeParameters"]
        return {"answerCorrect": asked.request["challengeAnswer"] == private["answer"]}

    return ScriptedTriggers(
        define_auth_challenge=define, create_auth_challenge=create, verify_auth_challenge_response=verify
    )
