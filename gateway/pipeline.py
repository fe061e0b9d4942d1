"""The way of one request, in order, on one screen. Any step ends it by raising a `GatewayError`."""

import time

from gateway.connection import Connection
from gateway.deployment import Deployment, RoutePlan
from gateway.errors import Forbidden, NotFound, PayloadTooLarge
from gateway.exchange import ApiNames, Exchange
from gateway.ledger import Ledger
from gateway.path import canonical_path
from gateway.query import check_query
from gateway.request import HttpRequest
from gateway.response import HttpResponse
from gateway.route_spec import Authorizer

# 10 MiB: API Gateway's limit for any request body, also one that nobody reads.
MAX_BODY_BYTES = 10 * 1024 * 1024


async def run(
    deployment: Deployment, request: HttpRequest, connection: Connection, ledger: Ledger
) -> HttpResponse:
    """Answer one request.

    :raises GatewayError: in place of an answer; `ledger` holds what was known by then.
    """
    started_ns = time.perf_counter_ns()
    check_host(deployment.names, request.host)
    ledger.path = path = canonical_path(request.raw_path)
    raw_query = check_query(request.raw_query)
    stage, segments = deployment.stages.select(path.segments)
    ledger.stage = stage
    if deployment.cors is not None:
        preflight = deployment.cors.preflight(request)
        if preflight is not None:
            return preflight
    match = deployment.routes.match(request.method, segments)
    if match is None:
        raise NotFound("no route matches")
    plan = match.value
    ledger.key, ledger.metrics = plan.key, plan.metrics
    ledger.route_us = (time.perf_counter_ns() - started_ns) // 1000
    exchange = Exchange(
        names=deployment.names,
        request=request,
        path=path,
        raw_query=raw_query,
        stage=stage,
        key=plan.key,
        parameters=match.parameters,
    )
    throttle = deployment.throttle_of(plan, stage)
    if throttle is not None:
        throttle.take(exchange)
    if plan.authorizer is not None:
        is_known = _recall(plan, exchange, ledger)
        if not is_known:
            await _authorize(plan.authorizer, exchange, connection, ledger)
    if plan.quota is not None:
        plan.quota.take(exchange)
    limit_bytes = body_limit(connection, plan.integration.body_limit)
    if limit_bytes is not None:
        body = connection.body_now(limit_bytes)
        exchange.body = await connection.receive_body(limit_bytes) if body is None else body
    return await plan.integration.answer(exchange, connection, ledger)


def _recall(plan: RoutePlan, exchange: Exchange, ledger: Ledger) -> bool:
    """Whether the authorizer knows the caller already, so that nothing is waited for."""
    if plan.recall is None:
        return False
    started_ns = time.perf_counter_ns()
    known = plan.recall(exchange)
    if known is None:
        return False
    ledger.authorization = exchange.authorization = known
    ledger.authorizer_us = (time.perf_counter_ns() - started_ns) // 1000
    return True


async def _authorize(
    authorizer: Authorizer, exchange: Exchange, connection: Connection, ledger: Ledger
) -> None:
    started_ns = time.perf_counter_ns()
    try:
        with connection.while_unread():
            ledger.authorization = exchange.authorization = await authorizer.authorize(exchange)
    finally:
        ledger.authorizer_us = (time.perf_counter_ns() - started_ns) // 1000


def check_host(names: ApiNames, host: str) -> None:
    """:raises Forbidden: domains are configured, and this is none of them."""
    if names.domains and host.lower() not in names.domains:
        raise Forbidden("the host is none of the configured domains")


def body_limit(connection: Connection, limit_bytes: int | None) -> int | None:
    """How much of the body may be read, bytes; None: nobody looks at it.

    :raises PayloadTooLarge: nobody does, and it is declared larger than any may be.
    """
    if limit_bytes is not None:
        return min(limit_bytes, MAX_BODY_BYTES)
    if (connection.content_length or 0) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"content-length is {connection.content_length}, the limit {MAX_BODY_BYTES}")
    return None
