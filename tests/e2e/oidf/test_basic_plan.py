"""The modules of the OpenID Foundation's basic plan, re-written: one test a module, under the module's name.

`test_whole_plan_is_here` holds the list. A module that does not apply is there with its reason.
"""

import base64
import json
import sys

import httpx
import pytest

from tests.support.oauth_world import (
    CALLBACK,
    OTHER_SUB,
    SUB,
    Browser,
    OAuthWorld,
    answer_of,
    basic,
    code_request,
    public_request,
)
from tests.support.oidf import completed, exchange, exchange_post, id_claims, signed_in, userinfo

# oidcc-basic-certification-test-plan, in its order.
PLAN = [
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-ensure-other-scope-order-succeeds",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-claims-essential",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
]

NOT_HERE = {
    "oidcc-idtoken-unsigned": "registers a client that wants alg none; the plan drops it for static clients",
    "oidcc-scope-address": "runs where scopes_supported has address; here, as at Cognito, profile opens it",
    "oidcc-scope-all": "runs where scopes_supported has address",
}


def test_whole_plan_is_here() -> None:
    here = {
        name.removeprefix("test_") for name in vars(sys.modules[__name__]) if name.startswith("test_oidcc")
    }

    assert {name.replace("-", "_") for name in PLAN if name not in NOT_HERE} == here


def test_oidcc_server(browser: Browser) -> None:
    tokens, claims = signed_in(browser)

    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == claims["exp"] - claims["iat"] == 3600
    assert (claims["sub"], claims["token_use"]) == (SUB, "id")


def test_oidcc_response_type_missing(browser: Browser) -> None:
    answer = browser.answer(
        {name: value for name, value in code_request().items() if name != "response_type"}
    )

    assert (answer["error"], answer["state"]) == ("invalid_request", "of-the-client")
    assert "/login" not in browser.pages


def test_oidcc_idtoken_signature(world: OAuthWorld, browser: Browser) -> None:
    tokens, claims = signed_in(browser)
    head, _, signature = tokens["id_token"].split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": OTHER_SUB}).encode()).rstrip(b"=").decode()

    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
    hint = browser.answer(code_request(prompt="none", id_token_hint=f"{head}.{forged}.{signature}"))
    assert hint["error"] == "invalid_request"


def test_oidcc_userinfo_get(world: OAuthWorld, browser: Browser) -> None:
    tokens, _ = signed_in(browser)

    response = userinfo(world, tokens["access_token"])

    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    assert response.json() == {"sub": SUB, "username": "ada"}


def test_oidcc_userinfo_post_header(world: OAuthWorld, browser: Browser) -> None:
    tokens, _ = signed_in(browser)

    response = httpx.post(
        f"{world.url}/oauth2/userInfo",
        headers={"authorization": f"Bearer {tokens['access_token']}"},
        trust_env=False,
    )

    assert response.json()["sub"] == SUB


def test_oidcc_userinfo_post_body(world: OAuthWorld, browser: Browser) -> None:
    tokens, _ = signed_in(browser)

    response = httpx.post(
        f"{world.url}/oauth2/userInfo", data={"access_token": tokens["access_token"]}, trust_env=False
    )

    assert response.json()["sub"] == SUB


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(browser: Browser) -> None:
    _, claims = signed_in(browser, nonce="")

    assert "nonce" not in claims


def test_oidcc_scope_profile(world: OAuthWorld, browser: Browser) -> None:
    tokens, _ = signed_in(browser, scope="openid profile")

    claims = userinfo(world, tokens["access_token"]).json()

    assert (claims["name"], claims["updated_at"]) == ("Ada Example", 1700000000)
    assert claims["address"] == {"formatted": "1 Example Street"}
    assert not {"email", "phone_number"} & claims.keys()


def test_oidcc_scope_email(world: OAuthWorld, browser: Browser) -> None:
    """Text where the standard has a boolean: Cognito's wire, which its clients compare with."""
    tokens, claims = signed_in(browser, scope="openid email")

    at_userinfo = userinfo(world, tokens["access_token"]).json()

    assert (at_userinfo["email"], at_userinfo["email_verified"]) == ("ada@example.com", "true")
    assert (claims["email"], claims["email_verified"]) == ("ada@example.com", True)
    assert "name" not in at_userinfo


def test_oidcc_scope_phone(world: OAuthWorld, browser: Browser) -> None:
    tokens, claims = signed_in(browser, scope="openid phone")

    at_userinfo = userinfo(world, tokens["access_token"]).json()

    assert (at_userinfo["phone_number"], at_userinfo["phone_number_verified"]) == ("+15551234567", "false")
    assert claims["phone_number_verified"] is False


def test_oidcc_ensure_other_scope_order_succeeds(browser: Browser) -> None:
    _, claims = signed_in(browser, scope="email openid")

    assert claims["email"] == "ada@example.com"


@pytest.mark.parametrize("display", ["page"])
def test_oidcc_display_page(browser: Browser, display: str) -> None:
    assert signed_in(browser, display=display)[1]["sub"] == SUB


def test_oidcc_display_popup(browser: Browser) -> None:
    assert signed_in(browser, display="popup")[1]["sub"] == SUB


def test_oidcc_prompt_login(world: OAuthWorld, browser: Browser) -> None:
    _, first = signed_in(browser)
    world.clock.advance(2)
    browser.pages.clear()

    _, second = signed_in(browser, prompt="login")

    assert browser.pages == ["/login"]
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_prompt_none_not_logged_in(browser: Browser) -> None:
    answer = browser.answer(code_request(prompt="none"))

    assert (answer["error"], answer["state"]) == ("login_required", "of-the-client")
    assert answer["iss"] == browser.world.issuer


