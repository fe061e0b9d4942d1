"""Node.js functions through a real server: calls by the gateway and by boto3, beside AWS's own client."""

import base64
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.lambda_client import Answer, invoke, lambda_client
from tests.support.node_runtime import CASES, NODE, OFFICIAL, OFFICIAL_IS_BUILT, lay_out_cases
from tests.support.npm_registry import NpmRegistry, lock
from tests.support.observed import function_log, wait_until
from tests.support.routes_file import write_routes
from tests.support.runtime_cases import Case, load_cases
from tests.support.server import RunningServer

pytestmark = [
    pytest.mark.xdist_group("node"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(NODE is None, reason="there is no Node.js"),
]

# What the platform answers, and one of each kind that the runtime does; the others are tried without a server.
CHOSEN = {
    *(
        "echo-object",
        "callback-waits-for-an-empty-loop",
        "throws",
        "rejects",
        "uncaught",
        "unhandled-rejection",
    ),
    *(
        "esm",
        "type-module",
        "nested-folder",
        "logs",
        "logs-as-json",
        "client-context",
        "globals-stay",
        "kinds",
    ),
    *("broken-import", "broken-syntax-esm", "absent-export", "rejected-init", "six-mebibytes", "huge-event"),
    *("stream-with-prelude", "stream-of-bytes", "timers-go-on-between-events"),
}
SELECTED = [case for case in load_cases(CASES.parent) if case.needs == "platform" or case.id in CHOSEN]
RIC_BOOTSTRAP = '#!/bin/sh\nexec {node} /var/task/node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"\n'

APP = """
export const hello = async (event, context) => ({
  statusCode: 201,
  headers: {"content-type": "text/plain"},
  cookies: ["a=b"],
  body: `${event.rawPath} ${context.functionName} ${process.env.GREETING} ${process.env.AWS_EXECUTION_ENV}`,
});
export const forever = async () => { for (;;); };
export const place = async () => ({
  cwd: process.cwd(), uid: process.getuid(), path: process.env.NODE_PATH.split(":").length,
  ours: Object.keys(process.env).filter((name) => name.startsWith("LOCKGATE")),
});
export const home = async () => (await import("node:os")).homedir();
export const eat = async () => {
  const kept = [];
  for (;;) kept.push(Buffer.alloc(8 << 20, 1));
};
export const fill = async () => {
  const kept = [];
  for (;;) kept.push(Array.from({length: 1e5}, (_, index) => ({index})));
};
"""
NEEDS = """
import { version } from "left";
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
export const handler = async () => ({ version, required: require("left").version });
"""


@dataclass
class Nodes:
    server: RunningServer

    @cached_property
    def client(self) -> Any:
        return lambda_client(self.server.endpoints)

    def run(self, case: Case, function: str) -> Answer:
        arguments = {"LogType": "Tail"}
        if case.client_context is not None:
            arguments["ClientContext"] = base64.b64encode(case.client_context.encode()).decode()
        for payload in case.payloads:
            answer = invoke(self.client, function, payload, **arguments)
        return answer

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.server.gateway}{path}", timeout=30)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("node")
    lay_out_cases(folder / "ours")
    functions: dict[str, dict[str, Any]] = {}
    for case in SELECTED:
        common = {"handler": case.handler, "timeout": "10s", "environment": case.environment}
        functions[f"{case.id}-a"] = common | {"code": "ours"}
        if OFFICIAL_IS_BUILT:
            functions[f"{case.id}-b"] = common | {"code": "theirs", "runtime": "provided.al2023"}
    if OFFICIAL_IS_BUILT:
        add_aws_lambda_ric(lay_out_cases(folder / "theirs"))
    (folder / "app").mkdir()
    (folder / "app/index.mjs").write_text(APP)
    functions |= {
        "hello": {"code": "app", "handler": "index.hello", "environment": {"GREETING": "hi"}},
        "short": {
            "code": "app",
            "handler": "index.hello",
            "runtime": "nodejs18",
            "environment": {"GREETING": "ho"},
        },
        "forever": {"code": "app", "handler": "index.forever", "timeout": "1s"},
        "place": {"code": "app", "handler": "index.place"},
        "home": {"code": "app", "handler": "index.home"},
        "eat": {"code": "app", "handler": "index.eat", "memory": 128, "timeout": "20s"},
        "fill": {"code": "app", "handler": "index.fill", "memory": 128, "timeout": "20s"},
        "needs": {"code": "needs", "handler": "index.handler"},
        "wrapped": {
            "code": "wrapped",
            "handler": "index.handler",
            "environment": {
                "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper",
                "NODE_OPTIONS": "--stack-trace-limit=3",
            },
        },
    }
    write_wrapped(folder / "wrapped")
    with NpmRegistry({"left": {"1.0.0": {"index.js": "exports.version = 1;"}}}) as registry:
        (folder / "needs").mkdir()
        (folder / "needs/index.mjs").write_text(NEEDS)
        (folder / "needs/package.json").write_text('{"dependencies": {"left": "1.0.0"}}')
        (folder / "needs/package-lock.json").write_text(lock(registry, left="1.0.0"))
        config = write_routes(folder, functions=functions, defaults={"runtime": "nodejs22.x"})
        env = registry.environment() | {"npm_config_cache": str(folder / "npm-cache")}
        with RunningServer(config, folder / "state", env=env) as server:
            yield Nodes(server)


