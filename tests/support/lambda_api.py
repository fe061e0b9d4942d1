"""A Lambda API over an invoker that only remembers, and requests signed for it."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette

from executor.api.app import lambda_api
from kit.invoke import InvokeAnswer, InvokeCall
from kit.names import Names
from kit.sigv4 import Credentials, sign

NAMES = Names(account="000000000000", region="us-east-1")
KEYS = Credentials("LKIATESTTESTTESTTEST", "a-secret/of+the+test")
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BASE = "http://127.0.0.1:8082"
INVOKE_PATH = "/2015-03-31/functions/notes/invocations"


def secrets(key_id: str) -> str | None:
    return {KEYS.access_key_id: KEYS.secret_access_key}.get(key_id)


def echo(call: InvokeCall) -> InvokeAnswer:
    """What a function answers that returns its event and prints a line."""
    headers = {
        "x-amzn-requestid": "00000000-0000-4000-8000-000000000001",
        "x-amz-executed-version": "$LATEST",
    }
    if call.headers.get("x-amz-log-type") == "Tail":
        headers["x-amz-log-result"] = base64.b64encode(b"START\nhello\nEND\n").decode()
    return InvokeAnswer(status=200, headers=headers, payload=call.payload)


@dataclass
class FakeInvoker:
    """Knows the functions ``notes`` and ``fails``; runs nothing."""

    answer: Callable[[InvokeCall], InvokeAnswer | Awaitable[InvokeAnswer]] = echo
    calls: list[InvokeCall] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def has(self, function: str) -> bool:
        return function in ("notes", "fails")

    async def invoke(self, call: InvokeCall) -> InvokeAnswer:
        self.calls.append(call)
        self.started.set()
        if call.function == "fails":
            payload = b'{"errorMessage":"boom","errorType":"ValueError"}'
            return InvokeAnswer(status=200, headers={"x-amz-function-error": "Unhandled"}, payload=payload)
        try:
            answer = self.answer(call)
            return answer if isinstance(answer, InvokeAnswer) else await answer
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def make_app(invoker: FakeInvoker, *, clock: Callable[[], float] = NOW.timestamp) -> Starlette:
    return lambda_api(
        invoker, invoker, NAMES, secrets, hosts=["lambda.example"], clock=clock, new_id=lambda: "fresh-id"
    )


def signed_headers(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    credentials: Credentials = KEYS,
    now: datetime = NOW,
) -> dict[str, str]:
    return sign(method, BASE + path, headers or {}, body, credentials, NAMES.region, "lambda", now)


async def request(
    app: Starlette,
    path: str = INVOKE_PATH,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
) -> httpx.Response:
    """Send one signed request into *app*."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        sent = signed_headers(method, path, body, headers)
        return await client.request(method, BASE + path, content=body, headers=sent)
