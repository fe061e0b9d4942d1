"""The ASGI application over an invoker that only remembers."""

import asyncio
from typing import Any

import httpx
import pytest

from executor.api.body import MAX_PAYLOAD_BYTES
from kit.invoke import BudgetExceeded, InvokeAnswer, InvokeCall
from kit.sigv4 import Credentials
from tests.support.lambda_api import BASE, INVOKE_PATH, NOW, FakeInvoker, make_app, request, signed_headers


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, response.headers["x-amzn-errortype"], body.get("message") or body["Message"]


async def test_call_and_answer_pass_one_to_one() -> None:
    invoker = FakeInvoker()
    response = await request(make_app(invoker), body=b'{"n": 1}')
    (call,) = invoker.calls
    assert (call.function, call.qualifier, call.kind, call.payload) == (
        "notes",
        None,
        "RequestResponse",
        b'{"n": 1}',
    )
    assert call.budget_ms == 960_000
    assert call.trace.startswith(f"Root=1-{int(NOW.timestamp()):08x}-")
    assert (response.status_code, response.content) == (200, b'{"n": 1}')
    assert response.headers["x-amz-executed-version"] == "$LATEST"
    assert response.headers["x-amzn-requestid"] == "00000000-0000-4000-8000-000000000001"
    assert response.headers["content-type"] == "application/json"


async def test_qualifier_reaches_the_invoker_as_the_caller_wrote_it() -> None:
    invoker = FakeInvoker()
    await request(make_app(invoker), INVOKE_PATH + "?Qualifier=%24LATEST")
    assert invoker.calls[0].qualifier == "$LATEST"


async def test_trace_of_the_caller_goes_on() -> None:
    invoker = FakeInvoker()
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    await request(make_app(invoker), headers={"x-amzn-trace-id": trace})
    assert invoker.calls[0].trace == trace


async def test_empty_body_is_an_empty_event() -> None:
    invoker = FakeInvoker()
    await request(make_app(invoker), body=b"")
    assert invoker.calls[0].payload == b"{}"


async def test_function_error_keeps_status_200_and_gets_a_request_id() -> None:
    response = await request(make_app(FakeInvoker()), "/2015-03-31/functions/fails/invocations")
    assert (response.status_code, response.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert response.headers["x-amzn-requestid"] == "fresh-id"


async def test_dry_run_answers_204_and_runs_nothing() -> None:
    invoker = FakeInvoker()
    response = await request(make_app(invoker), headers={"x-amz-invocation-type": "DryRun"})
    assert (response.status_code, response.content, invoker.calls) == (204, b"", [])
    assert "content-type" not in response.headers
    assert response.headers["x-amzn-requestid"] == "fresh-id"


async def test_errors_of_the_invoker_pass_unchanged() -> None:
    refused = InvokeAnswer(
        status=429,
        headers={"x-amzn-errortype": "TooManyRequestsException", "retry-after": "1"},
        payload=b'{"a":1}',
    )
    response = await request(make_app(FakeInvoker(answer=lambda call: refused)))
    assert (response.status_code, response.content) == (429, b'{"a":1}')
    assert (response.headers["x-amzn-errortype"], response.headers["retry-after"]) == (
        "TooManyRequestsException",
        "1",
    )


NOT_FOUND = [
    ("gone", "gone:$LATEST"),
    ("gone:7", "gone:7"),
    ("notes:7", "notes:7"),
    ("notes:live", "notes:live"),
]


@pytest.mark.parametrize(("name", "shown"), NOT_FOUND)
async def test_unknown_function_and_qualifier_are_not_found(name: str, shown: str) -> None:
    invoker = FakeInvoker()
    response = await request(make_app(invoker), f"/2015-03-31/functions/{name}/invocations", body=b"not json")
    assert error_of(response) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{shown}",
    )
    assert invoker.calls == []


async def test_body_that_is_not_json_never_reaches_the_invoker() -> None:
    invoker = FakeInvoker()
    status, code, message = error_of(await request(make_app(invoker), body=b"{nope"))
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")
    assert invoker.calls == []


async def test_payload_of_six_mebibytes_passes_and_one_byte_more_does_not() -> None:
    invoker = FakeInvoker(answer=lambda call: InvokeAnswer(status=200, headers={}, payload=b"null"))
    app = make_app(invoker)
    fits = b'"' + b"x" * (MAX_PAYLOAD_BYTES - 2) + b'"'
    assert (await request(app, body=fits)).status_code == 200
    response = await request(app, body=fits + b" ")
    assert error_of(response) == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    )
    assert len(invoker.calls) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions"),
        ("DELETE", "/2015-03-31/functions/notes"),
        ("POST", "/2021-11-15/functions/notes/response-streaming-invocations"),
        ("GET", INVOKE_PATH),
        ("GET", "/"),
        ("GET", "/health"),
    ],
)
async def test_every_other_operation_says_that_it_is_not_here(method: str, path: str) -> None:
    status, code, message = error_of(await request(make_app(FakeInvoker()), path, b"", method=method))
    assert (status, code) == (404, "UnknownOperationException")
    assert message.startswith(f"{method} {path} is not in this version")


