"""User pools of a real server, in one process and in several: declared, administered by commands, believed."""

import io
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli import main
from lockgate.configuration import load_or_explain
from lockgate.people import prepare_people
from tests.support.observed import metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.server import RunningServer, ServerFailed, lockgate

pytestmark = pytest.mark.timeout(90)

FILE = """version: 1
user_pools:
  main:
    sign_in_with: [email]
    password: {min_length: 8}
    groups: [admins]
    resource_servers: {notes: {read: Read notes}}
    clients:
      web: {flows: [code], redirect_uris: ["http://localhost:8080/"], scopes: [openid, email, notes/read]}
      jobs: {flows: [client_credentials], secret: generate, scopes: [notes/read]}
authorizers:
  users: {type: jwt, user_pool: main, clients: [web, jobs]}
routes:
  GET /open: {public: true, respond: {body: open}}
  GET /notes: {auth: users, scopes: [notes/read], respond: {body: secret}}
"""
PASSWORD = b"correct horse battery\n"


@pytest.fixture(scope="module", params=[(), ("--workers", "2")], ids=["one-process", "two-workers"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("pools")
    (folder / "routes.yaml").write_text(FILE)
    with RunningServer(folder / "routes.yaml", folder / "state", extra=request.param) as server:
        yield server


def run(server: RunningServer, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command, in this process: a fresh interpreter for each takes a second."""
    out, err, typed = io.StringIO(), io.StringIO(), io.StringIO(stdin.decode())
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", typed)
        code = main([*words, "-c", str(server.config), "--state", str(server.state)])
    return subprocess.CompletedProcess(words, code, out.getvalue().encode(), err.getvalue().encode())


def told(server: RunningServer, *words: str, stdin: bytes = b"") -> Any:  # Any: JSON
    done = run(server, *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def auth_call(server: RunningServer, path: str, **how: Any) -> Reply:
    return call(address_of(server.endpoints["auth"]), path, **how)


def notes(server: RunningServer, token: str | None) -> int:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return call(server.gateway_address, "/notes", headers=headers).status


def person(server: RunningServer, name: str) -> str:
    """Add one and give their sub."""
    return str(told(server, "user", "add", f"{name}@example.com", stdin=PASSWORD)["sub"])


def test_discovery_and_keys_are_where_env_says(server: RunningServer) -> None:
    pool = server.endpoints["user_pools"]["main"]
    endpoints = server.endpoints
    assert endpoints["endpoints"]["cognito_idp"] == endpoints["auth"]
    assert endpoints["endpoints"]["cognito_idp_admin"] == endpoints["control"]
    document = auth_call(server, f"/{pool['id']}/.well-known/openid-configuration").json()
    assert (document["issuer"], document["jwks_uri"]) == (pool["issuer"], pool["jwks_uri"])
    assert len(auth_call(server, f"/{pool['id']}/.well-known/jwks.json").json()["keys"]) == 4  # J17
    assert auth_call(server, "/us-east-1_Nobody/.well-known/jwks.json").status == 404


def test_issued_token_opens_what_none_opens_without(server: RunningServer) -> None:
    person(server, "ada")
    done = run(server, "token", "issue", "--client", "web", "--user", "ada@example.com")
    assert done.returncode == 0, done.stderr
    assert notes(server, done.stdout.decode().strip()) == 200
    assert notes(server, None) == 401
    assert notes(server, "e30.e30.e30") == 401
    machine = told(server, "token", "issue", "--client", "jobs")
    assert notes(server, machine["access_token"]) == 200
    assert "id_token" not in machine


def test_issued_token_without_the_scope_is_forbidden(server: RunningServer) -> None:
    person(server, "bob")
    words = ("token", "issue", "--client", "web", "--user", "bob@example.com", "--scope", "openid")
    assert notes(server, told(server, *words)["access_token"]) == 403


def test_rotated_keys_sign_at_once_and_old_tokens_live_on(server: RunningServer) -> None:
    """J17: without a restart; the key before stays published."""
    before = told(server, "token", "issue", "--client", "jobs")["access_token"]
    assert run(server, "keys", "rotate").returncode == 5  # verifiers may not know the next one yet
    keys = told(server, "keys", "rotate", "--use", "access", "--now")
    assert [key["state"] for key in keys if key["use"] == "access"] == ["current", "next", "retired"]
    after = told(server, "token", "issue", "--client", "jobs")["access_token"]
    wait_until(lambda: notes(server, after) == 200, "the new key is known")
    assert notes(server, before) == 200


def test_life_of_a_user(server: RunningServer) -> None:
    """Exit code 2 for what was asked wrongly, 5 for what cannot be done."""
    sub = person(server, "eve")
    taken = run(server, "user", "add", "eve@example.com", stdin=PASSWORD)
    assert (taken.returncode, b"already exists" in taken.stderr) == (2, True)
    assert run(server, "user", "add", "short@example.com", stdin=b"short\n").returncode == 2
    assert told(server, "user", "group", "eve@example.com", "admins") == {"sub": sub, "action": "group"}
    assert run(server, "user", "group", "eve@example.com", "nobodies").returncode == 2
    shown = told(server, "user", "show", "eve@example.com")
    assert shown["groups"] == ["admins"]
    assert shown["attributes"] == {"email": "eve@example.com", "email_verified": "true"}
    assert sub in {each["sub"] for each in told(server, "user", "list")}
    assert [each["sub"] for each in told(server, "user", "list", "--group", "admins")] == [sub]
    told(server, "user", "disable", sub)
    refused = run(server, "token", "issue", "--client", "web", "--user", sub)
    assert (refused.returncode, refused.stdout) == (5, b"")
    told(server, "user", "enable", sub)
    told(server, "user", "passwd", sub, stdin=b"another good one\n")
    assert run(server, "user", "delete", sub).returncode == 2
    told(server, "user", "delete", sub, "--yes")
    assert run(server, "user", "show", sub).returncode == 2


def test_client_secret_is_shown_by_command_only(server: RunningServer) -> None:
    """A17: `env` has it with --secrets, what the server has published never."""
    secret = told(server, "client", "secret", "jobs")["secret"]
    assert len(secret) >= 22
    assert run(server, "client", "secret", "web").returncode == 2
    assert secret not in (server.state / "endpoints.json").read_text()
    plain = lockgate("env", "--json", "--state", server.state).stdout.decode()
    assert secret not in plain
    full = lockgate(
        "env", "--json", "--secrets", "--state", server.state, "-c", server.config
    ).stdout.decode()
    assert json.loads(full)["user_pools"]["main"]["clients"]["jobs"]["secret"] == secret
    assert told(server, "client", "secret", "jobs", "--new")["secret"] != secret


def test_pools_are_listed_and_declared_ones_stay(server: RunningServer) -> None:
    (pool,) = told(server, "pool", "list")
    assert (pool["name"], pool["id"]) == ("main", server.endpoints["user_pools"]["main"]["id"])
    assert run(server, "pool", "delete", "main", "--yes").returncode == 2


def test_answers_are_marked_and_cannot_be_framed(server: RunningServer) -> None:
    """B4: whatever it is that answers."""
    for path, status in (("/nothing", 404), ("/oauth2/token", 405), ("/login", 400)):
        answer = auth_call(server, path)
        assert answer.status == status, path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-amzn-requestid"]


def test_a_large_form_is_refused(server: RunningServer) -> None:
    """A16: 64 KiB, whoever counts."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"a=" + b"b" * (64 * 1024)
    assert auth_call(server, "/oauth2/token", method="POST", body=body, headers=headers).status == 413
    assert auth_call(server, "/oauth2/token", method="POST", body=body[:1000], headers=headers).status in (
        400,
        401,
    )


def test_numbers_have_bounded_labels(server: RunningServer) -> None:
    """L3: what is asked for does not become a label."""
    for number in range(5):
        auth_call(server, f"/random-{number}")
    found = metrics(server)
    assert not [name for name in found if "random-" in name]
    assert [
        name for name in found if name.startswith("lockgate_auth_requests_total") and 'route="none"' in name
    ]


def test_reload_declares_and_a_bad_one_changes_nothing(server: RunningServer) -> None:
    person(server, "kay")
    renamed = FILE.replace("  main:", "  other:").replace("user_pool: main", "user_pool: other")
    server.config.write_text(renamed)
    try:
        refused = lockgate("reload", "--state", server.state)
        assert refused.returncode == 3, refused.stderr
        assert [pool["name"] for pool in told_without_file(server, "pool", "list")] == ["main"]
        server.config.write_text(FILE.replace("groups: [admins]", "groups: [admins, staff]"))
        assert lockgate("reload", "--state", server.state).returncode == 0
        told(server, "user", "group", "kay@example.com", "staff")
    finally:
        server.config.write_text(FILE)
        assert lockgate("reload", "--state", server.state).returncode == 0
    token = told(server, "token", "issue", "--client", "web", "--user", "kay@example.com")
    assert notes(server, token["access_token"]) == 200


def told_without_file(server: RunningServer, *words: str) -> Any:  # Any: JSON
    done = subprocess.run(
        [sys.executable, "-m", "lockgate.cli", *words, "--json", "--state", str(server.state)],
        capture_output=True, cwd=server.state, timeout=30,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_state_has_nothing_that_others_can_read(server: RunningServer) -> None:
    for path in (server.state / "key", server.state / "auth", server.state / "auth/auth.db"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_without_pools_nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: {GET /: {public: true, respond: {body: a}}}\n")
    with RunningServer(tmp_path / "routes.yaml", tmp_path / "state") as server:
        assert server.endpoints["auth"] is None
        assert server.endpoints["user_pools"] == {}
        server.config.write_text(FILE)
        refused = lockgate("reload", "--state", server.state)
        assert (refused.returncode, b"restart it" in refused.stderr) == (3, True)
    done = lockgate("user", "list", "--state", tmp_path / "state")
    assert (done.returncode, b"no user pools" in done.stderr) == (5, True)


def test_plain_http_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    """B2: unless the public address is https, because somebody in front speaks TLS."""
    (tmp_path / "routes.yaml").write_text(FILE)
    with pytest.raises(ServerFailed, match="exit 3") as caught:
        RunningServer(tmp_path / "routes.yaml", tmp_path / "state", extra=("--auth", "0.0.0.0:0")).start()
    assert "plain http" in str(caught.value)
    (tmp_path / "routes.yaml").write_text(FILE + "server: {auth_url: https://login.example.com}\n")
    started = RunningServer(tmp_path / "routes.yaml", tmp_path / "state", extra=("--auth", "0.0.0.0:0"))
    with started as server:
        assert server.endpoints["auth"] == "https://login.example.com"


def test_a_key_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(FILE)
    file = load_or_explain([tmp_path / "routes.yaml"])

    def begin() -> None:  # what a server does before all else
        prepare_people(file, tmp_path / "state", auth_url="http://127.0.0.1:8081")

    (tmp_path / "state").mkdir(mode=0o700)
    begin()
    (tmp_path / "state" / "key").rename(tmp_path / "kept")
    with pytest.raises(ServerFailed, match="exit 5") as caught:
        RunningServer(tmp_path / "routes.yaml", tmp_path / "state").start()
    assert "key" in str(caught.value)
    (tmp_path / "kept").rename(tmp_path / "state" / "key")
    begin()
