"""Every case of the Node.js runtime, against our bootstrap and against AWS's own client: equal answers."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.node_runtime import CASES, NODE, OFFICIAL_IS_BUILT, lay_out_cases, start_node
from tests.support.runtime_cases import Case, load_cases
from tests.support.runtime_process import Answer

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node.js")

ALL = load_cases(CASES.parent)
RUN_BY_THE_RUNTIME = [case for case in ALL if case.needs != "platform"]
EXITS = [case for case in ALL if case.needs == "platform" and "ExitError" in str(case.expect)]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out_cases(tmp_path_factory.mktemp("node") / "function")


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


async def run(
    case: Case, function: Path, work: Path, *, official: bool, request_id: str
) -> tuple[Answer, str]:
    """The answer to the last event, and all output until then."""
    async with start_node(
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


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in RUN_BY_THE_RUNTIME])
async def test_case_is_answered_as_expected(case: Case, function: Path, work: Path) -> None:
    request_id = str(uuid.uuid4())
    answer, log = await run(case, function, work, official=False, request_id=request_id)
    failed = answer.kind != "response_ended"
    assert case.mismatch(answer.body, function_error=failed, request_id=request_id) is None
    for text in case.log:
        assert text in log


@pytest.mark.slow
@pytest.mark.skipif(not OFFICIAL_IS_BUILT, reason="aws-lambda-ric is not built: make .venv/node")
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.id) for case in RUN_BY_THE_RUNTIME if case.differs is None]
)
async def test_case_is_answered_as_by_aws_lambda_ric(case: Case, function: Path, work: Path) -> None:
    request_id = str(uuid.uuid4())
    (ours, our_log), (theirs, their_log) = await asyncio.gather(
        run(case, function, work / "a", official=False, request_id=request_id),
        run(case, function, work / "b", official=True, request_id=request_id),
    )
    assert ours.kind == theirs.kind
    assert comparable(ours.body) == comparable(theirs.body)
    assert records(our_log) == records(their_log)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in EXITS])
async def test_exit_of_the_function_is_the_exit_of_the_process(
    case: Case, function: Path, work: Path
) -> None:
    answer, _ = await run(case, function, work, official=False, request_id=str(uuid.uuid4()))
    assert (answer.kind, answer.body) == ("exited", case.payloads[0])


def comparable(body: bytes) -> bytes:
    """Errors without the frames, and without the paths of the runtimes themselves."""
    if not body.startswith(b'{"errorType":'):
        return body
    error = json.loads(body)
    assert list(error) == ["errorType", "errorMessage", "trace"]
    error["errorMessage"] = re.sub(r"\n- \S*(bootstrap|index)\.mjs$", "", error["errorMessage"])
    error["trace"] = error["trace"][:1]
    return json.dumps(error).encode()


def records(log: str) -> list[str]:
    """Its lines, without times, frames, and what each client says of itself."""
    lines = [
        line
        for line in log.split("\n")
        if line and not line.startswith("Executing '") and "\tINFO\tExecuting" not in line
    ]
    return [comparable_record(line) for line in lines]


def comparable_record(line: str) -> str:
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", line)
    line = re.sub(r'(\\n|\r)- [^"\r]*?(bootstrap|index)\.mjs', "", line)
    return re.sub(r'("(?:stack|stackTrace)":\["(?:[^"\\]|\\.)*").*', r"\1", line)
