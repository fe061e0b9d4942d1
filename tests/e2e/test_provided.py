"""Functions that bring their own runtime: any executable called ``bootstrap`` that speaks the Runtime API."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.lambda_client import Answer, invoke, lambda_client
from tests.support.observed import function_log, wait_until
from tests.support.routes_file import FUNCTIONS, write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.xdist_group("provided")

SOURCES = FUNCTIONS / "provided"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@dataclass
class Provided:
    server: RunningServer

    @cached_property
    def client(self) -> Any:
        return lambda_client(self.server.endpoints)

    def call(self, function: str, payload: bytes = b"{}") -> Answer:
        return invoke(self.client, function, payload, LogType="Tail")


@pytest.fixture(scope="module")
def provided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provided]:
    folder = tmp_path_factory.mktemp("provided")
    lay_out(folder / "script", (SOURCES / "script.sh").read_text())
    lay_out(folder / "status", "#!/bin/sh\nexit 127\n")
    lay_out(folder / "interpreter", "#!/opt/absent/interpreter\n")
    lay_out(folder / "broken", "no program at all\n")
    lay_out(folder / "unmarked", "#!/bin/sh\n").chmod(0o644)
    functions = {
        "script": {"code": "script", "handler": "greet", "environment": {"GREETING": "hi"}},
        "no-settings": {"code": "script", "handler": "init_error"},
        "status": {"code": "status"},
        "interpreter": {"code": "interpreter"},
        "broken": {"code": "broken"},
        "unmarked": {"code": "unmarked"},
    }
    if shutil.which("cc") is not None:
        bootstrap = lay_out(folder / "compiled", "")
        compile_c(SOURCES / "client.c", bootstrap)
        functions["compiled"] = {"code": "compiled"}
    config = write_routes(folder, functions=functions, defaults={"runtime": "provided.al2023", "memory": 128})
    with RunningServer(config, folder / "state") as server:
        yield Provided(server)


def lay_out(package: Path, text: str) -> Path:
    package.mkdir()
    bootstrap = package / "bootstrap"
    bootstrap.write_text(text)
    bootstrap.chmod(0o755)
    return bootstrap


def compile_c(source: Path, target: Path) -> None:
    target.unlink()
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-o", target, source], check=True, timeout=15)


def test_a_shell_script_answers_events_one_after_the_other(provided: Provided) -> None:
    for number in (1, 2):
        answer = provided.call("script", b'{"n": %d}' % number)
        assert answer.function_error is None
        assert json.loads(answer.payload) == {"handler": "greet", "event": {"n": number}}
        assert f'event {{"n": {number}}}\n' in answer.log
        assert answer.log.count("START") == 1


@needs_compiler
def test_a_compiled_program_answers_events_one_after_the_other(provided: Provided) -> None:
    for number in (1, 2):
        answer = provided.call("compiled", b'{"n": %d}' % number)
        assert (answer.payload, answer.function_error) == (
            b'{"language": "c", "event": {"n": %d}}' % number,
            None,
        )
        assert f"answering {answer.request_id}\n" in answer.log


def test_an_error_post_is_the_answer_and_its_type_is_in_the_report(provided: Provided) -> None:
    answer = provided.call("script", b'"fail"')
    assert (answer.status, answer.function_error) == (200, "Unhandled")
    assert answer.payload == b'{"errorMessage": "not that one", "errorType": "Refused"}'
    assert "\tStatus: error\tError Type: Function.Refused\t" in answer.log
    assert provided.call("script", b"1").function_error is None


def test_a_program_that_ends_during_an_event_is_an_exit_error_and_is_started_again(
    provided: Provided,
) -> None:
    answer = provided.call("script", b'"leave"')
    assert json.loads(answer.payload) == exit_error(answer, "exit status 127")
    assert "\tStatus: error\tError Type: Runtime.ExitError\t" in answer.log
    assert provided.call("script", b"1").function_error is None


def test_an_init_error_post_is_the_answer_of_the_first_call(provided: Provided) -> None:
    answer = provided.call("no-settings")
    assert answer.function_error == "Unhandled"
    assert answer.payload == b'{"errorMessage": "no settings", "errorType": "Function.NoSettings"}'
    reports = wait_until(lambda: init_reports(provided.server, "no-settings"), "the INIT_REPORT")
    assert all("\tPhase: init\tStatus: error\tError Type: Function.NoSettings" in text for text in reports)


def init_reports(server: RunningServer, function: str) -> list[str]:
    texts = [record.text for record in function_log(server, function)]
    return [text for text in texts if text.startswith("INIT_REPORT")]


def test_a_program_that_ends_before_its_first_event_is_an_exit_error(provided: Provided) -> None:
    answer = provided.call("status")
    assert json.loads(answer.payload) == exit_error(answer, "exit status 127")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("interpreter", "no such file or directory"),
        ("broken", "exec format error"),
        ("unmarked", "permission denied"),
    ],
)
def test_a_program_that_cannot_be_run_is_an_invalid_entrypoint(
    provided: Provided, function: str, why: str
) -> None:
    answer = provided.call(function)
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: {answer.request_id} Error: fork/exec /var/task/bootstrap: {why}",
    }


def test_a_package_without_a_bootstrap_is_refused_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    config = write_routes(tmp_path, functions={"f": {"code": "empty", "runtime": "provided"}})
    done = lockgate("check", "--json", "-c", config)
    assert done.returncode == 3
    [problem] = json.loads(done.stdout)["problems"]
    assert problem["code"] == "bootstrap-missing"
    assert "bootstrap" in problem["reason"]


def exit_error(answer: Answer, how: str) -> dict[str, str]:
    return {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: {how}",
    }
