"""The Invoke API of a running server, called by boto3 and by the AWS command line."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.lambda_client import invoke, lambda_client
from tests.support.observed import wait_until
from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.xdist_group("invoke-api")

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:describes"
AWS = Path(sys.executable).with_name("aws")


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    message: str
    reason: str | None

    @classmethod
    def of(cls, error: ClientError) -> "Refusal":
        response: Any = error.response
        return cls(
            response["ResponseMetadata"]["HTTPStatusCode"],
            response["Error"]["Code"],
            response["Error"]["Message"],
            response.get("Reason"),
        )


@dataclass
class Api:
    """:param gates: folder in which the function `waits` leaves a file per call."""

    server: RunningServer
    gates: Path

    @cached_property
    def client(self) -> Any:
        return lambda_client(self.server.endpoints)

    def refusal(self, function: str, client: Any = None, **arguments: Any) -> Refusal:
        with pytest.raises(ClientError) as caught:
            invoke(client or self.client, function, **arguments)
        return Refusal.of(caught.value)

    def aws(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``aws lambda …`` with nothing of the caller's own settings."""
        keys = self.server.endpoints
        settings = {
            "AWS_ENDPOINT_URL_LAMBDA": keys["endpoints"]["lambda"],
            "AWS_DEFAULT_REGION": keys["region"],
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
        }
        command = [sys.executable, str(AWS), "lambda", *words]
        return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=18)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("invoke")
    copy_function("echo", folder)
    functions: dict[str, dict[str, Any]] = {
        name: {"code": "echo", "handler": f"app.{name}"}
        for name in ("returns", "speaks", "fails", "describes")
    }
    functions["waits"] = {
        "code": "echo",
        "handler": "app.waits",
        "volumes": {"GATE": "gates"},
        "concurrency": {"reserved": 1},
    }
    functions["off"] = {"code": "echo", "handler": "app.returns", "concurrency": {"reserved": 0}}
    config = write_routes(folder, functions=functions, region="eu-central-1", account_id="123456789012")
    with RunningServer(config, folder / "state") as server:
        yield Api(server, folder / "gates")


def test_a_call_is_answered_with_the_functions_bytes_and_its_version(api: Api) -> None:
    answer = invoke(api.client, "returns", '{"text": "é"}'.encode())
    assert (answer.status, answer.payload) == (200, '{"text": "é"}'.encode())
    assert (answer.version, answer.function_error, answer.log) == ("$LATEST", None, "")
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", answer.request_id
    )


def test_a_call_without_a_payload_gives_the_function_an_empty_object(api: Api) -> None:
    assert api.client.invoke(FunctionName="returns")["Payload"].read() == b"{}"


def test_a_dry_run_answers_204_and_runs_nothing(api: Api) -> None:
    answer = invoke(api.client, "fails", InvocationType="DryRun")
    assert (answer.status, answer.payload, answer.function_error) == (204, b"", None)


def test_a_dry_run_of_an_unknown_function_is_404(api: Api) -> None:
    assert api.refusal("nobody", InvocationType="DryRun").status == 404


def test_the_log_tail_has_the_lines_of_this_call(api: Api) -> None:
    answer = invoke(api.client, "speaks", b'"hi"', LogType="Tail")
    start, printed, logged, end, report = answer.log.splitlines()
    assert start == f"START RequestId: {answer.request_id} Version: $LATEST"
    assert printed == "printed hi"
    assert re.fullmatch(rf"\[INFO\]\t\S+Z\t{answer.request_id}\tlogged hi", logged)
    assert end == f"END RequestId: {answer.request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {answer.request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\t(Init Duration: \d+\.\d\d ms\t)?",
        report,
    )


def test_init_duration_stands_in_the_first_report_only(api: Api) -> None:
    logs = [invoke(api.client, "describes", LogType="Tail").log for _ in range(2)]
    assert "Init Duration" not in logs[1]


def test_a_failing_function_is_200_with_its_error_and_a_status_in_the_report(api: Api) -> None:
    answer = invoke(api.client, "fails", b'"lost"', LogType="Tail")
    assert (answer.status, answer.function_error, answer.version) == (200, "Unhandled", "$LATEST")
    error = json.loads(answer.payload)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "lost")
    assert error["requestId"] == answer.request_id
    assert "[ERROR] LookupError: lost\rTraceback" in answer.log
    assert "\tStatus: error\tError Type: " in answer.log


def test_the_client_context_reaches_the_function(api: Api) -> None:
    given = {"custom": {"k": "é"}, "env": {"e": 1}, "client": {"app_title": "t"}}
    encoded = base64.b64encode(json.dumps(given).encode()).decode()
    answer = invoke(api.client, "describes", ClientContext=encoded)
    assert json.loads(answer.payload)["client"] == {"custom": {"k": "é"}, "env": {"e": 1}}


