"""boto3 and the AWS command line against the API on a real listener."""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kit.edge_limits import EdgeLimits
from kit.invoke import InvokeAnswer, InvokeCall
from kit.listener import Listener, bind
from tests.support.lambda_api import KEYS, FakeInvoker, make_app

ARN = "arn:aws:lambda:us-east-1:000000000000:function:notes"
NO_RETRIES = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=10)


@dataclass
class Server:
    url: str
    invoker: FakeInvoker

    def client(
        self,
        *,
        region: str = "us-east-1",
        secret: str = KEYS.secret_access_key,
        key: str = KEYS.access_key_id,
    ) -> Any:
        return boto3.session.Session().client(
            "lambda",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=NO_RETRIES,
        )

    async def invoke(self, client: Any = None, /, **arguments: Any) -> Any:
        call = (client or self.client()).invoke
        answer = await asyncio.to_thread(lambda: call(**arguments))
        answer["Payload"] = answer["Payload"].read()
        return answer

    async def refusal(self, client: Any = None, /, **arguments: Any) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as caught:
            await self.invoke(client, **arguments)
        response: Any = caught.value.response
        assert response["ResponseMetadata"]["RequestId"]
        return (
            response["ResponseMetadata"]["HTTPStatusCode"],
            response["Error"]["Code"],
            response["Error"]["Message"],
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    invoker = FakeInvoker()
    sock = bind("127.0.0.1:0")
    limits = EdgeLimits(body_bytes=7 * 1024 * 1024)
    listener = Listener("control", make_app(invoker, clock=time.time), sock, limits)
    await listener.start()
    yield Server(listener.url, invoker)
    await listener.drain(1)


async def test_boto3_invokes_and_reads_the_answer(server: Server) -> None:
    answer = await server.invoke(FunctionName="notes", Payload='{"é": "ü"}'.encode())
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads(answer["Payload"]) == {"é": "ü"}
    assert answer["ResponseMetadata"]["RequestId"] == "00000000-0000-4000-8000-000000000001"
    assert "FunctionError" not in answer


async def test_boto3_without_a_payload_sends_an_empty_event(server: Server) -> None:
    await server.invoke(FunctionName="notes")
    assert server.invoker.calls[0].payload == b"{}"


async def test_boto3_reads_the_log_tail_and_sends_a_client_context(server: Server) -> None:
    context = base64.b64encode(b'{"client":{"app_title":"t"}}').decode()
    answer = await server.invoke(FunctionName="notes", LogType="Tail", ClientContext=context)
    assert base64.b64decode(answer["LogResult"]) == b"START\nhello\nEND\n"
    assert server.invoker.calls[0].headers["x-amz-client-context"] == context


async def test_boto3_sees_a_function_error_and_a_dry_run(server: Server) -> None:
    failed = await server.invoke(FunctionName="fails")
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert json.loads(failed["Payload"])["errorType"] == "ValueError"
    dry = await server.invoke(FunctionName="notes", InvocationType="DryRun")
    assert (dry["StatusCode"], dry["Payload"]) == (204, b"")


@pytest.mark.parametrize(
    ("name", "qualifier", "expected"),
    [
        ("notes", None, None),
        ("notes", "$LATEST", "$LATEST"),
        ("notes:$LATEST", None, "$LATEST"),
        (ARN, None, None),
        (f"{ARN}:$LATEST", "$LATEST", "$LATEST"),
        ("000000000000:function:notes", None, None),
        ("function:notes", None, None),
    ],
)
async def test_boto3_names_a_function_in_every_form(
    server: Server, name: str, qualifier: str | None, expected: str | None
) -> None:
    extra = {} if qualifier is None else {"Qualifier": qualifier}
    assert (await server.invoke(FunctionName=name, **extra))["StatusCode"] == 200
    assert (server.invoker.calls[0].function, server.invoker.calls[0].qualifier) == ("notes", expected)


async def test_boto3_gets_the_exceptions_of_the_model(server: Server) -> None:
    client = server.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        await server.invoke(client, FunctionName="gone")
    assert missing.value.response["Error"]["Message"] == (
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:gone:$LATEST"
    )
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        await server.invoke(client, FunctionName="notes", Payload=b"{nope")
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        await server.invoke(client, FunctionName="notes", InvocationType="Event")
    assert await server.refusal(FunctionName="notes:1", Qualifier="2") == (
        400,
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )
    assert await server.refusal(FunctionName=ARN.replace("us-east-1", "eu-west-1")) == (
        404,
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )
    status, code, message = await server.refusal(FunctionName="notes", Payload=b'"' + b"x" * 6291456 + b'"')
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


async def test_boto3_gets_throttles_as_its_own_exception(server: Server) -> None:
    body = b'{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'
    headers = {"x-amzn-errortype": "TooManyRequestsException", "retry-after": "1"}
    server.invoker.answer = lambda call: InvokeAnswer(status=429, headers=dict(headers), payload=body)
    client = server.client()
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        await server.invoke(client, FunctionName="notes")
    response: Any = caught.value.response
    assert (response["Reason"], response["retryAfterSeconds"]) == ("ConcurrentInvocationLimitExceeded", "1")


async def test_boto3_with_wrong_credentials_is_refused(server: Server) -> None:
    wrong = [
        (server.client(secret="wrong"), "InvalidSignatureException", "The request signature we calculated"),
        (server.client(key="AKIAUNKNOWN"), "UnrecognizedClientException", "The security token included"),
        (server.client(region="eu-west-1"), "InvalidSignatureException", "Credential should be scoped to a"),
    ]
    for client, code, words in wrong:
        status, got, message = await server.refusal(client, FunctionName="notes", Payload=b"{}")
        assert (status, got) == (403, code)
        assert message.startswith(words)
    assert server.invoker.calls == []


async def test_body_changed_on_the_way_is_refused(server: Server) -> None:
    client = server.client()

    def tamper(request: Any, **_: Any) -> None:
        request.body = b'{"admin": true}'
        request.headers["Content-Length"] = str(len(request.body))

    client.meta.events.register("before-send.lambda.Invoke", tamper)
    status, code, _ = await server.refusal(client, FunctionName="notes", Payload=b"{}")
    assert (status, code) == (403, "InvalidSignatureException")
    assert server.invoker.calls == []


async def test_boto3_is_told_which_operations_are_missing(server: Server) -> None:
    client = server.client()
    missing: list[Callable[[], Any]] = [
        client.list_functions,
        lambda: client.get_function(FunctionName="notes"),
        lambda: client.invoke_with_response_stream(FunctionName="notes"),
    ]
    for operation in missing:
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(operation)
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
        assert "is not in this version" in caught.value.response["Error"]["Message"]


async def test_client_that_hangs_up_cancels_its_invocation(server: Server) -> None:
    async def forever(call: InvokeCall) -> InvokeAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    server.invoker.answer = forever
    impatient = boto3.session.Session().client(
        "lambda",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=KEYS.access_key_id,
        aws_secret_access_key=KEYS.secret_access_key,
        config=Config(retries={"max_attempts": 0}, read_timeout=0.2),
    )
    waiting = asyncio.create_task(asyncio.to_thread(impatient.invoke, FunctionName="notes"))
    await server.invoker.started.wait()
    with pytest.raises(Exception, match="Read timeout"):
        await waiting
    impatient.close()
    await asyncio.wait_for(server.invoker.cancelled.wait(), 5)


async def test_aws_command_line_invokes(server: Server, tmp_path: Path) -> None:
    aws = Path(sys.executable).with_name("aws")
    output = tmp_path / "out.json"
    arguments = [
        "lambda",
        "invoke",
        "--function-name",
        "notes",
        "--payload",
        '{"n": 1}',
        "--log-type",
        "Tail",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(aws),
        *["--endpoint-url", server.url, "--region", "us-east-1", "--output", "json"],
        *arguments,
        str(output),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    shown = json.loads(out)
    assert (shown["StatusCode"], shown["ExecutedVersion"]) == (200, "$LATEST")
    assert base64.b64decode(shown["LogResult"]) == b"START\nhello\nEND\n"
    assert json.loads(output.read_text()) == {"n": 1}
