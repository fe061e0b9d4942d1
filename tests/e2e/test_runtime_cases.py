"""Every case of the runtime through boto3 and a real server: our bootstrap and AWS's own client give equal bytes.

AWS's client is a `provided` function: its bootstrap runs the unmodified awslambdaric, which lies in the package.
"""

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lockgate.config.loader import load
from tests.support.lambda_client import Answer, invoke, lambda_client
from tests.support.observed import function_log, wait_until
from tests.support.routes_file import copy_function, write_routes
from tests.support.runtime_cases import Case, lay_out_function, load_cases
from tests.support.server import RunningServer

pytestmark = pytest.mark.xdist_group("runtime-cases")

# What the Invoke API cannot send: it has no parameter for an identity, and refuses such a client context.
UNSENDABLE = {"cognito-identity", "client-context-not-an-object"}
CASES = [case for case in load_cases() if case.id not in UNSENDABLE]
LIMIT = 6 * 1024 * 1024

# Where a process that the server forked differs from one that it started.
STARTS_DIFFER = {
    "no-variables-of-ours": "our bootstrap removes the mark by which the driver finds processes",
}

# `lockgate check` refuses these handlers, so they reach the runtime by a wrapper, which may change everything.
REFUSED_BY_CHECK = frozenset({"absent.handler", "handler", "sys.exit"})
WRAPPER = '#!/bin/sh\nexport _HANDLER="$REAL_HANDLER"\nexec "$@"\n'
BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV="$EXECUTION_ENV"
exec {python} -m awslambdaric "$_HANDLER"
"""


@dataclass
class Sides:
    """The functions of both sides. Cases with equal settings share one; the two names differ in one letter."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def names(self, case: Case) -> tuple[str, str]:
        number = self._numbers.setdefault(settings_of(case), len(self._numbers))
        return f"case-{number}-a", f"case-{number}-b"

    def declare(self, case: Case, ours: str, theirs: str) -> None:
        environment = dict(case.environment)
        execution = environment.pop("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
        common = {"timeout": f"{case.timeout_s:g}s", "idle_timeout": "5s"}
        wrapped = case.handler in REFUSED_BY_CHECK
        name, official_name = self.names(case)
        self.functions[name] = common | {
            "code": ours,
            "runtime": execution.removeprefix("AWS_Lambda_"),
            "handler": "app.echo" if wrapped else case.handler,
            "environment": environment
            | (
                {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper", "REAL_HANDLER": case.handler}
                if wrapped
                else {}
            ),
        }
        self.functions[official_name] = common | {
            "code": theirs,
            "runtime": "provided",
            "handler": case.handler,
            "environment": environment | {"EXECUTION_ENV": execution},
        }


def settings_of(case: Case) -> str:
    return json.dumps([case.handler, case.timeout_s, case.environment], sort_keys=True)


@dataclass
class Runtimes:
    """A running server with both sides."""

    server: RunningServer
    sides: Sides
    pool: ThreadPoolExecutor

    @cached_property
    def client(self) -> Any:
        return lambda_client(self.server.endpoints)

    def run(self, case: Case, function: str) -> Answer:
        """The answer to the case's last event."""
        arguments = {"LogType": "Tail"}
        if case.client_context is not None:
            arguments["ClientContext"] = base64.b64encode(case.client_context.encode()).decode()
        for payload in case.payloads:
            answer = invoke(self.client, function, payload, **arguments)
        return answer

    def run_both(self, case: Case) -> tuple[Answer, Answer]:
        ours, theirs = self.pool.map(lambda name: self.run(case, name), self.sides.names(case))
        return ours, theirs


def add_awslambdaric(package: Path) -> None:
    """Put AWS's client and what it needs into a package, and a bootstrap that runs it."""
    for distribution in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for file in files(distribution) or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = package / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target)
    write_program(package / "bootstrap", BOOTSTRAP.format(python=Path(sys._base_executable).resolve()))  # type: ignore[attr-defined]


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtimes]:
    folder = tmp_path_factory.mktemp("runtimes")
    write_program(lay_out_function(folder / "ours") / "wrapper", WRAPPER)
    add_awslambdaric(lay_out_function(folder / "theirs"))
    sides = Sides()
    for case in CASES:
        sides.declare(case, "ours", "theirs")
    copy_function("limits", folder)
    functions = sides.functions | {
        "eats": {"code": "limits", "handler": "app.eat", "memory": 128, "timeout": "15s"},
        "starts-slowly": {"code": "limits", "handler": "slow_init.handler", "timeout": "1s"},
    }
    config = write_routes(folder, functions=functions)
    with RunningServer(config, folder / "state") as server, ThreadPoolExecutor(4) as pool:
        yield Runtimes(server, sides, pool)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case_is_answered_as_by_awslambdaric(case: Case, runtimes: Runtimes) -> None:
    ours, theirs = runtimes.run_both(case)
    failed = ours.function_error is not None
    assert case.mismatch(ours.payload, function_error=failed, request_id=ours.request_id) is None
    for text in case.log:
        assert text.replace("\r\n", "\n") in ours.log  # as the log has it: a record is a line
    assert ours.version == "$LATEST"
    if case.differs is None and case.id not in STARTS_DIFFER:
        assert ours.function_error == theirs.function_error
        theirs_renamed = theirs.payload.replace(
            *(name.encode() for name in reversed(runtimes.sides.names(case)))
        )
        assert comparable(ours.payload, ours.request_id) == comparable(theirs_renamed, theirs.request_id)


