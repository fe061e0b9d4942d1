"""When the database does not answer, and what is written down of all this."""

import logging
from typing import NoReturn

import httpx
import pytest

from auth.errors import Unavailable
from tests.support.oauth_world import SECRET, Browser, OAuthWorld, basic, code_request
from tests.support.oidf import exchange, signed_in, userinfo


def gone(*_: object, **__: object) -> NoReturn:
    raise Unavailable(detail="the database does not answer")


def test_programs_are_told_to_try_again(
    world: OAuthWorld, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R4: 503 and when; pages may read it (A27). A code that was not redeemed is good afterwards."""
    code = browser.answer(code_request())["code"]
    with monkeypatch.context() as broken:
        broken.setattr(world.store.grants, "redeem", gone)
        refused = exchange(world, code)

    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["access-control-allow-origin"] == "*"
    assert exchange(world, code).status_code == 200


def test_keys_are_served_without_the_database(world: OAuthWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4: whoever verifies tokens needs no database of ours."""
    world.clock.advance(60)
    monkeypatch.setattr(world.store.keys, "version", gone)
    monkeypatch.setattr(world.store.pools, "version", gone)

    with httpx.Client(base_url=world.issuer, trust_env=False) as http:
        keys = http.get("/.well-known/jwks.json")
        metadata = http.get("/.well-known/openid-configuration")

    assert len(keys.json()["keys"]) == 4
    assert metadata.json()["issuer"] == world.issuer


def test_page_says_it_when_authorize_cannot(
    world: OAuthWorld, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R4: on our own page: nothing says that the address is the client's until the question was read."""
    signed_in(browser)
    monkeypatch.setattr(world.store.browser_sessions, "get", gone)

    response = browser.http.get("/oauth2/authorize", params=code_request(), headers={"accept": "text/html"})

    assert response.status_code == 503
    assert "location" not in response.headers


def test_log_has_no_secret(world: OAuthWorld, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """L2: at DEBUG, through good and bad requests: no code, token, secret or query."""
    with caplog.at_level(logging.DEBUG):
        code = browser.answer(code_request(state="canary-state"))["code"]
        tokens = exchange(world, code).json()
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        with httpx.Client(base_url=world.url, headers={"authorization": basic()}, trust_env=False) as http:
            http.post("/oauth2/token", data=form)
            http.post("/oauth2/revoke", data={"token": tokens["refresh_token"]})
            http.post("/oauth2/token", data=form)
        exchange(world, code)
        userinfo(world, tokens["access_token"])
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    )

    for secret in (code, "canary-state", SECRET, basic(), *tokens.values()):
        assert isinstance(secret, int) or secret == "Bearer" or secret not in ours


def test_audit_tells_of_refusals(world: OAuthWorld, browser: Browser) -> None:
    """L4: a wrong secret, a revocation, a token that is used after it; none of them with the token."""
    tokens, _ = signed_in(browser)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        http.post("/oauth2/token", data=form, headers={"authorization": basic(secret="wrong")})
        http.post("/oauth2/revoke", data={"token": form["refresh_token"]}, headers={"authorization": basic()})
        http.post("/oauth2/token", data=form, headers={"authorization": basic()})

    records = world.store.audit.read(limit=3)

    assert [(record.action, record.result) for record in records] == [
        ("token_reused", "refused"),
        ("token_revoked", "ok"),
        ("client_refused", "refused"),
    ]
    assert {record.source_ip for record in records} == {"127.0.0.1"}
    assert form["refresh_token"] not in str(records)
