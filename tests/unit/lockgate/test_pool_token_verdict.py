"""``lockgate token verify`` of a pool's token: the keys that a server has left, no server, no database."""

import json
import time
from pathlib import Path

import pytest

from gateway.issuers.key_cache import KeyCache
from gateway.issuers.source import Published
from lockgate.cli import main
from lockgate.config.pool_ids import client_id
from tests.support.jwt_world import claims, jwks, make_token, rsa_key
from tests.support.routes_file import write_routes

POOL = "us-east-1_Main00001"
AUTH_URL = "https://auth.example.com"
ISSUER = f"{AUTH_URL}/{POOL}"


def routes(folder: Path) -> Path:
    client = {"flows": ["code"], "redirect_uris": ["https://app.example.com/"]}
    return write_routes(
        folder,
        functions={},
        server={"auth_url": AUTH_URL},
        user_pools={"main": {"id": POOL, "clients": {"web": client, "other": client}}},
        authorizers={"users": {"type": "jwt", "user_pool": "main", "clients": ["web"]}},
        routes={"GET /a": {"auth": "users", "respond": {"body": "{}"}}},
    )


def verify(folder: Path, capsys: pytest.CaptureFixture[str], token: str) -> tuple[int, dict[str, object]]:
    file = folder / "token"
    file.write_text(token)
    words = ["token", "verify", str(file), "--config", str(routes(folder)), "--state", str(folder / "state")]
    code = main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    return code, found["authorizers"][0]


def token_for(client: str) -> str:
    now_s = int(time.time())
    return make_token(
        rsa_key("a"),
        claims(iss=ISSUER, aud=None, client_id=client_id(POOL, client), iat=now_s, exp=now_s + 60),
    )


@pytest.mark.parametrize(("client", "code", "verdict"), [("web", 0, "accepted"), ("other", 4, "refused")])
def test_a_pools_token_is_judged_by_kept_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], client: str, code: int, verdict: str
) -> None:
    """J11: the authorizer names one client; a token of the pool's other one is not for it. However old the file is."""
    published = Published.read(f"{ISSUER}/.well-known/jwks.json", jwks(rsa_key("a")), ("RS256",))
    KeyCache(tmp_path / "state" / "issuers").save(ISSUER, published, time.time() - 3 * 86400)
    found_code, row = verify(tmp_path, capsys, token_for(client))
    assert (found_code, row["verdict"], row["issuer"]) == (code, verdict, ISSUER)


def test_without_kept_keys_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, row = verify(tmp_path, capsys, token_for("web"))
    assert (code, row["verdict"]) == (5, "unknown")
