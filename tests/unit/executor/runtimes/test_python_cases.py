"""Every case of the runtime, against our bootstrap and against AWS's own client: equal bytes."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.runtime_cases import Case, lay_out_function, load_cases
from tests.support.runtime_process import Answer, start_runtime

CASES = [case for case in load_cases() if case.needs != "platform"]
EXITS = [case for case in load_cases() if case.needs == "platform" and "exit status" in str(case.expect)]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out_function(tmp_path_factory.mktemp("cases") / "function")


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


async def run(
    case: Case, function: Path, work: Path, *, official: bool, request_id: str
) -> tuple[Answer, str]:
    """The answer to the last event, and all output until the runtime asks for one more or exits."""
    async with start_runtime(
        function, case.handler, work, official=official, variables=case.environment
    ) as runtime:
        for payload in case.payloads:
            answer = await runtime.invoke(
                payload,
                request_id=request_id,
                timeout_s=case.timeout_s,
                client_context=case.client_context,
                cognito_identity=case.cognito_identity,
            )
        return answer, runtime.output()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_case_is_answered_as_by_awslambdaric(case: Case, function: Path, work: Path) -> None:
    request_id = str(uuid.uuid4())
    (ours, our_log), (theirs, their_log) = await asyncio.gather(
        run(case, function, work / "a", official=False, request_id=request_id),
        run(case, function, work / "b", official=True, request_id=request_id),
    )
    failed = ours.kind != "response_ended"
    assert case.mismatch(ours.body, function_error=failed, request_id=request_id) is None
    for text in case.log:
        assert text in our_log
    if case.differs is None:
        assert ours.kind == theirs.kind
        assert comparable(ours) == comparable(theirs)
        assert comparable_log(our_log) == comparable_log(their_log)


def comparable(answer: Answer) -> Any:
    """The bytes; of errors those without the frames of either client's own file."""
    if answer.kind == "response_ended":
        return answer.body
    error = json.loads(answer.body)
    error["stackTrace"] = [
        re.sub(r"\d+ more times", "n more times", frame)
        for frame in error["stackTrace"]
        if "bootstrap.py" not in frame
    ]
    rewritten = json.dumps(json.loads(answer.body), ensure_ascii=answer.body.isascii()).encode()
    assert rewritten == answer.body  # order of keys and separators
    return list(error.items())


def comparable_log(log: str) -> list[str]:
    """Lines without times, the notice of an init error and what Python says of unawaited coroutines."""
    log = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", log)
    log = re.sub(r"(?m)^.*RuntimeWarning.*\n(  .*\n)?", "", log)
    log = re.sub(r"\d+ more times", "n more times", log)
    log = re.sub(r"(?m)^.*LAMBDA_WARNING: Unhandled exception.*\r\n", "", log)
    frames = re.compile('\r\u00a0\u00a0File "[^"]*bootstrap.py"[^\r\n]*(\r\u00a0{4}[^\r\n]*)?')
    return [frames.sub("", line) for line in log.split("\n")]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in EXITS])
async def test_functions_exit_is_the_process_exit(case: Case, function: Path, work: Path) -> None:
    status = int(case.expect["error_message"].rpartition(" ")[2])
    async with start_runtime(function, case.handler, work) as runtime:
        await runtime.invoke(case.payloads[0], request_id=str(uuid.uuid4()))
        assert await runtime.exit_code() == status
