"""The Ruby runtime as a process, on a real channel."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from executor.runtimes.ruby.language import BOOTSTRAP, RUBY
from tests.support.runtime_process import Answer, RuntimeProcess, start_runtime

PROGRAM = shutil.which("ruby")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="ruby is not installed")

ID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


def write(folder: Path, source: str, name: str = "app.rb") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return folder


def ruby(folder: Path, work: Path, handler: str = "app.handler", **variables: str) -> Any:
    return start_runtime(
        folder,
        handler,
        work,
        python=os.path.realpath(PROGRAM or ""),
        script=BOOTSTRAP,
        variables={"LANG": "C.UTF-8"} | variables,
    )


async def call(runtime: RuntimeProcess, payload: bytes = b"{}", **more: Any) -> Answer:
    return await runtime.invoke(payload, request_id=ID, **more)


async def once(folder: Path, work: Path, source: str, payload: bytes = b"{}", **variables: str) -> Any:
    """What the function answers to one event: its value, or its error."""
    write(folder, source)
    async with ruby(folder, work, **variables) as runtime:
        return json.loads((await call(runtime, payload)).body)


def handler(body: str, before: str = "") -> str:
    return f"{before}\ndef handler(event:, context:)\n  {body}\nend\n"


async def test_events_and_results_are_json(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("{ 'got' => event, none: nil, 1 => 0.5, time: :symbol }"))
    async with ruby(tmp_path, work) as runtime:
        answer = await call(runtime, '{"a": [1, "ü 😀"]}'.encode())
        assert (answer.kind, answer.body) == (
            "response_ended",
            '{"got":{"a":[1,"ü 😀"]},"none":null,"1":0.5,"time":"symbol"}'.encode(),
        )


@pytest.mark.parametrize(
    ("result", "body"),
    [("nil", b"null"), ("'text'", b'"text"'), ("StringIO.new('raw')", b"raw"), ("[]", b"[]")],
)
async def test_a_result_need_not_be_an_object(tmp_path: Path, work: Path, result: str, body: bytes) -> None:
    write(tmp_path, handler(result))
    async with ruby(tmp_path, work) as runtime:
        assert (await call(runtime)).body == body


async def test_the_context_has_lambdas_names(tmp_path: Path, work: Path) -> None:
    names = (
        "aws_request_id invoked_function_arn log_group_name log_stream_name function_name memory_limit_in_mb "
        "function_version identity client_context deadline_ms tenant_id"
    )
    body = f"%w[{names}].to_h {{ |name| [name, context.public_send(name)] }}"
    write(
        tmp_path, handler(body + ".merge(left: context.get_remaining_time_in_millis.between?(5_000, 10_000))")
    )
    async with ruby(tmp_path, work) as runtime:
        answer = await call(
            runtime,
            client_context='{"custom":{"a":"b"}}',
            cognito_identity='{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
        )
        seen = json.loads(answer.body)
        assert seen.pop("deadline_ms") > 1_700_000_000_000
        assert seen == {
            "aws_request_id": ID,
            "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "log_group_name": "/aws/lambda/f",
            "log_stream_name": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "function_name": "f",
            "memory_limit_in_mb": "256",
            "function_version": "$LATEST",
            "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
            "client_context": {"custom": {"a": "b"}},
            "tenant_id": None,
            "left": True,
        }


async def test_the_trace_id_is_in_the_environment_and_ours_are_not(tmp_path: Path, work: Path) -> None:
    seen = await once(
        tmp_path, work, handler("[ENV['_X_AMZN_TRACE_ID'], ENV.keys.grep(/LOCKGATE/), $0 == __FILE__]")
    )
    assert seen == [
        "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        [],
        False,
    ]


# --- handlers ------------------------------------------------------------------------------------


async def test_a_handler_may_lie_in_a_folder_and_in_nested_modules(tmp_path: Path, work: Path) -> None:
    source = "module A\n  module B\n    def self.run(event:, context:) = 'nested'\n  end\nend\n"
    write(tmp_path, source, "lib/app.rb")
    async with ruby(tmp_path, work, "lib/app.A::B.run") as runtime:
        assert (await call(runtime)).body == b'"nested"'


async def test_a_file_called_like_a_library_is_the_functions(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("'ours'"), "date.rb")
    async with ruby(tmp_path, work, "date.handler") as runtime:
        assert (await call(runtime)).body == b'"ours"'


@pytest.mark.parametrize("name", ["app", "", "a.b.c.d"])
async def test_a_handler_of_another_form_is_an_init_error(tmp_path: Path, work: Path, name: str) -> None:
    write(tmp_path, handler("1"))
    async with ruby(tmp_path, work, name) as runtime:
        answer = await call(runtime)
        assert answer.kind == "init_error_posted"
        error = json.loads(answer.body)
        assert error["errorType"] == "Init<ArgumentError>"
        assert f"Invalid handler '{name}': it must be of form FILENAME.METHOD" in error["errorMessage"]
        assert await runtime.exit_code() == 1


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        pytest.param("raise 'no settings'", "Init<RuntimeError>", "no settings", id="raises"),
        pytest.param(
            "require 'absent_gem'", "Init<LoadError>", "cannot load such file -- absent_gem", id="gem"
        ),
        pytest.param("def (", "Init<SyntaxError>", "syntax error", id="syntax"),
        pytest.param("exit 3", "Init<SystemExit>", "exit", id="exits"),
    ],
)
async def test_a_file_that_does_not_load_is_an_init_error(
    tmp_path: Path, work: Path, source: str, kind: str, message: str
) -> None:
    write(tmp_path, source)
    async with ruby(tmp_path, work) as runtime:
        answer = await call(runtime)
        assert answer.kind == "init_error_posted"
        error = json.loads(answer.body)
        assert error["errorType"] == kind
        assert message in error["errorMessage"]
        assert await runtime.exit_code() == 1
        assert "Init error when loading handler app.handler\n" in runtime.output()


async def test_a_method_that_is_not_there_is_named(tmp_path: Path, work: Path) -> None:
    error = await once(tmp_path, work, "")
    assert error["errorType"] == "Function<NoMethodError>"
    assert "handler" in error["errorMessage"]
    assert error["stackTrace"] == []


# --- errors --------------------------------------------------------------------------------------


async def test_an_error_is_answered_and_the_next_event_is_taken(tmp_path: Path, work: Path) -> None:
    write(
        tmp_path,
        handler(
            "raise Sad, 'not that one' if event == 1\n  $n = $n.to_i + 1", "class Sad < StandardError; end"
        ),
    )
    async with ruby(tmp_path, work) as runtime:
        assert (await call(runtime, b"0")).body == b"1"
        answer = await call(runtime, b"1")
        error = json.loads(answer.body)
        [frame] = error.pop("stackTrace")
        assert frame.startswith(f"{tmp_path}/app.rb:3:in ")
        assert (answer.kind, error) == (
            "error_posted",
            {"errorMessage": "not that one", "errorType": "Function<Sad>"},
        )
        assert (await call(runtime, b"0")).body == b"2"
        assert (
            "Error raised from handler method\n"
            f'{{"errorMessage":"not that one","errorType":"Function<Sad>","stackTrace":["{tmp_path}/app.rb'
        ) in runtime.output()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param("exit 3", "Function<SystemExit>", id="exit"),
        pytest.param("raise NotImplementedError", "Function<NotImplementedError>", id="script-error"),
        pytest.param("def f = f\n  f", "Function<SystemStackError>", id="stack"),
    ],
)
async def test_what_nobody_should_handle_is_answered_and_ends_the_process(
    tmp_path: Path, work: Path, body: str, kind: str
) -> None:
    write(tmp_path, handler(body))
    async with ruby(tmp_path, work) as runtime:
        answer = await call(runtime)
        assert (answer.kind, json.loads(answer.body)["errorType"]) == ("error_posted", kind)
        assert await runtime.exit_code() == 255


async def test_a_process_that_leaves_by_itself_answers_nothing(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("exit!(3)"))
    async with ruby(tmp_path, work) as runtime:
        assert await call(runtime) == Answer("exited", b"3")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param('"\\xff"', "Function<JSON::GeneratorError>", id="no-utf8"),
        pytest.param("Float::NAN", "Function<JSON::GeneratorError>", id="no-number"),
        pytest.param(
            "Class.new(StandardError) { def message = fail }.then { raise _1 }", "", id="unprintable"
        ),
    ],
)
async def test_what_cannot_be_written_is_an_error(tmp_path: Path, work: Path, body: str, kind: str) -> None:
    error = await once(tmp_path, work, handler(body))
    assert error["errorType"].startswith(kind or "Function<#<Class:")


async def test_an_event_that_is_not_json_is_an_error(tmp_path: Path, work: Path) -> None:
    error = await once(tmp_path, work, handler("1"), b"{")
    assert error["errorType"] == "Function<JSON::ParserError>"


# --- logs ----------------------------------------------------------------------------------------

LOGGING = "require 'logger'\nLOG = Logger.new($stdout, progname: 'app')\n"


async def test_a_logger_on_the_output_names_the_request(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("LOG.info('grüß dich'); LOG.debug('deep'); puts 'plain'", LOGGING))
    async with ruby(tmp_path, work) as runtime:
        await call(runtime)
        first, second, third = runtime.output().splitlines()
        form = r"I, \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]  INFO " + ID + r" -- app: grüß dich"
        assert re.fullmatch(form, first)
        assert second.endswith(f"DEBUG {ID} -- app: deep")
        assert third == "plain"


async def test_a_logger_writes_json_where_the_function_is_set_so(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("LOG.info('a'); begin; raise 'x'; rescue => e; LOG.error(e); end", LOGGING))
    settings = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    async with ruby(tmp_path, work, **settings) as runtime:
        await call(runtime)
        first, second = (json.loads(line) for line in runtime.output().splitlines())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.pop("timestamp"))
        assert first == {"level": "INFO", "message": "a", "requestId": ID, "logger": "app"}
        assert (second["errorType"], second["errorMessage"]) == ("RuntimeError", "x")
        assert second["stackTrace"][0] == second["location"]


async def test_the_level_is_the_functions_unless_a_logger_names_its_own(tmp_path: Path, work: Path) -> None:
    loggers = "require 'logger'\nA = Logger.new($stderr)\nB = Logger.new($stdout, level: :debug)\n"
    write(tmp_path, handler("A.info('quiet'); A.warn('loud'); B.debug('own')", loggers))
    async with ruby(tmp_path, work, AWS_LAMBDA_LOG_LEVEL="WARN") as runtime:
        await call(runtime)
        assert [line.rpartition(" ")[2] for line in runtime.output().splitlines()] == ["loud", "own"]


async def test_a_logger_on_a_file_is_left_alone(tmp_path: Path, work: Path) -> None:
    before = f"require 'logger'\nLOG = Logger.new('{tmp_path}/own.log', formatter: proc {{ |*, m| m }})\n"
    write(tmp_path, handler("LOG.info('x')", before))
    async with ruby(tmp_path, work) as runtime:
        await call(runtime)
        assert (tmp_path / "own.log").read_text().endswith("\nx")


# --- gems ----------------------------------------------------------------------------------------


def bundle(folder: Path, name: str, *, version: str = "1.0.0") -> None:
    """What ``bundle install --path vendor/bundle`` leaves of a gem in `folder`."""
    write(folder, f"{name.upper()} = '{version}'", f"gems/{name}-{version}/lib/{name}.rb")
    fields = f"s.name = '{name}'; s.version = '{version}'; s.summary = 's'; s.authors = ['a']"
    write(folder, f"Gem::Specification.new {{ |s| {fields} }}", f"specifications/{name}-{version}.gemspec")


@pytest.mark.parametrize("abi", ["own", "2.5.0"])
async def test_bundled_gems_are_found_also_those_of_another_version_of_ruby(
    tmp_path: Path, work: Path, abi: str
) -> None:
    [installation, *_] = RUBY.find(None)
    version = f"{installation.version[0]}.{installation.version[1]}.0" if abi == "own" else abi
    bundle(tmp_path / "vendor" / "bundle" / "ruby" / version, "brought")
    path = (
        f"{tmp_path}/vendor/bundle/ruby/{installation.version[0]}.{installation.version[1]}.0:/opt/ruby/gems"
    )
    seen = await once(
        tmp_path,
        work,
        handler("[BROUGHT, defined?(REXML)]", "require 'brought'\nrequire 'rexml'"),
        GEM_PATH=path,
    )
    assert seen[0] == "1.0.0"


async def test_without_an_address_the_process_says_so() -> None:
    process = await asyncio.create_subprocess_exec(
        PROGRAM or "", os.fspath(BOOTSTRAP), stderr=asyncio.subprocess.PIPE, env={"_HANDLER": "app.handler"}
    )
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert b"Neither LOCKGATE_RUNTIME_SOCKET nor AWS_LAMBDA_RUNTIME_API is set" in stderr


async def test_it_ends_when_the_server_is_gone(tmp_path: Path, work: Path) -> None:
    write(tmp_path, handler("1"))
    async with ruby(tmp_path, work) as runtime:
        await call(runtime)
        runtime.channel.close()
        assert await runtime.exit_code() == 1
