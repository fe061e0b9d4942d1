"""`lockgate explain`, live and offline: what it says is what the server then does, and no secret is in it."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gateway.explain.values import REQUEST_ID
from lockgate.cli import main
from tests.support.jwt_world import rsa_key
from tests.support.observed import access_record, access_records, events, wait_until
from tests.support.plain_http import act, call
from tests.support.raw_client import RawClient
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import RunningIssuer, running_issuer
from tests.support.server import RunningServer, lockgate

APP = "https://app.example.com"
CANARY = "canary77e2"
NOT_OURS = ("date", "connection")  # the connection's own

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("explain")]


@dataclass(frozen=True)
class World:
    server: RunningServer
    issuer: RunningIssuer
    folder: Path

    def explain(self, *words: str | Path, token: str = "") -> tuple[int, dict[str, Any]]:
        """Exit code and what ``--json`` says."""
        given = ("--token", "-") if token else ()
        done = here("explain", *words, *given, "--json", "--state", self.server.state, stdin=token)
        assert done.stderr == "", done.stderr
        return done.returncode, json.loads(done.stdout)


def here(*words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in this process, in the server's environment: starting one of its own takes a second."""
    data = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    out, err = io.StringIO(), io.StringIO()
    environ = patch.dict(os.environ, {"EXPLAINED": CANARY})
    with environ, patch.object(sys, "stdin", data), redirect_stdout(out), redirect_stderr(err):
        code = main(list(map(str, words)))
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("explain")
    copy_function("echo", folder)
    copy_function("authorizers", folder)
    with running_issuer() as issuer:
        jwt = {"type": "jwt", "issuer": issuer.url, "audience": ["web"]}
        config = write_routes(
            folder,
            functions={
                "notes": {"code": "echo", "handler": "app.answers", "environment": {"SECRET": CANARY}},
                "check": {"code": "authorizers", "handler": "app.simple"},
            },
            authorizers={
                "users": jwt,
                "query": jwt | {"identity_source": "$request.querystring.token"},
                "away": jwt | {"issuer": "http://127.0.0.1:9"},
                "keys": {
                    "type": "function",
                    "function": "check",
                    "identity_source": ["$request.header.X-Key"],
                    "ttl": "5m",
                },
            },
            routes={
                "GET /notes": {"auth": "users", "function": "notes", "timeout": "20s"},
                "GET /notes/{id}": {"auth": "users", "scopes": ["notes/admin"], "function": "notes"},
                "GET /query": {"auth": "query", "function": "notes"},
                "GET /away": {"auth": "away", "function": "notes"},
                "GET /keys": {"auth": "keys", "function": "notes"},
                "ANY /open": {"public": True, "function": "notes"},
                "GET /fixed": {
                    "public": True,
                    "respond": {"headers": {"x-secret": "${env:EXPLAINED}"}, "body": "${env:EXPLAINED}"},
                },
                "GET /once": {
                    "public": True,
                    "respond": {"body": "{}"},
                    "throttle": {"rate": 0.001, "burst": 2},
                },
                "GET /mine": {
                    "auth": "users",
                    "function": "notes",
                    "throttle": {"rate": 0.001, "burst": 1, "by": "claim.sub"},
                },
            },
            cors={"allow_origins": [APP], "allow_methods": ["GET"], "allow_headers": ["authorization"]},
        )
        with RunningServer(config, folder / "state", env={"EXPLAINED": CANARY}) as server:
            # One good token brings the keys, and with them the file that is asked offline.
            reply = call(
                server.gateway_address, "/notes", headers={"authorization": f"Bearer {issuer.token()}"}
            )
            assert reply.status == 200
            kept = server.state / "issuers"
            wait_until(lambda: kept.is_dir() and list(kept.glob("*.json")), "the kept keys")
            yield World(server, issuer, folder)


@dataclass(frozen=True)
class Case:
    """:param claims: changes of the token's; None: none is sent. :param code: the command's."""

    status: int
    code: int
    target: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Any] | None = None


