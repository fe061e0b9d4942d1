"""The Lambda API for AWS clients: an ASGI application that knows one operation, ``Invoke``.

In order: Host and Origin (loopback is no authentication), the signature, the operation, its shape, the
function. It never runs anything itself; an `Invoker` does. No state.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from executor.api.body import MAX_PAYLOAD_BYTES, MAX_REQUEST_BYTES, Body, BodyTooLargeError, read_body
from executor.api.errors import (
    AccessDenied,
    LambdaError,
    RequestEntityTooLarge,
    ResourceNotFound,
    ServiceFault,
    ServiceUnavailable,
    Unauthenticated,
    UnknownOperation,
    error_answer,
)
from executor.api.function_name import LATEST
from executor.api.shapes import InvokeInput, invoke_segment, parse_invoke, parse_payload
from executor.api.trace import trace_of
from kit.host_guard import HostGuard
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall, Invoker
from kit.names import Names
from kit.sigv4 import SignatureError, SignedRequest, read_signature

SERVICE: Final = "lambda"
# The longest function and a minute of waiting for it: the function's own timeout rules.
BUDGET_MS: Final = 900_000 + 60_000
_MAX_SHOWN_PATH: Final = 200

log = logging.getLogger("lockgate.executor.api")


class FunctionIndex(Protocol):
    def has(self, function: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaApi:
    """What every request needs. An ASGI application; `lambda_api` wraps it.

    :param secrets: access key id → secret, None if there is no such key.
    """

    invoker: Invoker
    functions: FunctionIndex
    names: Names
    secrets: Callable[[str], str | None]
    guard: HostGuard
    clock: Callable[[], float]
    new_id: Callable[[], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self.new_id()
        try:
            answer = await self._answer(Request(scope), receive, request_id)
        except LambdaError as error:
            answer = error_answer(error, request_id)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("request %s of the Lambda API failed", request_id)
            answer = error_answer(ServiceFault(), request_id)
        answer.headers.setdefault("x-amzn-requestid", request_id)
        await _response(answer)(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive, request_id: str) -> InvokeAnswer:
        refused = self.guard.refusal(request.scope["headers"])
        if refused is not None:
            raise AccessDenied(refused)
        body = await self._authenticated_body(request, receive)
        segment = invoke_segment(request.method, _raw_path(request))
        if segment is None:
            raise _unknown_operation(request)
        asked = parse_invoke(segment, _query(request), request.headers)
        self._find(asked)
        if body.payload is None:
            raise RequestEntityTooLarge(MAX_PAYLOAD_BYTES, "InvokeFunction")
        payload = parse_payload(body.payload)
        if asked.kind == "DryRun":
            return InvokeAnswer(status=204, headers={"x-amzn-requestid": request_id}, payload=b"")
        call = InvokeCall(
            function=asked.reference.name,
            payload=payload,
            budget_ms=BUDGET_MS,
            trace=trace_of(request.headers.get("x-amzn-trace-id"), self.clock()),
            qualifier=asked.reference.qualifier,
            headers=asked.headers,
        )
        return await self._invoke(call, receive)

    async def _authenticated_body(self, request: Request, receive: Receive) -> Body:
        """Verify the caller. Its body is read only once all else about its signature is good."""
        signed = SignedRequest(
            method=request.method,
            raw_path=_raw_path(request),
            query=_query(request),
            headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.scope["headers"]],
        )
        now = datetime.fromtimestamp(self.clock(), UTC)
        try:
            presented = read_signature(
                signed, self.secrets, region=self.names.region, service=SERVICE, now=now
            )
            body = await read_body(receive)
            presented.check(body.sha256)
        except SignatureError as error:
            raise Unauthenticated(error) from error
        except BodyTooLargeError as error:
            raise RequestEntityTooLarge(MAX_REQUEST_BYTES, "requested") from error
        return body

    def _find(self, asked: InvokeInput) -> None:
        reference = asked.reference
        reference.check_place(self.names)
        if not self.functions.has(reference.name) or reference.qualifier not in (None, LATEST):
            raise ResourceNotFound(self.names.function_arn(reference.name, reference.qualifier or LATEST))

    async def _invoke(self, call: InvokeCall, receive: Receive) -> InvokeAnswer:
        """Run the call for as long as its caller is there. :raises ClientDisconnect: it no longer is."""
        running = asyncio.ensure_future(self.invoker.invoke(call))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((running, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise ClientDisconnect
            return running.result()
        except BudgetExceeded as error:
            raise ServiceUnavailable from error
        finally:
            for task in (running, leaving):
                task.cancel()
            await asyncio.gather(running, leaving, return_exceptions=True)


def lambda_api(
    invoker: Invoker,
    functions: FunctionIndex,
    names: Names,
    secrets: Callable[[str], str | None],
    *,
    hosts: Iterable[str] = (),
    clock: Callable[[], float] = time.time,
    new_id: Callable[[], str] = lambda: str(uuid4()),
) -> Starlette:
    """Build the application.

    :param hosts: names under which clients reach the listener, beside localhost and addresses.
    :param clock: Unix seconds.
    """
    api = LambdaApi(
        invoker=invoker,
        functions=functions,
        names=names,
        secrets=secrets,
        guard=HostGuard(hosts, any_address=True),
        clock=clock,
        new_id=new_id,
    )
    app = Starlette()
    app.router.default = api  # a Mount would not match a path with an encoded line break, and answer for us
    return app


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("latin-1")


def _query(request: Request) -> str:
    raw: bytes = request.scope["query_string"]
    return raw.decode("latin-1")


def _unknown_operation(request: Request) -> UnknownOperation:
    shown = f"{request.method} {_raw_path(request)}"[:_MAX_SHOWN_PATH]
    return UnknownOperation(
        f"{shown} is not in this version: only Invoke"
        " (POST /2015-03-31/functions/{FunctionName}/invocations) is."
    )


def _response(answer: InvokeAnswer) -> Response:
    headers = dict(answer.headers)
    if answer.payload:
        headers.setdefault("content-type", "application/json")
    return Response(answer.payload, status_code=answer.status, headers=headers)