@pytest.mark.parametrize(("method", "path"), [("POST", INVOKE_PATH), ("GET", "/"), ("GET", "/metrics")])
async def test_nothing_is_answered_before_the_signature(method: str, path: str) -> None:
    invoker = FakeInvoker()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(invoker)), base_url=BASE) as client:
        response = await client.request(method, path, content=b"not json")
        assert error_of(response) == (
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
        wrong = Credentials("LKIATESTTESTTESTTEST", "wrong")
        headers = signed_headers(method, path, b"not json", credentials=wrong)
        response = await client.request(method, path, content=b"not json", headers=headers)
        assert error_of(response)[:2] == (403, "InvalidSignatureException")
    assert response.headers["x-amzn-requestid"] == "fresh-id"
    assert invoker.calls == []


@pytest.mark.parametrize("path", ["/a%0Ab", "/2015-03-31/functions/e%0Acho/invocations"])
async def test_a_line_break_in_the_path_passes_no_check_by(path: str) -> None:
    """Starlette's Mount does not match it: a plain 404 without request id came before Host and signature."""
    response = await request(make_app(FakeInvoker()), path, headers={"host": "evil.example"})
    assert error_of(response)[:2] == (403, "AccessDeniedException")
    assert response.headers["x-amzn-requestid"] == "fresh-id"


async def test_body_that_was_not_the_signed_one_is_refused() -> None:
    invoker = FakeInvoker()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(invoker)), base_url=BASE) as client:
        response = await client.post(
            INVOKE_PATH, content=b"{} ", headers=signed_headers("POST", INVOKE_PATH, b"{}")
        )
    assert error_of(response)[:2] == (403, "InvalidSignatureException")
    assert invoker.calls == []


async def test_body_of_an_unknown_caller_is_not_read() -> None:
    """Whoever has no key must not be able to make the server take 6 MiB."""

    async def receive() -> Any:
        raise AssertionError("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = signed_headers("POST", INVOKE_PATH, credentials=Credentials("AKIAUNKNOWN", "x"))
    await make_app(FakeInvoker())(scope_of(headers), receive, send)
    assert sent[0]["status"] == 403


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://127.0.0.1:8082"}])
async def test_rebound_names_and_web_pages_are_refused_even_when_signed(headers: dict[str, str]) -> None:
    response = await request(make_app(FakeInvoker()), headers=headers)
    assert error_of(response)[:2] == (403, "AccessDeniedException")
    assert response.headers["x-amzn-requestid"] == "fresh-id"


@pytest.mark.parametrize("host", ["lambda.example:8082", "10.1.2.3:8082", "[fd00::7]:8082", "localhost"])
async def test_configured_names_and_addresses_are_accepted(host: str) -> None:
    assert (await request(make_app(FakeInvoker()), headers={"host": host})).status_code == 200


async def test_fault_of_ours_is_a_500_that_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(call: InvokeCall) -> InvokeAnswer:
        raise RuntimeError("a detail of the inside")

    response = await request(make_app(FakeInvoker(answer=broken)))
    assert error_of(response)[:2] == (500, "ServiceException")
    assert b"inside" not in response.content
    assert "a detail of the inside" in caplog.text


async def test_passed_budget_is_a_503() -> None:
    def late(call: InvokeCall) -> InvokeAnswer:
        raise BudgetExceeded

    response = await request(make_app(FakeInvoker(answer=late)))
    assert error_of(response)[:2] == (503, "ServiceUnavailableException")


def scope_of(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": INVOKE_PATH,
        "raw_path": INVOKE_PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def _forever(call: InvokeCall) -> InvokeAnswer:
    await asyncio.Event().wait()
    raise AssertionError


async def test_caller_who_leaves_cancels_the_invocation() -> None:
    invoker = FakeInvoker(answer=_forever)
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"{}", "more_body": False})
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    running = asyncio.create_task(
        make_app(invoker)(scope_of(signed_headers("POST", INVOKE_PATH, b"{}")), messages.get, send)
    )
    await invoker.started.wait()
    messages.put_nowait({"type": "http.disconnect"})
    await running
    assert invoker.cancelled.is_set()
    assert sent == []


async def test_cancelled_request_cancels_the_invocation_and_leaves_no_task() -> None:
    invoker = FakeInvoker(answer=_forever)
    before = asyncio.all_tasks()
    running = asyncio.create_task(request(make_app(invoker)))
    await invoker.started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert invoker.cancelled.is_set()
    assert asyncio.all_tasks() == before
