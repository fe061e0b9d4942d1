"""`Gateway`: the ASGI application. It runs the pipeline, renders errors, and accounts for every request once.

Its only state is the current deployment, read once a request, so that swapping it is atomic.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable

from gateway import pipeline
from gateway.access_log import AccessSink, add_claims, build_record, clean
from gateway.connection import Connection, Receive, Scope, Send
from gateway.deployment import Deployment
from gateway.errors import ClientGone, Denial, GatewayError, IntegrationError, ShuttingDown, render
from gateway.ledger import Ledger
from gateway.metrics import GatewayMetrics
from gateway.request import HttpRequest
from gateway.request_clock import RequestClock
from gateway.response import BODILESS, Fields, HttpResponse
from kit.forwarded import NO_TRUST, ProxyTrust

_log = logging.getLogger("lockgate.gateway")


class Gateway:
    """:param sink: gets one access record a request; it must not block and not raise.
    :param server_timing: whether answers carry ``server-timing`` with the time of their function call.
    :param entropy: random bytes for request and trace ids.
    :param trust: which peers may say where a request came from; the attribute may be replaced at any time.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        sink: AccessSink,
        metrics: GatewayMetrics,
        server_timing: bool = False,
        clock: RequestClock | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        trust: ProxyTrust = NO_TRUST,
    ) -> None:
        self.deployment = deployment
        self._sink = sink
        self._metrics = metrics
        self._server_timing = server_timing
        self._clock = clock or RequestClock()
        self._entropy = entropy
        self.trust = trust

    def swap(self, deployment: Deployment) -> Deployment:
        """Use another deployment from the next request on; running ones keep theirs.

        :returns: the one before; ``visits.ended`` says when the last of its requests was answered.
        """
        before, self.deployment = self.deployment, deployment
        return before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _answer_other(scope, receive, send)
            return
        deployment = self.deployment
        deployment.visits.count += 1
        try:
            await self._answer(deployment, scope, receive, send)
        finally:
            deployment.visits.leave()

    async def _answer(self, deployment: Deployment, scope: Scope, receive: Receive, send: Send) -> None:
        started_ns = time.perf_counter_ns()
        request = HttpRequest.from_scope(scope, self._clock.now(), self._entropy, self.trust)
        ledger = Ledger(self._metrics.unmatched)
        connection = Connection(scope, receive)
        try:
            response = await pipeline.run(deployment, request, connection, ledger)
        except GatewayError as error:
            response = _refuse(error, ledger)
        except asyncio.CancelledError:  # the edge answers with its own 503; the log must have the request too
            response = _refuse(ShuttingDown("cut off by the drain"), ledger)
            self._account(
                deployment, request, response, ledger, (time.perf_counter_ns() - started_ns) // 1000
            )
            raise
        except Exception as exc:  # noqa: BLE001  # our fault: the fixed 500, and the traceback in the log
            _log.exception("request %s failed", request.request_id)
            response = _refuse(GatewayError(f"{type(exc).__name__} in the gateway"), ledger)
        if deployment.cors is not None:
            response = deployment.cors.apply(request, response)
        if response.status != ClientGone.status:
            headers = self._head(request, response, ledger)
            body = b"" if request.method == "HEAD" else response.body
            if not connection.respond(response.status, headers, body):
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
        self._account(deployment, request, response, ledger, (time.perf_counter_ns() - started_ns) // 1000)

    def _head(self, request: HttpRequest, response: HttpResponse, ledger: Ledger) -> Fields:
        headers: Fields = [*response.headers, (b"apigw-requestid", request.request_id.encode("ascii"))]
        body = response.body
        # A HEAD function gives no body; its real length is unknown then, and 0 would be a lie.
        if response.status not in BODILESS and (body or request.method != "HEAD"):
            headers.append((b"content-length", b"%d" % len(body)))
        if self._server_timing:
            headers.append((b"server-timing", _server_timing(ledger)))
        return headers

    def _account(
        self,
        deployment: Deployment,
        request: HttpRequest,
        response: HttpResponse,
        ledger: Ledger,
        latency_us: int,
    ) -> None:
        ledger.metrics.observe(request.method, response.status, latency_us, ledger.times)
        if ledger.denial is not None:
            ledger.metrics.deny(ledger.denial)
        length = 0 if request.method == "HEAD" else len(response.body)
        record = build_record(request, ledger, status=response.status, length=length, latency_us=latency_us)
        if deployment.logged_claims:
            add_claims(record, ledger.authorization, deployment.logged_claims)
        self._sink(record)


def _refuse(error: GatewayError, ledger: Ledger) -> HttpResponse:
    ledger.error = clean(error.detail)
    ledger.error_code = error.code
    if isinstance(error, IntegrationError):
        ledger.integration_error = ledger.error
    elif isinstance(error, Denial):
        ledger.denial = error.reason
    return render(error)


def _server_timing(ledger: Ledger) -> bytes:
    parts = [("route", ledger.route_us)]
    if ledger.times is not None:
        times = ledger.times
        parts += [
            ("queue", times.queue_us),
            ("start", times.start_us),
            ("init", times.init_us),
            ("handler", times.handler_us),
        ]
    return ", ".join(f"{name};dur={us / 1000:.3f}" for name, us in parts).encode("ascii")


async def _answer_other(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await _live(receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """Take part in ASGI's lifespan, of which the gateway needs nothing."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