@pytest.mark.parametrize(
    ("called", "qualifier", "arn"),
    [
        pytest.param("describes", None, ARN, id="name"),
        pytest.param(ARN, None, ARN, id="arn"),
        pytest.param("123456789012:function:describes", None, ARN, id="partial-arn"),
        pytest.param("describes", "$LATEST", f"{ARN}:$LATEST", id="qualifier"),
        pytest.param(f"{ARN}:$LATEST", None, f"{ARN}:$LATEST", id="qualified-arn"),
    ],
)
def test_the_function_sees_the_arn_that_was_called(
    api: Api, called: str, qualifier: str | None, arn: str
) -> None:
    answer = invoke(api.client, called, **({"Qualifier": qualifier} if qualifier else {}))
    seen = json.loads(answer.payload)
    assert (seen["arn"], seen["version"], seen["client"]) == (arn, "$LATEST", None)
    assert seen["request_id"] == answer.request_id


@pytest.mark.parametrize(
    ("called", "qualifier"),
    [
        pytest.param("nobody", None, id="function"),
        pytest.param("describes", "7", id="version"),
        pytest.param("describes", "live", id="alias"),
    ],
)
def test_what_does_not_exist_is_404_and_named(api: Api, called: str, qualifier: str | None) -> None:
    refusal = api.refusal(called, **({"Qualifier": qualifier} if qualifier else {}))
    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")
    place = ARN.rpartition(":")[0]
    assert refusal.message == f"Function not found: {place}:{called}:{qualifier or '$LATEST'}"


def test_a_wrong_secret_and_an_unknown_key_are_403(api: Api) -> None:
    wrong = lambda_client(api.server.endpoints, aws_secret_access_key="wrong")
    assert api.refusal("returns", wrong).status == 403
    unknown = lambda_client(api.server.endpoints, aws_access_key_id="LKIAUNKNOWN")
    assert api.refusal("returns", unknown).code == "UnrecognizedClientException"


def test_an_unsigned_call_is_403(api: Api) -> None:
    url = f"{api.server.endpoints['control']}/2015-03-31/functions/returns/invocations"
    response = httpx.post(url, content=b"{}", trust_env=False)
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_asynchronous_calls_are_refused_as_not_in_this_version(api: Api) -> None:
    refusal = api.refusal("returns", InvocationType="Event")
    assert refusal.status == 400
    assert "not in this version" in refusal.message


def test_a_payload_that_is_no_json_is_400(api: Api) -> None:
    refusal = api.refusal("returns", payload=b"{nothing")
    assert (refusal.status, refusal.code) == (400, "InvalidRequestContentException")
    assert refusal.message.startswith("Could not parse request body into json: ")


def test_a_function_that_is_switched_off_is_429(api: Api) -> None:
    refusal = api.refusal("off")
    assert (refusal.status, refusal.code) == (429, "TooManyRequestsException")
    assert refusal.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert refusal.message == "Rate Exceeded."


def test_one_call_more_than_reserved_is_429_until_one_ends(api: Api) -> None:
    gate = api.gates / "first"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(invoke, api.client, "waits", b'"first"')
        wait_until(gate.exists, "the first call's beginning")
        try:
            refusal = api.refusal("waits", payload=b'"second"')
        finally:
            gate.unlink()
        assert first.result(10).payload == b'"released"'
    assert (refusal.status, refusal.reason) == (429, "ReservedFunctionConcurrentInvocationLimitExceeded")
    assert not (api.gates / "second").exists()


def test_the_aws_command_line_calls_a_function(api: Api, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = api.aws("invoke", "--function-name", "returns", "--payload", '{"a": 1}', str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert out.read_bytes() == b'{"a": 1}'


def test_the_aws_command_line_names_an_unknown_function(api: Api, tmp_path: Path) -> None:
    done = api.aws("invoke", "--function-name", "nobody", str(tmp_path / "out"))
    assert done.returncode in (254, 255)  # by version of the command
    assert "ResourceNotFoundException" in done.stderr
    assert "function:nobody:$LATEST" in done.stderr


def test_env_json_has_the_shape_that_scripts_rely_on(api: Api) -> None:
    done = lockgate("env", "--json", "--state", api.server.state)
    found = json.loads(done.stdout)
    gateway, control, admin = (found[name] for name in ("gateway", "control", "admin"))
    for url in (gateway, control, admin):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert len({gateway, control, admin}) == 3
    assert re.fullmatch(r"LKIA[A-Z2-7]{16}", found["access_key_id"])
    assert len(found["secret_access_key"]) == 40
    assert found == {
        "gateway": gateway,
        "auth": None,
        "control": control,
        "admin": admin,
        "region": "eu-central-1",
        "account_id": "123456789012",
        "access_key_id": found["access_key_id"],
        "secret_access_key": found["secret_access_key"],
        "endpoints": {"lambda": control, "cognito_idp": None, "cognito_idp_admin": None},
        "user_pools": {},
    }
