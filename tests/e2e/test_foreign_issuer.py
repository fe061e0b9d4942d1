"""Tokens of an issuer that others wrote (npm's oidc-provider), through its rotations, absences and ours."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.foreign_issuer import AUDIENCE, foreign_issuer
from tests.support.jwt_door import BODIES, ask, authorizer_of, expect_refusal, invalid
from tests.support.jwt_world import claims, make_token, rsa_key
from tests.support.observed import events, metrics, wait_until
from tests.support.plain_http import call
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import reserved_port
from tests.support.server import RunningServer

SCOPE = "notes/read"
BACK_WITHIN_S = 10.0  # R4

pytestmark = [pytest.mark.timeout(90), pytest.mark.xdist_group("foreign-issuer")]


@contextmanager
def serving(folder: Path, issuer: str) -> Iterator[RunningServer]:
    """A server for that issuer; one after another in a folder have one state."""
    if not (folder / "echo").exists():
        copy_function("echo", folder)
    config = write_routes(
        folder,
        functions={"echo": {"code": "echo", "handler": "app.answers"}},
        routes={
            "GET /notes": {"function": "echo", "auth": "users"},
            "GET /read": {"function": "echo", "auth": "users", "scopes": [SCOPE]},
            "GET /write": {"function": "echo", "auth": "users", "scopes": ["notes/write"]},
            "GET /open": {"public": True, "respond": {"body": "open"}},
        },
        authorizers={"users": {"type": "jwt", "issuer": issuer, "audience": [AUDIENCE]}},
    )
    with RunningServer(config, folder / "state") as server:
        yield server


def head_of(token: str) -> dict[str, str]:
    head = token.split(".")[0]
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found


def status(server: RunningServer, token: str, path: str = "/notes") -> int:
    return ask(server, path, f"Bearer {token}").status


def fetches(server: RunningServer, issuer: str, result: str) -> float:
    return metrics(server)[f'lockgate_gateway_issuer_fetches_total{{issuer="{issuer}",result="{result}"}}']


def test_its_tokens_are_accepted_also_after_a_rotation(tmp_path: Path) -> None:
    """J15: client credentials for a resource; a new key is found when the first token names it, the old one stays."""
    with foreign_issuer() as provider, serving(tmp_path, provider.issuer) as server:
        old = provider.token(SCOPE)
        jwt = authorizer_of(ask(server, "/read", f"Bearer {old}"))["jwt"]
        assert head_of(old)["typ"] == "at+jwt"
        assert jwt["scopes"] == [SCOPE]
        told = {name: jwt["claims"][name] for name in ("iss", "aud", "client_id", "scope", "sub")}
        assert told == {
            "iss": provider.issuer, "aud": AUDIENCE, "client_id": "notes-app", "scope": SCOPE, "sub": "notes-app",
        }  # fmt: skip
        assert jwt["claims"]["exp"].isdigit()
        assert status(server, old, "/write") == 403
        assert status(server, provider.token(SCOPE, "notes/write"), "/write") == 200
        assert status(server, old[:-8] + "AAAAAAAA") == 401

        provider.rotate()
        new = provider.token(SCOPE)
        assert head_of(new)["kid"] != head_of(old)["kid"]
        assert (status(server, new), status(server, old)) == (200, 200)
        assert fetches(server, provider.issuer, "success") == 2


def test_tokens_outlive_their_issuer_and_our_restart(tmp_path: Path) -> None:
    """J15: while it is away its keys are used on, after a restart of ours from the state; another key is 401."""
    with foreign_issuer() as provider, serving(tmp_path, provider.issuer) as server:
        known, late = provider.token(SCOPE), provider.token(SCOPE)
        assert status(server, known) == 200
        wait_until(lambda: list((tmp_path / "state" / "issuers").glob("*.json")), "the keys on disk")
        provider.kill()
        assert (status(server, known), status(server, late)) == (200, 200)
    with serving(tmp_path, provider.issuer) as server:
        wait_until(lambda: fetches(server, provider.issuer, "discovery_failed"), "a fetch that fails")
        for token in (known, late):
            assert authorizer_of(ask(server, "/read", token))["jwt"]["scopes"] == [SCOPE]
        assert status(server, late[:-8] + "AAAAAAAA") == 401
        assert ask(server, "/notes").status == 401
        assert metrics(server)[f'lockgate_gateway_issuer_keys{{issuer="{provider.issuer}"}}'] == 1


def test_an_issuer_that_was_never_there_and_comes(tmp_path: Path) -> None:
    """R4: 503 that says why and when to come again, other routes as ever, and recovery without a restart."""
    with reserved_port() as port, serving(tmp_path, f"http://127.0.0.1:{port}") as server:
        stranger = token_of_nobody(f"http://127.0.0.1:{port}")
        refused = ask(server, "/notes", f"Bearer {stranger}")
        why = invalid("OIDC discovery endpoint communication error")
        record = expect_refusal(server, refused, 503, "keys_unavailable", why)
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        assert f"http://127.0.0.1:{port}" in record["authorizer.error"]
        assert ask(server, "/notes").status == 401, "who brings no token is told so"
        assert call(server.gateway_address, "/open").status == 200
        wait_until(lambda: events(server, "keys_failed"), "what the log says of it")

        with foreign_issuer(port) as provider:
            token = provider.token(SCOPE)
            wait_until(accepts(server, token), "recovery", BACK_WITHIN_S)
            assert status(server, stranger) == 401


def accepts(server: RunningServer, token: str) -> Callable[[], bool]:
    def look() -> bool:
        reply = ask(server, "/notes", f"Bearer {token}")
        assert reply.status == 200 or (reply.status, reply.body) == (503, BODIES[503])
        return reply.status == 200

    return look


def token_of_nobody(issuer: str) -> str:
    return make_token(rsa_key(), claims(iss=issuer, aud=AUDIENCE))