def test_oidcc_prompt_none_logged_in(world: OAuthWorld, browser: Browser) -> None:
    _, first = signed_in(browser)
    world.clock.advance(2)

    _, second = signed_in(browser, prompt="none")

    assert browser.pages == ["/login"]
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_max_age_1(world: OAuthWorld, browser: Browser) -> None:
    _, first = signed_in(browser)
    world.clock.advance(2)

    _, second = signed_in(browser, max_age="1")

    assert browser.pages == ["/login", "/login"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_max_age_10000(world: OAuthWorld, browser: Browser) -> None:
    _, first = signed_in(browser, max_age="10000")
    world.clock.advance(2)

    _, second = signed_in(browser, max_age="10000")

    assert browser.pages == ["/login"]
    assert second["auth_time"] == first["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(browser: Browser) -> None:
    assert signed_in(browser, extra="foobar")[1]["sub"] == SUB


def test_oidcc_id_token_hint(browser: Browser) -> None:
    tokens, first = signed_in(browser)

    _, second = signed_in(browser, prompt="none", id_token_hint=tokens["id_token"])

    assert second["sub"] == first["sub"]


def test_oidcc_login_hint(browser: Browser) -> None:
    response = browser.http.get("/oauth2/authorize", params=code_request(login_hint="bob@example.com"))

    assert "bob@example.com" in browser.http.get(response.headers["location"]).text
    assert signed_in(browser, login_hint="bob@example.com")[1]["sub"] == SUB


def test_oidcc_ui_locales(browser: Browser) -> None:
    assert signed_in(browser, ui_locales="se")[1]["sub"] == SUB


def test_oidcc_claims_locales(browser: Browser) -> None:
    assert signed_in(browser, claims_locales="se")[1]["sub"] == SUB


def test_oidcc_ensure_request_with_acr_values_succeeds(browser: Browser) -> None:
    assert signed_in(browser, acr_values="1 2")[1]["sub"] == SUB


def test_oidcc_codereuse(world: OAuthWorld, browser: Browser) -> None:
    code = browser.answer(code_request())["code"]
    assert exchange(world, code).status_code == 200

    again = exchange(world, code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_oidcc_codereuse_30seconds(world: OAuthWorld, browser: Browser) -> None:
    """A6: what the first use gave is revoked by the second; a code used once leaves its tokens alone."""
    untouched, _ = signed_in(browser)
    code = browser.answer(code_request())["code"]
    tokens = exchange(world, code).json()
    assert userinfo(world, tokens["access_token"]).status_code == 200
    world.clock.advance(30)

    again = exchange(world, code)

    assert again.json()["error"] == "invalid_grant"
    assert userinfo(world, tokens["access_token"]).status_code == 401
    assert _refresh(world, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert userinfo(world, untouched["access_token"]).status_code == 200


def test_oidcc_ensure_registered_redirect_uri(browser: Browser) -> None:
    response = browser.authorize(code_request(redirect_uri=f"{CALLBACK}/not-registered"))

    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.headers["content-type"].startswith("text/html")


def test_oidcc_ensure_post_request_succeeds(browser: Browser) -> None:
    """A14: every redirect after a POST is a 303."""
    first = browser.http.post("/oauth2/authorize", data=code_request())

    _, claims = completed(browser, browser.authorize(code_request(), method="POST"))

    assert first.status_code == 303
    assert claims["sub"] == SUB


def test_oidcc_server_client_secret_post(world: OAuthWorld, browser: Browser) -> None:
    response = exchange_post(world, browser.answer(code_request())["code"])

    assert id_claims(world, response.json()["id_token"])["sub"] == SUB


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(browser: Browser) -> None:
    answer = browser.answer(code_request(request_uri="https://app.example/request.jwt"))

    assert answer["error"] == "request_uri_not_supported"


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    browser: Browser,
) -> None:
    assert browser.answer(code_request(request=_unsigned()))["error"] == "request_not_supported"


def test_oidcc_claims_essential(browser: Browser) -> None:
    asked = json.dumps({"userinfo": {"name": {"essential": True}}})

    assert signed_in(browser, claims=asked)[1]["sub"] == SUB


def test_oidcc_ensure_request_object_with_redirect_uri(browser: Browser) -> None:
    request = _unsigned(redirect_uri="https://evil.example/")

    response = browser.authorize(code_request(request=request))

    assert response.headers["location"].startswith(f"{CALLBACK}?error=request_not_supported")


def test_oidcc_refresh_token(world: OAuthWorld, browser: Browser) -> None:
    tokens, first = signed_in(browser)

    refreshed = _refresh(world, tokens["refresh_token"]).json()
    by_another = _refresh(world, tokens["refresh_token"], client_id="confidential2").json()

    second = id_claims(world, refreshed["id_token"])
    assert refreshed["access_token"] != tokens["access_token"]
    same = ("iss", "sub", "aud", "auth_time", "origin_jti")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert "nonce" not in second
    assert by_another["error"] == "invalid_grant"


def test_oidcc_ensure_request_with_valid_pkce_succeeds(world: OAuthWorld, browser: Browser) -> None:
    request, verifier = public_request()

    answer = answer_of(browser.authorize(request | {"client_id": "confidential"}))

    assert exchange(world, answer["code"], code_verifier=verifier).status_code == 200


def _refresh(world: OAuthWorld, token: str, *, client_id: str = "confidential") -> httpx.Response:
    return httpx.post(
        f"{world.url}/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        headers={"authorization": basic(client_id)},
        trust_env=False,
    )


def _unsigned(**claims: str) -> str:
    parts = [{"alg": "none"}, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        + "."
    )
