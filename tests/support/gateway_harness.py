"""A gateway without sockets: build it from route keys, send requests, look at answers, calls and records."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.access_log import AccessRecord
from gateway.app import Gateway
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.cors import CorsSpec
from gateway.deployment import Authorizer, Deployment, RouteSpec
from gateway.exchange import ApiNames
from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.request_clock import RequestClock
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from gateway.throttling.spec import ThrottleSpec
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes

NAMES = ApiNames(account_id="123456789012", api_id="local", region="us-east-1")
FUNCTION_REQUEST_ID = "11111111-2222-3333-4444-555555555555"
Target = FunctionTarget | RespondTarget


def answer_of(payload: bytes | object, *, status: int = 200, **headers: str) -> InvokeAnswer:
    """An Invoke answer; anything but bytes is sent as JSON. Header names are given with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return InvokeAnswer(
        status=status,
        headers={"x-amzn-requestid": FUNCTION_REQUEST_ID, **named},
        payload=data,
        times=InvokeTimes(queue_us=1, start_us=2, init_us=3, handler_us=4) if status == 200 else None,
    )


class RecordingInvoker:
    """Keeps each call and answers as told: with an answer, by raising, or by calling."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[InvokeCall] = []
        self.answer = answer_of({"statusCode": 200, "body": "ok"}) if answer is None else answer

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.calls.append(call)
        if isinstance(self.answer, BaseException):
            raise self.answer
        if callable(self.answer):
            given: InvokeAnswer = await self.answer(call)
            return given
        return self.answer

    @property
    def event(self) -> dict[str, Any]:
        """The event of the only call."""
        [call] = self.calls
        event: dict[str, Any] = json.loads(call.payload)
        return event


@dataclass
class EdgeDouble:
    """The edge's extension: what has arrived of the body, and the way to leave."""

    body: bytes | None = b""
    content_length: int | None = 0
    callback: Callable[[], None] | None = None
    gone: bool = False

    def body_now(self) -> bytes | None:
        return self.body

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        self.callback = callback
        if self.gone and callback is not None:
            callback()

    def respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        return False  # so that tests see ASGI's messages; the real edge is in test_behind_the_edge

    def leave(self) -> None:
        self.gone = True
        if self.callback is not None:
            self.callback()


@dataclass
class Received:
    """What a client got. `status` is 0 when nothing was sent."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def get(self, name: str) -> str | None:
        values = [value for found, value in self.headers if found == name]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


@dataclass
class Harness:
    gateway: Gateway
    invoker: RecordingInvoker
    metrics: GatewayMetrics
    registry: CollectorRegistry
    records: list[AccessRecord]

    async def request(
        self,
        method: str,
        target: str | bytes,
        *,
        headers: Iterable[tuple[str, str]] = (("host", "api.example.com"),),
        body: bytes = b"",
        peer: str = "192.0.2.7",
        edge: EdgeDouble | None = None,
        receive: Callable[[], Any] | None = None,
    ) -> Received:
        """Send one request. Without `edge` the body comes from ``receive()``, as on any ASGI server."""
        raw = target.encode("latin-1") if isinstance(target, str) else target
        path, _, query = raw.partition(b"?")
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if body:
            fields.append((b"content-length", b"%d" % len(body)))
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "https",
            "method": method,
            "path": "unused",
            "raw_path": path,
            "query_string": query,
            "headers": fields,
            "client": (peer, 50000),
            "server": ("127.0.0.1", 443),
            "extensions": {} if edge is None else {"lockgate": edge},
        }
        received = Received()

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert received.status == 0, "two responses"
                received.status = message["status"]
                received.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
            else:
                received.body += message["body"]

        await self.gateway(scope, receive or _receive_of(body), send)
        return received


def _receive_of(body: bytes) -> Callable[[], Any]:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()  # an idle client: neither sends nor leaves
        raise AssertionError

    return receive


def build(
    routes: Mapping[str, Target] | None = None,
    *,
    answer: Any = None,
    stages: Iterable[Stage] = (Stage(),),
    names: ApiNames = NAMES,
    authorizer: JwtSpec | FunctionAuthorizerSpec | Authorizer | None = None,
    scopes: tuple[str, ...] = (),
    throttle: ThrottleSpec | None = None,
    stage_throttles: Mapping[str, ThrottleSpec] | None = None,
    services: Services | None = None,
    cors: CorsSpec | None = None,
    logged_claims: tuple[str, ...] = (),
    server_timing: bool = False,
    time_ns: Callable[[], int] = lambda: 1_783_711_145_766_000_000,
    entropy: Callable[[int], bytes] | None = None,
) -> Harness:
    """A gateway whose functions are all the same `RecordingInvoker`; by default ``$default`` runs it."""
    invoker = RecordingInvoker(answer)
    registry = CollectorRegistry()
    metrics = GatewayMetrics(registry)
    targets = {"$default": FunctionTarget(function="echo")} if routes is None else routes
    deployment = Deployment.build(
        names=names,
        stages=stages,
        routes=[
            RouteSpec(
                key=RouteKey.parse(key),
                target=target,
                authorizer=authorizer,
                scopes=scopes,
                throttle=throttle,
            )
            for key, target in targets.items()
        ],
        locator=SingleLocator(invoker),
        metrics=metrics,
        services=services or Services(Issuers()),
        cors=cors,
        stage_throttles=stage_throttles,
        logged_claims=logged_claims,
    )
    records: list[AccessRecord] = []
    more = {} if entropy is None else {"entropy": entropy}
    gateway = Gateway(
        deployment,
        sink=records.append,
        metrics=metrics,
        server_timing=server_timing,
        clock=RequestClock(time_ns),
        **more,
    )
    return Harness(gateway, invoker, metrics, registry, records)
