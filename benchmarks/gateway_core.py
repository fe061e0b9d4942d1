"""CPU of the gateway per request: path, route, event, function's answer, response, access record, metrics.

Runs the ASGI application against a function that answers at once, with tables of 10 and of 10,000 routes, and
prints microseconds per request. No sockets and no server: only what this package itself costs.

    python benchmarks/gateway_core.py [requests per round]
"""

import asyncio
import gc
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import orjson
from prometheus_client import CollectorRegistry

from gateway.access_log import AccessRecord
from gateway.app import Gateway
from gateway.deployment import Deployment, RouteSpec
from gateway.exchange import ApiNames
from gateway.integrations.function import FunctionTarget
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.route_key import RouteKey
from gateway.services import Services
from gateway.stage import Stage
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes

ROUNDS = 7
ANSWER = b'{"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{\\"id\\": 7}"}'
HEADERS = [
    (b"host", b"api.example.com:8080"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"authorization", b"Bearer " + b"x" * 800),
    (b"cookie", b"session=abc123; theme=dark"),
    (b"content-type", b"application/json"),
    (b"content-length", b"27"),
]


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
    answered = 0

    def body_now(self) -> bytes:
        return b'{"title":"a note","n":1234}'

    def on_gone(self, callback: object) -> None:
        pass

    def respond(self, status: int, headers: object, body: bytes) -> bool:  # noqa: ARG002  # the edge's shape
        self.answered += status == 200
        return True


def build_gateway(routes: int) -> Gateway:
    metrics = GatewayMetrics(CollectorRegistry())
    keys = [f"POST /service{n // 10}/kind{n % 10}/{{id}}/notes" for n in range(routes)]
    deployment = Deployment.build(
        names=ApiNames(account_id="000000000000", api_id="local", region="us-east-1"),
        stages=[Stage(variables={"table": "notes"})],
        routes=[RouteSpec(key=RouteKey.parse(key), target=FunctionTarget(function="notes")) for key in keys],
        locator=SingleLocator(Instant()),
        services=Services(Issuers()),
        metrics=metrics,
    )
    return Gateway(deployment, sink=write_record, metrics=metrics)


def write_record(record: AccessRecord) -> None:
    orjson.dumps(record)


async def measure(gateway: Gateway, count: int, path: bytes) -> float:
    """Return microseconds of CPU a request."""
    client = Client()

    async def receive() -> dict[str, object]:
        raise AssertionError("the edge's extension makes this unnecessary")

    async def send(message: MutableMapping[str, Any]) -> None:  # noqa: ARG001  # ASGI
        raise AssertionError("the edge's extension makes this unnecessary")

    started = time.process_time_ns()
    for _ in range(count):
        scope = {
            "type": "http",
            "scheme": "http",
            "method": "POST",
            "raw_path": path,
            "query_string": b"limit=10&tag=a&tag=b",
            "headers": HEADERS,
            "client": ("192.0.2.7", 50000),
            "server": ("192.0.2.1", 8080),
            "extensions": {"lockgate": client},
        }
        await gateway(scope, receive, send)
    spent = (time.process_time_ns() - started) / 1000 / count
    assert client.answered == count, f"{client.answered} of {count} requests were answered"
    return spent


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    tables = {10: b"/service0/kind7/7/notes", 10_000: b"/service543/kind7/7/notes"}
    gateways = {size: build_gateway(size) for size in tables}
    gc.collect()
    gc.freeze()
    best = dict.fromkeys(tables, float("inf"))
    for _ in range(ROUNDS):  # in turns, so that a slow moment of the machine hits both
        for size, path in tables.items():
            best[size] = min(best[size], asyncio.run(measure(gateways[size], count, path)))
    for size, spent in best.items():
        print(f"{size:>6} routes: {spent:5.1f} us a request (best of {ROUNDS} rounds of {count})")
    print(f"10,000 routes against 10: {best[10_000] / best[10] - 1:+.1%}")


if __name__ == "__main__":
    main()
