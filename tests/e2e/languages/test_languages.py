"""One function in every language, built by the language's own toolchain: it behaves the same everywhere.

The function answers ``{"do": …, "value": …}`` with what it was sent, how often it was called, and its request's id.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Engine
from tests.support.lambda_client import Answer, invoke, lambda_client
from tests.support.observed import function_log
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer
from tests.support.toolchains import (
    SOURCES,
    build_c,
    build_go,
    build_java,
    build_rust,
    java_runtime,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first test builds everything


def copy(folder: str, package: Path) -> None:
    shutil.copytree(SOURCES / folder, package, dirs_exist_ok=True)


@dataclass(frozen=True)
class Language:
    """:param needs: programs without which it is skipped. :param error: the type of its ordinary error."""

    name: str
    needs: tuple[str, ...]
    build: Callable[[str, Path], None]
    error: str
    runtime: str = "provided.al2023"
    handler: str = "bootstrap"

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(program for program in self.needs if shutil.which(program) is None)


LANGUAGES = (
    Language("ruby", ("ruby",), copy, "Function<RuntimeError>", "ruby3.2", "app.handler"),
    Language(
        "java", ("java", "mvn"), build_java, "java.lang.IllegalArgumentException", "java17", "example.Handler"
    ),
    Language("go", ("go",), build_go, "errorString"),
    Language(
        "rust", ("cargo",), build_rust, "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send"
    ),
    Language("c", ("cc",), build_c, "Refused"),
    Language("shell", ("bash",), copy, "Refused"),
)


@dataclass
class World:
    server: RunningServer

    @cached_property
    def client(self) -> Any:
        return lambda_client(self.server.endpoints)

    def call(self, function: str, do: str = "echo", value: str = "") -> Answer:
        event = json.dumps({"do": do, "value": value}, separators=(",", ":"), ensure_ascii=False)
        return invoke(self.client, function, event.encode(), LogType="Tail")

    def count(self, function: str) -> int:
        """How often this environment was called, this call included."""
        answer = self.call(function)
        assert answer.function_error is None, (answer.payload, answer.log)
        return int(json.loads(answer.payload)["count"])


def declare(folder: Path) -> dict[str, dict[str, Any]]:
    """Build what can be built here; its functions, some under several names and settings."""
    functions: dict[str, dict[str, Any]] = {}
    for language in LANGUAGES:
        if language.missing:
            continue
        package = folder / language.name
        package.mkdir()
        language.build(f"languages/{language.name}", package)
        common = {"code": language.name, "runtime": language.runtime, "handler": language.handler}
        greeting = {"environment": {"GREETING": "grüß dich"}}
        functions |= {
            f"{language.name}-{role}": common | greeting for role in ("echo", "fail", "say", "leave")
        }
        if language.runtime != "provided.al2023":
            functions[f"{language.name}-broken"] = common | {"environment": {"BROKEN": "1"}}
            wrap(package)
            functions[f"{language.name}-wrapped"] = common | {
                "environment": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
            }
    if "java-echo" in functions:
        java = functions["java-echo"]
        functions["java-streams"] = java | {"handler": "example.Streams::handleRequest"}
        functions["java-missing"] = java | {"handler": "example.Absent"}
        pack(folder / "java", folder / "java.jar")
        functions["java-jar"] = java | {"code": "java.jar"}
        functions["java-tuned"] = java | {"environment": {"JAVA_TOOL_OPTIONS": "-Dgreeting=1"}}
    if "ruby-echo" in functions:
        functions["ruby-nested"] = functions["ruby-echo"] | {"handler": "app.Notes::Handlers.read"}
        functions["ruby-missing"] = functions["ruby-echo"] | {"handler": "app.absent"}
    return functions


def pack(classes: Path, jar: Path) -> None:
    subprocess.run(["jar", "--create", "--file", jar, "-C", classes, "."], check=True, timeout=60)


def wrap(package: Path) -> None:
    wrapper = package / "wrapper"
    wrapper.write_text('#!/bin/sh\nGREETING="wrapped $#"\nexport GREETING\nexec "$@"\n')
    wrapper.chmod(0o755)


def images(engine: Engine) -> dict[str, str]:
    """The offline image of each runtime: no registry is asked."""
    return {
        "ruby3.2": engine.tag("ruby3.1"),
        "java17": engine.tag("java17"),
        "provided.al2023": engine.tag("provided"),
    }


@pytest.fixture(scope="module", params=["process", "docker"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with every language that this machine has a toolchain for. :param request.param: the driver."""
    sections: dict[str, Any] = {}
    if request.param == "docker":
        sections["server"] = {"images": images(request.getfixturevalue("engine"))}
    folder = tmp_path_factory.mktemp("languages")
    functions = declare(folder)
    if "java-echo" in functions:
        (folder / "state").mkdir(mode=0o700)
        java_runtime(folder / "state")
    defaults = {"memory": 512, "timeout": "15s"}
    config = write_routes(folder, functions=functions, defaults=defaults, **sections)
    with RunningServer(config, folder / "state", extra=("--driver", request.param)) as server:
        yield World(server)


@pytest.fixture(params=LANGUAGES, ids=lambda language: language.name)
def language(request: pytest.FixtureRequest) -> Language:
    chosen: Language = request.param
    if chosen.missing:
        words = f"{' and '.join(chosen.missing)} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return chosen


def log_of(server: RunningServer, function: str) -> str:
    return "\n".join(record.text for record in function_log(server, function))


