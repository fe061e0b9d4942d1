"""A gateway whose routes ask a Lambda authorizer, with a clock of its own and a function that answers as told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.authorizers.function.authorizer import FunctionAuthorizer, FunctionGate
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.integrations.function import FunctionTarget
from gateway.locator import SingleLocator
from gateway.selection import Selection
from gateway.stage import Stage
from tests.support import gateway_harness
from tests.support.gateway_harness import Harness, Received, RecordingInvoker, answer_of

ARN = "arn:aws:execute-api:us-east-1:123456789012:local"
ALLOW = {"isAuthorized": True}
DENY = {"isAuthorized": False}
KEY_HEADER = "$request.header.x-key"


def statement(resource: object = f"{ARN}/*", effect: str = "Allow", **more: object) -> dict[str, object]:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource, **more}


def document(*statements: object, **more: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements) or [statement()], **more}


def policy(*statements: object, principal: str = "user-1", **more: object) -> dict[str, object]:
    return {"principalId": principal, "policyDocument": document(*statements), **more}


def spec_of(*sources: str, **more: Any) -> FunctionAuthorizerSpec:
    """:param sources: selection expressions; none: the header ``x-key``."""
    identity = tuple(Selection.parse(source) for source in sources or (KEY_HEADER,))
    return FunctionAuthorizerSpec(
        **{"name": "door", "function": "check", "identity_source": identity, **more}
    )


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Door:
    """:ivar asked: the authorizer's function; :ivar clock: what the cache goes by."""

    harness: Harness
    asked: RecordingInvoker
    authorizer: FunctionAuthorizer
    gate: FunctionGate
    clock: Clock = field(default_factory=Clock)

    async def get(
        self, target: str = "/notes", key: str | None = "k1", *, method: str = "GET", **headers: str
    ) -> Received:
        """:param key: of the header ``x-key``, None: not sent; :param headers: with ``_`` for ``-``."""
        sent = {
            "host": "api.example.com",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if key is not None:
            sent["x-key"] = key
        return await self.harness.request(method, target, headers=list(sent.items()))

    async def status(self, target: str = "/notes", key: str | None = "k1", **more: Any) -> int:
        return (await self.get(target, key, **more)).status

    def answers(self, answer: object) -> None:
        """Let the function answer this from now on, as JSON."""
        self.asked.answer = answer_of(answer)

    @property
    def calls(self) -> int:
        return len(self.asked.calls)

    @property
    def event(self) -> dict[str, Any]:
        """What the function was last called with."""
        event: dict[str, Any] = json.loads(self.asked.calls[-1].payload)
        return event

    @property
    def integration_event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.harness.invoker.calls[-1].payload)
        return event

    @property
    def ran(self) -> int:
        """How often the route's own function was run."""
        return len(self.harness.invoker.calls)

    @property
    def record(self) -> Mapping[str, Any]:
        return self.harness.records[-1]


def open_door(
    spec: FunctionAuthorizerSpec | None = None,
    answer: Any = ALLOW,
    *,
    routes: tuple[str, ...] = ("$default",),
    target: FunctionTarget | None = None,
    **more: Any,
) -> Door:
    """:param answer: JSON that the function answers, an Invoke answer, an exception, or a coroutine function."""
    is_told = callable(answer) or isinstance(answer, BaseException) or hasattr(answer, "payload")
    asked = RecordingInvoker(answer if is_told else answer_of(answer))
    clock = Clock()
    authorizer = FunctionAuthorizer(spec or spec_of(), clock)
    gate = authorizer.for_route(SingleLocator(asked))
    integration = target or FunctionTarget(function="notes")
    harness = gateway_harness.build(dict.fromkeys(routes, integration), authorizer=gate, **more)
    return Door(harness, asked, authorizer, gate, clock)


PROD = Stage(name="prod", variables={"colour": "blue"})