PREFLIGHT = {"origin": APP, "access-control-request-method": "GET"}
CASES = {
    "public": Case(200, 0, "/open?a=b"),
    "respond": Case(200, 0, "/fixed", headers={"origin": APP}),
    "no-token": Case(401, 4, "/notes", headers={"origin": APP}),
    "good-token": Case(200, 0, "/notes", claims={}),
    "expired": Case(401, 4, "/notes", claims={"exp": 1}),
    "other-audience": Case(401, 4, "/notes", claims={"aud": "other"}),
    "other-issuer": Case(401, 4, "/notes/7", claims={"iss": "https://other.example.com"}),
    "no-scope": Case(403, 4, "/notes/7", claims={"scope": "notes/read"}),
    "scope": Case(200, 0, "/notes/7", claims={"scope": "notes/read notes/admin"}),
    "in-query": Case(200, 0, "/query", claims={}),
    "not-in-query": Case(401, 4, "/query"),
    "no-key": Case(401, 4, "/keys"),
    "preflight": Case(204, 0, "/notes", method="OPTIONS", headers=PREFLIGHT),
    "foreign-preflight": Case(
        204, 0, "/no", method="OPTIONS", headers=PREFLIGHT | {"origin": "https://evil"}
    ),
    "no-route": Case(404, 1, "/nowhere"),
    "slash": Case(404, 1, "/notes/"),
    "method": Case(404, 1, "/notes", method="DELETE"),
    "head": Case(404, 1, "/notes", method="HEAD"),
    "dots": Case(400, 1, "/notes/%2e%2e", headers={"origin": APP}),
    "encoded-slash": Case(400, 1, "/notes/a%2fb"),
    "raw-bytes": Case(400, 1, "/notes/café"),
    "fragment": Case(400, 1, "/notes#x"),
    "long-target": Case(414, 1, "/notes?" + "a" * 8200),
    "large-field": Case(431, 1, "/notes", headers={"x-large": "a" * 16400}),
    "trace": Case(501, 1, "/notes", method="TRACE"),
    "no-method": Case(400, 1, "/notes", method="FETCH"),
    "large-body": Case(413, 1, "/open", method="POST", headers={"content-length": "10485761"}),
    "large-event": Case(413, 1, "/open", method="POST", headers={"content-length": "6291457"}),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_it_says_what_the_server_does(world: World, case: Case) -> None:
    token = "" if case.claims is None else world.issuer.token(**case.claims)
    words = [word for name, value in case.headers.items() for word in ("--header", f"{name}: {value}")]
    code, found = world.explain(case.method, case.target, *words, token=token)
    status, headers, body = _ask(world.server, case, token)
    assert (status, code) == (case.status, case.code)
    assert found["source"] == "live"
    answer = found["answer"]
    if found["integration"] is not None and found["integration"]["kind"] == "function":
        assert (found["verdict"], answer, status) == ("allowed", None, 200)
        return
    assert answer["status"] == status
    shown = {name: value for name, value in answer["headers"] if value != "<not shown>"}
    assert {name: headers.get(name) for name in shown} == shown
    assert set(headers) - {name for name, _ in answer["headers"]} <= set(NOT_OURS)
    assert answer["body_bytes"] == len(body)
    assert answer["body"] in (None, body.decode())


def _ask(server: RunningServer, case: Case, token: str) -> tuple[int, dict[str, str], bytes]:
    """The same request, as bytes; the id in the answer is replaced."""
    target, headers = case.target, dict(case.headers)
    if token and case.target.startswith("/query"):
        target = f"{target}?token={token}"
    elif token:
        headers["authorization"] = f"Bearer {token}"
    lines = [f"{case.method} {target} HTTP/1.1", "host: localhost", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with RawClient(server.gateway_address, ("\r\n".join(lines) + "\r\n\r\n").encode()) as client:
        head, _, body = client.rest().partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in rest)
    fields["apigw-requestid"] = REQUEST_ID
    return int(first.split(" ")[1]), fields, body


def test_throttle_s_tokens_are_shown_and_not_taken(world: World) -> None:
    def left() -> str:
        code, found = world.explain("GET", "/once")
        assert code == (0 if found["answer"]["status"] == 200 else 1)
        return next(step["sentence"] for step in found["steps"] if step["name"] == "throttle")

    assert left().endswith("2 left")
    assert left().endswith("2 left")
    assert call(world.server.gateway_address, "/once").status == 200
    assert left().endswith("1 left")
    assert call(world.server.gateway_address, "/once").status == 200
    assert left() == "throttled: rate 0.001, burst 2"
    reply = call(world.server.gateway_address, "/once")
    _, found = world.explain("GET", "/once")
    assert (reply.status, found["answer"]["status"], found["reason"]) == (429, 429, "throttled")
    told = dict(map(tuple, found["answer"]["headers"]))["retry-after"]
    assert abs(int(told) - int(reply.headers["retry-after"])) <= 2


def test_kept_answer_of_an_authorizer_decides_and_nobody_is_called(world: World) -> None:
    words = ("GET", "/keys", "--header", f"X-Key: {CANARY}")
    code, found = world.explain(*words)
    assert (code, found["verdict"], found["answer"]) == (5, "unknown", None)
    assert "would call check" in found["sentence"]
    assert found["budget"]["authorizer_s"] == 10
    reply = call(world.server.gateway_address, "/keys", headers={"x-key": CANARY})
    code, found = world.explain(*words)
    assert (reply.status, code, found["answer"]["status"]) == (403, 4, 403)
    assert "by the answer that is kept" in found["steps"][-1]["sentence"]


def test_time_and_function_are_told(world: World) -> None:
    _, found = world.explain("GET", "/notes", token=world.issuer.token())
    assert found["budget"] == {"authorizer_s": 3.0, "integration_s": 20.0, "total_s": 23.0}
    assert found["integration"]["function"] == "notes"
    assert (found["integration"]["memory_mb"], found["integration"]["function_timeout_s"]) == (256, 10.0)


def test_offline_it_uses_the_kept_keys(world: World) -> None:
    token = world.issuer.token()
    config = world.folder / "routes.yaml"
    done = _offline(world, token, "GET", "/notes", "-c", config)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["source"], found["generation"], found["verdict"]) == ("offline", None, "allowed")
    assert json.loads(_offline(world, token, "GET", "/once", "-c", config).stdout)["verdict"] == "allowed"
    fetches = world.issuer.fetches
    empty = _offline(world, token, "GET", "/notes", "-c", config, "--state", world.folder / "none")
    assert (empty.returncode, json.loads(empty.stdout)["verdict"]) == (5, "unknown")
    assert not (world.folder / "none").exists()
    assert world.issuer.fetches == fetches


