"""The login pages' own listener: over TLS, on a socket that somebody else holds, and behind an executor by itself."""

import os
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import orjson
import pytest

from tests.support.observed import wait_until
from tests.support.plain_http import address_of, call
from tests.support.server import RunningServer, lockgate
from tests.support.tls_pair import make_pair

pytestmark = pytest.mark.timeout(60)

FILE = """version: 1
user_pools:
  main:
    sign_in_with: [email]
    clients:
      web: {id: notesweb, flows: [code], redirect_uris: ["http://localhost:8080/"], scopes: [openid]}
routes: {GET /: {public: true, respond: {body: a}}}
"""
ASKED = urlencode(
    {
        "client_id": "notesweb", "response_type": "code", "redirect_uri": "http://localhost:8080/",
        "scope": "openid", "code_challenge": "a" * 43, "code_challenge_method": "S256",
    }
)  # fmt: skip


def written(folder: Path) -> Path:
    path = folder / "routes.yaml"
    path.write_text(FILE)
    return path


def discovery(endpoints: dict[str, object]) -> str:
    pools = endpoints["user_pools"]
    assert isinstance(pools, dict)
    return f"/{pools['main']['id']}/.well-known/openid-configuration"


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_over_tls_issuers_are_https_and_cookies_are_the_hosts(tmp_path: Path, command: str) -> None:
    """B2: `dev` with a certificate of its own making, `serve` with one that it is given."""
    extra: tuple[str, ...] = ("--tls",)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    if command == "serve":
        pair = make_pair(tmp_path / "tls")
        extra, trusting = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key)), pair.trusting()
    running = RunningServer(written(tmp_path), tmp_path / "state", extra=extra, command=command)
    with running as server:
        auth = server.endpoints["auth"]
        assert auth.startswith("https://")
        host, _, port = auth.removeprefix("https://").rpartition(":")
        connection = HTTPSConnection(host, int(port), context=trusting, timeout=15)
        try:
            connection.request("GET", discovery(server.endpoints))
            document = orjson.loads(connection.getresponse().read())
            connection.request("GET", f"/login?{ASKED}")
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
    assert document["issuer"] == f"{auth}/{server.endpoints['user_pools']['main']['id']}"
    cookies = answer.headers.get_all("set-cookie") or []
    assert answer.status == 200
    assert cookies
    assert all(each.startswith("__Host-") and "secure" in each.lower() for each in cookies)
    assert answer.headers["strict-transport-security"]


@pytest.mark.parametrize("extra", [(), ("--workers", "1")], ids=["one-process", "edge"])
def test_socket_of_a_service_manager_is_listened_on(tmp_path: Path, extra: tuple[str, ...]) -> None:
    with ExitStack() as held:
        names = ("gateway", "auth", "control", "admin")
        sockets = {name: held.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        running = RunningServer(written(tmp_path), tmp_path / "state", extra=extra, inherited=sockets)
        with running as server:
            host, port = sockets["auth"].getsockname()
            assert server.endpoints["auth"] == f"http://{host}:{port}"
            assert call((host, port), discovery(server.endpoints)).status == 200


def test_edge_of_an_executor_by_itself_serves_login_pages(tmp_path: Path) -> None:
    state, url = tmp_path / "state", f"unix:{tmp_path}/x.sock"
    executor = ("executor", "--socket", url, "--driver", "process", "-c", written(tmp_path), "--state", state)
    edge = ("serve", "--executor-url", url, "--gateway", "127.0.0.1:0", "--auth", "127.0.0.1:0")
    operators = ("--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    with ExitStack() as held:
        started = [
            held.enter_context(Part(tmp_path, *words))
            for words in ((*executor, *operators), (*edge, "--state", state))
        ]
        assert [part.is_ready() for part in started] == [True, True]

        def told() -> dict[str, object]:
            done = lockgate("env", "--json", "--state", state)
            found: dict[str, object] = orjson.loads(done.stdout) if done.returncode == 0 else {}
            return found if found.get("auth") else {}

        endpoints = wait_until(told, "where the login pages are")
        address = address_of(str(endpoints["auth"]))
        assert call(address, discovery(endpoints)).status == 200
        assert call(address, f"/login?{ASKED}").status == 200


class Part:
    """One process of several."""

    def __init__(self, folder: Path, *words: str | Path) -> None:
        with (folder / "stderr.log").open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lockgate.cli", *map(str, words)], stdout=subprocess.PIPE, stderr=stderr,
                env=os.environ.copy(),
            )  # fmt: skip

    def is_ready(self) -> bool:
        assert self._process.stdout is not None
        return self._process.stdout.readline() == b"ready\n"

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