def comparable(payload: bytes, request_id: str) -> bytes:
    """The bytes without the request id and, in errors, without the frames."""
    if not payload.startswith(b'{"errorMessage": '):
        return payload.replace(request_id.encode(), b"ID")
    error = json.loads(payload)
    assert json.dumps(error, ensure_ascii=payload.isascii()).encode() == payload  # order of keys, separators
    error["stackTrace"] = []
    return json.dumps(error).encode().replace(request_id.encode(), b"ID")


@pytest.mark.slow
def test_a_function_that_takes_more_memory_than_it_has_is_out_of_memory(runtimes: Runtimes) -> None:
    if "cgroups cannot be used here" in runtimes.server.stderr():
        pytest.skip("memory is limited by cgroups, and this machine allows none")
    # The pages of /tmp are memory too, so the limit is `memory` and `storage` together.
    answer = invoke(runtimes.client, "eats", str(128 + 512 + 60).encode(), LogType="Tail")
    message = f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed"
    assert json.loads(answer.payload) == {"errorType": "Runtime.OutOfMemory", "errorMessage": message}
    assert "Status: error\tError Type: Runtime.OutOfMemory" in answer.log
    assert invoke(runtimes.client, "eats", b"10").payload == b"10485760"


@pytest.mark.slow
def test_an_init_that_takes_too_long_is_run_again_under_the_functions_timeout(runtimes: Runtimes) -> None:
    answer = invoke(runtimes.client, "starts-slowly")
    message = f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds"
    assert json.loads(answer.payload) == {"errorType": "Sandbox.Timedout", "errorMessage": message}
    texts = wait_until(lambda: log_of_two_inits(runtimes.server), "two INIT_REPORTs")
    reports = [text for text in texts if text.startswith("INIT_REPORT")]
    assert "\tPhase: init\tStatus: timeout" in reports[0]
    assert "\tPhase: invoke\tStatus: timeout" in reports[1]
    assert texts.count("starting") == 2


def log_of_two_inits(server: RunningServer) -> list[str]:
    texts = [record.text for record in function_log(server, "starts-slowly")]
    return texts if sum(text.startswith("INIT_REPORT") for text in texts) > 1 else []


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_request_of_up_to_six_mebibytes_reaches_the_function(runtimes: Runtimes, size: int) -> None:
    case = next(case for case in CASES if case.id == "huge-event")
    payload = b'{"data": "' + b"x" * (size - 12) + b'"}'
    for name in runtimes.sides.names(case):
        assert invoke(runtimes.client, name, payload).payload == str(size - 12).encode()


def test_a_request_of_one_byte_more_is_refused_before_the_function(runtimes: Runtimes) -> None:
    case = next(case for case in CASES if case.id == "huge-event")
    with pytest.raises(ClientError) as caught:
        invoke(runtimes.client, runtimes.sides.names(case)[0], b'"' + b"x" * (LIMIT - 1) + b'"')
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert response["Error"]["Message"] == (
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    )


def test_a_client_context_that_is_no_object_is_refused(runtimes: Runtimes) -> None:
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        invoke(runtimes.client, runtimes.sides.names(CASES[0])[0], ClientContext="WzFd")


def test_the_handlers_that_need_a_wrapper_are_refused_in_the_file(tmp_path: Path) -> None:
    lay_out_function(tmp_path / "ours")
    functions = {
        f"f{number}": {"code": "ours", "handler": handler}
        for number, handler in enumerate(sorted(REFUSED_BY_CHECK))
    }
    loaded = load(write_routes(tmp_path, functions=functions), {})
    assert {problem.key_path[1] for problem in loaded.problems} == set(functions)