def add_aws_lambda_ric(package: Path) -> None:
    """AWS's client as it was installed: its own files, and a bootstrap that runs it."""
    client = OFFICIAL.parents[1]
    target = package / "node_modules/aws-lambda-ric"
    for name in ("bin", "dist"):
        shutil.copytree(client / name, target / name)
    shutil.copyfile(client / "package.json", target / "package.json")
    (package / "bootstrap").write_text(RIC_BOOTSTRAP.format(node=NODE))
    (package / "bootstrap").chmod(0o755)


def write_wrapped(folder: Path) -> None:
    folder.mkdir()
    (folder / "index.js").write_text(
        "exports.handler = async () => [process.env.WRAPPED, Error.stackTraceLimit];"
    )
    (folder / "wrapper").write_text('#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n')
    (folder / "wrapper").chmod(0o755)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in SELECTED])
def test_case_is_answered_as_expected_and_as_by_aws_lambda_ric(case: Case, nodes: Nodes) -> None:
    compared = OFFICIAL_IS_BUILT and case.differs is None
    with ThreadPoolExecutor(2) as pool:
        ours, *theirs = pool.map(lambda side: nodes.run(case, f"{case.id}-{side}"), "ab" if compared else "a")
    failed = ours.function_error is not None
    assert case.mismatch(ours.payload, function_error=failed, request_id=ours.request_id) is None
    for text in case.log:
        if not text.startswith("undefined"):  # what is printed before the first event is not in a call's tail
            assert text.replace("\r", "\n") in ours.log.replace("\r", "\n")
    assert [(each.function_error, comparable(each)) for each in theirs] == [
        (ours.function_error, comparable(ours)) for _ in theirs
    ]


def comparable(answer: Answer) -> Any:
    """The payload without what names the call, the client's files or the function."""
    payload = answer.payload.replace(answer.request_id.encode(), b"ID")
    if answer.function_error is None:
        return payload
    error = json.loads(payload)
    message = error["errorMessage"].split("\n- /var/task/node_modules")[0].split("\n- /run/runtime")[0]
    return error["errorType"], message, error.get("trace", [])[:1]


def test_a_module_answers_a_route(nodes: Nodes) -> None:
    answer = nodes.get("/hello")
    assert (answer.status_code, answer.headers["content-type"]) == (201, "text/plain")
    assert answer.headers["set-cookie"] == "a=b"
    assert answer.text == "/hello hello hi AWS_Lambda_nodejs22.x"


def test_the_short_name_of_a_runtime_is_told_as_aws_spells_it(nodes: Nodes) -> None:
    assert nodes.get("/short").text == "/short short ho AWS_Lambda_nodejs18.x"


def test_another_version_that_runs_a_function_is_named(nodes: Nodes) -> None:
    assert "hello: nodejs22.x is not on this machine: functions run with nodejs " in nodes.server.stderr()


def test_a_streaming_function_answers_a_route_whole(nodes: Nodes) -> None:
    answer = nodes.get("/stream-of-bytes-a")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == b"\xff\x00\xfe"


def test_a_function_that_never_ends_is_stopped_at_its_timeout_and_started_again(nodes: Nodes) -> None:
    for _ in range(2):
        answer = invoke(nodes.client, "forever")
        message = f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds"
        assert json.loads(answer.payload) == {"errorType": "Sandbox.Timedout", "errorMessage": message}


def test_dependencies_of_package_json_are_in_the_package(nodes: Nodes) -> None:
    assert nodes.get("/needs").json() == {"version": 1, "required": 1}


def test_a_function_runs_in_its_folder_and_sees_nothing_of_ours(nodes: Nodes) -> None:
    said = nodes.get("/place").json()
    assert said["ours"] == []
    if "private namespaces are not allowed" not in nodes.server.stderr():
        assert said["cwd"] == "/var/task"
        assert said["path"] == 5


def test_a_user_without_a_home_has_one(nodes: Nodes) -> None:
    assert nodes.get("/home").text != ""


def test_a_wrapper_and_node_options_act_at_process_start(nodes: Nodes) -> None:
    assert nodes.get("/wrapped").json() == ["yes", 3]


@pytest.mark.slow
def test_a_function_that_takes_more_memory_than_it_has_is_out_of_memory(nodes: Nodes) -> None:
    if "cgroups cannot be used here" in nodes.server.stderr():
        pytest.skip("memory is limited by cgroups, and this machine allows none")
    answer = invoke(nodes.client, "eat", LogType="Tail")
    message = f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed"
    assert json.loads(answer.payload) == {"errorType": "Runtime.OutOfMemory", "errorMessage": message}


@pytest.mark.slow
def test_a_heap_that_is_full_ends_the_process_in_v8s_words(nodes: Nodes) -> None:
    answer = invoke(nodes.client, "fill", LogType="Tail")
    assert json.loads(answer.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: aborted",
    }
    text = "JavaScript heap out of memory"
    wait_until(
        lambda: any(text in record.text for record in function_log(nodes.server, "fill")), "V8's last words"
    )
