"""What a caller gets: the answer, the function's error, the platform's error, the refusal."""

import asyncio
import base64
import json
import re

import pytest

from kit.invoke import InvokeAnswer
from tests.support.executor_world import TRACE, ExecutorWorld

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MIB_6 = 6 * 1024 * 1024


def refused(answer: InvokeAnswer, status: int, code: str) -> dict[str, str]:
    """The body of an error of the API."""
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, code)
    assert UUID4.fullmatch(answer.headers["x-amzn-requestid"])
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, str] = json.loads(answer.payload)
    return body


def base64_json(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


async def test_answer_carries_the_payload_as_the_function_wrote_it(world: ExecutorWorld) -> None:
    answer = await world.call(b'{"do": "echo",  "odd  spaces":[1.0, 1e3]}')
    assert answer.status == 200
    assert answer.payload == b'{"do": "echo",  "odd  spaces":[1.0, 1e3]}'
    assert answer.headers.keys() == {"x-amzn-requestid", "x-amz-executed-version"}
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    assert UUID4.fullmatch(answer.headers["x-amzn-requestid"])


async def test_event_reaches_the_function_with_its_head(world: ExecutorWorld) -> None:
    answer = await world.call({"do": "headers"}, budget_ms=9_000)
    head = json.loads(answer.payload)
    assert head["lambda-runtime-aws-request-id"] == answer.headers["x-amzn-requestid"]
    assert head["lambda-runtime-invoked-function-arn"] == f"{ARN}f"
    assert head["lambda-runtime-trace-id"] == TRACE
    assert "lambda-runtime-client-context" not in head


async def test_qualifier_latest_runs_and_shows_in_the_arn(world: ExecutorWorld) -> None:
    answer = await world.call({"do": "headers"}, qualifier="$LATEST")
    assert json.loads(answer.payload)["lambda-runtime-invoked-function-arn"] == f"{ARN}f:$LATEST"


@pytest.mark.parametrize(("qualifier", "shown"), [("live", "live"), ("7", "7")])
async def test_unknown_qualifier_is_not_found(world: ExecutorWorld, qualifier: str, shown: str) -> None:
    body = refused(await world.call(qualifier=qualifier), 404, "ResourceNotFoundException")
    assert body == {"Type": "User", "Message": f"Function not found: {ARN}f:{shown}"}


@pytest.mark.parametrize("kind", ["RequestResponse", "DryRun"])
async def test_unknown_function_is_not_found(world: ExecutorWorld, kind: str) -> None:
    body = refused(await world.call(function="nobody", kind=kind), 404, "ResourceNotFoundException")
    assert body == {"Type": "User", "Message": f"Function not found: {ARN}nobody:$LATEST"}


async def test_dry_run_runs_nothing(world: ExecutorWorld) -> None:
    answer = await world.call(kind="DryRun")
    assert (answer.status, answer.payload) == (204, b"")
    assert UUID4.fullmatch(answer.headers["x-amzn-requestid"])
    assert world.driver.specs == []


async def test_asynchronous_call_is_refused_by_name_and_runs_nothing(world: ExecutorWorld) -> None:
    body = refused(await world.call(kind="Event"), 400, "InvalidParameterValueException")
    assert "'Event'" in body["message"]
    assert world.driver.specs == []


async def test_payload_of_6_mib_passes_both_ways(world: ExecutorWorld) -> None:
    payload = b'"%b"' % (b"x" * (MIB_6 - 2))
    assert (await world.call(payload)).payload == payload


@pytest.mark.parametrize("changes", [{}, {"qualifier": "$LATEST"}, {"kind": "DryRun"}], ids=str)
async def test_payload_over_6_mib_is_refused(world: ExecutorWorld, changes: dict[str, str]) -> None:
    answer = await world.call(b'"%b"' % (b"x" * (MIB_6 - 1)), **changes)
    body = refused(answer, 413, "RequestEntityTooLargeException")
    assert body == {"Message": "Request must be smaller than 6291456 bytes for the InvokeFunction operation"}
    assert world.driver.specs == []


async def test_answer_of_6_mib_and_100_bytes_passes_and_one_more_is_an_error(world: ExecutorWorld) -> None:
    passed = await world.call({"do": "sized", "bytes": MIB_6 + 100})
    assert (len(passed.payload), "x-amz-function-error" in passed.headers) == (MIB_6 + 100, False)
    failed = await world.call({"do": "sized", "bytes": MIB_6 + 101})
    assert (failed.status, failed.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert failed.payload == (
        b'{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",'
        b'"errorType":"Function.ResponseSizeTooLarge"}'
    )


async def test_function_error_is_passed_on_as_posted(world: ExecutorWorld) -> None:
    answer = await world.call({"do": "error", "type": "Function.Odd"})
    assert answer.status == 200
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.headers["x-amz-executed-version"] == "$LATEST"
    assert answer.payload == b'{"errorMessage": "no", "errorType": "Function.Odd"}'


@pytest.mark.parametrize(
    ("event", "error_type", "message"),
    [
        pytest.param({"do": "exit", "code": 0}, "Runtime.ExitError", "Runtime exited without providing a reason",
                     id="exit-0"),
        pytest.param({"do": "exit", "code": 127}, "Runtime.ExitError",
                     "Runtime exited with error: exit status 127", id="exit-127"),
        pytest.param({"do": "signal", "number": 11}, "Runtime.ExitError",
                     "Runtime exited with error: signal: segmentation fault", id="signal"),
        pytest.param({"do": "oom"}, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed", id="oom"),
        pytest.param({"do": "half"}, "Runtime.TruncatedResponse", "The response ended before it was complete",
                     id="half"),
    ],
)  # fmt: skip
async def test_platform_error_is_shown_in_lambdas_words(
    world: ExecutorWorld, event: dict[str, object], error_type: str, message: str
) -> None:
    answer = await world.call(event)
    assert (answer.status, answer.headers["x-amz-function-error"]) == (200, "Unhandled")
    request_id = answer.headers["x-amzn-requestid"]
    assert json.loads(answer.payload) == {
        "errorType": error_type,
        "errorMessage": f"RequestId: {request_id} Error: {message}",
    }


async def test_client_context_reaches_the_function_decoded(world: ExecutorWorld) -> None:
    context = {"custom": {"name": "Zoë"}, "client": {"app_title": "notes"}}
    answer = await world.call({"do": "headers"}, headers={"x-amz-client-context": base64_json(context)})
    assert json.loads(json.loads(answer.payload)["lambda-runtime-client-context"]) == context


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("not base64", id="not-base64"),
        pytest.param(base64_json([1]), id="no-object"),
        pytest.param(base64.b64encode(b"{").decode(), id="no-json"),
        pytest.param(base64.b64encode(b"\xff\xfe{}").decode(), id="not-utf-8"),
        pytest.param(base64_json({"custom": "x" * 3000}), id="too-large"),
    ],
)
async def test_bad_client_context_is_refused(world: ExecutorWorld, value: str) -> None:
    answer = await world.call(headers={"x-amz-client-context": value})
    assert "Client context must be" in refused(answer, 400, "InvalidRequestContentException")["message"]
    assert world.driver.specs == []


async def test_log_tail_has_the_invocations_lines_and_its_report(world: ExecutorWorld) -> None:
    await world.call()  # warm, so that no Init Duration is shown
    event = {"do": "print", "text": "one\ntwo\n"}
    answer = await world.call(event, headers={"x-amz-log-type": "Tail"})
    request_id = answer.headers["x-amzn-requestid"]
    lines = base64.b64decode(answer.headers["x-amz-log-result"]).decode().splitlines()
    assert lines[:4] == [
        f"START RequestId: {request_id} Version: $LATEST", "one", "two", f"END RequestId: {request_id}",
    ]  # fmt: skip
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: 42 MB\t",
        lines[4],
    )


@pytest.mark.parametrize("headers", [{}, {"x-amz-log-type": "None"}], ids=str)
async def test_no_log_tail_without_asking(world: ExecutorWorld, headers: dict[str, str]) -> None:
    assert "x-amz-log-result" not in (await world.call(headers=headers)).headers


async def test_failed_invocation_has_a_log_tail_too(world: ExecutorWorld) -> None:
    answer = await world.call({"do": "exit", "code": 3}, headers={"x-amz-log-type": "Tail"})
    tail = base64.b64decode(answer.headers["x-amz-log-result"]).decode()
    assert tail.endswith("Status: error\tError Type: Runtime.ExitError\t\n")


async def test_times_of_a_cold_and_a_warm_call_are_plausible(world: ExecutorWorld) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    cold = (await world.call()).times
    spent_us = (loop.time() - began) * 1e6
    await world.rested()
    warm = (await world.call()).times
    assert cold is not None
    assert warm is not None
    assert cold.start_us + cold.init_us > 0
    assert cold.handler_us > 0
    assert cold.queue_us + cold.start_us + cold.init_us + cold.handler_us <= spent_us + 2_000  # two clocks
    assert (warm.start_us, warm.init_us) == (0, 0)
    assert warm.handler_us > 0