def error_of(answer: Answer) -> dict[str, Any]:
    assert (answer.status, answer.function_error) == (200, "Unhandled"), answer
    error: dict[str, Any] = json.loads(answer.payload)
    return error


def test_it_answers_events_one_after_the_other(world: World, language: Language) -> None:
    for count in (1, 2):
        answer = world.call(f"{language.name}-echo", value="schön 😀")
        assert answer.function_error is None, (answer.payload, answer.log)
        assert json.loads(answer.payload) == {
            "language": language.name,
            "event": {"do": "echo", "value": "schön 😀"},
            "count": count,
            "request": answer.request_id,
            "greeting": "grüß dich",
        }


def test_an_error_is_the_answer_and_the_environment_lives_on(world: World, language: Language) -> None:
    function = f"{language.name}-fail"
    before = world.count(function)
    answer = world.call(function, "fail")
    error = error_of(answer)
    assert error["errorMessage"] == "not that one"
    assert error["errorType"].startswith(language.error)
    assert "\tStatus: error\t" in answer.log
    assert world.count(function) == before + 2


def test_what_it_prints_is_in_the_log_of_its_request(world: World, language: Language) -> None:
    function = f"{language.name}-say"
    assert "said" not in world.call(function).log
    log = world.call(function, "say", "grüß dich").log
    start, said, end = (log.index(part) for part in ("START RequestId", "said grüß dich\n", "END RequestId"))
    assert start < said < end


def test_a_process_that_ends_is_an_exit_error_and_is_started_again(world: World, language: Language) -> None:
    function = f"{language.name}-leave"
    assert world.count(function) == 1
    answer = world.call(function, "leave")
    assert error_of(answer) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: exit status 3",
    }
    assert world.count(function) == 1


@pytest.mark.parametrize("language", LANGUAGES[:2], ids=lambda each: each.name, indirect=True)
def test_a_wrapper_starts_a_managed_runtime(world: World, language: Language) -> None:
    answer = world.call(f"{language.name}-wrapped")
    assert answer.function_error is None, (answer.payload, answer.log)
    assert json.loads(answer.payload)["greeting"].startswith("wrapped ")


def needs(name: str) -> pytest.MarkDecorator:
    """Run a test with one language only."""
    return pytest.mark.parametrize(
        "language", [each for each in LANGUAGES if each.name == name], ids=[name], indirect=True
    )


@needs("ruby")
def test_ruby_loads_a_method_of_a_nested_class(world: World, language: Language) -> None:
    answer = world.call("ruby-nested", "x")
    assert json.loads(answer.payload) == {
        "name": "ruby-nested",
        "left": True,
        "event": {"do": "x", "value": ""},
    }


@needs("ruby")
def test_a_ruby_error_has_its_trace_without_the_runtimes_frames(world: World, language: Language) -> None:
    error = error_of(world.call("ruby-fail", "fail"))
    assert set(error) == {"errorMessage", "errorType", "stackTrace"}
    [frame] = error["stackTrace"]
    assert frame.startswith("/var/task/app.rb:13:in ")


@needs("ruby")
def test_a_ruby_handler_that_is_not_there_is_named(world: World, language: Language) -> None:
    error = error_of(world.call("ruby-missing"))
    assert error["errorType"] == "Function<NoMethodError>"
    assert "absent" in error["errorMessage"]


@needs("ruby")
def test_a_ruby_file_that_does_not_load_is_an_init_error(world: World, language: Language) -> None:
    error = error_of(world.call("ruby-broken"))
    assert (error["errorType"], error["errorMessage"]) == ("Init<RuntimeError>", "no settings")


@needs("java")
def test_a_java_function_may_read_and_write_bytes(world: World, language: Language) -> None:
    answer = world.call("java-streams", "x")
    assert answer.payload == b'{"streamed": {"do":"x","value":""}}'


@needs("java")
def test_a_java_package_may_be_a_jar(world: World, language: Language) -> None:
    assert world.count("java-jar") == 1


@needs("java")
def test_a_java_error_has_its_trace(world: World, language: Language) -> None:
    error = error_of(world.call("java-fail", "fail"))
    assert set(error) == {"errorMessage", "errorType", "stackTrace"}
    assert error["stackTrace"][0] == "example.Handler.handleRequest(Handler.java:23)"


@needs("java")
def test_a_java_class_that_is_not_there_is_an_init_error(world: World, language: Language) -> None:
    error = error_of(world.call("java-missing"))
    assert error["errorMessage"] == "Class not found: example.Absent"
    assert error["errorType"] == "java.lang.ClassNotFoundException"


@needs("java")
def test_a_java_constructor_that_throws_is_an_init_error(world: World, language: Language) -> None:
    assert "no settings" in json.dumps(error_of(world.call("java-broken")))


@needs("java")
def test_the_java_heap_is_sized_by_the_functions_memory(world: World, language: Language) -> None:
    answer = world.call("java-fail", "heap")
    megabytes = json.loads(answer.payload)["event"]["megabytes"]
    assert 512 * 0.80 < megabytes <= 512 * 0.85


@needs("java")
def test_java_tool_options_are_heard_by_the_machine(world: World, language: Language) -> None:
    answer = world.call("java-tuned")
    assert answer.function_error is None
    assert "Picked up JAVA_TOOL_OPTIONS: -Dgreeting=1" in log_of(world.server, "java-tuned")
