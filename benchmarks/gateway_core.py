"""CPU of the gateway per request: path, route, event, function's answer, response, access record, metrics.

Runs the ASGI application against a function that answers at once, with tables of 10 and of 10,000 routes, and with
each part of the door in turn, and prints microseconds per request. All get the same requests, with the tokens of 200
users. No sockets and no server: only what this package itself costs.

    python benchmarks/gateway_core.py [requests per round]
"""

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client import CollectorRegistry

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.jwt_verify import SPEC, Keys, claims, key_set
from gateway.access_log import AccessRecord
from gateway.app import Gateway
from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.cors import CorsSpec
from gateway.deployment import Deployment, RouteSpec
from gateway.exchange import ApiNames
from gateway.integrations.function import FunctionTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from gateway.throttling.spec import ThrottleKey, ThrottleSpec
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes

ROUNDS = 15
ANSWER = b'{"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{\\"id\\": 7}"}'
USERS = 200
Field = tuple[bytes, bytes]
CORS = CorsSpec(allow_origins=("https://app.example.com",), allow_headers=("authorization",))
THROTTLE = ThrottleSpec(rate=1e6, burst=10**6, by=ThrottleKey(kind="source_ip"))
HEADERS = [
    (b"host", b"api.example.com:8080"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"cookie", b"session=abc123; theme=dark"),
    (b"content-type", b"application/json"),
    (b"content-length", b"27"),
]
ORIGIN = (b"origin", b"https://app.example.com")


class Instant:
    async def invoke(self, call: InvokeCall) -> InvokeAnswer:  # noqa: ARG002  # the seam's shape
        return InvokeAnswer(
            status=200,
            headers={"x-amzn-requestid": "00000000-0000-0000-0000-000000000000"},
            payload=ANSWER,
            times=InvokeTimes(handler_us=900),
        )


class Client:
    content_length = 27
    answered = refused = 0

    def body_now(self) -> bytes:
        return b'{"title":"a note","n":1234}'

    def on_gone(self, callback: object) -> None:
        pass

    def respond(self, status: int, headers: object, body: bytes) -> bool:  # noqa: ARG002  # the edge's shape
        self.answered += status == 200
        self.refused += status == 401
        return True


@dataclass(frozen=True, kw_only=True)
class Variant:
    """:param door: whose token a request must have; None: anybody may call."""

    routes: int = 10
    door: JwtAuthorizer | None = None
    cors: CorsSpec | None = None
    throttle: ThrottleSpec | None = None
    logged_claims: tuple[str, ...] = ()
    sends_origin: bool = False
    is_refused: bool = False

    @property
    def path(self) -> bytes:
        """Of a route in the middle of the table."""
        return b"/service%d/kind7/7/notes" % (self.routes * 543 // 10_000)

    def build(self) -> Gateway:
        metrics = GatewayMetrics(CollectorRegistry())
        keys = [f"POST /service{n // 10}/kind{n % 10}/{{id}}/notes" for n in range(self.routes)]
        gate = None if self.door is None else self.door.for_route(("notes/read", "notes/write"))
        deployment = Deployment.build(
            names=ApiNames(account_id="000000000000", api_id="local", region="us-east-1"),
            stages=[Stage(variables={"table": "notes"})],
            routes=[
                RouteSpec(
                    key=RouteKey.parse(key),
                    target=FunctionTarget(function="notes"),
                    authorizer=gate,
                    throttle=self.throttle,
                )
                for key in keys
            ],
            locator=SingleLocator(Instant()),
            services=Services(Issuers()),
            metrics=metrics,
            cors=self.cors,
            logged_claims=self.logged_claims,
        )
        return Gateway(deployment, sink=write_record, metrics=metrics)


def write_record(record: AccessRecord) -> None:
    orjson.dumps(record)


async def measure(gateway: Gateway, variant: Variant, count: int, callers: list[list[Field]]) -> float:
    """:param callers: the header fields of each; they call in turn.
    :returns: microseconds of CPU a request.
    """
    client = Client()

    async def receive() -> dict[str, object]:
        raise AssertionError("the edge's extension makes this unnecessary")

    async def send(message: MutableMapping[str, Any]) -> None:  # noqa: ARG001  # ASGI
        raise AssertionError("the edge's extension makes this unnecessary")

    started = time.process_time_ns()
    for number in range(count):
        scope = {
            "type": "http",
            "scheme": "http",
            "method": "POST",
            "raw_path": variant.path,
            "query_string": b"limit=10&tag=a&tag=b",
            "headers": callers[number % USERS],
            "client": ("192.0.2.7", 50000),
            "server": ("192.0.2.1", 8080),
            "extensions": {"lockgate": client},
        }
        await gateway(scope, receive, send)
    spent = (time.process_time_ns() - started) / 1000 / count
    answered = client.refused if variant.is_refused else client.answered
    assert answered == count, f"{answered} of {count} requests were answered as they should"
    return spent


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    door = JwtAuthorizer(SPEC, Keys(key_set(private)))
    variants = {
        "10 routes, open": Variant(),
        "10,000 routes, open": Variant(routes=10_000),
        "throttle by source_ip": Variant(throttle=THROTTLE),
        "CORS, no Origin": Variant(cors=CORS),
        "CORS, allowed Origin": Variant(cors=CORS, sends_origin=True),
        "JWT": Variant(door=door),
        "JWT, CORS": Variant(door=door, cors=CORS),
        "JWT, unknown kid: 401": Variant(door=door, is_refused=True),
        "all of it": Variant(
            door=door, cors=CORS, throttle=THROTTLE, logged_claims=("sub",), sends_origin=True
        ),
    }
    plain = [[*HEADERS, authorization(token)] for token in tokens(private, "k1")]
    unknown = [[*HEADERS, authorization(token)] for token in tokens(private, "another")]
    with_origin = [[*fields, ORIGIN] for fields in plain]
    gateways = {name: variant.build() for name, variant in variants.items()}
    gc.collect()
    gc.freeze()
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):  # in turns, so that a slow moment of the machine hits all
        for name, variant in variants.items():
            sent = unknown if variant.is_refused else with_origin if variant.sends_origin else plain
            spent[name].append(asyncio.run(measure(gateways[name], variant, count, sent)))
    print(f"microseconds of CPU a request; best and median of {ROUNDS} rounds of {count}, in turns")
    open_us = min(spent["10 routes, open"])
    for name, each in spent.items():
        more = min(each) - open_us
        print(f"{name:>22}: {min(each):5.1f}   median {statistics.median(each):5.1f}   {more:+5.1f}")
    print(f"10,000 routes against 10: {min(spent['10,000 routes, open']) / open_us - 1:+.1%}")


def authorization(token: str) -> Field:
    return b"authorization", b"Bearer " + token.encode()


def tokens(private: rsa.RSAPrivateKey, kid: str) -> list[str]:
    return [
        jwt.encode(claims() | {"sub": f"user-{user}"}, private, "RS256", headers={"kid": kid})
        for user in range(USERS)
    ]


if __name__ == "__main__":
    main()