def _offline(world: World, token: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    state = () if "--state" in words else ("--state", world.server.state)
    return here("explain", *state, *words, "--token", "-", "--json", "--offline", stdin=token)


def test_token_verify_uses_the_kept_keys(world: World) -> None:
    words = (
        "token",
        "verify",
        "-",
        "--json",
        "-c",
        world.folder / "routes.yaml",
        "--state",
        world.server.state,
    )
    good = here(*words, stdin=world.issuer.token())
    assert good.returncode == 0
    rows = {row["authorizer"]: row["verdict"] for row in json.loads(good.stdout)["authorizers"]}
    assert rows == {"users": "accepted", "query": "accepted", "away": "unknown"}
    at = ("--authorizer", "users", "--at", str(int(time.time()) + 7200))
    late = here(*words, *at, stdin=world.issuer.token())
    assert (late.returncode, json.loads(late.stdout)["authorizers"][0]["reason"]) == (4, "token_expired")


def test_token_verify_asks_the_issuer_when_told_to(world: World) -> None:
    words = (
        "token",
        "verify",
        "--issuer",
        world.issuer.url,
        "--audience",
        "web",
        "--state",
        world.folder / "none",
    )
    token = world.issuer.token()
    without = here(*words, stdin=token)
    assert without.returncode == 5
    assert "--fetch asks the issuer" in without.stdout
    fetches = world.issuer.fetches
    asked = here(*words, "--fetch", stdin=token)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert world.issuer.fetches == fetches + 1
    other = world.issuer.token(rsa_key("unheard-of"))
    assert here(*words, "--fetch", stdin=other).returncode == 4


def test_nothing_is_given_away(world: World) -> None:
    """L2: no token, header, cookie, query or value of the environment, in text, in JSON, live, offline, or the log."""
    token = world.issuer.token(sub=CANARY, email=f"{CANARY}@example.com")
    given = ("--header", f"Cookie: a={CANARY}", "--header", f"X-Key: {CANARY}", "--host", "localhost")
    said = ""
    for target in ("/notes", "/query", "/keys", "/fixed", "/open", "/nowhere"):
        for where in (("--live",), ("--offline", "-c", world.folder / "routes.yaml")):
            for form in ((), ("--json",)):
                query = f"{target}?token={CANARY}&x={CANARY}"
                more = (*given, *where, *form, "--state", world.server.state, "--token", "-")
                done = here("explain", "GET", query, *more, stdin=token)
                assert done.returncode in (0, 1, 4, 5), done.stderr
                said += done.stdout + done.stderr
    asked = wait_until(lambda: events(world.server, "admin_action"), "the record of the action")
    assert {each["action"] for each in asked} == {"explain"}
    said += world.server.stderr()
    assert CANARY not in said
    for part in token.split("."):
        assert part not in said


def test_a_question_that_is_none_is_refused_without_repeating_it(world: World) -> None:
    for asked in (
        {},
        {"method": "GET", "target": "/", "from": CANARY},
        {"method": "GET", "target": "/", "from": "192.0.2.7", "token": f"{CANARY}\r\nx: y"},
        {"method": "GET", "target": "/", "from": "192.0.2.7", "headers": [[CANARY]]},
        {"method": "GET", "target": "/", "from": "192.0.2.7", "headers": {"a": CANARY}},
    ):
        reply = act(world.server.endpoints, "explain", json.dumps(asked).encode())
        assert reply.status == 400, asked
        assert CANARY.encode() not in reply.body
    unsigned = call(_admin(world.server), "/explain", method="POST", body=b"{}")
    assert unsigned.status in (401, 403)


def _admin(server: RunningServer) -> tuple[str, int]:
    host, _, port = server.endpoints["admin"].removeprefix("http://").rpartition(":")
    return host, int(port)


def test_an_explanation_leaves_no_access_record(world: World) -> None:
    world.explain("GET", "/only-explained")
    reply = call(world.server.gateway_address, "/open")
    access_record(world.server, reply.request_id)
    assert "/only-explained" not in {record["path"] for record in access_records(world.server)}


def test_without_a_server_live_says_so_and_the_default_is_the_file(world: World, tmp_path: Path) -> None:
    config = write_routes(
        tmp_path, functions={}, routes={"GET /a": {"public": True, "respond": {"body": "{}"}}}
    )
    state = tmp_path / "state"
    live = here("explain", "GET", "/a", "--live", "--state", state)
    assert (live.returncode, live.stdout) == (5, "")
    assert "No server runs" in live.stderr
    done = lockgate("explain", "GET", "/a", "--state", state, env={"LOCKGATE_CONFIG": str(config)})
    assert done.returncode == 0, done.stderr
    assert b"offline" in done.stdout
    both = here("explain", "GET", "/a", "--live", "-c", config, "--state", world.server.state)
    assert (both.returncode, both.stdout) == (2, "")
    config.write_text("version: 2\n")
    wrong = here("explain", "GET", "/a", "-c", config, "--state", state)
    assert wrong.returncode == 3
    assert not state.exists()


def test_a_token_is_not_taken_from_the_command_line(world: World) -> None:
    """L2: `ps` shows arguments to everybody on the machine."""
    token = world.issuer.token()
    explain = ("explain", "GET", "/notes", "--state", world.server.state, "--token")
    for words in (explain, ("token", "decode"), ("token", "verify")):
        done = here(*words, token)
        assert (done.returncode, done.stdout) == (2, "")
        assert "not taken from the command line" in done.stderr
        assert token not in done.stderr
    assert lockgate(*explain, "-", stdin=token.encode()).returncode == 0


def test_token_needs_no_part_of_the_server() -> None:
    """It starts as quickly as it can: imports are most of its time."""
    code = "import lockgate.commands.token, sys; print('uvicorn' in sys.modules, 'executor.executor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)
    assert done.stdout.split() == [b"False", b"False"]
