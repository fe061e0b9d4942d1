"""The command line as its users call it: every command, for people and for programs, and its exit codes.

Commands that end are run in this process by `main`; the server, pipes and signals get processes of their own.
"""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from executor.interpreters import search
from lockgate.cli import COMMANDS, main
from lockgate.config.delivered import NOT_IN_THIS_VERSION, NOT_YET
from lockgate.config.schema import known_keys
from lockgate.settings import SERVER_FLAGS
from tests.support.lambda_client import invoke, lambda_client
from tests.support.observed import wait_until
from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.xdist_group("cli")

DOCS = Path(__file__).parents[2] / "docs"
ANY_PORTS = ("--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")
WRONG_FILE = """version: 1
functions:
  hello: {code: absent, handler: app.handler}
routes:
  GET /: {public: true, function: helo}
  GET /b: {public: maybe, respond: {status: 200}}
"""


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands in this process, without the caller's own settings."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Done:
        self._capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as ending:  # argparse's own way out
            code = int(ending.code or 0)
        captured = self._capsys.readouterr()
        return Done(int(code), captured.out, captured.err)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    for flag in SERVER_FLAGS:
        monkeypatch.delenv(flag.variable, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    return Cli(capsys)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("cli")
    with RunningServer(declare(folder), folder / "state") as server:
        yield server


def declare(folder: Path) -> Path:
    copy_function("echo", folder)
    handlers = {"returns": "returns", "speaks": "speaks", "fails": "fails", "live": "speaks"}
    functions = {name: {"code": "echo", "handler": f"app.{handler}"} for name, handler in handlers.items()}
    return write_routes(folder, functions=functions)


# --- commands that read the file -----------------------------------------------------------------


def test_check_of_a_good_file_counts_what_is_in_it(cli: Cli, server: RunningServer) -> None:
    done = cli("check", "-c", server.config)
    assert (done.code, done.out) == (0, f"{server.config}: 4 routes, 4 functions, no mistakes.\n")
    assert cli("check", "--json", "-c", server.config).json == {"ok": True, "problems": []}


@pytest.fixture
def wrong_file(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG_FILE)
    return path


def test_check_shows_every_mistake_with_its_place_and_exits_3(cli: Cli, wrong_file: Path) -> None:
    done = cli("check", "-c", wrong_file)
    assert (done.code, done.out) == (3, "")
    for place in ("3:17", "5:35", "6:20"):
        assert f"{wrong_file}:{place}" in done.err
    assert "hello" in done.err  # what `helo` should have been


def test_check_as_json_has_stable_codes_and_places(cli: Cli, wrong_file: Path) -> None:
    done = cli("check", "--json", "-c", wrong_file)
    assert done.code == 3
    assert done.json["ok"] is False
    errors = [problem for problem in done.json["problems"] if problem["severity"] == "error"]
    assert [(problem["line"], problem["code"]) for problem in errors] == [
        (3, "code-missing"),
        (5, "unknown-function"),
        (6, "wrong-type"),
    ]
    keys = {"code", "severity", "file", "line", "column", "key_path", "reason", "suggestion"}
    assert all(set(problem) == keys for problem in errors)


@pytest.mark.parametrize("command", ["check", "routes", "serve"])
def test_a_file_that_is_not_there_is_exit_3(cli: Cli, tmp_path: Path, command: str) -> None:
    done = cli(command, "-c", tmp_path / "absent.yaml", *state_if_server(command, tmp_path))
    assert done.code == 3
    assert "absent.yaml" in done.err
    assert "No such file" in done.err


@pytest.mark.parametrize("command", ["routes", "serve", "dev"])
def test_a_wrong_file_is_shown_by_each_command_that_needs_it(
    cli: Cli, wrong_file: Path, tmp_path: Path, command: str
) -> None:
    done = cli(command, "-c", wrong_file, *state_if_server(command, tmp_path))
    assert (done.code, done.out) == (3, "")
    assert f"{wrong_file}:5:35" in done.err
    assert "has 3 mistakes" in done.err


def state_if_server(command: str, folder: Path) -> tuple[str | Path, ...]:
    return ("--state", folder / "state", *ANY_PORTS) if command in ("serve", "dev") else ()


def test_routes_lists_what_answers_each_route(cli: Cli, server: RunningServer) -> None:
    done = cli("routes", "-c", server.config)
    assert done.code == 0
    assert re.search(r"(?m)^ANY +/speaks +speaks +public *$", done.out)
    listed = cli("routes", "--json", "-c", server.config).json
    assert listed[0] == {
        "route": "ANY /returns",
        "method": "ANY",
        "path": "/returns",
        "function": "returns",
        "access": "public",
        "authorizer": None,
        "scopes": [],
        "throttle": None,
        "stage_throttles": {},
        "cors": False,
        "payload": "2.0",
        "timeout_s": 30.0,
    }
    assert len(listed) == 4


def test_schema_is_a_json_schema_of_the_file(cli: Cli) -> None:
    done = cli("schema")
    assert done.code == 0
    assert done.json["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"version", "functions", "routes"} <= set(done.json["properties"])
    assert cli("schema", "--json").json == done.json


# --- commands that need a server -----------------------------------------------------------------


def test_invoke_prints_the_payload_alone_on_stdout(cli: Cli, server: RunningServer) -> None:
    done = cli("invoke", "speaks", "--state", server.state, "-p", '"hi"')
    assert (done.code, done.out) == (0, '"spoken"\n')
    assert "START RequestId: " in done.err
    assert "printed hi" in done.err
    quiet = cli("invoke", "speaks", "--state", server.state, "--no-log")
    assert (quiet.code, quiet.err) == (0, "")


def test_invoke_as_json_has_payload_and_log(cli: Cli, server: RunningServer) -> None:
    found = cli("invoke", "speaks", "--state", server.state, "--json", "-p", '"hi"').json
    assert (found["status"], found["function_error"], found["payload"]) == (200, None, "spoken")
    assert found["log"][0] == f"START RequestId: {found['request_id']} Version: $LATEST"
    assert "printed hi" in found["log"]


def test_invoke_takes_a_file_or_standard_input(cli: Cli, server: RunningServer, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_bytes('{"from": "é"}'.encode())
    assert cli("invoke", "returns", "--state", server.state, "-p", f"@{event}").json == {"from": "é"}
    piped = lockgate("invoke", "returns", "--state", server.state, "-p", "-", stdin=b'["piped"]')
    assert (piped.returncode, piped.stdout) == (0, b'["piped"]\n')


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        pytest.param("{nothing", "is not JSON", id="bad-json"),
        pytest.param("@/absent/event.json", "cannot be read", id="absent-file"),
    ],
)
def test_invoke_with_an_unusable_payload_is_exit_2(
    cli: Cli, server: RunningServer, payload: str, said: str
) -> None:
    done = cli("invoke", "returns", "--state", server.state, "-p", payload)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_invoke_of_a_function_that_fails_is_exit_5(cli: Cli, server: RunningServer) -> None:
    done = cli("invoke", "fails", "--state", server.state, "-p", '"lost"')
    assert done.code == 5
    assert done.json["errorMessage"] == "lost"
    assert "[ERROR] LookupError: lost" in done.err


def test_invoke_of_an_unknown_function_is_exit_5(cli: Cli, server: RunningServer) -> None:
    done = cli("invoke", "nobody", "--state", server.state, "--json")
    assert (done.code, done.json["status"]) == (5, 404)


def test_env_is_for_a_shell_or_for_programs(cli: Cli, server: RunningServer) -> None:
    done = cli("env", "--state", server.state)
    assert done.code == 0
    shell = subprocess.run(
        ["sh", "-c", f"{done.out}\nprintf '%s %s' \"$AWS_ENDPOINT_URL_LAMBDA\" \"$AWS_SECRET_ACCESS_KEY\""],
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=True, timeout=10,
    )  # fmt: skip
    found = cli("env", "--json", "--state", server.state).json
    assert shell.stdout == f"{found['control']} {found['secret_access_key']}"
    assert found == server.endpoints


@pytest.mark.parametrize("host", ["evil.example", "api.example.com"])
def test_the_public_address_is_told_whatever_a_request_says(cli: Cli, tmp_path: Path, host: str) -> None:
    """A13: addresses come from the configuration, never from a request's Host; H10: other hosts get 403."""
    config = tmp_path / "routes.yaml"
    config.write_text(
        "version: 1\n"
        "server: {gateway_url: https://api.example.com, domains: [api.example.com]}\n"
        "routes:\n  GET /: {public: true, respond: {body: here}}\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with RunningServer(config, tmp_path / "state", extra=("--gateway", f"127.0.0.1:{port}")) as server:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"host": host})
        if host == "evil.example":
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(request, timeout=5)
        else:
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.read() == b"here"
        assert cli("env", "--json", "--state", server.state).json["gateway"] == "https://api.example.com"


def test_logs_have_what_a_function_printed(cli: Cli, server: RunningServer) -> None:
    answer = invoke(lambda_client(server.endpoints), "speaks", b'"to the log"', LogType="Tail")
    end = f"REPORT RequestId: {answer.request_id}"
    wait_until(lambda: end in cli("logs", "speaks", "--state", server.state).out, "the log's end")
    done = cli("logs", "speaks", "--state", server.state)
    assert done.code == 0
    assert re.search(r"(?m)^\d\d:\d\d:\d\d\.\d{3}   printed to the log$", done.out)
    assert re.search(rf"(?m)^\d\d:\d\d:\d\d\.\d{{3}} · START RequestId: {answer.request_id}", done.out)
    records = [json.loads(line) for line in cli("logs", "--json", "--state", server.state).out.splitlines()]
    [printed] = [record for record in records if record["record"] == "printed to the log"]
    assert (printed["function"], printed["type"], printed["requestId"]) == (
        "speaks", "function", answer.request_id,
    )  # fmt: skip
    last = cli("logs", "speaks", "-n", "1", "--state", server.state).out
    assert last.count("\n") == 1
    assert "REPORT RequestId: " in last


def test_logs_of_a_function_that_never_ran_are_exit_5(cli: Cli, server: RunningServer) -> None:
    done = cli("logs", "nobody", "--state", server.state)
    assert (done.code, done.out) == (5, "")
    assert "'nobody' has no log" in done.err


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_logs_can_be_followed_while_the_function_runs(server: RunningServer, form: tuple[str, ...]) -> None:
    client = lambda_client(server.endpoints)
    words = ["logs", "-f", "live", "--state", str(server.state), *form]
    earlier = invoke(client, "live", b'"before"')
    command = [sys.executable, "-m", "lockgate.cli", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    ) as follower:
        try:
            assert follower.stdout is not None
            assert follower.stderr is not None
            past = until(f"REPORT RequestId: {earlier.request_id}", follower.stdout)
            assert any("printed before" in line for line in past)
            later = invoke(client, "live", b'"after"')
            new = until(f"REPORT RequestId: {later.request_id}", follower.stdout)
            assert any("printed after" in line for line in new)
            follower.send_signal(signal.SIGINT)
            assert follower.wait(10) == 130
            assert follower.stderr.read() == ""
        finally:
            follower.kill()


def hear_interrupts() -> None:
    """As at a terminal: what a shell starts in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(text: str, lines: Iterable[str]) -> list[str]:
    """Lines up to the first that has *text*. What never comes ends in pytest's own time limit."""
    seen = []
    for line in lines:
        seen.append(line)
        if text in line:
            break
    return seen


@pytest.mark.parametrize("words", [("env",), ("invoke", "returns")], ids=lambda words: words[0])
def test_without_a_server_it_is_exit_5_and_says_how_to_start_one(
    cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = cli(*words, "--state", tmp_path / "nothing")
    assert (done.code, done.out) == (5, "")
    assert "lockgate serve" in done.err
    problem = json.loads(cli(*words, "--json", "--state", tmp_path / "nothing").err)["error"]
    assert "No server runs" in problem["what"]
    assert "lockgate serve" in problem["instead"]


def test_runtimes_lists_the_pythons_of_this_machine(cli: Cli, tmp_path: Path) -> None:
    search.cache_clear()
    found = cli("runtimes", "list", "--json", "--state", tmp_path / "state").json
    assert any(row["runtime"] == "python{}.{}".format(*sys.version_info) for row in found)
    assert all(set(row) > {"runtime", "interpreter", "release"} for row in found)
    assert all(("boto3" in row) == row["runtime"].startswith("python") for row in found)
    assert all(("@aws-sdk" in row) == row["runtime"].startswith("nodejs") for row in found)
    listed = cli("runtimes", "list", "--state", tmp_path / "state")
    assert all(row["interpreter"] in listed.out for row in found)


# --- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("srve",), "Did you mean `lockgate serve`?", id="command"),
        pytest.param(("init",), "not in this version", id="later-command"),
        pytest.param(("check", "--strict"), "unrecognized arguments: --strict", id="flag"),
        pytest.param(("invoke",), "FN", id="missing-argument"),
        pytest.param(("serve", "--driver", "vm"), "invalid choice: 'vm'", id="driver"),
        pytest.param(("serve", "--drain", "soon"), "--drain 'soon' is not a number", id="drain"),
        pytest.param(("serve", "--uid-base", "0"), "--uid-base '0' is no user id", id="uid-base"),
        pytest.param(
            ("serve", "--workers", "two"), "--workers 'two' is no number of processes", id="workers"
        ),
        pytest.param(("serve", "--executor-url", "tcp:x"), "'tcp:x' is no unix socket", id="executor-url"),
        pytest.param(("executor",), "Write --socket unix:", id="executor-socket"),
        pytest.param(("logs", "-n", "many"), "invalid int value: 'many'", id="lines"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_sentence(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_setting_can_come_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKGATE_DRAIN", "soon")
    assert "--drain 'soon'" in cli("serve").err
    monkeypatch.setenv("LOCKGATE_DRIVER", "vm")
    done = cli("serve")
    assert done.code == 2
    assert "There is no driver 'vm'" in done.err


def test_without_a_command_the_help_names_all_of_them(cli: Cli) -> None:
    done = cli()
    assert done.code == 2
    assert all(f"    {name} " in done.out for name in COMMANDS)
    assert cli("--help").code == 0


# --- the server's start --------------------------------------------------------------------------


@contextmanager
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@pytest.mark.parametrize("listener", ["gateway", "control", "admin"])
def test_a_port_that_is_taken_is_exit_5_and_named(
    server: RunningServer, tmp_path: Path, listener: str
) -> None:
    free = {f"LOCKGATE_{name}": "127.0.0.1:0" for name in ("GATEWAY", "CONTROL", "ADMIN")}
    with taken_port() as address:
        settings = free | {f"LOCKGATE_{listener.upper()}": address}
        done = lockgate("serve", "-c", server.config, "--state", tmp_path / "state", env=settings)
    assert (done.returncode, done.stdout) == (5, b"")
    assert f"Cannot listen on {address}" in done.stderr.decode()
    assert not (tmp_path / "state").exists()


def test_a_second_server_on_one_state_is_exit_5_and_leaves_the_first_alone(
    cli: Cli, server: RunningServer
) -> None:
    done = lockgate("serve", "-c", server.config, "--state", server.state, *ANY_PORTS)
    assert (done.returncode, done.stdout) == (5, b"")
    assert "Another Lockgate server uses the state folder" in done.stderr.decode()
    assert cli("env", "--json", "--state", server.state).json == server.endpoints
    assert cli("invoke", "returns", "--state", server.state).code == 0


def test_dev_says_on_stderr_where_it_is_and_what_functions_print(tmp_path: Path) -> None:
    with RunningServer(declare(tmp_path), tmp_path / "state", command="dev") as server:
        invoke(lambda_client(server.endpoints), "speaks", b'"to a person"')
        assert server.stop() == 0
    shown = server.stderr()
    assert f"{server.gateway}  the API" in shown
    assert "Try it:" in shown
    assert "printed to a person" in shown
    assert '{"time"' not in shown


# --- documentation -------------------------------------------------------------------------------


def test_each_setting_of_the_server_is_documented_with_its_variable_and_default() -> None:
    text = (DOCS / "operating.md").read_text()
    for flag in SERVER_FLAGS:
        [row] = [line for line in text.splitlines() if line.startswith("|") and f"`--{flag.name}`" in line]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1] == f"`{flag.variable}`"
        assert cells[2] == (f"`{flag.default}`" if flag.default else "")
        assert flag.short is None or f"`{flag.short}`" in cells[0]


def test_each_command_is_documented() -> None:
    text = (DOCS / "operating.md").read_text()
    assert all(f"`lockgate {name}" in text for name in COMMANDS)


def test_each_key_that_works_is_documented_in_its_section() -> None:
    sections = sections_of((DOCS / "routes.md").read_text())
    missing = []
    for path in delivered_keys(()):
        has_section = len(path) > 1 and path[0] in sections
        words = sections[path[0] if has_section else "Top level"]
        if path[-1] not in words:
            missing.append(".".join(path))
    assert missing == []


def sections_of(text: str) -> dict[str, set[str]]:
    """Heading → the words that stand in code spans below it."""
    parts = re.split(r"(?m)^## (.+)$", text)
    return {
        heading: set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", body))))
        for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def delivered_keys(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every key of the grammar that this version takes; ``*`` stands for names that the file chooses."""
    keys = known_keys(path)
    if not keys and len(path) == 1 and known_keys((*path, "*")):
        yield from delivered_keys((*path, "*"))
    for key in keys:
        inner = (*path, key)
        if ".".join(inner) not in {*NOT_IN_THIS_VERSION, *NOT_YET}:
            yield inner
            yield from delivered_keys(inner)
